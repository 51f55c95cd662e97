/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that writes. It takes every job that waits, runs them in one
 * transaction, each undone alone where it fails, and answers all of them after
 * the commit: one sync of the disk for many writes.
 */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include "store/engine.h"
#include "store/store.h"

#include "base/clock.h"

#include <pthread.h>

enum {
	WRITER_QUEUE_MAX = 4096, /* jobs that may wait */
	WRITER_BATCH_MAX = 256,	 /* jobs of one transaction */
};

struct writer;

/* What a job has while it runs. */
struct writing {
	struct engine *engine;
	const struct clock *clock;
	int64_t now_ms; /* the store's clock, read under the write lock */
	int64_t now_s;
	bool seen; /* set by a job that changed what a cache must see */
};

struct job {
	struct job *next; /* the writer's */
	/* Inside the transaction. */
	int (*run)(struct writing *writing, struct job *job);
	/* After it; may free the job, must not wait for the writer. */
	void (*done)(struct job *job, int error);
	int error;	    /* the writer's */
	bool one_statement; /* which undoes itself when it fails */
};

/* The writer owns the engine from now on. `lock` is taken around its use where
 * others use it too, or NULL. `clock` is borrowed. 0, ERROR_MEMORY or
 * ERROR_UNAVAILABLE (no thread); then the engine stays the caller's. */
int writer_create(struct engine *engine, pthread_mutex_t *lock, const struct clock *clock,
	struct writer **ret_writer);
/* Finishes what waits, answers it, ends the thread and closes the engine. Accepts NULL. */
void writer_destroy(struct writer *writer);

/* As store_guard_commits(). */
void writer_guard(struct writer *writer, int (*guard)(void *context), void *context);

/* Whether the last batch could not be written. */
bool writer_failing(struct writer *writer);

/* How many jobs wait now, how many were answered, and how long transactions take. */
void writer_statistics(struct writer *writer, struct store_statistics *ret_statistics);

/* Returns when every job that was submitted has been answered. */
void writer_settle(struct writer *writer);

/* 0: `done` will be called, from the writer's thread. ERROR_BUSY: the queue is
 * full. ERROR_UNAVAILABLE: it is closing. */
int writer_submit(struct writer *writer, struct job *job);

/* Runs it in the writer's thread and waits for the commit. Returns what `run` did,
 * or ERROR_UNAVAILABLE (also for a full queue). Not from a job or its `done`. */
int writer_run(
	struct writer *writer, int (*run)(struct writing *writing, void *context), void *context);

#endif
