/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authority's answers. Nobody else writes error bodies or cache headers.
 */
#ifndef AUTHORITY_RESPOND_H
#define AUTHORITY_RESPOND_H

#include "net/http_server.h"

#include <stdbool.h>
#include <stddef.h>

enum { CORRELATION_ID_LENGTH = 16 }; /* letters and digits */

/* Fills in a fresh one: 0 or ERROR_IO. */
int correlation_id_make(char ret_id[CORRELATION_ID_LENGTH + 1]);

/* What WWW-Authenticate asks for. */
enum challenge {
	CHALLENGE_NONE,
	CHALLENGE_BASIC,	/* a client's secret */
	CHALLENGE_BEARER,	/* an access token, and there was none */
	CHALLENGE_BEARER_TOKEN, /* another access token than the one there was */
};

struct error_reply {
	int status;
	const char *error;	 /* the registered code */
	const char *description; /* for a person; NULL: none */
	const char *correlation_id;
	int64_t retry_after_s; /* 0: no such field */
	enum challenge challenge;
	const char *allow;     /* with 405; NULL: none */
	int64_t not_before_ms; /* as in struct http_response */
};

/* {"error":…,"error_description":…,"correlation_id":…}, never stored. */
void respond_error(struct http_ticket ticket, const struct error_reply *reply);

/* The same with a correlation id made for it. */
void respond_error_anew(struct http_ticket ticket, const struct error_reply *reply);

/* The same for what the HTTP server refuses by itself. */
void respond_refusal(const struct http_refusal *refusal, const char *correlation_id,
	struct http_refusal_answer *ret_answer);

/* 200, JSON, never stored: tokens. */
void respond_token(struct http_ticket ticket, const char *body, size_t length);

/* 200, JSON, public: documents that may be kept for `max_age_s`. */
void respond_document(struct http_ticket ticket, const char *body, size_t length, int max_age_s);

/* 200, Prometheus' text format, never stored. */
void respond_exposition(struct http_ticket ticket, const char *body, size_t length);

/* A line of plain text, never stored: health. */
void respond_text(struct http_ticket ticket, int status, const char *text);

#endif
