/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/audit.h"

#include "authority/audit_flood.h"
#include "authority/audit_members.h"
#include "base/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SYNC_EVERY_MS = 1000,
	HEAD_EVERY_MS = 1000,
	RETRY_MS = 250,
	TOLD_EVERY_MS = 60000,
	WRITE_AT = 256 * 1024,	/* bytes that wait, which are written before their time */
	KEEP_MAX = 1024 * 1024, /* bytes of an empty batch that are not given back */
	HEAD_AT = AUDIT_AHEAD_MAX / 8,
};

struct waits {
	struct audit_wait *first;
	struct audit_wait **last;
};

struct audit {
	struct audit_chain chain; /* the thread's, as what follows up to the lock */
	struct buf writing;
	size_t written; /* of it */
	int64_t head_put_ms;
	int64_t told_ms;
	int64_t failing_since; /* wall time; 0: it is not */

	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t arrived;
	pthread_cond_t settled;
	struct buf pending;
	int64_t pending_since_ms;
	struct waits waits;
	struct audit_floods floods;
	size_t unanswered;
	unsigned settling;
	bool failing;
	int64_t retry_ms; /* monotonic; while it is failing */
	int64_t refused;  /* while it was failing */
	bool closing;
	int64_t last_seq;
	int64_t head_seq;     /* what the store has */
	int64_t head_putting; /* on its way there; 0: none is */

	struct store *store;
	const struct clock *clock;
	const struct log *log;
	struct secret key;
	pthread_t thread;
};

static void waits_init(struct waits *waits)
{
	waits->first = NULL;
	waits->last = &waits->first;
}

static void waits_add(struct waits *waits, struct audit_wait *wait)
{
	wait->next = NULL;
	*waits->last = wait;
	waits->last = &wait->next;
}

/* --- handing over ------------------------------------------------------------- */

/* Under the lock. */
static int check(const struct audit *audit)
{
	if (audit->failing || audit->closing || audit->last_seq - audit->head_seq > AUDIT_AHEAD_MAX)
		return ERROR_UNAVAILABLE;
	return audit->pending.len > AUDIT_PENDING_MAX - 2 * AUDIT_LINE_MAX ? ERROR_BUSY : 0;
}

static int count_refused(struct audit *audit, int error)
{
	audit->refused += error != 0;
	return error;
}

int audit_check(struct audit *audit)
{
	int error;

	(void)pthread_mutex_lock(&audit->lock);
	error = count_refused(audit, check(audit));
	(void)pthread_mutex_unlock(&audit->lock);
	return error;
}

/* Under the lock. */
static int add(struct audit *audit, const struct buf *members, struct audit_wait *wait)
{
	bool first = !audit->pending.len;
	int error = audit_batch_add(
		&audit->pending, clock_now_s(audit->clock), members->data, members->len);

	if (error)
		return error == ERROR_MEMORY ? error : ERROR_BUSY;
	if (first)
		audit->pending_since_ms = clock_monotonic_ms();
	if (wait) {
		waits_add(&audit->waits, wait);
		audit->unanswered++;
	}
	if (first || wait || audit->pending.len >= WRITE_AT)
		(void)pthread_cond_signal(&audit->arrived);
	return 0;
}

static int compose(struct audit *audit, const struct audit_entry *entry, struct buf *members)
{
	int error = audit_members_append(members, &audit->key, entry);

	return error ? error : audit_members_append_id(members, entry->correlation_id);
}

static int record(struct audit *audit, const struct audit_entry *entry, struct audit_wait *wait)
{
	char bytes[AUDIT_MEMBERS_MAX + 1];
	struct buf members;
	int error;

	buf_init_fixed(&members, bytes, sizeof(bytes));
	error = compose(audit, entry, &members);
	if (error)
		return error;
	(void)pthread_mutex_lock(&audit->lock);
	error = check(audit);
	if (!error)
		error = add(audit, &members, wait);
	(void)count_refused(audit, error);
	(void)pthread_mutex_unlock(&audit->lock);
	return error;
}

int audit_record(struct audit *audit, const struct audit_entry *entry)
{
	return record(audit, entry, NULL);
}

int audit_record_durable(
	struct audit *audit, const struct audit_entry *entry, struct audit_wait *wait)
{
	return record(audit, entry, wait);
}

/* Under the lock. Counted with its like, or added. */
static int count_or_add(
	struct audit *audit, const struct audit_refusal *refusal, struct buf *members)
{
	bool counting = audit->floods.counting != NULL;
	int error;

	if (audit_floods_count(&audit->floods, refusal, clock_monotonic_ms())) {
		audit->unanswered++;
		/* The thread has yet to learn when it is over. */
		if (!counting || audit->settling)
			(void)pthread_cond_signal(&audit->arrived);
		return 0;
	}
	error = audit_members_append_id(members, refusal->correlation_id);
	return error ? error : add(audit, members, refusal->wait);
}

