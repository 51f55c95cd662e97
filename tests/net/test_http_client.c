/* SPDX-License-Identifier: Apache-2.0 */
#include "wire.h"

#include "net/http_client.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MAX_BODY = 4096, SHORT_MS = 300 };

static atomic_int handled;
static struct http_server *server;

static const char *field_of(const struct http_request *request, const char *name)
{
	const char *value = http_request_field(request, name, NULL);

	return value ? value : "-";
}

static void answer(struct http_ticket ticket, int status, const char *fields, const char *body)
{
	const struct http_response response = {
		.status = status,
		.fields = fields,
		.body = body,
		.body_length = strlen(body),
	};

	http_answer(ticket, &response);
}

static void answer_much(struct http_ticket ticket)
{
	char body[MAX_BODY + 1];

	memset(body, 'a', MAX_BODY);
	body[MAX_BODY] = '\0';
	answer(ticket, 200, NULL, body);
}

static void handle(void *context, const struct http_request *request, struct http_ticket ticket)
{
	char text[1024];

	(void)context;
	atomic_fetch_add(&handled, 1);
	if (!strcmp(request->path, "/never"))
		return;
	if (!strcmp(request->path, "/fits"))
		answer_much(ticket);
	else if (!strcmp(request->path, "/redirect"))
		answer(ticket, 302, "Location: /echo\r\n", "moved");
	else if (!strcmp(request->path, "/busy"))
		answer(ticket, 503, "Retry-After: 7\r\nContent-Type: text/x;  a=b \r\n", "busy");
	else if (!strcmp(request->path, "/busy-0"))
		answer(ticket, 429, "Retry-After: 0\r\n", "");
	else if (!strcmp(request->path, "/age")) {
		(void)snprintf(text, sizeof(text), "Cache-Control: %s\r\n", request->query);
		answer(ticket, 200, text, "");
	} else {
		(void)snprintf(text, sizeof(text), "%s %s %s %s %s %s [%s]", request->method,
			request->path, field_of(request, "Authorization"),
			field_of(request, "Content-Type"), field_of(request, "User-Agent"),
			field_of(request, "Expect"), request->body);
		answer(ticket, 200, "Content-Type: application/json\r\n", text);
	}
}

static int start_server(void **state)
{
	static const char *const listen[] = {"127.0.0.1:0"};
	const struct http_server_options options = {
		.listen = listen, .listen_count = 1, .threads = 1, .handler = handle};

	(void)state;
	if (http_server_create(&options, &server, NULL))
		return -1;
	return http_server_start(server);
}

static int stop_server(void **state)
{
	(void)state;
	http_server_stop(server, 0);
	http_server_destroy(server);
	return 0;
}

static struct http_client *create(const struct http_client_options *options)
{
	struct http_client *client = NULL;
	struct fault fault = {""};

	if (http_client_create(options, &client, &fault))
		fail_msg("%s", fault.text);
	return client;
}

static int call_url(struct http_client *client, const char *url, struct http_reply *ret_reply,
	struct fault *fault)
{
	const struct http_call call = {.method = "GET", .url = url};

	return http_client_call(client, &call, ret_reply, fault);
}

static int call_path(struct http_client *client, const char *path, struct http_reply *ret_reply,
	struct fault *fault)
{
	char url[256];

	(void)snprintf(url, sizeof(url), "http://%s%s", http_server_address(server, 0), path);
	return call_url(client, url, ret_reply, fault);
}

