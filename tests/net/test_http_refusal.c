/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In which form the server answers what it refuses by itself; what it refuses is
 * test_http_server.c's.
 */
#include "served.h"

static struct wire_reply refusal_of(const char *request, bool has_body)
{
	int fd = served_connect();
	struct wire_reply reply;

	wire_send(fd, request);
	reply = wire_read_reply(fd, has_body);
	assert_true(wire_closed(fd));
	(void)close(fd);
	return reply;
}

static void test_a_refusal_is_a_line_of_text(void **state)
{
	struct wire_reply reply;

	(void)state;
	served_start((struct http_server_options){0});
	reply = refusal_of("GET / HTTP/3.0\r\n\r\n", true);
	assert_int_equal(reply.status, 505);
	assert_non_null(strstr(reply.head, "Content-Type: text/plain; charset=utf-8\r\n"
					   "Cache-Control: no-store\r\nContent-Length: "));
	assert_non_null(strstr(reply.body, "\n"));
	served_end();
}

static void test_a_refusal_in_the_users_form(void **state)
{
	struct wire_reply reply;

	(void)state;
	served.refusal_fields = "Content-Type: x/y\r\nX-A: b\r\n";
	served_start((struct http_server_options){0});
	reply = refusal_of("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 65537\r\n\r\n", true);
	assert_int_equal(reply.status, 413);
	assert_non_null(strstr(reply.head, "\r\nContent-Type: x/y\r\nX-A: b\r\nContent-Length: "));
	assert_null(strstr(reply.head, "text/plain"));
	assert_memory_equal(reply.body, "<413 ", 5);
	assert_non_null(strchr(reply.body, '>'));
	reply = refusal_of("HEAD / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", false);
	assert_int_equal(reply.status, 400);
	assert_non_null(strstr(reply.head, "\r\nContent-Type: x/y\r\n"));
	served.refusal_fields = NULL;
	served_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_refusal_is_a_line_of_text),
		cmocka_unit_test(test_a_refusal_in_the_users_form),
	};

	return cmocka_run_group_tests_name("http_refusal", tests, NULL, NULL);
}
