/* SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	THREADS = 4,
	QUEUE_MAX = 256,
	PROBLEM_SIZE = 256, /* of fields or body */
};

/* A copy of what outlives the server's handler. The texts follow it in its memory. */
struct job {
	struct job *next;
	struct http_ticket ticket;
	struct api_request request;
	char texts[];
};

struct pool {
	const struct api *api;
	pthread_t threads[THREADS];
	unsigned thread_count;
	pthread_mutex_t mutex; /* over what follows */
	pthread_cond_t changed;
	struct job *first;
	struct job **last;
	size_t queued;
	bool ending;
};

static struct job *next_job(struct pool *pool)
{
	struct job *job;

	(void)pthread_mutex_lock(&pool->mutex);
	while (!pool->first && !pool->ending)
		(void)pthread_cond_wait(&pool->changed, &pool->mutex);
	job = pool->first;
	if (job) {
		pool->first = job->next;
		if (!pool->first)
			pool->last = &pool->first;
		pool->queued--;
	}
	(void)pthread_mutex_unlock(&pool->mutex);
	return job;
}

static void refuse(struct http_ticket ticket)
{
	struct http_response answer = {.status = 503};
	char field_bytes[PROBLEM_SIZE];
	char body_bytes[PROBLEM_SIZE];
	struct buf fields;
	struct buf body;

	buf_init_fixed(&fields, field_bytes, sizeof(field_bytes));
	buf_init_fixed(&body, body_bytes, sizeof(body_bytes));
	(void)buf_append_text(&fields, "Cache-Control: no-store\r\nRetry-After: 1\r\n");
	api_write_problem(answer.status, NULL, &fields, &body);
	answer.fields = fields.data;
	answer.body = body.data;
	answer.body_length = body.len;
	http_answer(ticket, &answer);
}

static void serve(const struct pool *pool, const struct job *job)
{
	struct api_response response;

	api_serve(pool->api, &job->request, &response);
	if (buf_status(&response.fields) || buf_status(&response.body)) {
		refuse(job->ticket);
	} else {
		const struct http_response answer = {
			.status = response.status,
			.fields = response.fields.data,
			.body = response.body.data,
			.body_length = response.body.len,
		};

		http_answer(job->ticket, &answer);
	}
	api_response_finish(&response);
}

static void free_job(struct job *job)
{
	/* One of the texts is a token. */
	if (job->request.authorization)
		explicit_bzero((void *)(uintptr_t)job->request.authorization,
			strlen(job->request.authorization));
	free(job);
}

static void *run(void *context)
{
	struct pool *pool = context;
	struct job *job;

	while ((job = next_job(pool))) {
		serve(pool, job);
		free_job(job);
	}
	return NULL;
}

int pool_create(const struct api *api, struct pool **ret_pool)
{
	struct pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return ERROR_MEMORY;
	pool->api = api;
	pool->last = &pool->first;
	(void)pthread_mutex_init(&pool->mutex, NULL);
	(void)pthread_cond_init(&pool->changed, NULL);
	while (pool->thread_count < THREADS &&
		!pthread_create(&pool->threads[pool->thread_count], NULL, run, pool))
		pool->thread_count++;
	if (!pool->thread_count) {
		pool_destroy(pool);
		return ERROR_UNAVAILABLE;
	}
	*ret_pool = pool;
	return 0;
}

static const char *copy_text(char **to, const char *text)
{
	char *copy = *to;
	size_t size = strlen(text) + 1;

	memcpy(copy, text, size);
	*to += size;
	return copy;
}

static struct job *make_job(const struct http_request *request, struct http_ticket ticket)
{
	size_t count;
	const char *authorization = http_request_field(request, "Authorization", &count);
	size_t size = strlen(request->method) + strlen(request->raw_path) + 3 +
		      (authorization ? strlen(authorization) : 0);
	struct job *job = calloc(1, sizeof(*job) + size);
	char *texts;

	if (!job)
		return NULL;
	texts = job->texts;
	job->ticket = ticket;
	job->request.method = copy_text(&texts, request->method);
	job->request.path = copy_text(&texts, request->raw_path);
	job->request.authorization_count = count;
	if (authorization)
		job->request.authorization = copy_text(&texts, authorization);
	return job;
}

void pool_take(struct pool *pool, const struct http_request *request, struct http_ticket ticket)
{
	struct job *job = make_job(request, ticket);
	bool taken = false;

	(void)pthread_mutex_lock(&pool->mutex);
	if (job && pool->queued < QUEUE_MAX && !pool->ending) {
		*pool->last = job;
		pool->last = &job->next;
		pool->queued++;
		taken = true;
		(void)pthread_cond_signal(&pool->changed);
	}
	(void)pthread_mutex_unlock(&pool->mutex);
	if (taken)
		return;
	if (job)
		free_job(job);
	refuse(ticket);
}

void pool_destroy(struct pool *pool)
{
	if (!pool)
		return;
	(void)pthread_mutex_lock(&pool->mutex);
	pool->ending = true;
	(void)pthread_cond_broadcast(&pool->changed);
	(void)pthread_mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->thread_count; i++)
		(void)pthread_join(pool->threads[i], NULL);
	(void)pthread_cond_destroy(&pool->changed);
	(void)pthread_mutex_destroy(&pool->mutex);
	free(pool);
}
