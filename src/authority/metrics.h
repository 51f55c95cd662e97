/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running authority counts of its requests, for /metrics (docs/metrics.md). Counting
 * takes no lock. Every label has a bounded number of values; never a client or a user.
 *
 * Where metrics are not served there is no struct metrics: everything here takes NULL, and
 * does nothing then. Thread-safe.
 */
#ifndef AUTHORITY_METRICS_H
#define AUTHORITY_METRICS_H

#include "codec/exposition.h"
#include "net/http_server.h"

/* What http_mark() is told of a request. */
enum metrics_endpoint {
	METRICS_NONE, /* refused by the HTTP server: it never came to an endpoint */
	METRICS_TOKEN,
	METRICS_REVOCATION,
	METRICS_INTROSPECTION,
	METRICS_USERINFO,
	METRICS_DISCOVERY,
	METRICS_JWKS,
	METRICS_HEALTHZ,
	METRICS_READYZ,
	METRICS_OTHER, /* there is no such endpoint */
	METRICS_ENDPOINTS,
};

struct metrics;

/* `loops` of the server count. */
int metrics_create(unsigned loops, struct metrics **ret_metrics);
void metrics_destroy(struct metrics *metrics);

/* A request has ended: an http_outcome_handler's. */
void metrics_request(struct metrics *metrics, const struct http_outcome *outcome);

/* A token_refused was logged, a token_issued was. The names are copied. */
void metrics_denied(struct metrics *metrics, const char *reason);
void metrics_issued(struct metrics *metrics, const char *grant_type);

/* So many expired refresh token families were removed. */
void metrics_swept(struct metrics *metrics, int64_t families);

/* Writes all of the above. */
void metrics_write(const struct metrics *metrics, struct exposition *exposition);

#endif
