/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "codec/uri.h"
#include "vectors.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static void test_parts(void **state)
{
	struct uri uri;

	(void)state;
	assert_int_equal(uri_parse("https://id.example.com:8443/a/b%2F;c=1?x=/?&y", &uri), 0);
	assert_true(uri.https);
	assert_string_equal(uri.host, "id.example.com");
	assert_false(uri.host_is_ipv6);
	assert_int_equal(uri.port, 8443);
	assert_true(uri.port_given);
	assert_int_equal(uri.path_length, 11);
	assert_memory_equal(uri.path, "/a/b%2F;c=1?", 12);
	assert_int_equal(uri.query_length, 6);
	assert_string_equal(uri.query, "x=/?&y");
}

static void test_defaults(void **state)
{
	struct uri uri;

	(void)state;
	assert_int_equal(uri_parse("http://h", &uri), 0);
	assert_int_equal(uri.port, 80);
	assert_false(uri.https || uri.port_given);
	assert_int_equal(uri.path_length, 0);
	assert_string_equal(uri.path, "");
	assert_null(uri.query);
	assert_int_equal(uri_parse("HTTPS://[2001:db8::1]?", &uri), 0);
	assert_int_equal(uri.port, 443);
	assert_true(uri.https && uri.host_is_ipv6);
	assert_string_equal(uri.host, "2001:db8::1");
	assert_non_null(uri.query);
	assert_int_equal(uri.query_length, 0);
}

static void test_what_is_not_a_uri_of_ours_is_refused(void **state)
{
	static const char *const bad[] = {"", "http", "http:", "http:/", "http://", "https://",
		"http:///a", "//h/a", "/a", "h", "ftp://h", "httpss://h", "javascript:alert(1)",
		" http://h", "http://h ", "http://h/ ", "http://h/\n", "http://h/\t", "http://h\\",
		"http://h/\\", "http://user@h", "http://user:p@h", "http://@h", "http://h#",
		"http://h/#f", "http://h/?#", "http://h:", "http://h:/", "http://h:0",
		"http://h:080", "http://h:65536", "http://h:123456", "http://h:-1", "http://h:8a",
		"http://h:80:80", "http://:80", "http://h/%", "http://h/%2", "http://h/%zz",
		"http://h/?%", "http://h%41/", "http://\xc3\xa9/", "http://h/\xc3\xa9",
		"http://h/\x7f", "http://h/<", "http://h/\"", "http://h/a b", "http://h/^",
		"http://h/[", "http://h/?|", "http://[::1", "http://::1/", "http://[]/",
		"http://[::1]a/", "http://[::1%25eth0]/", "http://[1.2.3.4]/", "http://[v1.a]/",
		"http://a..b/", "http://.a/", "http://./", "http://a,b/", "http://a*/",
		"http://127.1/", "http://0x7f.1/", "http://2130706433/", "http://0x7f000001/",
		"http://127.0.0.01/", "http://0177.0.0.1/", "http://256.0.0.1/",
		"http://1.2.3.4.5/", "http://a.1/", "http://a.0x/", "http://127.0.0.1./", "http:h/",
		"http:\\\\h", "https:///h", "http://[::1]:", "http://[::1]80"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct uri uri = {.port = 7};

		if (uri_parse(bad[i], &uri) != ERROR_INVALID)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(uri.port, 7);
	}
}

static void test_bounds(void **state)
{
	char text[URI_MAX + 2] = "http://h/";
	char host[URI_HOST_MAX + 16];
	struct uri uri;

	(void)state;
	memset(text + 9, 'a', sizeof(text) - 10);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(uri_parse(text, &uri), ERROR_LIMIT);
	text[URI_MAX] = '\0';
	assert_int_equal(uri_parse(text, &uri), 0);
	memset(host, 'a', sizeof(host));
	memcpy(host, "http://", 7);
	host[7 + URI_HOST_MAX + 1] = '\0';
	assert_int_equal(uri_parse(host, &uri), ERROR_INVALID);
	host[7 + URI_HOST_MAX] = '\0';
	assert_int_equal(uri_parse(host, &uri), 0);
	assert_int_equal(strlen(uri.host), URI_HOST_MAX);
}

static void test_loopback_and_safe(void **state)
{
	static const char *const loopback[] = {"http://localhost", "http://localhost:80/",
		"http://127.0.0.1", "http://127.255.1.2:9/", "http://[::1]/", "https://localhost"};
	static const char *const others[] = {"http://localhost.", "http://LOCALHOST",
		"http://localhost.example", "http://a.localhost", "http://128.0.0.1",
		"http://126.0.0.1", "http://[::2]", "http://[::ffff:127.0.0.1]",
		"http://127.0.0.1.example", "http://0.0.0.0"};
	struct uri uri;

	(void)state;
	for (size_t i = 0; i < sizeof(loopback) / sizeof(loopback[0]); i++) {
		assert_int_equal(uri_parse(loopback[i], &uri), 0);
		assert_true(uri_is_loopback(&uri));
		assert_true(uri_is_safe(&uri));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(uri_parse(others[i], &uri), 0);
		assert_false(uri_is_loopback(&uri));
		assert_false(uri_is_safe(&uri));
	}
	assert_int_equal(uri_parse("https://example.com", &uri), 0);
	assert_true(uri_is_safe(&uri));
}

