/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/audit_line.h"

#include "base/error.h"
#include "codec/base64url.h"
#include "jose/crypto.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define SEQ_NAME "{\"seq\":"
#define PREV_NAME ",\"prev\":\""
#define TIME_NAME "\",\"time\":"
#define MAC_NAME ",\"mac\":\""
#define LINE_END "\"}"

enum {
	MAC_MEMBER = sizeof(MAC_NAME) - 1 + AUDIT_MAC_TEXT + sizeof(LINE_END) - 1,
	NUMBER_DIGITS = 18,
};

static_assert((int)AUDIT_MAC_SIZE == (int)CRYPTO_SHA256_SIZE, "the MAC is HMAC-SHA-256");

int audit_key_derive(const struct secret *secret_key, struct secret *ret_key)
{
	static const char label[] = "adit-audit-1";
	const struct crypto_part part = {.bytes = label, .length = sizeof(label)};
	struct secret key = {0};
	int error = secret_init_empty(&key, CRYPTO_SHA256_SIZE);

	if (!error)
		error = crypto_hmac_sha256(secret_key, &part, 1, key.bytes);
	if (error)
		secret_finish(&key);
	else
		*ret_key = key;
	return error;
}

static int compute_mac(const struct secret *key, const char *text, size_t length,
	unsigned char ret_mac[AUDIT_MAC_SIZE])
{
	const struct crypto_part part = {.bytes = text, .length = length};

	return crypto_hmac_sha256(key, &part, 1, ret_mac);
}

int audit_line_append(struct buf *buf, const struct secret *key, struct audit_line *line,
	const char *members, size_t length)
{
	size_t begin = buf->len;
	int error;

	(void)buf_printf(buf, SEQ_NAME "%" PRId64 PREV_NAME, line->seq);
	(void)base64url_append(buf, line->prev, sizeof(line->prev));
	(void)buf_printf(buf, TIME_NAME "%" PRId64 ",", line->time);
	error = buf_append(buf, members, length);
	if (!error)
		error = compute_mac(key, buf->data + begin, buf->len - begin, line->mac);
	if (error)
		return error;
	(void)buf_append_text(buf, MAC_NAME);
	(void)base64url_append(buf, line->mac, sizeof(line->mac));
	return buf_append_text(buf, LINE_END "\n");
}

/* What of the text is still to be read. */
struct rest {
	const char *at;
	const char *end;
};

static bool take_text(struct rest *rest, const char *text)
{
	size_t length = strlen(text);

	if ((size_t)(rest->end - rest->at) < length || memcmp(rest->at, text, length) != 0)
		return false;
	rest->at += length;
	return true;
}

/* As it is written: no sign, no zero before another digit. */
static bool take_number(struct rest *rest, int64_t *ret_number)
{
	const char *begin = rest->at;
	int64_t number = 0;

	while (rest->at < rest->end && *rest->at >= '0' && *rest->at <= '9' &&
		rest->at - begin < NUMBER_DIGITS)
		number = number * 10 + (*rest->at++ - '0');
	if (rest->at == begin || (*begin == '0' && rest->at - begin > 1))
		return false;
	*ret_number = number;
	return true;
}

static bool take_mac(struct rest *rest, unsigned char ret_mac[AUDIT_MAC_SIZE])
{
	size_t length = 0;

	if (rest->end - rest->at < AUDIT_MAC_TEXT ||
		base64url_decode(rest->at, AUDIT_MAC_TEXT, ret_mac, AUDIT_MAC_SIZE, &length))
		return false;
	rest->at += AUDIT_MAC_TEXT;
	return true;
}

int audit_line_read(
	const struct secret *key, const char *text, size_t length, struct audit_line *ret_line)
{
	struct rest rest = {.at = text, .end = text + length};
	struct audit_line line = {0};
	unsigned char mac[AUDIT_MAC_SIZE];
	bool formed;
	int error;

	if (length < MAC_MEMBER || length > AUDIT_LINE_MAX)
		return ERROR_INVALID;
	rest.end -= MAC_MEMBER;
	formed = take_text(&rest, SEQ_NAME) && take_number(&rest, &line.seq) &&
		 take_text(&rest, PREV_NAME) && take_mac(&rest, line.prev) &&
		 take_text(&rest, TIME_NAME) && take_number(&rest, &line.time) &&
		 take_text(&rest, ",");
	rest = (struct rest){.at = text + length - MAC_MEMBER, .end = text + length};
	if (!formed || !take_text(&rest, MAC_NAME) || !take_mac(&rest, line.mac) ||
		!take_text(&rest, LINE_END) || !line.seq)
		return ERROR_INVALID;
	error = compute_mac(key, text, length - MAC_MEMBER, mac);
	if (error)
		return error;
	if (!memory_equal(mac, line.mac, sizeof(mac)))
		return ERROR_REFUSED;
	*ret_line = line;
	return 0;
}