static int compose_refusal(const struct audit *audit, const struct audit_entry *entry,
	struct buf *members, struct buf *shown)
{
	struct audit_entry without = *entry;
	int error = audit_members_append(members, &audit->key, entry);

	without.reason = NULL;
	return error ? error : audit_members_append(shown, &audit->key, &without);
}

int audit_record_refusal(
	struct audit *audit, const struct audit_entry *entry, struct audit_wait *wait)
{
	char bytes[AUDIT_MEMBERS_MAX + 1];
	char shown_bytes[AUDIT_MEMBERS_MAX + 1];
	struct buf members;
	struct buf shown;
	const struct audit_refusal refusal = {&members, &shown, entry->correlation_id, wait};
	int error;

	buf_init_fixed(&members, bytes, sizeof(bytes));
	buf_init_fixed(&shown, shown_bytes, sizeof(shown_bytes));
	error = compose_refusal(audit, entry, &members, &shown);
	if (error)
		return error;
	(void)pthread_mutex_lock(&audit->lock);
	error = check(audit);
	if (!error)
		error = count_or_add(audit, &refusal, &members);
	(void)count_refused(audit, error);
	(void)pthread_mutex_unlock(&audit->lock);
	return error;
}

/* --- the thread ----------------------------------------------------------------- */

/* Under the lock. What of the floods is over becomes an entry each; who waits for one that
 * finds no room is told so. */
static void end_floods(struct audit *audit, int64_t now_ms, struct waits *unwritten)
{
	bool all = audit->settling || audit->closing || audit->failing;
	char bytes[AUDIT_MEMBERS_MAX + 1];
	struct audit_flood *flood;

	while ((flood = audit_floods_take(&audit->floods, all ? INT64_MAX : now_ms))) {
		struct waits *waits = &audit->waits;
		struct buf members;

		buf_init_fixed(&members, bytes, sizeof(bytes));
		(void)buf_append(&members, flood->members, flood->length);
		if (audit_members_append_count(&members, &flood->count) ||
			add(audit, &members, NULL))
			waits = unwritten;
		*waits->last = flood->waits;
		waits->last = flood->last;
		audit_flood_end(flood);
	}
}

static void head_put(void *context, int error)
{
	struct audit *audit = context;

	(void)pthread_mutex_lock(&audit->lock);
	if (!error && audit->head_putting > audit->head_seq)
		audit->head_seq = audit->head_putting;
	audit->head_putting = 0;
	(void)pthread_cond_signal(&audit->arrived);
	(void)pthread_mutex_unlock(&audit->lock);
}

/* Does not wait for the store, which may be slow, or can't write. */
static void put_head(struct audit *audit, int64_t now_ms)
{
	struct store_audit_head head;
	bool due;

	(void)pthread_mutex_lock(&audit->lock);
	audit->last_seq = audit->chain.last.seq;
	due = !audit->head_putting && audit->last_seq > audit->head_seq &&
	      (now_ms >= audit->head_put_ms + HEAD_EVERY_MS ||
		      audit->last_seq - audit->head_seq > HEAD_AT);
	if (due)
		audit->head_putting = audit->last_seq;
	(void)pthread_mutex_unlock(&audit->lock);
	if (!due)
		return;
	audit->head_put_ms = now_ms;
	audit_chain_head(&audit->chain, &head);
	if (store_audit_head_put(audit->store, &head, head_put, audit))
		head_put(audit, ERROR_UNAVAILABLE);
}

static void tell_failure(struct audit *audit, int error, int saved)
{
	int64_t now_ms = clock_monotonic_ms();

	if (audit->failing_since && now_ms < audit->told_ms + TOLD_EVERY_MS)
		return;
	audit->told_ms = now_ms;
	LOG_EVENT(audit->log, LOG_LEVEL_ERROR, "audit_failed",
		log_text("reason", error == ERROR_IO ? strerror(saved) : error_text(error)));
}

/* All that is to be written, on disk. */
static int write_batch(struct audit *audit)
{
	int failed;
	int error;

	if (!audit->writing.len && !audit->failing_since)
		return 0;
	error = audit_chain_append(&audit->chain, &audit->writing, audit->written, &audit->written);
	failed = error ? 0 : audit_chain_sync(&audit->chain);
	if (error || failed) {
		tell_failure(audit, error ? error : failed, errno);
		if (!audit->failing_since)
			audit->failing_since = clock_now_s(audit->clock);
		if (failed)
			audit_chain_take_back(&audit->chain, &audit->written);
		return error ? error : failed;
	}
	if (audit->writing.cap > KEEP_MAX)
		buf_finish(&audit->writing);
	else
		buf_reset(&audit->writing);
	audit->written = 0;
	return 0;
}

