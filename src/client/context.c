/* SPDX-License-Identifier: Apache-2.0 */
#include "client/context.h"

#include "base/secret.h"
#include "client/options.h"
#include "codec/uri.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 1024, CLIENT_ID_MAX = 256 };

/* A child finds FORK_UNNOTICED; the first of its threads to see that deals with it. */
enum fork_mark { FORK_UNNOTICED, FORK_BEING_NOTICED, FORK_NOTICED };

/* A page that a child of fork() finds zeroed: no lock, no handler and no call of the
 * system is needed to notice one (madvise(2), MADV_WIPEONFORK). */
static atomic_uchar *make_fork_mark(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	atomic_uchar *page =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return NULL;
	if (madvise(page, size, MADV_WIPEONFORK)) {
		(void)munmap(page, size);
		return NULL;
	}
	atomic_init(page, FORK_NOTICED);
	return page;
}

static int open_descriptors(struct adit_client *client)
{
	struct epoll_event event = {.events = EPOLLIN};

	client->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	client->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (client->epoll_fd < 0 || client->event_fd < 0)
		return ERROR_IO;
	event.data.fd = client->event_fd;
	return epoll_ctl(client->epoll_fd, EPOLL_CTL_ADD, client->event_fd, &event) ? ERROR_IO : 0;
}

static void close_descriptors(struct adit_client *client)
{
	if (client->epoll_fd >= 0)
		(void)close(client->epoll_fd);
	if (client->event_fd >= 0)
		(void)close(client->event_fd);
	client->epoll_fd = -1;
	client->event_fd = -1;
}

static void init_locks(struct adit_client *client)
{
	pthread_condattr_t attributes;

	(void)pthread_mutex_init(&client->mutex, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&client->ended, &attributes);
	(void)pthread_condattr_destroy(&attributes);
}

/* The issuer that the URL stands for: one slash at its end is the URL's alone
 * (OpenID Connect Discovery, 4.3). */
static int set_authority(struct adit_client *client, const char *authority, struct report *report)
{
	struct buf url;
	struct fault fault = {0};
	size_t length;
	int error;

	buf_init(&url, URI_MAX);
	error = metadata_append_url(&url, authority, &fault);
	buf_finish(&url);
	if (error && error != ERROR_MEMORY) {
		(void)report_set(report, ADIT_ERROR_INVALID, "%s", fault.text);
		return report_action(report, "give the authority's URL as its operator states it");
	}
	client->configured = error ? NULL : strdup(authority);
	client->authority = error ? NULL : strdup(authority);
	if (!client->authority || !client->configured)
		return report_set(report, ADIT_ERROR_MEMORY, "no memory for a client");
	length = strlen(client->authority);
	if (client->authority[length - 1] == '/')
		client->authority[length - 1] = '\0';
	return 0;
}

static bool is_client_id(const char *text)
{
	size_t length = strlen(text);

	for (const char *c = text; *c; c++)
		if (*c < 0x20 || *c == 0x7f)
			return false;
	return length && length <= CLIENT_ID_MAX;
}

int context_create(const char *authority, const char *client_id, struct adit_client **ret_client,
	struct report *report)
{
	struct adit_client *client;
	int error;

	if (!authority || !client_id || !is_client_id(client_id))
		return report_set(report, ADIT_ERROR_INVALID,
			"the authority's URL and a client_id of 1 to 256 printable characters are "
			"needed");
	client = calloc(1, sizeof(*client));
	if (!client)
		return report_set(report, ADIT_ERROR_MEMORY, "no memory for a client");
	client->epoll_fd = -1;
	client->event_fd = -1;
	init_locks(client);
	error = set_authority(client, authority, report);
	if (!error) {
		client->client_id = strdup(client_id);
		client->fork_mark = make_fork_mark();
		if (!client->client_id || !client->fork_mark || open_descriptors(client))
			error = report_set(report, ADIT_ERROR_MEMORY,
				"no memory or no descriptors for a client");
	}
	if (!error)
		error = options_set_standard(client, report);
	if (error) {
		context_destroy(client);
		return error;
	}
	client_clock_init(&client->clock, NULL, NULL);
	*ret_client = client;
	return 0;
}

void context_destroy(struct adit_client *client)
{
	if (!client)
		return;
	if (client->is_stepped)
		operation_finish(&client->stepped);
	adit_token_release(client->token);
	http_client_destroy(client->http);
	http_client_destroy(client->call_http);
	turns_finish(&client->turns);
	crypto_key_destroy(client->assertion_key);
	jwks_destroy(client->keys);
	if (client->has_metadata)
		metadata_finish(&client->metadata);
	account_record_finish(&client->account);
	account_record_finish(&client->given);
	token_record_finish(&client->tokens);
	gate_record_finish(&client->gate);
	storage_close(client->storage);
	options_finish(client);
	close_descriptors(client);
	if (client->fork_mark)
		(void)munmap(client->fork_mark, (size_t)sysconf(_SC_PAGESIZE));
	(void)pthread_cond_destroy(&client->ended);
	(void)pthread_mutex_destroy(&client->mutex);
	free(client->configured);
	free(client->authority);
	free(client->client_id);
	free(client);
}

