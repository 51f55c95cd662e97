/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long `aditd` takes from its start to its first token, and how much memory
 * it holds while nothing happens.
 *
 *   bench-start ADITD DATA PORT USERNAME PASSWORD-FILE
 *
 * DATA is a data directory with that Service User, PORT a free port.
 */
#include "base/clock.h"
#include "codec/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	STARTS = 20,
	CONNECTIONS = 1000,
	SOURCES = 4, /* 127.0.0.1 and on: one source may have 512 connections */
	TEXT_MAX = 128,
	ANSWER_MAX = 16384,
};

struct target {
	uint16_t port;
	char username[TEXT_MAX];
	char password[TEXT_MAX];
};

static void fail(const char *what)
{
	(void)fprintf(stderr, "bench-start: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* `ret_output` NULL: its output is thrown away. */
static pid_t start(const char *const *arguments, int *ret_output)
{
	int ends[2] = {-1, -1};
	pid_t child;

	if (ret_output && pipe2(ends, O_CLOEXEC))
		fail("pipe");
	child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		int output = ret_output ? ends[1] : open("/dev/null", O_WRONLY | O_CLOEXEC);

		if (dup2(output, STDOUT_FILENO) >= 0)
			(void)execv(arguments[0], (char *const *)arguments);
		_exit(127);
	}
	if (ret_output) {
		(void)close(ends[1]);
		*ret_output = ends[0];
	}
	return child;
}

/* Returns the CPU time that it took in all. */
static int64_t stop(pid_t child)
{
	struct rusage usage;

	(void)kill(child, SIGTERM);
	if (wait4(child, NULL, 0, &usage) != child)
		fail("wait4");
	return ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
	       ((int64_t)usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
}

/* A connection from the index-th loopback address, or -1 where nobody listens. */
static int connect_from(uint32_t index, uint16_t port)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + index);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)))
		fail("socket");
	if (!connect(fd, (struct sockaddr *)&to, sizeof(to)))
		return fd;
	(void)close(fd);
	return -1;
}

/* Sends a request and reads its answer, which must be 200. */
static void exchange(int fd, const char *request, char answer[ANSWER_MAX])
{
	size_t length = strlen(request);
	const char *end = NULL;
	const char *field;

	if (write(fd, request, length) != (ssize_t)length)
		fail("write");
	for (length = 0; !end;) {
		ssize_t got = read(fd, answer + length, ANSWER_MAX - 1 - length);

		if (got <= 0)
			fail("read");
		length += (size_t)got;
		answer[length] = '\0';
		end = strstr(answer, "\r\n\r\n");
		field = strstr(answer, "Content-Length: ");
		if (end && (!field || (size_t)(answer + length - end - 4) <
					      strtoul(field + 16, NULL, 10)))
			end = NULL;
	}
	if (strncmp(answer, "HTTP/1.1 200 ", 13) != 0)
		fail(answer);
}

static void take_token(const struct target *target, int fd)
{
	char request[1024];
	char body[512];
	char answer[ANSWER_MAX];
	int length = snprintf(body, sizeof(body),
		"grant_type=password&client_id=external.customer&username=%s&password=%s",
		target->username, target->password);

	(void)snprintf(request, sizeof(request),
		"POST /identity/connect/token HTTP/1.1\r\nHost: localhost\r\n"
		"Content-Type: application/x-www-form-urlencoded\r\n"
		"Content-Length: %d\r\n\r\n%s",
		length, body);
	exchange(fd, request, answer);
	if (!strstr(answer, "\"access_token\":\"eyJ"))
		fail("no token in the answer");
}

/* --- from its start to its first token ------------------------------------- */

/* What `aditd dev --json` prints, once it listens. */
static void read_target(int output, struct target *ret_target)
{
	char text[4096];
	size_t length = 0;
	struct json *document = NULL;
	const struct json *user;
	const char *authority;

	while (!memchr(text, '\n', length)) {
		ssize_t got = read(output, text + length, sizeof(text) - length);

		if (got <= 0)
			fail("aditd dev has said nothing");
		length += (size_t)got;
	}
	if (json_parse(text, length, sizeof(text), &document))
		fail("aditd dev has said no JSON");
	authority = json_member_text(document, "authority");
	user = json_at(json_member(document, "service_users"), 0);
	if (!authority || !json_member_text(user, "username"))
		fail("aditd dev has said something else");
	ret_target->port = (uint16_t)strtoul(strrchr(authority, ':') + 1, NULL, 10);
	(void)snprintf(ret_target->username, sizeof(ret_target->username), "%s",
		json_member_text(user, "username"));
	(void)snprintf(ret_target->password, sizeof(ret_target->password), "%s",
		json_member_text(user, "password"));
	json_free(document);
}

struct taken {
	int64_t wall_ns;
	int64_t cpu_ns; /* its end included */
};

static struct taken time_dev(const char *aditd)
{
	const char *const arguments[] = {aditd, "dev", "--listen", "127.0.0.1:0", "--json", NULL};
	struct target target;
	int output;
	int64_t began_ns = clock_monotonic_ns();
	pid_t child = start(arguments, &output);
	struct taken taken;
	int fd;

	read_target(output, &target);
	fd = connect_from(0, target.port);
	take_token(&target, fd);
	taken.wall_ns = clock_monotonic_ns() - began_ns;
	(void)close(fd);
	(void)close(output);
	taken.cpu_ns = stop(child);
	return taken;
}

