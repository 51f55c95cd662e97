/* SPDX-License-Identifier: Apache-2.0 */
#include "store/writer.h"

#include "base/thread.h"
#include "store/store.h"

#include <stdatomic.h>
#include <stdlib.h>

struct writer {
	struct engine *engine;
	pthread_mutex_t *engine_lock;
	const struct clock *clock;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t arrived;
	pthread_cond_t answered;
	struct job *first;
	struct job **last;
	size_t waiting;	   /* in the queue */
	size_t unanswered; /* those, and the ones under way */
	int64_t moved_ms;  /* when the last was answered, or the first of them came */
	uint64_t answered_count;
	bool closing;
	int (*guard)(void *context); /* the writing thread's once it runs; NULL: none */
	void *guard_context;
	atomic_bool failing; /* the last batch could not be written */
	struct histogram transactions;
};

/* One that waits for its answer, on the stack of its thread. */
struct waiting_job {
	struct job job;
	struct writer *writer;
	int (*run)(struct writing *writing, void *context);
	void *context;
	int error;
	bool answered;
};

/* Sets the job's error. Returns another one where the job's part could neither be
 * kept nor undone, or the engine ended the transaction: then nothing of the batch
 * may be kept. */
static int run_job(struct writing *writing, struct job *job)
{
	bool seen = writing->seen;
	int error = 0;

	job->error = job->one_statement ? 0 : engine_part_begin(writing->engine);
	if (!job->error) {
		writing->now_ms = clock_now_ms(writing->clock);
		writing->now_s = writing->now_ms / 1000;
		job->error = job->run(writing, job);
		if (!job->one_statement && engine_in_transaction(writing->engine))
			error = engine_part_end(writing->engine, !job->error);
	}
	if (job->error)
		writing->seen = seen;
	return engine_in_transaction(writing->engine) ? error : ERROR_UNAVAILABLE;
}

/* A newer program may have migrated the database since it was opened. */
static int check_version(struct engine *engine)
{
	int64_t version = 0;
	int error = engine_version(engine, &version);

	return error ? error : version == STORE_SCHEMA_VERSION ? 0 : ERROR_VERSION;
}

static int run_jobs(struct writing *writing, struct job *batch)
{
	int error;

	for (struct job *job = batch; job; job = job->next) {
		error = run_job(writing, job);
		if (error)
			return error;
	}
	if (!writing->seen)
		return 0;
	return engine_change(writing->engine,
		"UPDATE change SET counter = counter + 1 WHERE one = 1", (struct values){0}, NULL);
}

static bool any_done(const struct job *batch)
{
	while (batch && batch->error)
		batch = batch->next;
	return batch != NULL;
}

static void run_batch(struct writer *writer, struct job *batch)
{
	struct writing writing = {.engine = writer->engine, .clock = writer->clock};
	int64_t began_ns = clock_monotonic_ns();
	int error;

	if (writer->engine_lock)
		(void)pthread_mutex_lock(writer->engine_lock);
	error = engine_begin(writer->engine);
	if (!error)
		error = check_version(writer->engine);
	if (!error)
		error = run_jobs(&writing, batch);
	if (!error && writer->guard && any_done(batch))
		error = writer->guard(writer->guard_context);
	if (!error)
		error = engine_commit(writer->engine);
	if (error)
		engine_rollback(writer->engine);
	if (writer->engine_lock)
		(void)pthread_mutex_unlock(writer->engine_lock);
	histogram_add(&writer->transactions, clock_monotonic_ns() - began_ns);
	atomic_store(&writer->failing, error != 0);
	for (struct job *job = batch; job && error; job = job->next)
		job->error = error == ERROR_MEMORY ? ERROR_MEMORY : ERROR_UNAVAILABLE;
}

/* Waits for jobs and takes a batch of them; NULL when it is time to end. */
static struct job *take_batch(struct writer *writer)
{
	struct job *batch;
	struct job **end;

	(void)pthread_mutex_lock(&writer->lock);
	while (!writer->first && !writer->closing)
		(void)pthread_cond_wait(&writer->arrived, &writer->lock);
	batch = writer->first;
	end = &batch;
	for (size_t i = 0; i < WRITER_BATCH_MAX && *end; i++) {
		end = &(*end)->next;
		writer->waiting--;
	}
	writer->first = *end;
	*end = NULL;
	if (!writer->first)
		writer->last = &writer->first;
	(void)pthread_mutex_unlock(&writer->lock);
	return batch;
}

static void count_answered(struct writer *writer, size_t count)
{
	(void)pthread_mutex_lock(&writer->lock);
	writer->unanswered -= count;
	writer->moved_ms = clock_monotonic_ms();
	writer->answered_count += count;
	(void)pthread_cond_broadcast(&writer->answered);
	(void)pthread_mutex_unlock(&writer->lock);
}

