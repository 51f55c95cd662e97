/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can happen to a sign-in on this host, in the browser and with a code: every allocation
 * fails once in turn, ours and jansson's; it is cancelled; its process forks. Nothing leaks
 * (under ASan), no half of it is kept, and the same client signs in afterwards. The authority
 * is a server in this process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "child.h"
#include "codec/form.h"
#include "codec/json_writer.h"
#include "jose/jwk.h"
#include "jose/jws.h"
#include "net/http_server.h"

#include <adit/client.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define APP "app"
#define JSON "Content-Type: application/json\r\n"
#define FIELDS_MAX 32

enum {
	TEXT_MAX = 16 * 1024,
	FAILURES_MAX = 5000,
	/* A wait for the next poll is passed over; one for an answer is waited out. */
	POLL_LEAST_MS = 500,
	POLL_MOST_MS = 1000,
	/* Where a redirect is lost for want of memory, the person's browser does not try again. */
	PERSON_MS = 300,
	WAIT_ENDS_MS = 600 * 1000, /* of any back-off */
};

/* --- allocations ---------------------------------------------------------------------- */

/* As in <jansson.h>, of which codec/json.h shares some names. */
void json_set_alloc_funcs(void *(*allocate)(size_t), void (*release)(void *));

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
char *__wrap_strdup(const char *text);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
char *__real_strdup(const char *text);

/* Allocations of this thread until one fails; 0: none will. The server has its own. */
static _Thread_local unsigned left;

static bool fails_now(void)
{
	if (!left || --left)
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fails_now() ? NULL : __real_calloc(count, size);
}

char *__wrap_strdup(const char *text)
{
	return fails_now() ? NULL : __real_strdup(text);
}

/* --- time ------------------------------------------------------------------------------ */

static _Thread_local int64_t ahead_ms;

int64_t __real_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void);

int64_t __wrap_clock_monotonic_ms(void)
{
	return __real_clock_monotonic_ms() + ahead_ms;
}

static void read_clock(void *context, int64_t *ret_wall_ms, int64_t *ret_monotonic_ms)
{
	(void)context;
	*ret_wall_ms = clock_now_ms(NULL) + ahead_ms;
	*ret_monotonic_ms = __wrap_clock_monotonic_ms();
}

/* --- the authority ----------------------------------------------------------------------- */

static struct authority {
	struct http_server *server;
	struct crypto_key *key;
	char url[128];
} authority;

static void write_discovery(struct buf *body)
{
	const char *url = authority.url;

	(void)buf_printf(body,
		"{\"issuer\":\"%s\",\"jwks_uri\":\"%s/jwks\",\"token_endpoint\":\"%s/token\","
		"\"authorization_endpoint\":\"%s/authorize\","
		"\"device_authorization_endpoint\":\"%s/device\","
		"\"scopes_supported\":[\"openid\",\"offline_access\"],"
		"\"authorization_response_iss_parameter_supported\":true}",
		url, url, url, url, url);
}

static void write_keys(struct buf *body)
{
	(void)buf_append_text(body, "{\"keys\":[");
	(void)jwk_append(body, authority.key, "k1");
	(void)buf_append_text(body, "]}");
}

static void write_device(struct buf *body)
{
	(void)buf_printf(body,
		"{\"device_code\":\"d\",\"user_code\":\"ABCD\",\"expires_in\":600,\"interval\":1,"
		"\"verification_uri\":\"%s/device\"}",
		authority.url);
}

/* What a browser brought as code is the nonce. */
static void write_id_token(struct buf *body, const char *nonce)
{
	struct crypto_signer *signer = NULL;
	long long now_s = time(NULL);
	char claims[512];
	struct buf header;

	buf_init(&header, TEXT_MAX);
	(void)snprintf(claims, sizeof(claims),
		"{\"iss\":\"%s\",\"sub\":\"anna\",\"aud\":\"" APP
		"\",\"iat\":%lld,\"exp\":%lld%s%s%s}",
		authority.url, now_s, now_s + 300, nonce ? ",\"nonce\":\"" : "", nonce ? nonce : "",
		nonce ? "\"" : "");
	if (!jws_header(&header, JOSE_ES256, "JWT", "k1") &&
		!crypto_signer_create(authority.key, &signer))
		(void)jws_append(body, header.data, claims, strlen(claims), signer);
	crypto_signer_destroy(signer);
	buf_finish(&header);
}

static void write_tokens(struct buf *body, const struct http_request *request)
{
	struct form_field *fields = NULL;
	const char *nonce = NULL;
	struct arena arena;
	size_t count = 0;

	arena_init(&arena, TEXT_MAX);
	(void)form_parse(&arena, request->body, request->body_length, FIELDS_MAX, &fields, &count);
	for (size_t i = 0; i < count; i++)
		if (!strcmp(fields[i].name, "code"))
			nonce = fields[i].value;
	(void)buf_append_text(body, "{\"access_token\":\"at\",\"token_type\":\"Bearer\","
				    "\"expires_in\":3600,\"refresh_token\":\"rt\",\"id_token\":\"");
	write_id_token(body, nonce);
	(void)buf_append_text(body, "\"}");
	arena_finish(&arena);
}

