/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server does only where it speaks TLS. That the rest is the same there
 * is shown by the other tests, which are run over TLS too.
 */
#include "served_tls.h"

static void test_versions(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	(void)state;
	start((struct http_server_options){0});
	for (size_t i = 0; i < 2; i++) {
		SSL *ssl = connect_with(client_of(versions[i]));

		assert_non_null(ssl);
		assert_int_equal(SSL_version(ssl), versions[i]);
		assert_int_equal(ask(ssl, GET_REQUEST), 200);
		assert_int_equal(ask(ssl, GET_REQUEST), 200);
		disconnect(ssl);
	}
	expect_failure(client_of(TLS1_1_VERSION), "unsupported protocol");
	expect_failure(client_of(TLS1_VERSION), "unsupported protocol");
	assert_string_equal(http_server_scheme(served.server, 0), "https");
	assert_int_equal(atomic_load(&served.refused), 0);
	end();
}

static void test_ciphers_of_tls_1_2(void **state)
{
	static const char *const refused[] = {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA",
		"ECDHE-ECDSA-AES256-SHA384", "ECDHE-ECDSA-AES128-CCM", "AECDH-AES128-SHA",
		"DHE-RSA-AES128-GCM-SHA256"};
	SSL_CTX *context;
	SSL *ssl;

	(void)state;
	start((struct http_server_options){0});
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		context = client_of(TLS1_2_VERSION);
		assert_int_equal(SSL_CTX_set_cipher_list(context, refused[i]), 1);
		expect_failure(context, "no shared cipher");
	}
	/* The server's order counts: the client's first is not taken. */
	context = client_of(TLS1_2_VERSION);
	assert_int_equal(SSL_CTX_set_cipher_list(context,
				 "ECDHE-ECDSA-AES256-SHA:ECDHE-ECDSA-AES128-GCM-SHA256:"
				 "ECDHE-ECDSA-AES256-GCM-SHA384"),
		1);
	ssl = connect_with(context);
	assert_non_null(ssl);
	assert_string_equal(SSL_get_cipher_name(ssl), "ECDHE-ECDSA-AES256-GCM-SHA384");
	disconnect(ssl);
	end();
}

static SSL_CTX *client_offering(const char *protocols)
{
	SSL_CTX *context = client_of(TLS1_3_VERSION);

	assert_int_equal(SSL_CTX_set_alpn_protos(context, (const unsigned char *)protocols,
				 (unsigned)strlen(protocols)),
		0);
	return context;
}

static void test_alpn(void **state)
{
	const unsigned char *chosen = NULL;
	unsigned length = 0;
	SSL *ssl;

	(void)state;
	start((struct http_server_options){0});
	ssl = connect_with(client_offering("\x02h2\x08http/1.1"));
	assert_non_null(ssl);
	SSL_get0_alpn_selected(ssl, &chosen, &length);
	assert_int_equal(length, 8);
	assert_memory_equal(chosen, "http/1.1", 8);
	assert_int_equal(ask(ssl, GET_REQUEST), 200);
	disconnect(ssl);
	expect_failure(client_offering("\x02h2"), "no application protocol");
	end();
}

static void test_nothing_is_resumed(void **state)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

	(void)state;
	start((struct http_server_options){0});
	for (size_t i = 0; i < 2; i++) {
		SSL_CTX *context = client_of(versions[i]);
		SSL_SESSION *session;
		SSL *ssl;

		(void)SSL_CTX_up_ref(context);
		(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
		ssl = connect_with(context);
		assert_non_null(ssl);
		assert_int_equal(ask(ssl, GET_REQUEST), 200);
		session = SSL_get1_session(ssl);
		assert_int_equal(SSL_SESSION_has_ticket(session), 0);
		assert_int_equal(SSL_SESSION_get_max_early_data(session), 0);
		disconnect(ssl);
		ssl = SSL_new(context);
		(void)SSL_set_session(ssl, session);
		(void)SSL_set_fd(ssl, connect_plain());
		assert_int_equal(SSL_connect(ssl), 1);
		assert_int_equal(SSL_session_reused(ssl), 0);
		disconnect(ssl);
		SSL_SESSION_free(session);
		SSL_CTX_free(context);
	}
	end();
}