static void test_get_and_post(void **state)
{
	static const char *const fields[] = {
		"Authorization: Basic abc", "Content-Type: text/plain", NULL};
	struct http_client *client = create(NULL);
	struct http_reply reply;
	char url[256];
	struct http_call call = {.method = "POST", .url = url, .fields = fields, .body = "a=b"};

	(void)state;
	(void)snprintf(url, sizeof(url), "http://%s/echo", http_server_address(server, 0));
	call.body_length = 3;
	assert_int_equal(http_client_call(client, &call, &reply, NULL), 0);
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.content_type, "application/json");
	assert_non_null(strstr(reply.date, " GMT"));
	assert_int_equal(reply.retry_after_s, -1);
	assert_string_equal(
		reply.body.data, "POST /echo Basic abc text/plain adit/" ADIT_VERSION " - [a=b]");
	http_reply_finish(&reply);
	assert_null(reply.body.data);
	/* Nothing of the first call is in the second. */
	assert_int_equal(call_path(client, "/echo", &reply, NULL), 0);
	assert_string_equal(reply.body.data, "GET /echo - - adit/" ADIT_VERSION " - []");
	http_reply_finish(&reply);
	/* A form is what a body without a type is; an empty one is sent too. */
	call.fields = NULL;
	call.body = NULL;
	call.body_length = 0;
	assert_int_equal(http_client_call(client, &call, &reply, NULL), 0);
	assert_string_equal(reply.body.data,
		"POST /echo - application/x-www-form-urlencoded adit/" ADIT_VERSION " - []");
	http_reply_finish(&reply);
	http_client_destroy(client);
}

static void test_methods(void **state)
{
	static const char *const fields[] = {"Content-Type: text/x", NULL};
	static const struct {
		const char *method;
		const char *body;
		const char *answer;
	} cases[] = {
		{"PUT", "a", "PUT /echo - text/x adit/" ADIT_VERSION " - [a]"},
		{"PATCH", "b", "PATCH /echo - text/x adit/" ADIT_VERSION " - [b]"},
		{"DELETE", NULL, "DELETE /echo - text/x adit/" ADIT_VERSION " - []"},
		{"DELETE", "c", "DELETE /echo - text/x adit/" ADIT_VERSION " - [c]"},
		/* What a GET would have been answered with is not there. */
		{"HEAD", NULL, ""},
		{"GET", NULL, "GET /echo - text/x adit/" ADIT_VERSION " - []"},
	};
	struct http_client *client = create(NULL);
	struct http_reply reply;
	char url[256];

	(void)state;
	(void)snprintf(url, sizeof(url), "http://%s/echo", http_server_address(server, 0));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_call call = {
			.method = cases[i].method,
			.url = url,
			.fields = fields,
			.body = cases[i].body,
			.body_length = cases[i].body ? strlen(cases[i].body) : 0,
		};

		assert_int_equal(http_client_call(client, &call, &reply, NULL), 0);
		assert_int_equal(reply.status, 200);
		assert_string_equal(reply.body.data, cases[i].answer);
		http_reply_finish(&reply);
	}
	http_client_destroy(client);
}

static void test_user_agent(void **state)
{
	struct http_client *client = create(&(struct http_client_options){.user_agent = "mine/1"});
	struct http_reply reply;

	(void)state;
	assert_int_equal(call_path(client, "/echo", &reply, NULL), 0);
	assert_string_equal(reply.body.data, "GET /echo - - mine/1 - []");
	http_reply_finish(&reply);
	http_client_destroy(client);
}

static void test_redirect_is_not_followed(void **state)
{
	struct http_client *client = create(NULL);
	struct http_reply reply;
	int before = atomic_load(&handled);

	(void)state;
	assert_int_equal(call_path(client, "/redirect", &reply, NULL), 0);
	assert_int_equal(reply.status, 302);
	assert_string_equal(reply.body.data, "moved");
	assert_int_equal(atomic_load(&handled), before + 1);
	http_reply_finish(&reply);
	http_client_destroy(client);
}

static void test_retry_after(void **state)
{
	struct http_client *client = create(NULL);
	struct http_reply reply;

	(void)state;
	assert_int_equal(call_path(client, "/busy", &reply, NULL), 0);
	assert_int_equal(reply.status, 503);
	assert_int_equal(reply.retry_after_s, 7);
	assert_string_equal(reply.content_type, "text/x;  a=b");
	http_reply_finish(&reply);
	assert_int_equal(call_path(client, "/busy-0", &reply, NULL), 0);
	assert_int_equal(reply.status, 429);
	assert_int_equal(reply.retry_after_s, 0);
	assert_int_equal(reply.body.len, 0);
	assert_string_equal(reply.body.data, "");
	http_reply_finish(&reply);
	http_client_destroy(client);
}

