/* SPDX-License-Identifier: Apache-2.0 */
/* Client assertions count once: RFC 7523, 3; OpenID Connect Core, 9. */
#include "store/access.h"

#include <stdlib.h>
#include <string.h>

struct use_job {
	struct job job;
	unsigned char id[STORE_HASH_SIZE];
	int64_t expires_at;
	store_done done;
	void *context;
};

/* One statement, whose row is the verdict. One that ended while it waited here may have
 * been swept after its first use, so it is not taken. */
static int use(struct writing *writing, struct job *job)
{
	const struct use_job *using = (const struct use_job *)job;
	int64_t rows = 0;
	int error = engine_change(writing->engine,
		"INSERT INTO client_assertion (id, expires_at)"
		" SELECT $1, CAST($2 AS BIGINT) WHERE $2 > $3"
		" ON CONFLICT (id) DO NOTHING RETURNING expires_at",
		VALUES(value_bytes(using->id, sizeof(using->id)), value_number(using->expires_at),
			value_number(writing->now_s)),
		&rows);

	return error ? error : rows ? 0 : ERROR_EXISTS;
}

/* Whatever a fault of the engine looked like, it is no verdict. */
static void use_done(struct job *job, int error)
{
	struct use_job *using = (struct use_job *)job;

	if (error && error != ERROR_MEMORY && error != ERROR_EXISTS)
		error = ERROR_UNAVAILABLE;
	using->done(using->context, error);
	free(using);
}

int store_client_assertion_use(struct store *store, const unsigned char id[STORE_HASH_SIZE],
	int64_t expires_at, store_done done, void *context)
{
	struct use_job *using = calloc(1, sizeof(*using));
	int error;

	if (!using)
		return ERROR_MEMORY;
	*using = (struct use_job){
		.job = {.run = use, .done = use_done, .one_statement = true},
		.expires_at = expires_at,
		.done = done,
		.context = context,
	};
	memcpy(using->id, id, sizeof(using->id));
	error = store_submit(store, &using->job);
	if (error)
		free(using);
	return error;
}