static pid_t start_serving(const char *const *arguments, const struct target *target, int *ret_fd)
{
	const struct timespec pause = {.tv_nsec = 100000};
	pid_t child = start(arguments, NULL);
	int fd = -1;

	while ((fd = connect_from(0, target->port)) < 0) {
		if (waitpid(child, NULL, WNOHANG) == child)
			fail("aditd serve has ended");
		(void)nanosleep(&pause, NULL);
	}
	*ret_fd = fd;
	return child;
}

static struct taken time_serve(const char *const *arguments, const struct target *target)
{
	int64_t began_ns = clock_monotonic_ns();
	struct taken taken;
	int fd;
	pid_t child = start_serving(arguments, target, &fd);

	take_token(target, fd);
	taken.wall_ns = clock_monotonic_ns() - began_ns;
	(void)close(fd);
	taken.cpu_ns = stop(child);
	return taken;
}

static int by_wall(const void *a, const void *b)
{
	const struct taken *left = a;
	const struct taken *right = b;

	return left->wall_ns < right->wall_ns ? -1 : left->wall_ns > right->wall_ns;
}

static void print_times(const char *name, struct taken taken[STARTS])
{
	int64_t cpu_ns = 0;

	qsort(taken, STARTS, sizeof(taken[0]), by_wall);
	for (size_t i = 0; i < STARTS; i++)
		cpu_ns += taken[i].cpu_ns;
	printf("| %-32s | %6.1f | %6.1f | %6.1f | %8.1f |\n", name, (double)taken[0].wall_ns / 1e6,
		(double)(taken[STARTS / 2 - 1].wall_ns + taken[STARTS / 2].wall_ns) / 2e6,
		(double)taken[STARTS - 1].wall_ns / 1e6, (double)cpu_ns / STARTS / 1e6);
}

static void print_starts(const char *const *serve, const struct target *target)
{
	struct taken times[STARTS];

	printf("| from exec to the first token, ms | least  | median | most   | its CPU  |\n"
	       "| -------------------------------- | -----: | -----: | -----: | -------: |\n");
	for (size_t i = 0; i < STARTS; i++)
		times[i] = time_dev(serve[0]);
	print_times("aditd dev", times);
	for (size_t i = 0; i < STARTS; i++)
		times[i] = time_serve(serve, target);
	print_times("aditd serve", times);
}

/* --- memory ---------------------------------------------------------------- */

/* The number after `name` in smaps_rollup, in KiB. */
static unsigned long rollup(const char *text, const char *name)
{
	const char *line = strstr(text, name);

	return line ? strtoul(line + strlen(name), NULL, 10) : 0;
}

static void print_memory(const char *name, pid_t child)
{
	const struct timespec pause = {.tv_nsec = 300000000};
	char path[64];
	char text[4096] = "";
	FILE *file;

	(void)nanosleep(&pause, NULL);
	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)child);
	file = fopen(path, "r");
	if (!file || !fread(text, 1, sizeof(text) - 1, file))
		fail(path);
	(void)fclose(file);
	printf("| %-32s | %6lu | %6lu | %13lu |\n", name, rollup(text, "\nRss:"),
		rollup(text, "\nPss:"), rollup(text, "\nPrivate_Dirty:"));
}

static void print_memories(const char *const *serve, const struct target *target)
{
	static int fds[CONNECTIONS];
	char answer[ANSWER_MAX];
	int fd;
	pid_t child = start_serving(serve, target, &fd);

	printf("\n| memory of aditd serve, KiB       | RSS    | PSS    | private dirty |\n"
	       "| -------------------------------- | -----: | -----: | ------------: |\n");
	print_memory("just started", child);
	take_token(target, fd);
	print_memory("after one token", child);
	for (uint32_t i = 0; i < CONNECTIONS; i++) {
		fds[i] = connect_from(i % SOURCES, target->port);
		if (fds[i] < 0)
			fail("connect");
		exchange(fds[i], "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", answer);
	}
	print_memory("with 1,000 idle connections", child);
	for (uint32_t i = 0; i < CONNECTIONS; i++)
		(void)close(fds[i]);
	(void)close(fd);
	(void)stop(child);
}

static void read_password(const char *path, struct target *target)
{
	FILE *file = fopen(path, "r");

	if (!file || !fgets(target->password, sizeof(target->password), file))
		fail(path);
	target->password[strcspn(target->password, "\n")] = '\0';
	(void)fclose(file);
}

static void allow_connections(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		fail("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		fail("setrlimit");
}

int main(int argc, char **argv)
{
	char address[32];
	struct target target = {0};
	const char *const serve[] = {argv[1], "serve", "--data", argc == 6 ? argv[2] : NULL,
		"--listen", address, "--log-level", "warning", NULL};

	if (argc != 6) {
		(void)fprintf(
			stderr, "usage: bench-start ADITD DATA PORT USERNAME PASSWORD-FILE\n");
		return 2;
	}
	target.port = (uint16_t)strtoul(argv[3], NULL, 10);
	(void)snprintf(target.username, sizeof(target.username), "%s", argv[4]);
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", target.port);
	read_password(argv[5], &target);
	allow_connections();
	print_starts(serve, &target);
	print_memories(serve, &target);
	return 0;
}
