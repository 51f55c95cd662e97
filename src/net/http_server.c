/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_server.h"

#include "base/clock.h"
#include "base/thread.h"
#include "net/http_loop.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum {
	LOOPS_MAX = 64,
	DESCRIPTORS_KEPT = 64, /* for the rest of the process, or an eighth of its limit */
	DEFAULT_CONNECTIONS = 4096,
	DEFAULT_PER_SOURCE = 512,
	DEFAULT_BODY = 64 * 1024,
	DEFAULT_HEAD_MS = 5000,
	DEFAULT_BODY_MS = 10000,
	DEFAULT_IDLE_MS = 10000,
	DEFAULT_WRITE_MS = 10000,
	DEFAULT_ANSWER_MS = 30000,
};

static int default_ms(int given, int standard)
{
	return given > 0 ? given : standard;
}

static void set_options(struct http_server *server, const struct http_server_options *given)
{
	struct http_server_options *options = &server->options;

	*options = *given;
	options->listen = NULL;
	options->server_header = NULL;
	if (!options->max_per_source)
		options->max_per_source = DEFAULT_PER_SOURCE;
	if (!options->max_body)
		options->max_body = DEFAULT_BODY;
	options->head_timeout_ms = default_ms(given->head_timeout_ms, DEFAULT_HEAD_MS);
	options->body_timeout_ms = default_ms(given->body_timeout_ms, DEFAULT_BODY_MS);
	options->idle_timeout_ms = default_ms(given->idle_timeout_ms, DEFAULT_IDLE_MS);
	options->write_timeout_ms = default_ms(given->write_timeout_ms, DEFAULT_WRITE_MS);
	options->answer_timeout_ms = default_ms(given->answer_timeout_ms, DEFAULT_ANSWER_MS);
}

static uint32_t count_cores(void)
{
	cpu_set_t cores;

	if (sched_getaffinity(0, sizeof(cores), &cores))
		return 1;
	return (uint32_t)CPU_COUNT(&cores);
}

/* As many connections as asked for, less where the descriptors are fewer. */
static void set_sizes(struct http_server *server)
{
	size_t connections = server->options.max_connections;
	uint32_t loops = server->options.threads ? server->options.threads : count_cores();
	struct rlimit limit;

	if (!connections)
		connections = DEFAULT_CONNECTIONS;
	if (!getrlimit(RLIMIT_NOFILE, &limit) && limit.rlim_cur != RLIM_INFINITY) {
		size_t kept = (size_t)limit.rlim_cur / 8;
		size_t most;

		kept = kept > DESCRIPTORS_KEPT ? kept : DESCRIPTORS_KEPT;
		most = limit.rlim_cur > kept ? (size_t)limit.rlim_cur - kept : 1;
		connections = connections < most ? connections : most;
	}
	if (connections > UINT32_MAX / 2)
		connections = UINT32_MAX / 2;
	if (loops > LOOPS_MAX)
		loops = LOOPS_MAX;
	server->max_connections = connections;
	server->loop_count = loops < connections ? loops : (uint32_t)connections;
}

static int open_listeners(
	struct http_server *server, const struct http_server_options *options, struct fault *fault)
{
	int error = 0;

	server->listeners = calloc(options->listen_count, sizeof(*server->listeners));
	if (!server->listeners)
		return ERROR_MEMORY;
	for (size_t i = 0; !error && i < options->listen_count; i++) {
		error = http_listener_open(&server->listeners[i], options->listen[i], fault);
		server->listener_count = i + 1;
	}
	return error;
}

static int open_loops(struct http_server *server)
{
	int error = 0;

	server->loops = calloc(server->loop_count, sizeof(*server->loops));
	if (!server->loops)
		return ERROR_MEMORY;
	for (uint32_t i = 0; !error && i < server->loop_count; i++)
		error = http_loop_init(&server->loops[i], server, i);
	return error;
}

int http_server_create(const struct http_server_options *options, struct http_server **ret_server,
	struct fault *fault)
{
	struct http_server *server = NULL;
	int error = ERROR_INVALID;

	fault_set(fault, "no address to listen on");
	if (!options->listen_count || !options->handler)
		goto done;
	error = ERROR_MEMORY;
	fault_set(fault, "out of memory");
	server = calloc(1, sizeof(*server));
	if (!server)
		goto done;
	set_options(server, options);
	set_sizes(server);
	if (options->server_header) {
		server->server_header = strdup(options->server_header);
		if (!server->server_header)
			goto done;
	}
	error = http_sources_init(&server->sources, server->max_connections,
		options->max_per_source < UINT32_MAX ? (uint32_t)server->options.max_per_source
						     : UINT32_MAX);
	if (error)
		goto done;
	error = open_listeners(server, options, fault);
	if (error)
		goto done;
	error = open_loops(server);
	if (error)
		fault_set(fault, "can't start an HTTP server: %s", error_text(error));
done:
	if (error)
		http_server_destroy(server);
	else
		*ret_server = server;
	return error;
}

bool http_server_is_secure(const struct http_server *server, const struct sockaddr_storage *peer)
{
	return server->options.tls && peer->ss_family != AF_UNIX;
}

const char *http_server_address(const struct http_server *server, size_t index)
{
	return index < server->listener_count ? server->listeners[index].address : NULL;
}

const char *http_server_scheme(const struct http_server *server, size_t index)
{
	bool secure = server->options.tls && index < server->listener_count &&
		      !server->listeners[index].is_unix;

	return secure ? "https" : "http";
}

