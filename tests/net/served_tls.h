/* SPDX-License-Identifier: Apache-2.0 */
/* The server of served.h with a certificate whose files a test may change. */
#ifndef TESTS_NET_SERVED_TLS_H
#define TESTS_NET_SERVED_TLS_H

#define WIRE_TLS TLS1_3_VERSION
#include "served.h"

enum { SHORT_MS = 300, LONG_MS = 60000 };

static struct certificate_files files;
static struct tls_server *server_tls;
static atomic_int failed_handshakes;
static const char *_Atomic last_failure;

static inline void note_failure(
	void *context, const char *reason, const struct sockaddr_storage *peer)
{
	(void)context;
	atomic_store(&last_failure, peer->ss_family == AF_INET ? reason : "no peer");
	atomic_fetch_add(&failed_handshakes, 1);
}

static inline void write_certificate(const char *name)
{
	struct certified made = certificate_make((struct certificate_plan){.name = name});

	certificate_write(&files, &made, NULL);
	certified_finish(&made);
}

static inline void start(struct http_server_options options)
{
	const struct tls_files names = {files.certificates, files.key};
	struct fault fault;

	write_certificate("first");
	if (tls_server_create(&names, &server_tls, &fault))
		fail_msg("%s", fault.text);
	atomic_store(&failed_handshakes, 0);
	atomic_store(&last_failure, NULL);
	options.tls = server_tls;
	options.handshake_failed = note_failure;
	served_start(options);
}

static inline void end(void)
{
	served_end();
	tls_server_destroy(server_tls);
}

static inline int connect_plain(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)wire_port(served.server, 0)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

static inline bool send_plain(int fd, const void *bytes, size_t length)
{
	return send(fd, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

/* Reads to the end, without TLS. */
static inline size_t read_plain(int fd, char *text, size_t size)
{
	struct pollfd waits = {.fd = fd, .events = POLLIN};
	size_t length = 0;
	ssize_t got = 1;

	while (got > 0 && length < size - 1) {
		assert_int_equal(poll(&waits, 1, WIRE_WAIT_MS), 1);
		got = recv(fd, text + length, size - 1 - length, 0);
		length += got > 0 ? (size_t)got : 0;
	}
	text[length] = '\0';
	return length;
}

/* A client of these settings, which it frees; the handshake is done, or NULL. */
static inline SSL *connect_with(SSL_CTX *context)
{
	SSL *ssl = SSL_new(context);
	int fd = connect_plain();
	bool good;

	assert_non_null(ssl);
	ERR_clear_error();
	good = SSL_set_fd(ssl, fd) == 1 && SSL_connect(ssl) == 1;
	SSL_CTX_free(context);
	if (good)
		return ssl;
	SSL_free(ssl);
	(void)close(fd);
	return NULL;
}

static inline SSL_CTX *client_of(int version)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	assert_non_null(context);
	SSL_CTX_set_security_level(context, 0);
	(void)SSL_CTX_set_min_proto_version(context, version);
	(void)SSL_CTX_set_max_proto_version(context, version);
	return context;
}

/* The answer's status; it has come in one record. */
static inline int ask(SSL *ssl, const char *request)
{
	char reply[4096] = "";

	if (SSL_write(ssl, request, (int)strlen(request)) <= 0)
		return 0;
	if (SSL_read(ssl, reply, sizeof(reply) - 1) <= 0)
		return 0;
	return atoi(reply + strlen("HTTP/1.1 "));
}

static inline void disconnect(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	SSL_free(ssl);
	(void)close(fd);
}

static inline void expect_failure(SSL_CTX *context, const char *reason)
{
	int before = atomic_load(&failed_handshakes);

	assert_null(connect_with(context));
	served_wait(&failed_handshakes, before + 1);
	if (!strstr(atomic_load(&last_failure), reason))
		fail_msg("\"%s\", expected \"%s\"", atomic_load(&last_failure), reason);
}

static inline void expect_served(void)
{
	SSL *ssl = connect_with(client_of(TLS1_3_VERSION));

	assert_non_null(ssl);
	assert_int_equal(ask(ssl, GET_REQUEST), 200);
	disconnect(ssl);
}

static inline int make_files(void **state)
{
	(void)state;
	files = certificate_files();
	return 0;
}

static inline int remove_files(void **state)
{
	(void)state;
	certificate_files_remove(&files);
	return 0;
}

#define FILE_TEST(body) cmocka_unit_test_setup_teardown(body, make_files, remove_files)

#endif
