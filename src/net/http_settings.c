/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_settings.h"

#include <string.h>

enum {
	/* A connection that was idle for longer is not used again: something on the way may
	 * have forgotten it, and what is sent into it is lost without a word. */
	IDLE_MAX_S = 30,
};

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct http_client *client = context;

	return http_arrival_take_body(&client->arrival, bytes, size * count) ? 0 : size * count;
}

static size_t take_line(char *line, size_t size, size_t count, void *context)
{
	struct http_client *client = context;

	return http_arrival_take_line(&client->arrival, line, size * count) ? 0 : size * count;
}

/* Called when the connection is there, before anything of the request goes into it. When a
 * connection that was kept ends without an answer, libcurl sends again on a new one, a POST
 * too: but an authority may have used up a refresh token, and takes its second coming for
 * a theft. */
static int before_request(
	void *context, char *primary_ip, char *local_ip, int primary_port, int local_port)
{
	struct http_client *client = context;

	(void)primary_ip;
	(void)local_ip;
	(void)primary_port;
	(void)local_port;
	if (client->sent && !client->repeatable)
		return CURL_PREREQFUNC_ABORT;
	client->sent = true;
	return CURL_PREREQFUNC_OK;
}

struct number_option {
	CURLoption option;
	long value;
};

static CURLcode set_numbers(
	struct http_client *client, const struct number_option *numbers, size_t count)
{
	CURLcode code = CURLE_OK;

	for (size_t i = 0; !code && i < count; i++)
		code = client->curl->easy_setopt(client->easy, numbers[i].option, numbers[i].value);
	return code;
}

/* A NULL text leaves the default. */
static CURLcode set_pointers(struct http_client *client)
{
	const struct {
		CURLoption option;
		const void *value;
	} pointers[] = {
		{CURLOPT_PROTOCOLS_STR, "http,https"},
		{CURLOPT_USERAGENT, client->user_agent},
		{CURLOPT_HTTPHEADER, client->fields},
		{CURLOPT_CAINFO, client->ca_file},
		{CURLOPT_SSLCERT, client->certificate_file},
		{CURLOPT_SSLKEY, client->certificate_key_file},
		/* Or OpenSSL would ask for it on the terminal. */
		{CURLOPT_KEYPASSWD, client->certificate_file ? "" : NULL},
		{CURLOPT_WRITEDATA, client},
		{CURLOPT_HEADERDATA, client},
		{CURLOPT_PREREQDATA, client},
		{CURLOPT_ERRORBUFFER, client->curl_text},
	};
	CURLcode code = CURLE_OK;

	for (size_t i = 0; !code && i < sizeof(pointers) / sizeof(pointers[0]); i++) {
		if (pointers[i].value)
			code = client->curl->easy_setopt(
				client->easy, pointers[i].option, pointers[i].value);
	}
	return code;
}

static CURLcode set_client(struct http_client *client)
{
	static const struct number_option numbers[] = {
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_FOLLOWLOCATION, 0},
		{CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
		{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
		{CURLOPT_SSL_VERIFYPEER, 1},
		{CURLOPT_SSL_VERIFYHOST, 2},
		{CURLOPT_HTTP09_ALLOWED, 0},
		{CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
		{CURLOPT_SUPPRESS_CONNECT_HEADERS, 1},
		{CURLOPT_MAXAGE_CONN, IDLE_MAX_S},
	};
	CURLcode code = set_numbers(client, numbers, sizeof(numbers) / sizeof(numbers[0]));

	/* Who abandons a call must not wait for a resolver's thread. An older libcurl knows no
	 * such option, and waits. */
	(void)client->curl->easy_setopt(client->easy, CURLOPT_QUICK_EXIT, 1L);
	if (!code)
		code = set_pointers(client);
	/* A file replaces the system's certificates: also those in its folder. */
	if (!code && client->ca_file)
		code = client->curl->easy_setopt(client->easy, CURLOPT_CAPATH, NULL);
	if (!code)
		code = http_events_watch(&client->events, client->easy);
	if (!code)
		code = client->curl->easy_setopt(client->easy, CURLOPT_WRITEFUNCTION, take_body);
	if (!code)
		code = client->curl->easy_setopt(client->easy, CURLOPT_HEADERFUNCTION, take_line);
	if (!code)
		code = client->curl->easy_setopt(
			client->easy, CURLOPT_PREREQFUNCTION, before_request);
	return code;
}

/* A proxy must not see plain HTTP, and has no part in what stays on this machine. What the
 * caller named counts alone: the environment takes nothing away from it. */
static CURLcode set_proxy(struct http_client *client, const struct uri *uri)
{
	const char *proxy = !uri->https || uri_is_loopback(uri) ? "" : client->proxy;
	CURLcode code = CURLE_OK;

	if (proxy)
		code = client->curl->easy_setopt(client->easy, CURLOPT_PROXY, proxy);
	if (!code && proxy)
		code = client->curl->easy_setopt(client->easy, CURLOPT_NOPROXY, "");
	return code;
}

/* What is sent with a body is a POST to libcurl, by another name or not. */
static CURLcode set_method(struct http_client *client, const struct http_call *call)
{
	CURL *easy = client->easy;
	bool is_post = !strcmp(call->method, "POST");
	CURLcode code = CURLE_OK;

	if (!strcmp(call->method, "GET"))
		return CURLE_OK;
	if (!strcmp(call->method, "HEAD"))
		return client->curl->easy_setopt(easy, CURLOPT_NOBODY, 1L);
	if (!is_post)
		code = client->curl->easy_setopt(easy, CURLOPT_CUSTOMREQUEST, call->method);
	if (code || (!strcmp(call->method, "DELETE") && !call->body))
		return code;
	code = client->curl->easy_setopt(easy, CURLOPT_POST, 1L);
	if (!code)
		code = client->curl->easy_setopt(
			easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_length);
	if (!code)
		code = client->curl->easy_setopt(
			easy, CURLOPT_POSTFIELDS, call->body ? call->body : "");
	return code;
}

static CURLcode set_call(
	struct http_client *client, const struct http_call *call, const struct uri *uri)
{
	size_t max_body = call->max_body ? call->max_body : client->max_body;
	int total_ms =
		call->total_timeout_ms > 0 ? call->total_timeout_ms : client->total_timeout_ms;
	const struct number_option numbers[] = {
		{CURLOPT_CONNECTTIMEOUT_MS, client->connect_timeout_ms},
		{CURLOPT_TIMEOUT_MS, total_ms},
	};
	CURLcode code = client->curl->easy_setopt(client->easy, CURLOPT_URL, call->url);

	if (!code)
		code = set_numbers(client, numbers, sizeof(numbers) / sizeof(numbers[0]));
	/* Of a HEAD's answer Content-Length tells of another. */
	if (!code && strcmp(call->method, "HEAD") != 0)
		code = client->curl->easy_setopt(
			client->easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)max_body);
	if (!code)
		code = set_proxy(client, uri);
	if (!code)
		code = set_method(client, call);
	return code;
}

CURLcode http_settings_apply(
	struct http_client *client, const struct http_call *call, const struct uri *uri)
{
	CURLcode code = set_client(client);

	return code ? code : set_call(client, call, uri);
}
