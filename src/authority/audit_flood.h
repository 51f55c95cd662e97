/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Equal refusals within a second of the first one are counted, and become one entry when
 * it is over. Bounded: what finds no place is not counted but written by itself. Not
 * thread-safe.
 */
#ifndef AUTHORITY_AUDIT_FLOOD_H
#define AUTHORITY_AUDIT_FLOOD_H

#include "authority/audit_members.h"
#include "jose/crypto.h"

enum {
	AUDIT_FLOODS_MAX = 1024,
	AUDIT_FLOOD_MS = 1000,
};

/* What is counted of one kind. */
struct audit_flood {
	unsigned char digest[CRYPTO_SHA256_SIZE]; /* of the members that are equal */
	unsigned char shown[CRYPTO_SHA256_SIZE];  /* of those but the reason */
	int64_t until_ms;			  /* monotonic */
	struct audit_count count;		  /* of those that wait */
	char *members;				  /* NULL: none waits */
	size_t length;
	struct audit_wait *waits;
	struct audit_wait **last;
	struct audit_flood *next; /* of those for which some wait */
};

struct audit_floods {
	struct audit_flood *list; /* AUDIT_FLOODS_MAX of them */
	struct audit_flood *counting;
};

int audit_floods_init(struct audit_floods *floods);
void audit_floods_finish(struct audit_floods *floods);

/* One that is to be counted or written. */
struct audit_refusal {
	const struct buf *members;
	const struct buf *shown; /* without the reason, of which its answer must not tell */
	const char *correlation_id;
	struct audit_wait *wait; /* kept where it is counted */
};

/* Whether it is counted with an earlier one; else it is to be written, and the next
 * second of its kind has begun. One that differs from an earlier one in the reason alone
 * waits as long, for an entry of its own. */
bool audit_floods_count(
	struct audit_floods *floods, const struct audit_refusal *refusal, int64_t now_ms);

/* When the first of those that count is over; INT64_MAX: there is none. */
int64_t audit_floods_due(const struct audit_floods *floods);

/* One that is over at `now_ms`, taken out; NULL: none. */
struct audit_flood *audit_floods_take(struct audit_floods *floods, int64_t now_ms);
/* Frees what it holds, for the next of another kind. */
void audit_flood_end(struct audit_flood *flood);

#endif
