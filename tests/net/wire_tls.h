/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The raw connections of wire.h over TLS: with WIRE_TLS defined as a version, a
 * test of the server is one of the server that speaks TLS. For one thread.
 */
#ifndef TESTS_NET_WIRE_TLS_H
#define TESTS_NET_WIRE_TLS_H

#include "certificates.h"

#include "net/tls.h"

#include <signal.h>

enum { WIRE_TLS_FDS = 4096 };

/* By descriptor; one that is used again takes the place of the old. */
static SSL *wire_tls[WIRE_TLS_FDS];
static SSL_CTX *wire_tls_client;

static inline struct tls_server *wire_tls_server(void)
{
	struct certificate_files files = certificate_files();
	struct certified made = certificate_make((struct certificate_plan){0});
	const struct tls_files names = {files.certificates, files.key};
	struct tls_server *server = NULL;
	struct fault fault;

	certificate_write(&files, &made, NULL);
	if (tls_server_create(&names, &server, &fault))
		fail_msg("%s", fault.text);
	certificate_files_remove(&files);
	certified_finish(&made);
	return server;
}

/* Where it fails, each later use of the descriptor does. */
static inline int wire_tls_connect(int fd)
{
	if (!wire_tls_client) {
		/* OpenSSL's own writing raises it, in whichever thread is the client. */
		(void)signal(SIGPIPE, SIG_IGN);
		wire_tls_client = SSL_CTX_new(TLS_client_method());
		assert_non_null(wire_tls_client);
		(void)SSL_CTX_set_min_proto_version(wire_tls_client, WIRE_TLS);
		(void)SSL_CTX_set_max_proto_version(wire_tls_client, WIRE_TLS);
	}
	assert_true(fd < WIRE_TLS_FDS);
	SSL_free(wire_tls[fd]);
	wire_tls[fd] = SSL_new(wire_tls_client);
	assert_non_null(wire_tls[fd]);
	(void)SSL_set_fd(wire_tls[fd], fd);
	(void)SSL_connect(wire_tls[fd]);
	return fd;
}

static inline ssize_t wire_tls_receive(int fd, void *bytes, size_t size)
{
	size_t length = 0;
	int result;

	ERR_clear_error();
	result = SSL_read_ex(wire_tls[fd], bytes, size, &length);
	if (result == 1)
		return (ssize_t)length;
	if (SSL_get_error(wire_tls[fd], result) == SSL_ERROR_ZERO_RETURN)
		return 0;
	errno = ECONNRESET;
	return -1;
}

static inline bool wire_tls_has(int fd)
{
	return SSL_has_pending(wire_tls[fd]) == 1;
}

static inline ssize_t wire_tls_send(int fd, const void *bytes, size_t length)
{
	size_t sent = 0;

	ERR_clear_error();
	return SSL_write_ex(wire_tls[fd], bytes, length, &sent) == 1 ? (ssize_t)sent : -1;
}

#endif
