/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/respond.h"

#include "base/buf.h"
#include "base/random.h"
#include "codec/exposition.h"
#include "codec/json_writer.h"
#include "oauth/error.h"

#include <inttypes.h>
#include <string.h>

#define NEVER_STORED "Cache-Control: no-store\r\nPragma: no-cache\r\n"
#define JSON_TYPE "Content-Type: application/json\r\n"
#define NO_SNIFFING "X-Content-Type-Options: nosniff\r\n"

enum {
	FIELDS_MAX = 512,
	ERROR_BODY_MAX = 1024,
};

int correlation_id_make(char ret_id[CORRELATION_ID_LENGTH + 1])
{
	return random_alphanumeric(ret_id, CORRELATION_ID_LENGTH);
}

/* RFC 6750, 3: what was wrong with a token is said only where there was one. The
 * description is one of ours and needs no escaping. */
static void compose_bearer_challenge(struct buf *fields, const struct error_reply *reply)
{
	(void)buf_append_text(fields, "WWW-Authenticate: Bearer realm=\"adit\"");
	if (reply->challenge == CHALLENGE_BEARER_TOKEN)
		(void)buf_printf(fields, ", error=\"%s\", error_description=\"%s\"", reply->error,
			reply->description);
	(void)buf_append_text(fields, "\r\n");
}

static void compose_error_fields(struct buf *fields, const struct error_reply *reply)
{
	(void)buf_append_text(fields, JSON_TYPE NEVER_STORED NO_SNIFFING);
	if (reply->challenge == CHALLENGE_BEARER || reply->challenge == CHALLENGE_BEARER_TOKEN)
		compose_bearer_challenge(fields, reply);
	if (reply->challenge == CHALLENGE_BASIC)
		(void)buf_append_text(fields, "WWW-Authenticate: Basic realm=\"adit\"\r\n");
	if (reply->retry_after_s)
		(void)buf_printf(fields, "Retry-After: %" PRId64 "\r\n", reply->retry_after_s);
	if (reply->allow)
		(void)buf_printf(fields, "Allow: %s\r\n", reply->allow);
}

static void compose_error_body(struct buf *body, const struct error_reply *reply)
{
	struct json_writer writer;

	json_writer_init(&writer, body);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "error", reply->error);
	json_write_text(&writer, "error_description", reply->description);
	json_write_text(&writer, "correlation_id", reply->correlation_id);
	json_write_object_end(&writer);
}

void respond_error(struct http_ticket ticket, const struct error_reply *reply)
{
	char field_bytes[FIELDS_MAX];
	char body_bytes[ERROR_BODY_MAX];
	struct buf fields;
	struct buf body;
	struct http_response response = {
		.status = reply->status, .not_before_ms = reply->not_before_ms};

	buf_init_fixed(&fields, field_bytes, sizeof(field_bytes));
	buf_init_fixed(&body, body_bytes, sizeof(body_bytes));
	compose_error_fields(&fields, reply);
	compose_error_body(&body, reply);
	response.fields = fields.data;
	response.body = body.data;
	response.body_length = body.len;
	http_answer(ticket, &response);
}

void respond_error_anew(struct http_ticket ticket, const struct error_reply *reply)
{
	char correlation_id[CORRELATION_ID_LENGTH + 1] = "";
	struct error_reply full = *reply;

	full.correlation_id = correlation_id_make(correlation_id) ? NULL : correlation_id;
	respond_error(ticket, &full);
}

void respond_refusal(const struct http_refusal *refusal, const char *correlation_id,
	struct http_refusal_answer *ret_answer)
{
	/* 501 and 505 are for requests that this server will never take. */
	const struct error_reply reply = {
		.status = refusal->status,
		.error = refusal->status == 503 ? OAUTH_TEMPORARILY_UNAVAILABLE
						: OAUTH_INVALID_REQUEST,
		.description = refusal->reason,
		.correlation_id = correlation_id,
	};
	struct buf fields;
	struct buf body;

	buf_init_fixed(&fields, ret_answer->fields, sizeof(ret_answer->fields));
	buf_init_fixed(&body, ret_answer->body, sizeof(ret_answer->body));
	compose_error_fields(&fields, &reply);
	compose_error_body(&body, &reply);
}

void respond_token(struct http_ticket ticket, const char *body, size_t length)
{
	struct http_response response = {
		.status = 200,
		.fields = JSON_TYPE NEVER_STORED NO_SNIFFING,
		.body = body,
		.body_length = length,
	};

	http_answer(ticket, &response);
}

void respond_document(struct http_ticket ticket, const char *body, size_t length, int max_age_s)
{
	char field_bytes[FIELDS_MAX];
	struct buf fields;
	struct http_response response = {.status = 200, .body = body, .body_length = length};

	buf_init_fixed(&fields, field_bytes, sizeof(field_bytes));
	(void)buf_printf(
		&fields, JSON_TYPE NO_SNIFFING "Cache-Control: public, max-age=%d\r\n", max_age_s);
	response.fields = fields.data;
	http_answer(ticket, &response);
}

void respond_exposition(struct http_ticket ticket, const char *body, size_t length)
{
	struct http_response response = {
		.status = 200,
		.fields = "Content-Type: " EXPOSITION_CONTENT_TYPE "\r\n" NEVER_STORED NO_SNIFFING,
		.body = body,
		.body_length = length,
	};

	http_answer(ticket, &response);
}

void respond_text(struct http_ticket ticket, int status, const char *text)
{
	struct http_response response = {
		.status = status,
		.fields = "Content-Type: text/plain; charset=utf-8\r\n" NEVER_STORED NO_SNIFFING,
		.body = text,
		.body_length = strlen(text),
	};

	http_answer(ticket, &response);
}
