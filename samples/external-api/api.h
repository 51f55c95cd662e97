/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API: one table of routes, and one way to all of them, which begins with the
 * guard's decision. Thread-safe.
 */
#ifndef API_H
#define API_H

#include "base/buf.h"
#include "data.h"
#include "journal.h"

#include <adit/guard.h>

struct api {
	struct adit_guard *guard;
	struct data *data;
	struct journal *journal;
};

struct api_request {
	const char *method;
	const char *path;	   /* as sent, without the query */
	const char *authorization; /* or NULL */
	size_t authorization_count;
};

struct api_response {
	int status;
	struct buf fields; /* lines "Name: value\r\n" */
	struct buf body;
};

/* Fills the response, whatever happens. The caller finishes it. */
void api_serve(const struct api *api, const struct api_request *request,
	struct api_response *ret_response);
/* Appends a problem's type to the fields, and replaces what is in the body
 * (RFC 9457). `detail` may be NULL. */
void api_write_problem(int status, const char *detail, struct buf *fields, struct buf *body);

void api_response_finish(struct api_response *response);

#endif