static void test_no_renegotiation(void **state)
{
	SSL *ssl;

	(void)state;
	start((struct http_server_options){0});
	ssl = connect_with(client_of(TLS1_2_VERSION));
	assert_non_null(ssl);
	assert_int_equal(SSL_renegotiate(ssl), 1);
	assert_true(SSL_do_handshake(ssl) != 1 || ask(ssl, GET_REQUEST) != 200);
	disconnect(ssl);
	expect_served();
	end();
}

/* Both ways through memory, so that the bytes can be cut as one likes. */
static void drip_conversation(int version)
{
	SSL_CTX *context = client_of(version);
	SSL *ssl = SSL_new(context);
	BIO *in = BIO_new(BIO_s_mem());
	BIO *out = BIO_new(BIO_s_mem());
	int fd = connect_plain();
	struct pollfd waits = {.fd = fd, .events = POLLIN};
	bool asked = false;
	char reply[512];
	char byte;

	SSL_set_bio(ssl, in, out);
	SSL_set_connect_state(ssl);
	for (;;) {
		int length = asked ? SSL_read(ssl, reply, sizeof(reply)) : SSL_do_handshake(ssl);

		if (asked && length > 0)
			break;
		if (!asked && length == 1) {
			asked = true;
			assert_true(SSL_write(ssl, GET_REQUEST, strlen(GET_REQUEST)) > 0);
		}
		while (BIO_read(out, &byte, 1) == 1)
			assert_true(send_plain(fd, &byte, 1));
		if (!SSL_want_read(ssl))
			continue;
		assert_int_equal(poll(&waits, 1, WIRE_WAIT_MS), 1);
		assert_int_equal(recv(fd, &byte, 1, 0), 1);
		assert_int_equal(BIO_write(in, &byte, 1), 1);
	}
	assert_memory_equal(reply, "HTTP/1.1 200", 12);
	SSL_free(ssl);
	SSL_CTX_free(context);
	(void)close(fd);
}

static void test_a_byte_at_a_time(void **state)
{
	(void)state;
	start((struct http_server_options){.head_timeout_ms = LONG_MS});
	drip_conversation(TLS1_2_VERSION);
	drip_conversation(TLS1_3_VERSION);
	end();
}

/* Each byte of a request is a record of its own. */
static void test_a_record_a_byte(void **state)
{
	static const char request[] = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc";
	int fd;

	(void)state;
	start((struct http_server_options){.head_timeout_ms = LONG_MS});
	fd = served_connect();
	for (size_t i = 0; i < sizeof(request) - 1; i++)
		assert_true(wire_send_bytes(fd, request + i, 1));
	assert_string_equal(wire_read_reply(fd, true).body, "POST /a?- 3 abc");
	(void)close(fd);
	end();
}

static void test_bodies_around_records(void **state)
{
	static const size_t sizes[] = {1, 16383, 16384, 16385, 32768, 65535, 65536};
	static char bytes[65536 + 128];
	int fd;

	(void)state;
	start((struct http_server_options){0});
	fd = served_connect();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char expected[32];
		struct wire_reply reply;
		int head = snprintf(bytes, sizeof(bytes),
			"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", sizes[i]);

		memset(bytes + head, 'a', sizes[i]);
		assert_true(wire_send_bytes(fd, bytes, (size_t)head + sizes[i]));
		reply = wire_read_reply(fd, true);
		(void)snprintf(expected, sizeof(expected), "POST /?- %zu a", sizes[i]);
		assert_int_equal(reply.status, 200);
		assert_memory_equal(reply.body, expected, strlen(expected));
	}
	(void)close(fd);
	end();
}

