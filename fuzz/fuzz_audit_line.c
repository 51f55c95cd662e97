/* SPDX-License-Identifier: Apache-2.0 */
/* What is no entry is refused; an entry is read as it was written, and refused with any
 * bit changed. */
#include "authority/audit_line.h"

#include "base/error.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned char key_bytes[32];
	const struct secret key = {.bytes = key_bytes, .length = sizeof(key_bytes)};
	struct audit_line line = {.seq = 7, .time = 1800000000};
	struct audit_line again;
	struct buf buf;

	(void)audit_line_read(&key, (const char *)data, size, &again);
	if (size > AUDIT_MEMBERS_MAX)
		return 0;
	buf_init(&buf, AUDIT_LINE_MAX + 1);
	if (audit_line_append(&buf, &key, &line, (const char *)data, size) ||
		audit_line_read(&key, buf.data, buf.len - 1, &again) || again.seq != line.seq ||
		memcmp(again.mac, line.mac, sizeof(line.mac)) != 0)
		abort();
	buf.data[size % (buf.len - 1)] ^= 1;
	if (!audit_line_read(&key, buf.data, buf.len - 1, &again))
		abort();
	buf_finish(&buf);
	return 0;
}