static void serve(void *context, const struct http_request *request, struct http_ticket ticket)
{
	struct http_response response = {.status = 200, .fields = JSON};
	struct buf body;

	(void)context;
	buf_init(&body, TEXT_MAX);
	if (strstr(request->path, "openid-configuration"))
		write_discovery(&body);
	else if (!strcmp(request->path, "/jwks"))
		write_keys(&body);
	else if (!strcmp(request->path, "/device"))
		write_device(&body);
	else
		write_tokens(&body, request);
	response.body = body.data;
	response.body_length = body.len;
	http_answer(ticket, &response);
	buf_finish(&body);
}

static int start(void **state)
{
	static const char *const listen[] = {"127.0.0.1:0"};
	const struct http_server_options options = {
		.listen = listen, .listen_count = 1, .threads = 1, .handler = serve};

	(void)state;
	json_set_alloc_funcs(__wrap_malloc, free);
	if (crypto_key_generate(JOSE_ES256, &authority.key) ||
		http_server_create(&options, &authority.server, NULL))
		return -1;
	(void)snprintf(authority.url, sizeof(authority.url), "http://%s",
		http_server_address(authority.server, 0));
	return http_server_start(authority.server);
}

static int stop(void **state)
{
	(void)state;
	http_server_stop(authority.server, 0);
	http_server_destroy(authority.server);
	crypto_key_destroy(authority.key);
	return 0;
}

/* How often a page or a code was shown. */
static int shown;

/* --- the person -------------------------------------------------------------------------- */

/* Sends the redirect to the client, which reads it when it goes on. Its answer is not read. */
static int bring_code(unsigned port, const char *state, const char *nonce)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char request[1024];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int length = snprintf(request, sizeof(request),
		"GET /callback?code=%.43s&state=%.43s&iss=%s HTTP/1.1\r\nHost: "
		"127.0.0.1:%u\r\nConnection: close\r\n\r\n",
		nonce, state, authority.url, port);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) ||
		write(fd, request, (size_t)length) != length) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static int open_url(void *context, const char *url)
{
	static const char to[] = "redirect_uri=http%3A%2F%2F127.0.0.1%3A";
	const char *redirect = strstr(url, to);
	const char *state = strstr(url, "&state=");
	const char *nonce = strstr(url, "&nonce=");
	unsigned kept = left;
	unsigned port;
	int *browser = context;

	if (!redirect || !state || !nonce)
		return -1;
	port = (unsigned)strtoul(redirect + strlen(to), NULL, 10);
	/* What the application allocates does not fail. */
	left = 0;
	if (*browser >= 0)
		(void)close(*browser);
	shown++;
	*browser = bring_code(port, state + strlen("&state="), nonce + strlen("&nonce="));
	left = kept;
	return *browser < 0;
}

static int show_code(void *context, const struct adit_device_code *code)
{
	(void)context;
	shown++;
	return strcmp(code->user_code, "ABCD") != 0;
}

/* --- signing in ---------------------------------------------------------------------------- */

static struct adit_client *open_client(int *browser, int person_ms)
{
	const struct adit_client_hooks hooks = {.size = sizeof(hooks),
		.context = browser,
		.open_url = open_url,
		.show_code = show_code,
		.clock = read_clock};
	const struct adit_client_options options = {
		.size = sizeof(options), .proxy = "", .person_timeout_ms = person_ms};
	struct adit_client *client = NULL;

	assert_int_equal(adit_client_open(authority.url, APP, &client), 0);
	assert_int_equal(adit_client_set_options(client, &options), 0);
	assert_int_equal(adit_client_set_hooks(client, &hooks), 0);
	return client;
}

static int sign_in(struct adit_client *client, enum adit_flow flow)
{
	struct adit_wait wait = {.size = sizeof(wait)};
	int result = adit_client_start(client, ADIT_OPERATION_LOGIN, (int)flow);

	if (result)
		return result;
	while ((result = adit_client_step(client, &wait)) == ADIT_AGAIN) {
		struct pollfd ready = {.fd = wait.fd, .events = wait.events};

		if (wait.timeout_ms > POLL_LEAST_MS && wait.timeout_ms <= POLL_MOST_MS)
			ahead_ms += wait.timeout_ms;
		else
			(void)poll(&ready, 1, wait.timeout_ms);
	}
	return result;
}

