/* SPDX-License-Identifier: Apache-2.0 */
#include <adit/error.h>

const char *adit_version(void)
{
	return ADIT_VERSION;
}
