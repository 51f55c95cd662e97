/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

#include "authority/route.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The answer that went to the server, by the linker's --wrap. */
static struct {
	int count;
	int status;
	char fields[1024];
	char body[8192];
} answer;

void __wrap_http_answer(struct http_ticket ticket, const struct http_response *response);
void __wrap_http_answer(struct http_ticket ticket, const struct http_response *response)
{
	(void)ticket;
	answer.count++;
	answer.status = response->status;
	(void)snprintf(answer.fields, sizeof(answer.fields), "%s",
		response->fields ? response->fields : "");
	(void)snprintf(answer.body, sizeof(answer.body), "%.*s", (int)response->body_length,
		response->body ? response->body : "");
}

/* A time that stands: nothing leaks from the flood limit. */
int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void)
{
	return 1000000;
}

struct routed {
	struct scene *scene;
	struct log log;
	struct authority_settings settings;
	struct authority *authority;
};

/* An authority of that issuer; nothing listens. */
static void open_at(struct routed *routed, const char *issuer)
{
	struct fault fault = {0};
	struct authority_parts parts = {.log = &routed->log, .settings = &routed->settings};
	void *opened;

	assert_int_equal(scene_open_bare(&opened), 0);
	routed->scene = opened;
	routed->log = (struct log){.fd = -1};
	authority_settings_init(&routed->settings);
	routed->settings.threads = 1;
	parts.store = routed->scene->store;
	parts.clock = &routed->scene->clock;
	parts.secret_key = &routed->scene->secret_key;
	assert_int_equal(authority_seed(parts.store, parts.clock, parts.secret_key, issuer), 0);
	assert_int_equal(authority_create(&parts, &routed->authority, &fault), 0);
}

static void close_routed(struct routed *routed)
{
	authority_destroy(routed->authority);
	(void)scene_close((void **)&routed->scene);
}

static int ask(struct routed *routed, const char *method, const char *path, size_t body_length)
{
	static const struct sockaddr_storage peer = {.ss_family = AF_UNIX};
	static char body[100 * 1024];
	const struct http_request request = {
		.method = method,
		.path = path,
		.path_length = strlen(path),
		.raw_path = path,
		.body = body,
		.body_length = body_length,
		.peer = &peer,
	};
	int before = answer.count;

	route_request(routed->authority, &request, (struct http_ticket){0});
	assert_int_equal(answer.count, before + 1);
	return answer.status;
}

static int ask_from(struct routed *routed, const struct sockaddr_storage *peer, const char *path)
{
	const struct http_request request = {
		.method = "GET", .path = path, .path_length = strlen(path), .peer = peer};

	route_request(routed->authority, &request, (struct http_ticket){0});
	return answer.status;
}

/* 400 is the token endpoint's, asked with GET; 200 a document's. */
static void test_paths(void **state)
{
	static const struct {
		const char *issuer;
		const char *path;
		int status;
	} cases[] = {
		{"https://a.example/identity", "/identity/connect/token", 400},
		{"https://a.example/identity", "/identity/connect/token/", 400},
		{"https://a.example/identity", "//identity///connect//token//", 400},
		{"https://a.example/identity", "/connect/token", 404},
		{"https://a.example/identity", "/identity/identity/connect/token", 404},
		{"https://a.example/identity", "/identityconnect/token", 404},
		{"https://a.example/identity", "/Identity/connect/token", 404},
		{"https://a.example/identity", "/identity/connect/tokens", 404},
		{"https://a.example/identity", "/identity/connect", 404},
		{"https://a.example/identity", "/identity/./connect/token", 404},
		{"https://a.example/identity", "/x/../identity/connect/token", 404},
		{"https://a.example/identity", "/identity", 404},
		{"https://a.example/identity", "/", 404},
		{"https://a.example/identity", "/identity/.well-known/openid-configuration", 200},
		{"https://a.example/identity", "/identity/.well-known/openid-configuration/", 200},
		{"https://a.example/identity", "/identity/.well-known/openid-configuration/jwks",
			200},
		{"https://a.example/identity", "/.well-known/openid-configuration", 404},
		{"https://a.example/identity", "/.well-known/oauth-authorization-server/identity",
			200},
		{"https://a.example/identity", "/.well-known/oauth-authorization-server", 404},
		{"https://a.example/identity", "/identity/.well-known/oauth-authorization-server",
			404},
		{"https://a.example/identity", "/healthz", 200},
		{"https://a.example/identity", "//healthz/", 200},
		{"https://a.example/identity", "/readyz", 200},
		{"https://a.example/identity", "/identity/healthz", 404},
		{"https://a.example", "/connect/token", 400},
		{"https://a.example", "/.well-known/openid-configuration", 200},
		{"https://a.example", "/.well-known/oauth-authorization-server", 200},
		{"https://a.example", "/healthz", 200},
		{"https://a.example/a/b", "/a/b/connect/token", 400},
		{"https://a.example/a/b", "/.well-known/oauth-authorization-server/a/b", 200},
	};
	const char *issuer = NULL;
	struct routed routed = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (issuer != cases[i].issuer) {
			if (issuer)
				close_routed(&routed);
			issuer = cases[i].issuer;
			open_at(&routed, issuer);
		}
		if (ask(&routed, "GET", cases[i].path, 0) != cases[i].status)
			fail_msg("%s %s: %d", issuer, cases[i].path, answer.status);
	}
	close_routed(&routed);
}

