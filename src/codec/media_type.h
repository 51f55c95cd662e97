/* SPDX-License-Identifier: Apache-2.0 */
/* Media types as Content-Type has them (RFC 9110, 8.3.1). Thread-safe. */
#ifndef CODEC_MEDIA_TYPE_H
#define CODEC_MEDIA_TYPE_H

#include <stdbool.h>

/* Whether the field's value is `type`, such as "application/json", whatever its
 * parameters and the case of its letters. */
bool media_type_is(const char *value, const char *type);

#endif