static void test_max_age(void **state)
{
	static const struct {
		const char *path;
		int64_t want;
	} cases[] = {{"/age?max-age=300", 300}, {"/age?public,max-age=0", 0},
		{"/age?no-transform,Max-Age=86400,public", 86400}, {"/age?max-age=", -1},
		{"/age?max-age=-1", -1}, {"/age?max-age=1x", -1}, {"/age?s-maxage=5", -1},
		{"/age?no-store", -1}, {"/echo", -1}};
	struct http_client *client = create(NULL);
	struct http_reply reply;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(call_path(client, cases[i].path, &reply, NULL), 0);
		assert_int_equal(reply.max_age_s, cases[i].want);
		http_reply_finish(&reply);
	}
	assert_int_equal(call_path(client, "/age?max-age=99999999999999999999", &reply, NULL), 0);
	assert_true(reply.max_age_s >= INT32_MAX);
	http_reply_finish(&reply);
	http_client_destroy(client);
}

static void test_body_bound(void **state)
{
	struct http_client *client = create(&(struct http_client_options){.max_body = MAX_BODY});
	struct http_reply reply;
	struct fault fault;

	(void)state;
	assert_int_equal(call_path(client, "/fits", &reply, NULL), 0);
	assert_int_equal(reply.body.len, MAX_BODY);
	http_reply_finish(&reply);
	http_client_destroy(client);
	client = create(&(struct http_client_options){.max_body = MAX_BODY - 1});
	assert_int_equal(call_path(client, "/fits", &reply, &fault), ERROR_LIMIT);
	assert_non_null(strstr(fault.text, "larger than allowed"));
	/* The client goes on after it. */
	assert_int_equal(call_path(client, "/echo", &reply, NULL), 0);
	http_reply_finish(&reply);
	http_client_destroy(client);
}

static void test_timeout(void **state)
{
	struct http_client *client =
		create(&(struct http_client_options){.total_timeout_ms = SHORT_MS});
	struct http_reply reply;
	struct fault fault;

	(void)state;
	assert_int_equal(call_path(client, "/never", &reply, &fault), ERROR_TIMEOUT);
	assert_non_null(strstr(fault.text, http_server_address(server, 0)));
	http_client_destroy(client);
}

/* A port that nobody listens on: ours, and closed again. */
static void test_no_connection(void **state)
{
	struct http_client *client = create(NULL);
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	struct http_reply reply;
	struct fault fault;
	char url[64];
	int error;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	/* Bound and not listening: nobody else gets it meanwhile. */
	assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/secret-path?secret-query",
		ntohs(address.sin_port));
	assert_int_equal(call_url(client, url, &reply, &fault), ERROR_UNAVAILABLE);
	assert_non_null(strstr(fault.text, "GET to http://127.0.0.1:"));
	assert_null(strstr(fault.text, "secret"));
	/* A resolver that does not answer is waited for. */
	error = call_url(client, "http://name.invalid/", &reply, &fault);
	assert_true(error == ERROR_UNAVAILABLE || error == ERROR_TIMEOUT);
	assert_non_null(strstr(fault.text, "name.invalid"));
	(void)close(fd);
	http_client_destroy(client);
}

static void test_urls_that_are_not_called(void **state)
{
	static const char *const urls[] = {"", "/", "ftp://127.0.0.1/", "file:///etc/passwd",
		"gopher://127.0.0.1/", "http://user:secret@127.0.0.1/", "http://", "http:///x",
		"http://127.0.0.1:99999/", "http://127.0.0.1/a b", "http://127.0.0.1/\r\nX: y",
		"127.0.0.1", "dict://127.0.0.1:1/", "http://127.0.0.1/#secret"};
	struct http_client *client = create(NULL);
	struct http_reply reply;
	struct fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		fault.text[0] = '\0';
		if (call_url(client, urls[i], &reply, &fault) != ERROR_INVALID)
			fail_msg("%s was called", urls[i]);
		assert_int_not_equal(fault.text[0], '\0');
		assert_null(strstr(fault.text, "secret"));
	}
	http_client_destroy(client);
}

