/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The date of an HTTP field, in the one form that is still sent (IMF-fixdate, RFC 9110,
 * 5.6.7).
 */
#ifndef CODEC_HTTP_DATE_H
#define CODEC_HTTP_DATE_H

#include <stdint.h>

/* Unix time in seconds. 0, or ERROR_INVALID: another form, or no such date. A leap second is
 * the second after it. The day of the week is not compared with the date. */
int http_date_parse(const char *text, int64_t *ret_seconds);

#endif