/* What other threads of the parent held is nobody's here. The parent's connection and its
 * lock are left to it: what is closed is the child's copy. */
static void part_from_parent(struct adit_client *client)
{
	init_locks(client);
	client->busy = false;
	if (client->http)
		http_client_forget(client->http);
	client->http = NULL;
	http_client_forget(client->call_http);
	client->call_http = NULL;
	turns_notice_fork(&client->turns);
	/* Only the copy is closed: the parent has the lock. */
	storage_unlock(&client->lock);
	close_descriptors(client);
	(void)open_descriptors(client);
	if (client->is_stepped) {
		client->stepped.exchange.begun = false;
		client->stepped.locked = false;
		client->stepped.forked = true;
		operation_finish(&client->stepped);
	}
	client->is_stepped = false;
}

void context_notice_fork(struct adit_client *client)
{
	unsigned char seen = atomic_load_explicit(client->fork_mark, memory_order_acquire);

	while (seen != FORK_NOTICED) {
		if (seen == FORK_UNNOTICED && atomic_compare_exchange_strong(client->fork_mark,
						      &seen, FORK_BEING_NOTICED)) {
			part_from_parent(client);
			atomic_store_explicit(
				client->fork_mark, FORK_NOTICED, memory_order_release);
			return;
		}
		/* It takes another thread some microseconds. */
		(void)sched_yield();
		seen = atomic_load_explicit(client->fork_mark, memory_order_acquire);
	}
}

void context_cancel(struct adit_client *client)
{
	const uint64_t one = 1;
	int saved = errno;

	(void)atomic_fetch_add(&client->cancels, 1);
	/* A full counter wakes just as well. */
	if (write(client->event_fd, &one, sizeof(one)) < 0)
		errno = saved;
	errno = saved;
}

unsigned context_cancels(const struct adit_client *client)
{
	return atomic_load(&client->cancels);
}

void context_drain_cancels(const struct adit_client *client)
{
	uint64_t count;

	while (read(client->event_fd, &count, sizeof(count)) > 0)
		;
}

int context_create_http(
	const struct adit_client *client, struct http_client **ret_http, struct fault *fault)
{
	const struct adit_client_options *options = &client->options;
	const struct http_client_options http = {
		.connect_timeout_ms = options->connect_timeout_ms,
		.total_timeout_ms = options->request_timeout_ms,
		.ca_file = options->ca_file,
		.certificate_file = options->certificate_file,
		.certificate_key_file = options->certificate_key_file,
		.proxy = options->proxy,
	};

	return http_client_create(&http, ret_http, fault);
}

int context_open_http(struct adit_client *client, struct report *report)
{
	struct fault fault = {0};
	int error;

	if (client->http)
		return 0;
	error = context_create_http(client, &client->http, &fault);
	return error ? report_fault(report, error, &fault) : 0;
}

int context_lock_account(struct operation *operation)
{
	struct adit_client *client = operation->client;
	struct fault fault = {0};
	int error = storage_lock_try(client->storage, client->account_id, &client->lock, &fault);

	if (error == ERROR_BUSY)
		return ADIT_AGAIN;
	if (error)
		return report_storage(&operation->report, error, &fault);
	operation->locked = true;
	return 0;
}

void context_unlock_account(struct operation *operation)
{
	if (operation->locked)
		storage_unlock(&operation->client->lock);
	operation->locked = false;
}

int context_adopt_token(struct adit_client *client, struct report *report)
{
	struct adit_token *token;
	struct adit_token *old;

	if (token_create(&client->tokens, &client->clock, &token))
		return report_set(report, ADIT_ERROR_MEMORY, "no memory for a token");
	(void)pthread_mutex_lock(&client->mutex);
	old = client->token;
	client->token = token;
	(void)pthread_mutex_unlock(&client->mutex);
	adit_token_release(old);
	return 0;
}

void context_drop_token(struct adit_client *client)
{
	struct adit_token *old;

	(void)pthread_mutex_lock(&client->mutex);
	old = client->token;
	client->token = NULL;
	(void)pthread_mutex_unlock(&client->mutex);
	adit_token_release(old);
}

void context_log(const struct adit_client *client, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	va_list arguments;

	if (!client->hooks.log)
		return;
	va_start(arguments, format);
	(void)vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	report_clean(line);
	client->hooks.log(client->hooks.context, line);
}
