/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One HTTP request to the authority within an operation. What its Date says about the
 * clocks is noted with each answer.
 */
#ifndef CLIENT_EXCHANGE_H
#define CLIENT_EXCHANGE_H

#include "net/http_client.h"
#include "oauth/token_request.h"

#include <stdbool.h>
#include <stdint.h>

struct operation;

/* Lies in the operation. */
struct exchange {
	char *url;		      /* owned */
	struct token_request request; /* of a POST; owned, wiped */
	const char *method;
	bool begun;
	bool sent; /* of one that failed: the authority may have seen it */
	int64_t sent_boot_ms;
	struct http_reply reply;
	bool has_reply;
};

/* Wipes and forgets the request and its answer. */
void exchange_finish(struct exchange *exchange);

/* GET `url`, then `then`: operation->result is 0 with any HTTP status, and the answer is
 * operation->exchange.reply until the next exchange; else ADIT_ERROR_UNAVAILABLE, _TIMEOUT,
 * _TRUST, _PROTOCOL or _MEMORY, with the report set and exchange.sent. */
int exchange_get(
	struct operation *operation, const char *url, int (*then)(struct operation *operation));

/* POSTs the request, which becomes the exchange's own. Likewise. */
int exchange_post(struct operation *operation, const char *url, struct token_request *request,
	int (*then)(struct operation *operation));

/* Ends the one that is under way, as one that failed because the operation ends. */
void exchange_interrupt(struct operation *operation);

/* The answer is what `action` wanted: status 200 with application/json. Else sets the
 * report from it (RFC 6749, 5.2; 429 and 503 with their Retry-After) and returns its code. */
int exchange_check(struct operation *operation, const char *what);

#endif
