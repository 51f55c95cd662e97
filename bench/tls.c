/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What TLS costs the server: CPU time of a request on a kept connection with and
 * without it, of a whole connection with its handshake, and memory of one that
 * waits. The server is a process of its own; `openssl s_server` may stand beside
 * it as a peer.
 *
 * bench-tls CERTIFICATE KEY [PORT PID]    PORT, PID: of another server of that certificate
 */
#include "net/tls.h"
#include "base/clock.h"
#include "net/http_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	REQUESTS = 40000,
	HANDSHAKES = 3000,
	WAITING = 1000,
	ROUNDS = 5,
};

static const char request[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

/* A server in a process of its own, and where it is. */
struct peer {
	pid_t pid;
	uint16_t port;
	bool secure;
};

static void fail(const char *what)
{
	(void)fprintf(stderr, "bench-tls: %s\n", what);
	exit(EXIT_FAILURE);
}

static void handle(void *context, const struct http_request *asked, struct http_ticket ticket)
{
	const struct http_response response = {.status = 200, .body = "alive\n", .body_length = 6};

	(void)context;
	(void)asked;
	http_answer(ticket, &response);
}

static void serve(const struct tls_files *files, int told)
{
	static const char *const listen[] = {"127.0.0.1:0"};
	struct http_server_options options = {.listen = listen,
		.listen_count = 1,
		.threads = 1,
		.max_per_source = 8192,
		.idle_timeout_ms = 600000,
		.handler = handle};
	struct http_server *server = NULL;
	struct fault fault;
	uint16_t port;

	if (files && tls_server_create(files, &options.tls, &fault))
		fail(fault.text);
	if (http_server_create(&options, &server, &fault) || http_server_start(server))
		fail("the server can't be started");
	port = (uint16_t)atoi(strrchr(http_server_address(server, 0), ':') + 1);
	if (write(told, &port, sizeof(port)) != sizeof(port))
		fail("nobody is there");
	for (;;)
		(void)pause();
}

static struct peer start(const struct tls_files *files)
{
	struct peer peer = {.secure = files != NULL};
	int ends[2];

	if (pipe(ends))
		fail("no pipe");
	peer.pid = fork();
	if (!peer.pid)
		serve(files, ends[1]);
	if (read(ends[0], &peer.port, sizeof(peer.port)) != sizeof(peer.port))
		fail("the server said nothing");
	(void)close(ends[0]);
	(void)close(ends[1]);
	return peer;
}

static int64_t cpu_ns(const struct peer *peer)
{
	struct timespec spent;
	clockid_t clock;

	if (clock_getcpuclockid(peer->pid, &clock) || clock_gettime(clock, &spent))
		fail("the server has gone");
	return (int64_t)spent.tv_sec * 1000000000 + spent.tv_nsec;
}

static int64_t resident_kb(const struct peer *peer)
{
	char path[64];
	char line[256];
	int64_t kb = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)peer->pid);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "VmRSS:", 6))
			kb = strtoll(line + 6, NULL, 10);
	if (file)
		(void)fclose(file);
	return kb;
}

struct connection {
	int fd;
	SSL *tls;
};

static struct connection open_connection(const struct peer *peer, SSL_CTX *client)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(peer->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct connection connection = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
	const int on = 1;

	(void)setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connection.fd < 0 || connect(connection.fd, (struct sockaddr *)&to, sizeof(to)))
		fail("no connection");
	if (!peer->secure)
		return connection;
	connection.tls = SSL_new(client);
	if (!connection.tls || SSL_set_fd(connection.tls, connection.fd) != 1 ||
		SSL_connect(connection.tls) != 1)
		fail("no TLS");
	return connection;
}

static void close_connection(struct connection connection)
{
	SSL_free(connection.tls);
	(void)close(connection.fd);
}

static void ask(struct connection connection)
{
	const int length = (int)sizeof(request) - 1;
	char reply[1024];
	ssize_t got;

	if (connection.tls) {
		got = SSL_write(connection.tls, request, length) == length
			      ? SSL_read(connection.tls, reply, sizeof(reply))
			      : -1;
	} else {
		got = send(connection.fd, request, (size_t)length, 0) == length
			      ? recv(connection.fd, reply, sizeof(reply), 0)
			      : -1;
	}
	if (got <= 0)
		fail("no answer");
}