/* It says nothing at all: the same as where no TLS is spoken. */
/* The same bytes at each run. */
/* RFC 8446, 6.1: the end is said, so that nobody else can make one. */
static void test_close_notify(void **state)
{
	char bytes[2048];
	SSL *ssl;

	(void)state;
	start((struct http_server_options){.idle_timeout_ms = SHORT_MS});
	ssl = connect_with(client_of(TLS1_3_VERSION));
	assert_non_null(ssl);
	assert_int_equal(ask(ssl, "GET /close HTTP/1.1\r\nHost: x\r\n\r\n"), 200);
	assert_int_equal(
		SSL_get_error(ssl, SSL_read(ssl, bytes, sizeof(bytes))), SSL_ERROR_ZERO_RETURN);
	disconnect(ssl);
	/* The idle one too. */
	ssl = connect_with(client_of(TLS1_2_VERSION));
	assert_non_null(ssl);
	assert_int_equal(ask(ssl, GET_REQUEST), 200);
	assert_int_equal(
		SSL_get_error(ssl, SSL_read(ssl, bytes, sizeof(bytes))), SSL_ERROR_ZERO_RETURN);
	disconnect(ssl);
	end();
}

/* Records that are no data take turns as requests do; what follows them is served. */
/* Half a handshake holds a connection no better than half a request. */
static char *name_of(SSL *ssl)
{
	X509 *certificate = SSL_get1_peer_certificate(ssl);
	char *name = X509_NAME_oneline(X509_get_subject_name(certificate), NULL, 0);

	X509_free(certificate);
	return name;
}

static void expect_name(SSL *ssl, const char *expected)
{
	char *name = name_of(ssl);

	assert_string_equal(name, expected);
	OPENSSL_free(name);
}

struct load {
	atomic_bool ends;
	atomic_int served;
	atomic_int failed;
};

static void *load_run(void *context)
{
	struct load *load = context;

	while (!atomic_load(&load->ends)) {
		SSL *ssl = connect_with(client_of(TLS1_3_VERSION));
		bool good = ssl && ask(ssl, GET_REQUEST) == 200 && ask(ssl, GET_REQUEST) == 200;

		atomic_fetch_add(good ? &load->served : &load->failed, 1);
		if (ssl)
			disconnect(ssl);
	}
	return NULL;
}

static void test_reload_under_load(void **state)
{
	struct load load = {0};
	pthread_t threads[3];
	struct fault fault;
	SSL *old;
	SSL *new;

	(void)state;
	start((struct http_server_options){.idle_timeout_ms = LONG_MS});
	old = connect_with(client_of(TLS1_3_VERSION));
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, load_run, &load), 0);
	for (int i = 0; i < 50; i++) {
		write_certificate(i % 2 ? "odd" : "even");
		assert_int_equal(tls_server_reload(server_tls, (int64_t)time(NULL), &fault), 0);
		served_wait(&load.served, i);
	}
	new = connect_with(client_of(TLS1_3_VERSION));
	atomic_store(&load.ends, true);
	for (size_t i = 0; i < 3; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&load.failed), 0);
	expect_name(old, "/CN=first");
	assert_int_equal(ask(old, GET_REQUEST), 200);
	expect_name(new, "/CN=odd");
	disconnect(old);
	disconnect(new);
	end();
}

static void test_unix_sockets_are_plain(void **state)
{
	char address[64];
	const char *const listen[] = {address, "127.0.0.1:0"};
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	char text[512] = "";
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	(void)snprintf(address, sizeof(address), "unix:%s/socket", files.folder);
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s/socket", files.folder);
	start((struct http_server_options){.listen = listen, .listen_count = 2});
	assert_string_equal(http_server_scheme(served.server, 0), "http");
	assert_string_equal(http_server_scheme(served.server, 1), "https");
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_true(send_plain(fd, "GET /close HTTP/1.1\r\nHost: x\r\n\r\n", 33));
	assert_true(read_plain(fd, text, sizeof(text)) > 0);
	assert_memory_equal(text, "HTTP/1.1 200", 12);
	(void)close(fd);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_versions),
		FILE_TEST(test_ciphers_of_tls_1_2),
		FILE_TEST(test_alpn),
		FILE_TEST(test_nothing_is_resumed),
		FILE_TEST(test_no_renegotiation),
		FILE_TEST(test_a_byte_at_a_time),
		FILE_TEST(test_a_record_a_byte),
		FILE_TEST(test_bodies_around_records),
		FILE_TEST(test_close_notify),
		FILE_TEST(test_reload_under_load),
		FILE_TEST(test_unix_sockets_are_plain),
	};

	/* OpenSSL's own writing raises it. */
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("http_tls", tests, NULL, NULL);
}
