/* SPDX-License-Identifier: Apache-2.0 */
/* base64url and base64 (RFC 4648, 4 and 5). */
#include "codec/base64url.h"

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

enum { NO_DIGIT = 64 };

size_t base64url_encoded_length(size_t length)
{
	return length / 3 * 4 + (length % 3 ? length % 3 + 1 : 0);
}

void base64url_encode(char *text, const void *bytes, size_t length)
{
	const unsigned char *in = bytes;
	size_t left;

	for (left = length; left >= 3; left -= 3, in += 3) {
		*text++ = alphabet[in[0] >> 2];
		*text++ = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
		*text++ = alphabet[(in[1] & 15) << 2 | in[2] >> 6];
		*text++ = alphabet[in[2] & 63];
	}
	if (!left)
		return;
	*text++ = alphabet[in[0] >> 2];
	if (left == 1) {
		*text = alphabet[(in[0] & 3) << 4];
		return;
	}
	*text++ = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
	*text = alphabet[(in[1] & 15) << 2];
}

int base64url_append(struct buf *buf, const void *bytes, size_t length)
{
	size_t size = base64url_encoded_length(length);
	int error = buf_reserve(buf, size);

	if (error)
		return error;
	base64url_encode(buf->data + buf->len, bytes, length);
	buf->len += size;
	buf->data[buf->len] = '\0';
	return 0;
}

/* One more than the value of each character of both alphabets, from '+' on; 0: of
 * none. Looked up, since the processor can't foretell a comparison of what is
 * random. */
static const unsigned char values[] = {63, 0, 63, 0, 64, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62, 0,
	0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
	22, 23, 24, 25, 26, 0, 0, 0, 0, 64, 0, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39,
	40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 52};

/* The value of a character, or NO_DIGIT; the last two digits differ by alphabet. */
static unsigned digit(char c, const char last[2])
{
	unsigned at = (unsigned)(unsigned char)c - '+';
	unsigned value = at < sizeof(values) ? values[at] : 0;

	if (!value || (value > 62 && c != last[value - 63]))
		return NO_DIGIT;
	return value - 1;
}

static int decode(const char *text, size_t length, const char last[2], unsigned char *bytes,
	size_t cap, size_t *ret_length)
{
	size_t tail = length % 4;
	size_t size = length / 4 * 3 + (tail ? tail - 1 : 0);
	uint32_t bits = 0;
	unsigned held = 0;
	size_t at = 0;

	if (tail == 1)
		return ERROR_INVALID;
	if (size > cap)
		return ERROR_LIMIT;
	for (size_t i = 0; i < length; i++) {
		unsigned value = digit(text[i], last);

		if (value == NO_DIGIT)
			return ERROR_INVALID;
		bits = bits << 6 | value;
		held += 6;
		if (held >= 8) {
			held -= 8;
			bytes[at++] = (unsigned char)(bits >> held);
		}
	}
	/* Two texts must not stand for the same bytes. */
	if (bits & ((1u << held) - 1))
		return ERROR_INVALID;
	*ret_length = size;
	return 0;
}

int base64url_decode(
	const char *text, size_t length, unsigned char *bytes, size_t cap, size_t *ret_length)
{
	return decode(text, length, "-_", bytes, cap, ret_length);
}

int base64_decode_any(
	const char *text, size_t length, unsigned char *bytes, size_t cap, size_t *ret_length)
{
	size_t padding = 0;
	bool standard = false;

	while (padding < 2 && padding < length && text[length - 1 - padding] == '=')
		padding++;
	if (padding && length % 4)
		return ERROR_INVALID;
	length -= padding;
	for (size_t i = 0; i < length && !standard; i++)
		standard = text[i] == '+' || text[i] == '/';
	return decode(text, length, standard ? "+/" : "-_", bytes, cap, ret_length);
}
