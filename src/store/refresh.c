/* SPDX-License-Identifier: Apache-2.0 */
/* Refresh token families: RFC 6749, 6; RFC 9700, 4.14.2; docs/adr: sealed tokens. */
#include "store/access.h"

#include <stdlib.h>
#include <string.h>

struct redeem_job {
	struct job job;
	struct store_redemption redemption;
	struct store_redeemed redeemed;
	store_redeem_done done;
	void *context;
};

/* One statement, whose row is the verdict: a read in a second one, or from a
 * snapshot that predates the lock, makes an honest race look like theft.
 * $1 family, $2 n, $3 grant, $4 now, $5 grace, $6 the family's expiry,
 * $7 generation, $8 1 for an unattended n = 0. No row: dead already. */
static const char redeem_sql[] =
	"INSERT INTO family AS f (id, grant_id, seq, rotated_at, expires_at, revoked_at, reason)"
	" SELECT $1, g.id, CAST($2 AS BIGINT) + 1, CAST($4 AS BIGINT), CAST($6 AS BIGINT),"
	" CASE WHEN $8 = 1 THEN NULL ELSE CAST($4 AS BIGINT) END,"
	" CASE WHEN $8 = 1 THEN NULL ELSE 'state_lost' END"
	" FROM access_grant g WHERE g.id = $3 AND g.generation = $7"
	" ON CONFLICT (id) DO UPDATE SET"
	" seq = CASE WHEN f.seq = $2 THEN excluded.seq ELSE f.seq END,"
	" rotated_at = CASE WHEN f.seq = $2 THEN excluded.rotated_at ELSE f.rotated_at END,"
	" revoked_at = CASE WHEN f.seq = $2"
	" OR (f.seq = excluded.seq AND excluded.rotated_at - f.rotated_at <= $5)"
	" THEN NULL ELSE excluded.rotated_at END,"
	" reason = CASE WHEN f.seq = $2"
	" OR (f.seq = excluded.seq AND excluded.rotated_at - f.rotated_at <= $5)"
	" THEN NULL WHEN f.seq < $2 THEN 'state_lost' ELSE 'replay' END"
	" WHERE f.revoked_at IS NULL"
	" RETURNING seq, rotated_at, revoked_at, reason";

/* The row does not say whether this redemption was the first: one repeated in
 * the very second of the first is called ROTATED too. Both name the same link. */
static void read_verdict(
	struct statement *statement, int64_t now_s, struct store_redeemed *redeemed)
{
	if (!statement_is_null(statement, 2)) {
		redeemed->outcome = STORE_REDEEM_REVOKED;
		statement_text(statement, 3, redeemed->reason, sizeof(redeemed->reason));
		return;
	}
	redeemed->seq = statement_number(statement, 0);
	redeemed->rotated_at = statement_number(statement, 1);
	redeemed->outcome =
		redeemed->rotated_at == now_s ? STORE_REDEEM_ROTATED : STORE_REDEEM_REPEATED;
}

static int redeem(struct writing *writing, struct job *job)
{
	struct redeem_job *redeeming = (struct redeem_job *)job;
	const struct store_redemption *redemption = &redeeming->redemption;
	struct statement *statement = NULL;
	bool row = false;
	int error = engine_query(writing->engine, redeem_sql,
		VALUES(value_bytes(redemption->family_id, sizeof(redemption->family_id)),
			value_number(redemption->seq),
			value_bytes(redemption->grant_id, sizeof(redemption->grant_id)),
			value_number(writing->now_s), value_number(redemption->grace_s),
			value_number(redemption->family_expires_at),
			value_number(redemption->generation),
			value_number(redemption->unattended && redemption->seq == 0)),
		&statement);

	if (!error)
		error = statement_step(statement, &row);
	if (!error && row)
		read_verdict(statement, writing->now_s, &redeeming->redeemed);
	if (!error && !row)
		redeeming->redeemed.outcome = STORE_REDEEM_DEAD;
	return statement_finish(statement, error);
}

/* Whatever a fault of the engine looked like, it is no verdict. */
static void redeem_done(struct job *job, int error)
{
	struct redeem_job *redeeming = (struct redeem_job *)job;

	if (error && error != ERROR_MEMORY)
		error = ERROR_UNAVAILABLE;
	redeeming->done(redeeming->context, error, error ? NULL : &redeeming->redeemed);
	free(redeeming);
}

int store_refresh_redeem(struct store *store, const struct store_redemption *redemption,
	store_redeem_done done, void *context)
{
	struct redeem_job *redeeming;
	int error;

	if (redemption->seq < 0 || redemption->seq == INT64_MAX || redemption->grace_s < 0)
		return ERROR_INVALID;
	redeeming = calloc(1, sizeof(*redeeming));
	if (!redeeming)
		return ERROR_MEMORY;
	redeeming->job = (struct job){.run = redeem, .done = redeem_done, .one_statement = true};
	redeeming->redemption = *redemption;
	redeeming->done = done;
	redeeming->context = context;
	error = store_submit(store, &redeeming->job);
	if (error)
		free(redeeming);
	return error;
}

struct revoke_job {
	struct job job;
	struct store_revocation revocation;
	store_done done;
	void *context;
};

/* A tombstone, whether the family ever had a row or not; one that is dead already
 * keeps its reason. */
static int revoke(struct writing *writing, struct job *job)
{
	const struct store_revocation *revocation = &((struct revoke_job *)job)->revocation;

	return engine_change(writing->engine,
		"INSERT INTO family AS f"
		" (id, grant_id, seq, rotated_at, expires_at, revoked_at, reason)"
		" VALUES ($1, $2, $3, $4, $5, $4, 'revoked')"
		" ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at,"
		" reason = excluded.reason WHERE f.revoked_at IS NULL",
		VALUES(value_bytes(revocation->family_id, sizeof(revocation->family_id)),
			value_bytes(revocation->grant_id, sizeof(revocation->grant_id)),
			value_number(revocation->seq), value_number(writing->now_s),
			value_number(revocation->family_expires_at)),
		NULL);
}

static void revoke_done(struct job *job, int error)
{
	struct revoke_job *revoking = (struct revoke_job *)job;

	if (error && error != ERROR_MEMORY)
		error = ERROR_UNAVAILABLE;
	revoking->done(revoking->context, error);
	free(revoking);
}

int store_refresh_revoke(struct store *store, const struct store_revocation *revocation,
	store_done done, void *context)
{
	struct revoke_job *revoking = calloc(1, sizeof(*revoking));
	int error;

	if (!revoking)
		return ERROR_MEMORY;
	*revoking = (struct revoke_job){
		.job = {.run = revoke, .done = revoke_done, .one_statement = true},
		.revocation = *revocation,
		.done = done,
		.context = context,
	};
	error = store_submit(store, &revoking->job);
	if (error)
		free(revoking);
	return error;
}