int64_t http_server_stalled_ms(struct http_server *server)
{
	int64_t now_ms = clock_monotonic_ms();
	int64_t longest_ms = 0;

	for (uint32_t i = 0; server->started && i < server->loop_count; i++) {
		struct http_loop *loop = &server->loops[i];
		int64_t asked_ms = 0;

		if (atomic_compare_exchange_strong(&loop->asked_ms, &asked_ms, now_ms))
			http_loop_wake(loop);
		else if (now_ms - asked_ms > longest_ms)
			longest_ms = now_ms - asked_ms;
	}
	return longest_ms;
}

static int start_loops(struct http_server *server)
{
	int error = 0;

	for (uint32_t i = 0; !error && i < server->loop_count; i++) {
		struct http_loop *loop = &server->loops[i];

		error = thread_start(&loop->to_join, http_loop_run, loop) ? ERROR_IO : 0;
		loop->started = !error;
	}
	return error;
}

int http_server_start(struct http_server *server)
{
	int error;

	if (server->started)
		return ERROR_EXISTS;
	server->started = true;
	atomic_store(&server->accepting, server->loop_count);
	error = start_loops(server);
	if (error)
		http_server_stop(server, 0);
	return error;
}

void http_server_stop(struct http_server *server, int drain_ms)
{
	if (!server->started || server->stopped)
		return;
	server->stopped = true;
	server->drain_ends_at_ms = clock_monotonic_ms() + (drain_ms > 0 ? drain_ms : 0);
	atomic_store(&server->stopping, true);
	for (size_t i = 0; i < server->listener_count; i++)
		http_listener_unlink(&server->listeners[i]);
	for (uint32_t i = 0; i < server->loop_count; i++)
		http_loop_wake(&server->loops[i]);
	for (uint32_t i = 0; i < server->loop_count; i++)
		if (server->loops[i].started)
			(void)pthread_join(server->loops[i].to_join, NULL);
}

void http_server_destroy(struct http_server *server)
{
	if (!server)
		return;
	http_server_stop(server, 0);
	for (uint32_t i = 0; server->loops && i < server->loop_count; i++)
		http_loop_finish(&server->loops[i]);
	for (size_t i = 0; i < server->listener_count; i++)
		http_listener_close(&server->listeners[i]);
	http_sources_finish(&server->sources);
	free(server->loops);
	free(server->listeners);
	free(server->server_header);
	free(server);
}

/* On the loop's own thread: nothing else can have closed the connection meanwhile. */
static void answer_here(
	struct http_loop *loop, struct http_ticket ticket, const struct http_response *response)
{
	const struct http_slot *slot = &loop->slots[ticket.slot];

	if (!slot->connection || slot->generation != ticket.generation)
		return;
	http_connection_answer(loop, slot->connection, response);
	if (slot->connection && slot->connection != loop->current)
		http_loop_ready(loop, slot->connection);
}

void http_mark(struct http_ticket ticket, unsigned mark)
{
	struct http_loop *loop;

	if (!ticket.server || ticket.loop >= ticket.server->loop_count)
		return;
	loop = &ticket.server->loops[ticket.loop];
	if (loop->current && loop->current->slot == ticket.slot)
		loop->current->mark = mark;
}

int http_add_fields(struct http_ticket ticket, const char *fields)
{
	struct http_loop *loop;

	if (!ticket.server || ticket.loop >= ticket.server->loop_count)
		return ERROR_INVALID;
	loop = &ticket.server->loops[ticket.loop];
	if (!loop->current || loop->current->slot != ticket.slot)
		return ERROR_INVALID;
	return buf_append_text(&loop->current->fields, fields);
}

void http_server_statistics(
	const struct http_server *server, struct http_statistics *ret_statistics)
{
	struct http_statistics sum = {0};

	for (uint32_t i = 0; i < server->loop_count; i++) {
		const struct http_loop *loop = &server->loops[i];

		sum.open += atomic_load_explicit(&loop->count, memory_order_relaxed);
		sum.accepted += atomic_load_explicit(&loop->accepted, memory_order_relaxed);
		sum.evicted += atomic_load_explicit(&loop->evicted, memory_order_relaxed);
		sum.turned_away += atomic_load_explicit(&loop->turned_away, memory_order_relaxed);
	}
	*ret_statistics = sum;
}

static struct http_message *copy_response(
	struct http_ticket ticket, const struct http_response *response)
{
	size_t fields = response->fields ? strlen(response->fields) + 1 : 0;
	size_t body = response->body ? response->body_length : 0;
	struct http_message *message = malloc(sizeof(*message) + fields + body);

	if (!message)
		return NULL;
	message->fd = -1;
	message->ticket = ticket;
	message->response = *response;
	if (fields)
		message->response.fields = memcpy(message->bytes, response->fields, fields);
	if (body)
		message->response.body = memcpy(message->bytes + fields, response->body, body);
	return message;
}

/* Without memory for the answer, the connection's own deadline answers. */
void http_answer(struct http_ticket ticket, const struct http_response *response)
{
	struct http_loop *loop;
	struct http_message *message;

	if (!ticket.server || ticket.loop >= ticket.server->loop_count)
		return;
	loop = &ticket.server->loops[ticket.loop];
	if (ticket.slot >= loop->slot_count)
		return;
	if (pthread_equal(atomic_load(&loop->thread), pthread_self())) {
		answer_here(loop, ticket, response);
		return;
	}
	message = copy_response(ticket, response);
	if (message)
		http_loop_post(loop, message);
}