static void *write_loop(void *context)
{
	struct writer *writer = context;
	struct job *batch;
	struct job *next;

	while ((batch = take_batch(writer))) {
		size_t count = 0;

		run_batch(writer, batch);
		for (struct job *job = batch; job; job = next) {
			next = job->next;
			job->done(job, job->error);
			count++;
		}
		count_answered(writer, count);
	}
	return NULL;
}

static void free_writer(struct writer *writer)
{
	(void)pthread_cond_destroy(&writer->answered);
	(void)pthread_cond_destroy(&writer->arrived);
	(void)pthread_mutex_destroy(&writer->lock);
	free(writer);
}

int writer_create(struct engine *engine, pthread_mutex_t *lock, const struct clock *clock,
	struct writer **ret_writer)
{
	struct writer *writer = calloc(1, sizeof(*writer));
	int error;

	if (!writer)
		return ERROR_MEMORY;
	writer->engine = engine;
	writer->engine_lock = lock;
	writer->clock = clock;
	writer->last = &writer->first;
	(void)pthread_mutex_init(&writer->lock, NULL);
	(void)pthread_cond_init(&writer->arrived, NULL);
	(void)pthread_cond_init(&writer->answered, NULL);
	error = thread_start(&writer->thread, write_loop, writer);
	if (error) {
		free_writer(writer);
		return error;
	}
	*ret_writer = writer;
	return 0;
}

void writer_destroy(struct writer *writer)
{
	if (!writer)
		return;
	(void)pthread_mutex_lock(&writer->lock);
	writer->closing = true;
	(void)pthread_cond_signal(&writer->arrived);
	(void)pthread_mutex_unlock(&writer->lock);
	(void)pthread_join(writer->thread, NULL);
	engine_close(writer->engine);
	free_writer(writer);
}

void writer_guard(struct writer *writer, int (*guard)(void *context), void *context)
{
	(void)pthread_mutex_lock(&writer->lock);
	writer->guard = guard;
	writer->guard_context = context;
	(void)pthread_mutex_unlock(&writer->lock);
}

bool writer_failing(struct writer *writer)
{
	return atomic_load(&writer->failing);
}

void writer_statistics(struct writer *writer, struct store_statistics *ret_statistics)
{
	*ret_statistics = (struct store_statistics){
		.waiting_max = WRITER_QUEUE_MAX, .failing = writer_failing(writer)};
	histogram_read(&writer->transactions, &ret_statistics->transactions);
	(void)pthread_mutex_lock(&writer->lock);
	ret_statistics->waiting = writer->waiting;
	ret_statistics->answered = writer->answered_count;
	if (writer->unanswered)
		ret_statistics->stalled_ms = clock_monotonic_ms() - writer->moved_ms;
	(void)pthread_mutex_unlock(&writer->lock);
}

void writer_settle(struct writer *writer)
{
	(void)pthread_mutex_lock(&writer->lock);
	while (writer->unanswered)
		(void)pthread_cond_wait(&writer->answered, &writer->lock);
	(void)pthread_mutex_unlock(&writer->lock);
}

int writer_submit(struct writer *writer, struct job *job)
{
	int error = 0;

	(void)pthread_mutex_lock(&writer->lock);
	if (writer->closing) {
		error = ERROR_UNAVAILABLE;
	} else if (writer->waiting == WRITER_QUEUE_MAX) {
		error = ERROR_BUSY;
	} else {
		job->next = NULL;
		*writer->last = job;
		writer->last = &job->next;
		writer->waiting++;
		if (!writer->unanswered++)
			writer->moved_ms = clock_monotonic_ms();
		(void)pthread_cond_signal(&writer->arrived);
	}
	(void)pthread_mutex_unlock(&writer->lock);
	return error;
}

static int run_waiting(struct writing *writing, struct job *job)
{
	struct waiting_job *waiting = (struct waiting_job *)job;

	return waiting->run(writing, waiting->context);
}

static void answer_waiting(struct job *job, int error)
{
	struct waiting_job *waiting = (struct waiting_job *)job;
	struct writer *writer = waiting->writer;

	(void)pthread_mutex_lock(&writer->lock);
	waiting->error = error;
	waiting->answered = true;
	(void)pthread_cond_broadcast(&writer->answered);
	(void)pthread_mutex_unlock(&writer->lock);
}

int writer_run(
	struct writer *writer, int (*run)(struct writing *writing, void *context), void *context)
{
	struct waiting_job waiting = {
		.job = {.run = run_waiting, .done = answer_waiting},
		.writer = writer,
		.run = run,
		.context = context,
	};

	if (writer_submit(writer, &waiting.job))
		return ERROR_UNAVAILABLE;
	(void)pthread_mutex_lock(&writer->lock);
	while (!waiting.answered)
		(void)pthread_cond_wait(&writer->answered, &writer->lock);
	(void)pthread_mutex_unlock(&writer->lock);
	return waiting.error;
}