static void test_origin(void **state)
{
	static const char *const origins[][2] = {
		{"https://App.Example", "https://app.example"},
		{"https://app.example:443/cb?x=1", "https://app.example"},
		{"HTTPS://app.example:80/", "https://app.example:80"},
		{"http://a:80/", "http://a"},
		{"http://a:443", "http://a:443"},
		{"https://127.0.0.1:8443/x", "https://127.0.0.1:8443"},
		{"https://[2001:0DB8:0:0::1]:443/cb", "https://[2001:db8::1]"},
	};
	char bytes[64];
	struct buf buf;
	struct uri uri;

	(void)state;
	for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
		assert_int_equal(uri_parse(origins[i][0], &uri), 0);
		buf_init_fixed(&buf, bytes, sizeof(bytes));
		assert_int_equal(uri_append_origin(&buf, &uri), 0);
		assert_string_equal(buf.data, origins[i][1]);
	}
	buf_init_fixed(&buf, bytes, 8);
	assert_int_equal(uri_append_origin(&buf, &uri), ERROR_LIMIT);
}

/* Whether browsers see the same host. */
static bool same_host(const struct uri *uri, const char *hostname)
{
	unsigned char ours[16];
	unsigned char theirs[16];
	char bare[64];

	if (!uri->host_is_ipv6)
		return !strcasecmp(uri->host, hostname);
	(void)snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(hostname, "]") - 1, hostname + 1);
	return inet_pton(AF_INET6, uri->host, ours) == 1 &&
	       inet_pton(AF_INET6, bare, theirs) == 1 && !memcmp(ours, theirs, sizeof(ours));
}

static bool same_port(const struct uri *uri, const char *port)
{
	return uri->port == (*port ? strtol(port, NULL, 10) : uri->https ? 443 : 80);
}

/* The short form of an IPv4 address in IPv6's clothes is another in inet_ntop()'s eyes. */
static bool same_origin(const struct uri *uri, const char *origin)
{
	char bytes[URI_HOST_MAX + 32];
	struct buf buf;

	buf_init_fixed(&buf, bytes, sizeof(bytes));
	assert_int_equal(uri_append_origin(&buf, uri), 0);
	return !origin || !strcmp(buf.data, origin) || strchr(uri->host, '.');
}

static bool check_vector(const struct json *vector)
{
	const char *input = json_member_text(vector, "input");
	const char *hostname = json_member_text(vector, "hostname");
	const char *protocol = json_member_text(vector, "protocol");
	struct uri uri;

	if (!input || uri_parse(input, &uri))
		return false;
	if (!hostname || !same_host(&uri, hostname))
		fail_msg("%s: %s is not %s", input, uri.host, hostname ? hostname : "(refused)");
	if (!same_port(&uri, json_member_text(vector, "port")) ||
		strcmp(protocol, uri.https ? "https:" : "http:") != 0)
		fail_msg("%s: port or scheme", input);
	if (!same_origin(&uri, json_member_text(vector, "origin")))
		fail_msg("%s: origin", input);
	return true;
}

/* Escapes of NUL and of half characters, which our JSON refuses, become
 * spaces, which our URIs refuse as well. */
static struct json *read_vectors(void)
{
	struct json *document = NULL;
	char path[4096];
	size_t length;
	char *text;

	vectors_path("url/urltestdata.json", path, sizeof(path));
	text = vectors_bytes(path, &length);
	for (size_t i = 0; i + 6 <= length; i++)
		if (!strncmp(text + i, "\\u0000", 6) || !strncasecmp(text + i, "\\ud", 3))
			memcpy(text + i, "\\u0020", 6);
	assert_int_equal(json_parse(text, length, length, &document), 0);
	free(text);
	return document;
}

static void test_web_platform_tests(void **state)
{
	struct json *vectors = read_vectors();
	unsigned taken = 0;

	(void)state;
	for (size_t i = 0; i < json_length(vectors); i++)
		taken += check_vector(json_at(vectors, i));
	print_message("# %u of %zu taken\n", taken, json_length(vectors));
	assert_true(json_length(vectors) > 500);
	assert_true(taken > 20);
	json_free(vectors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_what_is_not_a_uri_of_ours_is_refused),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_loopback_and_safe),
		cmocka_unit_test(test_origin),
		cmocka_unit_test(test_web_platform_tests),
	};

	return cmocka_run_group_tests_name("uri", tests, NULL, NULL);
}