static void check_signed_in(struct adit_client *client)
{
	struct adit_token *token = NULL;

	assert_int_equal(adit_token_get(client, 0, &token), 0);
	assert_string_equal(adit_token_value(token), "at");
	/* Where there was no memory to read them, a token has no claims. */
	if (adit_token_claim(token, "sub"))
		assert_string_equal(adit_token_claim(token, "sub"), "anna");
	adit_token_release(token);
}

/* With the allocation of that number failing. Whether there was one. */
static bool sign_in_without(unsigned number, enum adit_flow flow)
{
	int browser = -1;
	struct adit_client *client =
		open_client(&browser, flow == ADIT_FLOW_BROWSER ? PERSON_MS : 0);
	struct adit_token *token = NULL;
	bool reached;
	int result;

	left = number;
	result = sign_in(client, flow);
	reached = !left;
	left = 0;
	if (result && !*adit_client_text())
		fail_msg("allocation %u: %d, and nothing is said", number, result);
	if (!reached && result)
		fail_msg("no allocation failed: %d %s", result, adit_client_text());
	/* Tokens that could not be stored serve this process; none that were not checked do. */
	if (result && !adit_token_get(client, 0, &token)) {
		adit_token_release(token);
		check_signed_in(client);
	}
	if (result) {
		ahead_ms += WAIT_ENDS_MS;
		if (sign_in(client, flow))
			fail_msg("after allocation %u: %s", number, adit_client_text());
	}
	check_signed_in(client);
	adit_client_close(client);
	if (browser >= 0)
		(void)close(browser);
	return reached;
}

static void run(enum adit_flow flow)
{
	unsigned number = 1;

	while (number < FAILURES_MAX && sign_in_without(number, flow))
		number++;
	assert_in_range(number, 100, FAILURES_MAX - 1);
	print_message("# %u allocations\n", number - 1);
}

static void test_in_the_browser(void **state)
{
	(void)state;
	run(ADIT_FLOW_BROWSER);
}

static void test_with_a_code(void **state)
{
	(void)state;
	run(ADIT_FLOW_DEVICE);
}

/* Goes on until the person is waited for. */
static void begin(struct adit_client *client, enum adit_flow flow)
{
	struct adit_wait wait = {.size = sizeof(wait)};
	struct pollfd ready = {.events = POLLIN};

	assert_int_equal(adit_client_start(client, ADIT_OPERATION_LOGIN, (int)flow), 0);
	shown = 0;
	while (!shown) {
		assert_int_equal(adit_client_step(client, &wait), ADIT_AGAIN);
		ready.fd = wait.fd;
		if (!shown)
			(void)poll(&ready, 1, wait.timeout_ms);
	}
}

static void test_cancelled(void **state)
{
	static const enum adit_flow flows[] = {ADIT_FLOW_BROWSER, ADIT_FLOW_DEVICE};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int browser = -1;
		struct adit_client *client = open_client(&browser, 0);
		struct adit_wait wait = {.size = sizeof(wait)};
		struct adit_token *token = NULL;

		begin(client, flows[i]);
		adit_client_cancel(client);
		assert_int_equal(adit_client_step(client, &wait), ADIT_ERROR_CANCELLED);
		assert_int_equal(adit_token_get(client, 0, &token), ADIT_ERROR_PERSON);
		assert_int_equal(sign_in(client, flows[i]), 0);
		check_signed_in(client);
		adit_client_close(client);
		if (browser >= 0)
			(void)close(browser);
	}
}

static void read_page(int browser, char *page, size_t size)
{
	size_t length = 0;
	ssize_t got;

	while ((got = read(browser, page + length, size - 1 - length)) > 0)
		length += (size_t)got;
	page[length] = '\0';
}

/* The child has no part in what the parent began, and takes nothing of it away. */
static void test_forked(void **state)
{
	int browser = -1;
	struct adit_client *client = open_client(&browser, 0);
	struct adit_wait wait = {.size = sizeof(wait)};
	char page[TEXT_MAX];
	int status = 0;
	int result;
	pid_t pid;

	(void)state;
	begin(client, ADIT_FLOW_BROWSER);
	pid = fork();
	if (!pid) {
		result = adit_client_step(client, &wait);
		adit_client_close(client);
		child_end(result == ADIT_ERROR_INVALID ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
	while ((result = adit_client_step(client, &wait)) == ADIT_AGAIN) {
		struct pollfd ready = {.fd = wait.fd, .events = wait.events};

		(void)poll(&ready, 1, wait.timeout_ms);
	}
	assert_int_equal(result, 0);
	check_signed_in(client);
	adit_client_close(client);
	read_page(browser, page, sizeof(page));
	assert_non_null(strstr(page, "You are signed in"));
	(void)close(browser);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_the_browser),
		cmocka_unit_test(test_with_a_code),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_forked),
	};

	return cmocka_run_group_tests_name("client sign-in mishaps", tests, start, stop);
}