/* Microseconds of the server's CPU. */
static double request_us(const struct peer *peer, SSL_CTX *client)
{
	struct connection connection = open_connection(peer, client);
	int64_t before;
	int64_t after;

	ask(connection);
	before = cpu_ns(peer);
	for (int i = 0; i < REQUESTS; i++)
		ask(connection);
	after = cpu_ns(peer);
	close_connection(connection);
	return (double)(after - before) / REQUESTS / 1000;
}

/* `asks`: with one request on each. */
static double connection_us(const struct peer *peer, SSL_CTX *client, bool asks)
{
	int64_t before = cpu_ns(peer);

	for (int i = 0; i < HANDSHAKES; i++) {
		struct connection connection = open_connection(peer, client);

		if (asks)
			ask(connection);
		close_connection(connection);
	}
	return (double)(cpu_ns(peer) - before) / HANDSHAKES / 1000;
}

static double waiting_kb(const struct peer *peer, SSL_CTX *client)
{
	static struct connection connections[WAITING];
	int64_t before = resident_kb(peer);
	int64_t after;

	for (int i = 0; i < WAITING; i++) {
		connections[i] = open_connection(peer, client);
		ask(connections[i]);
	}
	after = resident_kb(peer);
	for (int i = 0; i < WAITING; i++)
		close_connection(connections[i]);
	return (double)(after - before) / WAITING;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left;
	double b = *(const double *)right;

	return (a > b) - (a < b);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

/* All in turns, so that what else the machine does meets them alike. */
static void measure(const struct peer *plain, const struct peer *secure, const struct peer *other)
{
	double values[6][ROUNDS];
	double middle[6];
	SSL_CTX *client = SSL_CTX_new(TLS_client_method());

	(void)printf("memory of a waiting connection   plain %5.1f KiB   TLS %5.1f KiB\n",
		waiting_kb(plain, client), waiting_kb(secure, client));
	for (int i = 0; i < ROUNDS; i++) {
		values[0][i] = request_us(plain, client);
		values[1][i] = request_us(secure, client);
		values[2][i] = connection_us(plain, client, true);
		values[3][i] = connection_us(secure, client, true);
		values[4][i] = connection_us(secure, client, false);
		if (other)
			values[5][i] = connection_us(other, client, false);
	}
	for (int i = 0; i < 6; i++)
		middle[i] = i < 5 || other ? median(values[i]) : 0;
	(void)printf("a request, kept connection       plain %5.1f us    TLS %5.1f us    %.2f x\n",
		middle[0], middle[1], middle[1] / middle[0]);
	(void)printf("a connection with one request    plain %5.1f us    TLS %5.1f us    %.2f x\n",
		middle[2], middle[3], middle[3] / middle[2]);
	(void)printf(
		"a handshake alone                                  TLS %5.1f us\n", middle[4]);
	if (other)
		(void)printf("the same, the other server                         TLS %5.1f us    "
			     "%.2f x\n",
			middle[5], middle[5] / middle[4]);
	SSL_CTX_free(client);
}

int main(int count, char **arguments)
{
	struct peer other = {.secure = true};
	struct tls_files files;
	struct peer plain;
	struct peer secure;

	if (count != 3 && count != 5)
		fail("bench-tls CERTIFICATE KEY [PORT PID]");
	files = (struct tls_files){arguments[1], arguments[2]};
	if (count == 5) {
		other.port = (uint16_t)atoi(arguments[3]);
		other.pid = (pid_t)atoi(arguments[4]);
	}
	plain = start(NULL);
	secure = start(&files);
	measure(&plain, &secure, count == 5 ? &other : NULL);
	(void)kill(plain.pid, SIGTERM);
	(void)kill(secure.pid, SIGTERM);
	(void)waitpid(plain.pid, NULL, 0);
	(void)waitpid(secure.pid, NULL, 0);
	return EXIT_SUCCESS;
}
