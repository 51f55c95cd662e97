/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/password_queue.h"

#include "authority/password_hash.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/thread.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct item {
	struct item *next;
	char password[PASSWORD_MAX + 1];
	struct store_credential against;
	bool exists; /* there is one to check against */
	void (*done)(void *context, const struct password_verdict *verdict);
	void *context;
};

/* The trusted, and all others. */
enum lane { LANE_TRUSTED, LANE_OTHERS, LANES };

struct line {
	struct item *first;
	struct item **end;
	size_t length;
};

struct thread {
	struct password_queue *queue;
	unsigned index;
	pthread_t id;
};

struct password_queue {
	pthread_mutex_t lock;
	pthread_cond_t arrived;
	struct line lines[LANES];
	enum lane next; /* whose turn it is where both wait */
	size_t places;
	bool stopping;
	atomic_uint_fast64_t hashed;
	struct store *store;
	unsigned thread_count; /* that were started and not joined */
	struct thread threads[PASSWORD_QUEUE_THREADS_MAX];
};

static void free_item(struct item *item)
{
	memory_wipe(item, sizeof(*item));
	free(item);
}

static struct item *take_from(struct line *line)
{
	struct item *item = line->first;

	line->first = item->next;
	if (!line->first)
		line->end = &line->first;
	line->length--;
	return item;
}

/* Waits for one; NULL when it is time to end. Neither lane can starve the other. */
static struct item *take(struct password_queue *queue)
{
	struct item *item = NULL;
	enum lane lane;

	(void)pthread_mutex_lock(&queue->lock);
	while (!queue->lines[LANE_TRUSTED].first && !queue->lines[LANE_OTHERS].first &&
		!queue->stopping)
		(void)pthread_cond_wait(&queue->arrived, &queue->lock);
	lane = queue->next;
	if (!queue->lines[lane].first)
		lane = lane == LANE_TRUSTED ? LANE_OTHERS : LANE_TRUSTED;
	queue->next = lane == LANE_TRUSTED ? LANE_OTHERS : LANE_TRUSTED;
	if (queue->lines[lane].first)
		item = take_from(&queue->lines[lane]);
	(void)pthread_mutex_unlock(&queue->lock);
	return item;
}

static bool is_stopping(struct password_queue *queue)
{
	bool stopping;

	(void)pthread_mutex_lock(&queue->lock);
	stopping = queue->stopping;
	(void)pthread_mutex_unlock(&queue->lock);
	return stopping;
}

static int verify(struct password_queue *queue, const struct item *item)
{
	int error;

	atomic_fetch_add(&queue->hashed, 1);
	if (item->exists)
		return password_hash_verify(item->against.password_hash, item->password);
	error = password_hash_pretend(item->password);
	return error ? error : ERROR_REFUSED;
}

/* What fails is tried again at the next login. */
static void renew(struct password_queue *queue, const struct item *item)
{
	char hash[STORE_PASSWORD_HASH_SIZE];

	if (password_hash_is_current(item->against.password_hash) || is_stopping(queue))
		return;
	atomic_fetch_add(&queue->hashed, 1);
	if (!password_hash_make(item->password, hash))
		(void)store_credential_rehash(queue->store, item->against.id,
			item->against.password_hash, hash, NULL, NULL);
	memory_wipe(hash, sizeof(hash));
}

static void run(struct thread *thread, const struct item *item)
{
	struct password_queue *queue = thread->queue;
	struct password_verdict verdict = {.error = ERROR_UNAVAILABLE, .thread = thread->index};

	if (!is_stopping(queue)) {
		verdict.began_ms = clock_monotonic_ms();
		verdict.error = verify(queue, item);
	}
	item->done(item->context, &verdict);
	if (!verdict.error)
		renew(queue, item);
}

static void *work(void *context)
{
	struct thread *thread = context;
	struct item *item;

	while ((item = take(thread->queue))) {
		run(thread, item);
		free_item(item);
	}
	return NULL;
}

static unsigned count_threads(unsigned wanted)
{
	long count = wanted ? (long)wanted : sysconf(_SC_NPROCESSORS_ONLN) - 1;

	if (count < 1)
		return 1;
	return count > PASSWORD_QUEUE_THREADS_MAX ? PASSWORD_QUEUE_THREADS_MAX : (unsigned)count;
}

