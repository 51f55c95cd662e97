/* SPDX-License-Identifier: Apache-2.0 */
/* Where the audit ends, as far as it is known to be on disk. */
#include "store/access.h"

#include <stdlib.h>
#include <string.h>

struct head_job {
	struct job job;
	struct store_audit_head head;
	store_done done;
	void *context;
};

/* Several processes append to one audit: the one that is late takes nothing back. */
static int put(struct writing *writing, const struct store_audit_head *head)
{
	return engine_change(writing->engine,
		"INSERT INTO audit_head AS h (one, seq, mac, file) VALUES (1, $1, $2, $3)"
		" ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, mac = excluded.mac,"
		" file = excluded.file WHERE h.seq < excluded.seq",
		VALUES(value_number(head->seq), value_bytes(head->mac, sizeof(head->mac)),
			value_text(head->file)),
		NULL);
}

static int run_put(struct writing *writing, struct job *job)
{
	return put(writing, &((struct head_job *)job)->head);
}

static void put_done(struct job *job, int error)
{
	struct head_job *putting = (struct head_job *)job;

	putting->done(putting->context, error);
	free(putting);
}

int store_audit_head_put(
	struct store *store, const struct store_audit_head *head, store_done done, void *context)
{
	struct head_job *putting = malloc(sizeof(*putting));
	int error;

	if (!putting)
		return ERROR_MEMORY;
	*putting = (struct head_job){
		.job = {.run = run_put, .done = put_done, .one_statement = true},
		.head = *head,
		.done = done,
		.context = context,
	};
	error = store_submit(store, &putting->job);
	if (error)
		free(putting);
	return error;
}

static int put_waiting(struct writing *writing, void *context)
{
	return put(writing, context);
}

int store_audit_head_put_now(struct store *store, const struct store_audit_head *head)
{
	struct store_audit_head copy = *head;

	return store_write(store, put_waiting, &copy);
}

static int forget(struct writing *writing, void *context)
{
	(void)context;
	return engine_change(writing->engine, "DELETE FROM audit_head", (struct values){0}, NULL);
}

int store_audit_head_forget(struct store *store)
{
	return store_write(store, forget, NULL);
}

static int read_head(struct statement *statement, void *context)
{
	struct store_audit_head *head = context;
	bool row = false;
	int error = statement_step(statement, &row);

	if (!error && row) {
		head->seq = statement_number(statement, 0);
		(void)statement_bytes(statement, 1, head->mac, sizeof(head->mac));
		statement_text(statement, 2, head->file, sizeof(head->file));
	}
	return error ? error : row ? 0 : ERROR_NOT_FOUND;
}

int store_audit_head_get(struct store *store, struct store_audit_head *ret_head)
{
	struct store_audit_head head = {0};
	int error = store_read(store, "SELECT seq, mac, file FROM audit_head WHERE one = 1",
		(struct values){0}, read_head, &head);

	if (!error)
		*ret_head = head;
	return error;
}
