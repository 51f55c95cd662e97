/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parameters of a form request (RFC 6749, 3.2): each at most once, empty ones
 * as if absent, within the contract's limits.
 */
#ifndef AUTHORITY_REQUEST_H
#define AUTHORITY_REQUEST_H

#include "base/arena.h"
#include "codec/form.h"
#include "net/http_server.h"

enum { REQUEST_PARAMETERS_MAX = 64 };

struct parameters {
	struct form_field *fields;
	size_t count;
};

/* Reads the body into the arena. On failure ERROR_INVALID, with the sentence for
 * `error_description`; or ERROR_MEMORY. */
int parameters_read(const struct http_request *request, struct arena *arena,
	struct parameters *ret_parameters, const char **ret_description);

/* The value, or NULL where it is absent or empty. */
const char *parameters_get(const struct parameters *parameters, const char *name);

#endif