/* Under the lock. What can be written again says for how long it could not. */
static void end_failure(struct audit *audit)
{
	char bytes[256];
	struct buf members;

	buf_init_fixed(&members, bytes, sizeof(bytes));
	(void)buf_printf(&members,
		"\"event\":\"audit_interrupted\",\"since\":%lld,\"refused\":%lld",
		(long long)audit->failing_since, (long long)audit->refused);
	(void)add(audit, &members, NULL);
	LOG_EVENT(audit->log, LOG_LEVEL_WARNING, "audit_works_again",
		log_number("refused", audit->refused));
	audit->failing = false;
	audit->failing_since = 0;
	audit->refused = 0;
}

static void answer(struct audit *audit, struct audit_wait *wait, int error)
{
	size_t count = 0;

	while (wait) {
		struct audit_wait *next = wait->next;

		wait->done(wait->context, error);
		wait = next;
		count++;
	}
	(void)pthread_mutex_lock(&audit->lock);
	audit->unanswered -= count;
	if (!audit->unanswered)
		(void)pthread_cond_broadcast(&audit->settled);
	(void)pthread_mutex_unlock(&audit->lock);
}

/* Takes over what waits, writes it, and answers. What could not be written is written
 * first the next time; who waits for something behind it is not made to. */
static void run_once(struct audit *audit)
{
	bool left_over = audit->writing.len > 0;
	struct waits unwritten;
	struct audit_wait *waits;
	int error;

	waits_init(&unwritten);
	(void)pthread_mutex_lock(&audit->lock);
	end_floods(audit, clock_monotonic_ms(), &unwritten);
	if (!left_over) {
		struct buf taken = audit->pending;

		audit->pending = audit->writing;
		audit->writing = taken;
	}
	waits = audit->waits.first;
	waits_init(&audit->waits);
	(void)pthread_mutex_unlock(&audit->lock);
	error = write_batch(audit);
	if (!error)
		put_head(audit, clock_monotonic_ms());
	(void)pthread_mutex_lock(&audit->lock);
	audit->retry_ms = clock_monotonic_ms() + RETRY_MS;
	if (error)
		audit->failing = true;
	else if (audit->failing && !audit->pending.len)
		end_failure(audit);
	(void)pthread_mutex_unlock(&audit->lock);
	answer(audit, unwritten.first, ERROR_BUSY);
	answer(audit, waits, error ? error : left_over ? ERROR_UNAVAILABLE : 0);
}

/* Under the lock. When there is something to do; 0: at once. */
static int64_t due(const struct audit *audit)
{
	int64_t due_ms = audit_floods_due(&audit->floods);

	if (audit->waits.first || audit->closing || (audit->settling && audit->floods.counting))
		return 0;
	if (audit->failing)
		return audit->retry_ms;
	if (audit->pending.len >= WRITE_AT)
		return 0;
	if (audit->pending.len && audit->pending_since_ms + SYNC_EVERY_MS < due_ms)
		due_ms = audit->pending_since_ms + SYNC_EVERY_MS;
	if (audit->last_seq > audit->head_seq && !audit->head_putting &&
		audit->head_put_ms + HEAD_EVERY_MS < due_ms)
		due_ms = audit->head_put_ms + HEAD_EVERY_MS;
	return due_ms;
}

/* Under the lock. */
static void wait_until(struct audit *audit, int64_t due_ms)
{
	const struct timespec at = {
		.tv_sec = (time_t)(due_ms / 1000), .tv_nsec = (long)(due_ms % 1000) * 1000000};

	if (due_ms == INT64_MAX)
		(void)pthread_cond_wait(&audit->arrived, &audit->lock);
	else
		(void)pthread_cond_timedwait(&audit->arrived, &audit->lock, &at);
}

static void *run(void *context)
{
	struct audit *audit = context;
	bool ended = false;

	while (!ended) {
		int64_t due_ms;

		(void)pthread_mutex_lock(&audit->lock);
		while ((due_ms = due(audit)) > clock_monotonic_ms())
			wait_until(audit, due_ms);
		(void)pthread_mutex_unlock(&audit->lock);
		run_once(audit);
		(void)pthread_mutex_lock(&audit->lock);
		ended = audit->closing && (audit->failing || !audit->pending.len);
		(void)pthread_mutex_unlock(&audit->lock);
	}
	return NULL;
}

/* --- from beginning to end ---------------------------------------------------------- */

static int read_head(struct store *store, struct store_audit_head *ret_head)
{
	int error = store_audit_head_get(store, ret_head);

	return error == ERROR_NOT_FOUND ? 0 : error;
}

