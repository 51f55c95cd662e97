/* SPDX-License-Identifier: Apache-2.0 */
/*
 * external-api: a small API of drill-and-blast plans, behind Adit's guard. Shows
 * how an API in C uses <adit/guard.h>; docs/sample-api.md describes its routes.
 */
#include "options.h"
#include "pool.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	EXIT_WRONG = 1,
	EXIT_USAGE = 2,
	EXIT_STORAGE = 5,
	DRAIN_MS = 5000,
};

struct program {
	struct api api;
	struct journal journal;
	struct pool *pool;
	struct http_server *server;
};

static int fail(int status, const char *what, const char *text)
{
	(void)fprintf(stderr, "external-api: %s%s\n", what, text);
	return status;
}

static void handle(void *context, const struct http_request *request, struct http_ticket ticket)
{
	struct program *program = context;

	pool_take(program->pool, request, ticket);
}

/* What the server refuses before it comes to a route. */
static void refused(
	void *context, const struct http_refusal *refusal, struct http_refusal_answer *answer)
{
	struct buf fields;
	struct buf body;

	(void)context;
	buf_init_fixed(&fields, answer->fields, sizeof(answer->fields));
	buf_init_fixed(&body, answer->body, sizeof(answer->body));
	(void)buf_append_text(&fields, "Cache-Control: no-store\r\n");
	api_write_problem(refusal->status, refusal->reason, &fields, &body);
}

/* The guard asks nothing of the authority yet, so that either may start first. */
static int open_guard(const struct options *options, struct program *program)
{
	const struct adit_guard_options guard = {
		.size = sizeof(guard),
		.authority = options->authority,
		.audience = options->audience,
		.scope = *options->scope ? options->scope : NULL,
		.leeway_s = 5,
		.clock_file = options->clock,
	};
	struct adit_guard_error error;

	if (adit_guard_open(&guard, &program->api.guard, &error))
		return fail(EXIT_USAGE, "", error.text);
	return 0;
}

static int open_data(const struct options *options, struct program *program)
{
	struct fault fault = {0};
	int error = data_open(options->data, &program->api.data, &fault);

	if (error)
		return fail(EXIT_STORAGE, "--data ", *fault.text ? fault.text : error_text(error));
	return 0;
}

static int open_server(const struct options *options, struct program *program)
{
	const struct http_server_options server = {
		.listen = &options->listen,
		.listen_count = 1,
		.threads = 1,
		.handler = handle,
		.refused = refused,
		.context = program,
	};
	struct fault fault = {0};
	int error = http_server_create(&server, &program->server, &fault);

	if (error)
		return fail(error == ERROR_INVALID ? EXIT_USAGE : EXIT_WRONG, "--listen ",
			*fault.text ? fault.text : error_text(error));
	return 0;
}

static int serve(struct program *program, const sigset_t *ending)
{
	int signal_number;

	if (pool_create(&program->api, &program->pool))
		return fail(EXIT_WRONG, "no thread can be started", "");
	if (http_server_start(program->server))
		return fail(EXIT_WRONG, "the server can't be started", "");
	(void)printf("listening on http://%s\n", http_server_address(program->server, 0));
	(void)fflush(stdout);
	(void)sigwait(ending, &signal_number);
	http_server_stop(program->server, DRAIN_MS);
	return 0;
}

/* Data is opened last of all that can be wrong, since it may be created. */
static int run(const struct options *options, struct program *program, const sigset_t *ending)
{
	int status = open_guard(options, program);

	if (!status)
		status = open_server(options, program);
	if (!status)
		status = open_data(options, program);
	return status ? status : serve(program, ending);
}

int main(int count, char **arguments)
{
	struct program program = {0};
	struct options options;
	sigset_t ending;
	int status = options_parse(count, arguments, &options);

	if (status)
		return status > 0 ? 0 : EXIT_USAGE;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&ending);
	(void)sigaddset(&ending, SIGTERM);
	(void)sigaddset(&ending, SIGINT);
	/* Before any thread is started, so that all leave them to sigwait(). */
	(void)pthread_sigmask(SIG_BLOCK, &ending, NULL);
	journal_init(&program.journal, STDERR_FILENO);
	program.api.journal = &program.journal;
	status = run(&options, &program, &ending);
	pool_destroy(program.pool);
	http_server_destroy(program.server);
	adit_guard_close(program.api.guard);
	data_close(program.api.data);
	journal_finish(&program.journal);
	return status;
}