static int start(struct password_queue *queue, unsigned count)
{
	int error = 0;

	for (unsigned i = 0; i < count && !error; i++) {
		queue->threads[i] = (struct thread){.queue = queue, .index = i};
		error = thread_start(&queue->threads[i].id, work, &queue->threads[i]);
		queue->thread_count += error ? 0 : 1;
	}
	return error;
}

int password_queue_create(struct store *store, unsigned threads, struct password_queue **ret_queue)
{
	struct password_queue *queue = calloc(1, sizeof(*queue));
	unsigned count = count_threads(threads);
	int error;

	if (!queue)
		return ERROR_MEMORY;
	(void)pthread_mutex_init(&queue->lock, NULL);
	(void)pthread_cond_init(&queue->arrived, NULL);
	for (size_t i = 0; i < LANES; i++)
		queue->lines[i].end = &queue->lines[i].first;
	queue->store = store;
	queue->places = (size_t)count * PASSWORD_QUEUE_PLACES;
	error = start(queue, count);
	if (error)
		password_queue_destroy(queue);
	else
		*ret_queue = queue;
	return error;
}

void password_queue_stop(struct password_queue *queue)
{
	if (!queue)
		return;
	(void)pthread_mutex_lock(&queue->lock);
	queue->stopping = true;
	(void)pthread_cond_broadcast(&queue->arrived);
	(void)pthread_mutex_unlock(&queue->lock);
	while (queue->thread_count)
		(void)pthread_join(queue->threads[--queue->thread_count].id, NULL);
}

void password_queue_destroy(struct password_queue *queue)
{
	if (!queue)
		return;
	password_queue_stop(queue);
	(void)pthread_cond_destroy(&queue->arrived);
	(void)pthread_mutex_destroy(&queue->lock);
	free(queue);
}

static int make_item(const struct password_check *check, struct item **ret_item)
{
	size_t length = strlen(check->password);
	struct item *item;

	if (length > PASSWORD_MAX)
		return ERROR_LIMIT;
	item = calloc(1, sizeof(*item));
	if (!item)
		return ERROR_MEMORY;
	memcpy(item->password, check->password, length + 1);
	item->exists = check->against != NULL;
	if (item->exists)
		item->against = *check->against;
	item->done = check->done;
	item->context = check->context;
	*ret_item = item;
	return 0;
}

/* With the lock held. The trusted may take the others' half too. */
static int place(struct password_queue *queue, struct item *item, enum lane lane)
{
	struct line *line = &queue->lines[lane];
	size_t waiting = queue->lines[LANE_TRUSTED].length + queue->lines[LANE_OTHERS].length;

	if (queue->stopping)
		return ERROR_UNAVAILABLE;
	if (waiting >= queue->places || (lane == LANE_OTHERS && line->length >= queue->places / 2))
		return ERROR_BUSY;
	*line->end = item;
	line->end = &item->next;
	line->length++;
	(void)pthread_cond_signal(&queue->arrived);
	return 0;
}

int password_queue_submit(struct password_queue *queue, const struct password_check *check)
{
	struct item *item;
	int error = make_item(check, &item);

	if (error)
		return error;
	(void)pthread_mutex_lock(&queue->lock);
	error = place(queue, item, check->trusted ? LANE_TRUSTED : LANE_OTHERS);
	(void)pthread_mutex_unlock(&queue->lock);
	if (error)
		free_item(item);
	return error;
}

void password_queue_state(struct password_queue *queue, struct password_queue_state *ret_state)
{
	(void)pthread_mutex_lock(&queue->lock);
	*ret_state = (struct password_queue_state){
		.threads = (unsigned)(queue->places / PASSWORD_QUEUE_PLACES),
		.places = queue->places,
		.waiting = queue->lines[LANE_TRUSTED].length + queue->lines[LANE_OTHERS].length,
		.waiting_trusted = queue->lines[LANE_TRUSTED].length,
		.hashed = atomic_load(&queue->hashed),
	};
	(void)pthread_mutex_unlock(&queue->lock);
}