/* Looks where the files end, and says so to the store. */
static int begin(struct audit *audit, const struct audit_options *options, struct fault *fault)
{
	struct store_audit_head head = {0};
	struct audit_chain_options chain = {
		.data_directory = options->data_directory,
		.secret_key = options->secret_key,
		.clock = options->clock,
		.log = options->log,
		.head = &head,
		.limits = options->limits,
	};
	const struct buf nothing = {0};
	size_t used;
	int error = read_head(options->store, &head);

	if (error) {
		fault_set(fault, "the store can't be read: %s", error_text(error));
		return error;
	}
	error = audit_chain_open(&audit->chain, &chain, fault);
	if (error)
		return error;
	error = audit_chain_append(&audit->chain, &nothing, 0, &used);
	if (!error)
		error = audit_chain_sync(&audit->chain);
	if (error)
		fault_set(fault, "the audit in %s/audit can't be written: %s",
			options->data_directory,
			error == ERROR_IO ? strerror(errno) : error_text(error));
	audit->last_seq = audit->chain.last.seq;
	audit->head_seq = head.seq;
	return error;
}

static int init_parts(struct audit *audit, const struct audit_options *options)
{
	pthread_condattr_t monotonic;
	int error = audit_floods_init(&audit->floods);

	audit->store = options->store;
	audit->clock = options->clock;
	audit->log = options->log;
	buf_init(&audit->writing, AUDIT_PENDING_MAX);
	buf_init(&audit->pending, AUDIT_PENDING_MAX);
	waits_init(&audit->waits);
	(void)pthread_mutex_init(&audit->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&audit->arrived, &monotonic);
	(void)pthread_cond_init(&audit->settled, NULL);
	(void)pthread_condattr_destroy(&monotonic);
	if (!error)
		error = audit_key_derive(options->secret_key, &audit->key);
	return error;
}

static void free_parts(struct audit *audit)
{
	audit_chain_close(&audit->chain);
	audit_floods_finish(&audit->floods);
	buf_finish(&audit->writing);
	buf_finish(&audit->pending);
	secret_finish(&audit->key);
	(void)pthread_cond_destroy(&audit->settled);
	(void)pthread_cond_destroy(&audit->arrived);
	(void)pthread_mutex_destroy(&audit->lock);
	free(audit);
}

int audit_create(const struct audit_options *options, struct audit **ret_audit, struct fault *fault)
{
	struct audit *audit = calloc(1, sizeof(*audit));
	int error;

	if (!audit) {
		fault_set(fault, "out of memory");
		return ERROR_MEMORY;
	}
	error = init_parts(audit, options);
	if (error)
		fault_set(fault, "the audit can't be opened: %s", error_text(error));
	else
		error = begin(audit, options, fault);
	if (!error) {
		error = thread_start(&audit->thread, run, audit);
		if (error)
			fault_set(fault, "the audit's thread can't be started");
	}
	if (error) {
		free_parts(audit);
		return error;
	}
	*ret_audit = audit;
	return 0;
}

void audit_settle(struct audit *audit)
{
	(void)pthread_mutex_lock(&audit->lock);
	audit->settling++;
	(void)pthread_cond_signal(&audit->arrived);
	while (audit->unanswered)
		(void)pthread_cond_wait(&audit->settled, &audit->lock);
	audit->settling--;
	(void)pthread_mutex_unlock(&audit->lock);
}

int audit_state(struct audit *audit, uint64_t *ret_waiting)
{
	int error;

	(void)pthread_mutex_lock(&audit->lock);
	error = check(audit);
	*ret_waiting = audit->pending.len;
	(void)pthread_mutex_unlock(&audit->lock);
	return error;
}

/* What could not be written is lost with the process, and the log is told. */
static void end_chain(struct audit *audit)
{
	struct store_audit_head head;
	size_t lost = audit->writing.len - audit->written + audit->pending.len;

	/* The head that is on its way calls back here. */
	store_settle(audit->store);
	if (lost)
		LOG_EVENT(audit->log, LOG_LEVEL_ERROR, "audit_lost",
			log_number("bytes", (int64_t)lost));
	if (audit->failing || audit->chain.last.seq <= audit->head_seq)
		return;
	audit_chain_head(&audit->chain, &head);
	(void)store_audit_head_put_now(audit->store, &head);
}

void audit_destroy(struct audit *audit)
{
	if (!audit)
		return;
	audit_settle(audit);
	(void)pthread_mutex_lock(&audit->lock);
	audit->closing = true;
	(void)pthread_cond_signal(&audit->arrived);
	(void)pthread_mutex_unlock(&audit->lock);
	(void)pthread_join(audit->thread, NULL);
	end_chain(audit);
	free_parts(audit);
}
