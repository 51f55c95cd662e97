/* SPDX-License-Identifier: Apache-2.0 */
/* Who does not speak TLS, or speaks it to do harm. */
#include "served_tls.h"

static void test_handshake_that_drips(void **state)
{
	static const unsigned char hello[] = {22, 3, 1, 1, 0, 1, 0, 0, 252, 3, 3};
	int64_t began_ms = clock_monotonic_ms();
	char text[64];
	size_t sent = 0;
	int fd;

	(void)state;
	start((struct http_server_options){
		.head_timeout_ms = SHORT_MS, .idle_timeout_ms = LONG_MS});
	fd = connect_plain();
	while (!atomic_load(&failed_handshakes)) {
		unsigned char byte = sent < sizeof(hello) ? hello[sent] : 0;

		sent++;
		assert_true(clock_monotonic_ms() - began_ms < WIRE_WAIT_MS);
		if (!send_plain(fd, &byte, 1))
			break;
		(void)poll(NULL, 0, 5);
	}
	served_wait(&failed_handshakes, 1);
	assert_true(clock_monotonic_ms() - began_ms >= SHORT_MS);
	assert_string_equal(atomic_load(&last_failure), "too slow");
	assert_int_equal(read_plain(fd, text, sizeof(text)), 0);
	(void)close(fd);
	end();
}

static void test_silence(void **state)
{
	char text[64];
	int fd;

	(void)state;
	start((struct http_server_options){
		.head_timeout_ms = LONG_MS, .idle_timeout_ms = SHORT_MS});
	fd = connect_plain();
	assert_int_equal(read_plain(fd, text, sizeof(text)), 0);
	assert_int_equal(atomic_load(&failed_handshakes), 0);
	(void)close(fd);
	end();
}

static void test_plain_http(void **state)
{
	static const char *const requests[] = {
		GET_REQUEST, "post / http/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n"};
	char text[1024];

	(void)state;
	start((struct http_server_options){.head_timeout_ms = LONG_MS});
	for (size_t i = 0; i < 3; i++) {
		int fd = connect_plain();

		assert_true(send_plain(fd, requests[i], strlen(requests[i])));
		assert_true(read_plain(fd, text, sizeof(text)) > 0);
		assert_memory_equal(text, "HTTP/1.1 400 Bad Request\r\n", 26);
		assert_non_null(strstr(text, "Connection: close\r\n"));
		assert_non_null(strstr(text, "use https"));
		assert_int_equal(atomic_load(&served.refused_status), 400);
		(void)close(fd);
	}
	assert_int_equal(atomic_load(&served.handled), 0);
	assert_int_equal(atomic_load(&failed_handshakes), 0);
	end();
}

static unsigned next_random(unsigned *seed)
{
	*seed = *seed * 1103515245u + 12345u;
	return *seed >> 16;
}

static void test_random_bytes(void **state)
{
	unsigned seed = 1;
	char text[4096];

	(void)state;
	start((struct http_server_options){.head_timeout_ms = 30});
	for (int i = 0; i < 300; i++) {
		unsigned char bytes[600];
		size_t length = 1 + next_random(&seed) % sizeof(bytes);
		int fd = connect_plain();

		for (size_t k = 0; k < length; k++)
			bytes[k] = (unsigned char)next_random(&seed);
		/* Most begin as a handshake's record does. */
		if (i % 4)
			memcpy(bytes, "\x16\x03\x01", length < 3 ? length : 3);
		if (i % 4 > 1 && length > 6)
			memcpy(bytes + 3, "\x01\x00\x01", 3);
		(void)send_plain(fd, bytes, length);
		if (i % 3)
			(void)shutdown(fd, SHUT_WR);
		else
			(void)read_plain(fd, text, sizeof(text));
		(void)close(fd);
	}
	assert_int_equal(atomic_load(&served.handled), 0);
	end();
	start((struct http_server_options){0});
	expect_served();
	end();
}

static void test_broken_record(void **state)
{
	static const char record[] = "\x17\x03\x03\x00\x20"
				     "abcdefghijklmnopqrstuvwxyz012345";
	SSL *ssl;
	char byte;

	(void)state;
	start((struct http_server_options){0});
	ssl = connect_with(client_of(TLS1_3_VERSION));
	assert_non_null(ssl);
	assert_int_equal(ask(ssl, GET_REQUEST), 200);
	assert_true(send_plain(SSL_get_fd(ssl), record, sizeof(record) - 1));
	assert_true(SSL_read(ssl, &byte, 1) <= 0);
	disconnect(ssl);
	expect_served();
	end();
}

static void test_key_updates(void **state)
{
	SSL *ssl;

	(void)state;
	start((struct http_server_options){.threads = 1});
	ssl = connect_with(client_of(TLS1_3_VERSION));
	assert_non_null(ssl);
	for (int i = 0; i < 100; i++) {
		assert_int_equal(SSL_key_update(ssl, i % 2 ? SSL_KEY_UPDATE_REQUESTED
							   : SSL_KEY_UPDATE_NOT_REQUESTED),
			1);
		assert_int_equal(SSL_do_handshake(ssl), 1);
	}
	expect_served();
	assert_int_equal(ask(ssl, GET_REQUEST), 200);
	disconnect(ssl);
	end();
}

static void test_halves_do_not_stop_others(void **state)
{
	enum { HALVES = 300 };
	static int halves[HALVES];

	(void)state;
	start((struct http_server_options){
		.max_connections = 50, .max_per_source = 1000, .head_timeout_ms = LONG_MS});
	for (int i = 0; i < HALVES; i++) {
		halves[i] = connect_plain();
		(void)send_plain(halves[i], "\x16\x03\x01\x01", 4);
	}
	for (int i = 0; i < 10; i++)
		expect_served();
	for (int i = 0; i < HALVES; i++)
		(void)close(halves[i]);
	end();
}

static void test_stop_amid_a_handshake(void **state)
{
	int64_t began_ms;
	char text[64];
	int half;

	(void)state;
	start((struct http_server_options){.head_timeout_ms = LONG_MS});
	half = connect_plain();
	assert_true(send_plain(half, "\x16\x03\x01\x01", 4));
	expect_served();
	began_ms = clock_monotonic_ms();
	http_server_stop(served.server, SHORT_MS);
	assert_true(clock_monotonic_ms() - began_ms < LONG_MS / 2);
	(void)read_plain(half, text, sizeof(text));
	(void)close(half);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_handshake_that_drips),
		FILE_TEST(test_silence),
		FILE_TEST(test_plain_http),
		FILE_TEST(test_random_bytes),
		FILE_TEST(test_broken_record),
		FILE_TEST(test_key_updates),
		FILE_TEST(test_halves_do_not_stop_others),
		FILE_TEST(test_stop_amid_a_handshake),
	};

	/* OpenSSL's own writing raises it. */
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("http_tls_hostile", tests, NULL, NULL);
}
