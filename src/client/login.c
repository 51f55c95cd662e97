/* SPDX-License-Identifier: Apache-2.0 */
#include "client/login.h"

#include "client/context.h"

int login_begin(struct operation *operation)
{
	(void)report_set(&operation->report, ADIT_ERROR_PERSON,
		"%s: a person has to sign in, and this version of the library can't ask one",
		operation->client->authority);
	return operation_end(operation, ADIT_ERROR_PERSON);
}
