/* SPDX-License-Identifier: Apache-2.0 */
/* Removing what has ended, a few rows at a time: each sweep is a transaction of its own. */
#include "store/access.h"

#include <stdlib.h>

enum {
	HOUR_S = 3600,
	DAY_S = 86400,
};

struct sweep {
	const char *sql; /* $1: what ended before this time; $2: rows at most */
	int64_t kept_s;	 /* after its end */
};

struct sweep_job {
	struct job job;
	struct sweep wanted;
	int64_t most;
	int64_t removed;
	store_swept done;
	void *context;
};

static int sweep(struct writing *writing, struct job *job)
{
	struct sweep_job *sweeping = (struct sweep_job *)job;

	return engine_change(writing->engine, sweeping->wanted.sql,
		VALUES(value_number(writing->now_s - sweeping->wanted.kept_s),
			value_number(sweeping->most)),
		&sweeping->removed);
}

static void sweep_done(struct job *job, int error)
{
	struct sweep_job *sweeping = (struct sweep_job *)job;

	sweeping->done(sweeping->context, error, error ? 0 : sweeping->removed);
	free(sweeping);
}

static int submit(struct store *store, const struct sweep *wanted, int64_t most, store_swept done,
	void *context)
{
	struct sweep_job *sweeping = calloc(1, sizeof(*sweeping));
	int error;

	if (!sweeping)
		return ERROR_MEMORY;
	*sweeping = (struct sweep_job){
		.job = {.run = sweep, .done = sweep_done, .one_statement = true},
		.wanted = *wanted,
		.most = most > 0 ? most : 0,
		.done = done,
		.context = context,
	};
	error = store_submit(store, &sweeping->job);
	if (error)
		free(sweeping);
	return error;
}

int store_family_sweep(struct store *store, int64_t most, store_swept done, void *context)
{
	static const struct sweep wanted = {
		.sql = "DELETE FROM family WHERE id IN (SELECT id FROM family"
		       " WHERE expires_at < $1 ORDER BY expires_at LIMIT $2) RETURNING seq",
		.kept_s = DAY_S,
	};

	return submit(store, &wanted, most, done, context);
}

int store_client_assertion_sweep(struct store *store, int64_t most, store_swept done, void *context)
{
	static const struct sweep wanted = {
		.sql = "DELETE FROM client_assertion WHERE id IN (SELECT id FROM client_assertion"
		       " WHERE expires_at < $1 ORDER BY expires_at LIMIT $2) RETURNING expires_at",
		/* A clock that was ahead for a while must not let one be used again. */
		.kept_s = HOUR_S,
	};

	return submit(store, &wanted, most, done, context);
}

int store_trusted_pair_sweep(
	struct store *store, int64_t age_s, int64_t most, store_swept done, void *context)
{
	const struct sweep wanted = {
		.sql = "DELETE FROM trusted_pair WHERE pair IN (SELECT pair FROM trusted_pair"
		       " WHERE succeeded_at <= $1 ORDER BY succeeded_at LIMIT $2) RETURNING pair",
		.kept_s = age_s,
	};

	return submit(store, &wanted, most, done, context);
}