static void test_calls_that_are_not_made(void **state)
{
	static const char *const fields[] = {"A: b\r\nAuthorization: secret", NULL};
	const struct http_call split = {
		.method = "GET", .url = "http://127.0.0.1/", .fields = fields};
	static const char *const methods[] = {
		"", "get", "TRACE", "CONNECT", "GET /x HTTP/1.1\r\nA:"};
	struct http_client *client = create(NULL);
	struct http_reply reply;
	struct fault fault;

	(void)state;
	assert_int_equal(http_client_call(client, &split, &reply, &fault), ERROR_INVALID);
	assert_null(strstr(fault.text, "secret"));
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		const struct http_call odd = {.method = methods[i], .url = "http://127.0.0.1/"};

		assert_int_equal(http_client_call(client, &odd, &reply, &fault), ERROR_INVALID);
		assert_non_null(strstr(fault.text, "expected GET"));
	}
	http_client_destroy(client);
}

/* Plain HTTP does not go through a proxy of the environment. */
static void test_no_proxy_for_http(void **state)
{
	struct http_client *client = create(NULL);
	struct http_reply reply;

	(void)state;
	(void)setenv("http_proxy", "http://127.0.0.1:1", 1);
	(void)setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	assert_int_equal(call_path(client, "/echo", &reply, NULL), 0);
	http_reply_finish(&reply);
	(void)unsetenv("http_proxy");
	(void)unsetenv("ALL_PROXY");
	http_client_destroy(client);
}

/* A peer that takes one request and says something that is not our server's. */
struct script {
	int listener;
	const char *says;
	const char *repeats; /* until nobody takes it; may be NULL */
	bool stays;	     /* does not end the connection by itself */
};

static void *play(void *context)
{
	const struct script *script = context;
	int fd = accept(script->listener, NULL, NULL);
	char bytes[2048];

	if (fd < 0 || wire_receive(fd, bytes, sizeof(bytes)) < 0)
		return NULL;
	(void)wire_send_bytes(fd, script->says, strlen(script->says));
	while (script->repeats && wire_send_bytes(fd, script->repeats, strlen(script->repeats)))
		;
	while (script->stays && wire_receive(fd, bytes, sizeof(bytes)) > 0)
		;
	(void)close(fd);
	return NULL;
}

static int call_script(struct script script, const struct http_client_options *options,
	struct http_reply *ret_reply, struct fault *fault)
{
	struct http_client *client = create(options);
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	pthread_t thread;
	char url[64];
	int error;