static void test_methods_and_bodies(void **state)
{
	struct routed routed;

	(void)state;
	open_at(&routed, SCENE_ISSUER);
	assert_int_equal(ask(&routed, "HEAD", "/healthz", 0), 200);
	assert_int_equal(ask(&routed, "POST", "/healthz", 0), 405);
	assert_non_null(strstr(answer.fields, "\r\nAllow: GET, HEAD\r\n"));
	assert_int_equal(ask(&routed, "get", "/healthz", 0), 405);
	assert_int_equal(ask(&routed, "GET", "/healthz", 1), 413);
	assert_int_equal(ask(&routed, "DELETE", "/nowhere", 0), 404);
	assert_int_equal(ask(&routed, "POST", "/identity/connect/token", 64 * 1024 + 1), 413);
	assert_int_equal(ask(&routed, "POST", "/identity/connect/token", 64 * 1024), 400);
	close_routed(&routed);
}

static void test_a_path_beyond_all_of_ours(void **state)
{
	struct routed routed;
	char path[4096];

	(void)state;
	open_at(&routed, SCENE_ISSUER);
	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(ask(&routed, "GET", path, 0), 404);
	/* Slashes that count for nothing make nothing longer. */
	memset(path, '/', sizeof(path) - 1);
	memcpy(path + sizeof(path) - 8, "healthz", 7);
	assert_int_equal(ask(&routed, "GET", path, 0), 200);
	close_routed(&routed);
}

/* One source's requests are limited wherever they go, also nowhere; whoever watches
 * over the process may ask as often as it likes. */
static void test_floods(void **state)
{
	static const char *const limited[] = {"/identity/connect/token", "/nowhere",
		"/identity/.well-known/openid-configuration", "/readyz"};
	struct sockaddr_in source = {.sin_family = AF_INET};
	struct sockaddr_storage peer = {0};
	struct routed routed;

	(void)state;
	open_at(&routed, SCENE_ISSUER);
	source.sin_addr.s_addr = htonl(0xc0000201);
	memcpy(&peer, &source, sizeof(source));
	for (int i = 0; i < 100 * THROTTLE_BURST_S; i++)
		assert_int_equal(ask_from(&routed, &peer, "/nowhere"), 404);
	for (size_t i = 0; i < sizeof(limited) / sizeof(limited[0]); i++) {
		assert_int_equal(ask_from(&routed, &peer, limited[i]), 429);
		assert_non_null(strstr(answer.fields, "\r\nRetry-After: 1\r\n"));
		assert_non_null(strstr(answer.body, "\"error\":\"slow_down\""));
	}
	assert_int_equal(ask_from(&routed, &peer, "/healthz"), 200);
	assert_int_equal(ask(&routed, "GET", "/readyz", 0), 200);
	close_routed(&routed);
}

/* Every error is JSON, is stored by nobody, and can be found in the log. */
static void test_the_form_of_an_error(void **state)
{
	static const char start[] = "{\"error\":\"not_found\","
				    "\"error_description\":\"there is no such endpoint\",";
	struct routed routed;
	char first[8192];
	const char *id;

	(void)state;
	open_at(&routed, SCENE_ISSUER);
	assert_int_equal(ask(&routed, "GET", "/nowhere", 0), 404);
	assert_string_equal(answer.fields, "Content-Type: application/json\r\n"
					   "Cache-Control: no-store\r\nPragma: no-cache\r\n"
					   "X-Content-Type-Options: nosniff\r\n");
	id = strstr(answer.body, "\"correlation_id\":\"");
	assert_non_null(id);
	assert_int_equal(strspn(id + 18, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789"),
		16);
	assert_ptr_equal(strstr(answer.body, start), answer.body);
	(void)stpcpy(first, answer.body);
	assert_int_equal(ask(&routed, "GET", "/nowhere", 0), 404);
	assert_string_not_equal(first, answer.body);
	close_routed(&routed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_methods_and_bodies),
		cmocka_unit_test(test_a_path_beyond_all_of_ours),
		cmocka_unit_test(test_floods),
		cmocka_unit_test(test_the_form_of_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