	script.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(script.listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(script.listener, 1), 0);
	assert_int_equal(getsockname(script.listener, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(pthread_create(&thread, NULL, play, &script), 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
	error = call_url(client, url, ret_reply, fault);
	http_client_destroy(client);
	(void)pthread_join(thread, NULL);
	(void)close(script.listener);
	return error;
}

static void test_peers_that_misbehave(void **state)
{
	static const struct {
		const char *name;
		struct script script;
		int error;
	} cases[] = {
		{"says nothing", {.says = ""}, ERROR_UNAVAILABLE},
		{"is no HTTP", {.says = "220 smtp.example ESMTP\r\n"}, ERROR_INVALID},
		{"is HTTP/0.9", {.says = "<html></html>"}, ERROR_INVALID},
		{"body shorter than said",
			{.says = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"},
			ERROR_UNAVAILABLE},
		{"head without end", {.says = "HTTP/1.1 200 OK\r\n", .repeats = "A: b\r\n"},
			ERROR_LIMIT},
		{"field without end", {.says = "HTTP/1.1 200 OK\r\nA: ", .repeats = "bbbbbbbbbbbb"},
			ERROR_LIMIT},
		{"body without end", {.says = "HTTP/1.1 200 OK\r\n\r\n", .repeats = "bbbbbbbbbbbb"},
			ERROR_LIMIT},
		{"chunks without end",
			{.says = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
				.repeats = "4\r\nabcd\r\n"},
			ERROR_LIMIT},
		{"stays silent", {.says = "", .stays = true}, ERROR_TIMEOUT},
		{"stays after a head",
			{.says = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello",
				.stays = true},
			ERROR_TIMEOUT},
		{"100s without end", {.says = "", .repeats = "HTTP/1.1 100 Continue\r\n\r\n"},
			ERROR_LIMIT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct http_client_options options = {
			.total_timeout_ms = cases[i].error == ERROR_TIMEOUT ? SHORT_MS : 0};
		struct fault fault = {""};
		struct http_reply reply;
		int error = call_script(cases[i].script, &options, &reply, &fault);

		if (error != cases[i].error)
			fail_msg("peer that %s: %d (%s)", cases[i].name, error, fault.text);
		assert_non_null(strstr(fault.text, "127.0.0.1:"));
	}
}

/* Its date is of when the cache got it. */
static void test_what_a_cache_kept(void **state)
{
	const struct script script = {
		.says = "HTTP/1.1 200 OK\r\nage: 0\r\nContent-Length: 2\r\n\r\nok"};
	struct http_client *client = create(NULL);
	struct http_reply reply;
	struct fault fault = {""};

	(void)state;
	if (call_script(script, NULL, &reply, &fault))
		fail_msg("%s", fault.text);
	assert_true(reply.is_cached);
	http_reply_finish(&reply);
	assert_int_equal(call_path(client, "/echo", &reply, NULL), 0);
	assert_false(reply.is_cached);
	http_reply_finish(&reply);
	http_client_destroy(client);
}

static void test_last_head_counts(void **state)
{
	const struct script script = {
		.says = "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\nDate: x\r\nAge: 1\r\n\r\n"
			"HTTP/1.1 200 OK\r\nContent-Length: 2\r\ncontent-type:  a/b\r\n\r\nok"};
	struct http_reply reply;
	struct fault fault = {""};

	(void)state;
	if (call_script(script, NULL, &reply, &fault))
		fail_msg("%s", fault.text);
	assert_int_equal(reply.status, 200);
	assert_string_equal(reply.content_type, "a/b");
	assert_string_equal(reply.date, "");
	assert_int_equal(reply.retry_after_s, -1);
	assert_false(reply.is_cached);
	assert_string_equal(reply.body.data, "ok");
	http_reply_finish(&reply);
}

/* https to a port that speaks plain HTTP. */
static void test_no_tls_there(void **state)
{
	struct http_client *client = create(NULL);
	struct http_reply reply;
	struct fault fault;
	char url[64];

	(void)state;
	(void)snprintf(url, sizeof(url), "https://%s/", http_server_address(server, 0));
	assert_int_equal(call_url(client, url, &reply, &fault), ERROR_REFUSED);
	assert_non_null(strstr(fault.text, "https://127.0.0.1:"));
	http_client_destroy(client);
}

static void *call_often(void *context)
{
	atomic_int *succeeded = context;
	struct http_client *client = NULL;
	struct http_reply reply;

	if (http_client_create(NULL, &client, NULL))
		return NULL;
	for (int i = 0; i < 20; i++) {
		if (call_path(client, "/echo", &reply, NULL))
			continue;
		atomic_fetch_add(succeeded, reply.status == 200);
		http_reply_finish(&reply);
	}
	http_client_destroy(client);
	return NULL;
}

static void test_a_client_per_thread(void **state)
{
	pthread_t threads[4];
	atomic_int succeeded = 0;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, &succeeded), 0);
	for (size_t i = 0; i < 4; i++)
		(void)pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&succeeded), 80);
}

static void test_null_is_accepted(void **state)
{
	(void)state;
	http_client_destroy(NULL);
	http_reply_finish(NULL);
	http_reply_finish(&(struct http_reply){0});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* First: the library must be loaded once, by whichever thread comes first. */
		cmocka_unit_test(test_a_client_per_thread),
		cmocka_unit_test(test_get_and_post),
		cmocka_unit_test(test_methods),
		cmocka_unit_test(test_user_agent),
		cmocka_unit_test(test_redirect_is_not_followed),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_max_age),
		cmocka_unit_test(test_body_bound),
		cmocka_unit_test(test_timeout),
		cmocka_unit_test(test_no_connection),
		cmocka_unit_test(test_urls_that_are_not_called),
		cmocka_unit_test(test_calls_that_are_not_made),
		cmocka_unit_test(test_no_proxy_for_http),
		cmocka_unit_test(test_peers_that_misbehave),
		cmocka_unit_test(test_what_a_cache_kept),
		cmocka_unit_test(test_last_head_counts),
		cmocka_unit_test(test_no_tls_there),
		cmocka_unit_test(test_null_is_accepted),
	};

	return cmocka_run_group_tests_name("http_client", tests, start_server, stop_server);
}
