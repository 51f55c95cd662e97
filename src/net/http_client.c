/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_client.h"

#include "base/secret.h"
#include "codec/uri.h"
#include "net/http_settings.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	DEFAULT_CONNECT_MS = 5000,
	DEFAULT_TOTAL_MS = 15000,
	DEFAULT_BODY = 256 * 1024,
};

static int copy_option(const char *text, char **ret_copy)
{
	*ret_copy = text ? strdup(text) : NULL;
	return text && !*ret_copy ? ERROR_MEMORY : 0;
}

static int check_proxy(const char *proxy, struct fault *fault)
{
	struct uri uri;

	if (!proxy || !*proxy)
		return 0;
	if (!uri_parse(proxy, &uri) && !uri.https && uri.path_length <= 1 && !uri.query)
		return 0;
	fault_set(fault, "the proxy is no http://HOST:PORT");
	return ERROR_INVALID;
}

int http_client_create(const struct http_client_options *options, struct http_client **ret_client,
	struct fault *fault)
{
	static const struct http_client_options standard = {0};
	struct http_client *client;
	int error;

	options = options ? options : &standard;
	error = check_proxy(options->proxy, fault);
	if (error)
		return error;
	client = calloc(1, sizeof(*client));
	if (!client)
		return ERROR_MEMORY;
	client->curl = http_curl_load(fault);
	if (!client->curl) {
		free(client);
		return ERROR_UNAVAILABLE;
	}
	client->connect_timeout_ms =
		options->connect_timeout_ms > 0 ? options->connect_timeout_ms : DEFAULT_CONNECT_MS;
	client->total_timeout_ms =
		options->total_timeout_ms > 0 ? options->total_timeout_ms : DEFAULT_TOTAL_MS;
	client->max_body = options->max_body ? options->max_body : DEFAULT_BODY;
	error = copy_option(options->user_agent ? options->user_agent : "adit/" ADIT_VERSION,
		&client->user_agent);
	if (!error)
		error = copy_option(options->ca_file, &client->ca_file);
	if (!error)
		error = copy_option(options->certificate_file, &client->certificate_file);
	if (!error)
		error = copy_option(options->certificate_key_file, &client->certificate_key_file);
	if (!error)
		error = copy_option(options->proxy, &client->proxy);
	if (!error)
		error = http_events_init(&client->events, client->curl);
	if (!error && !(client->easy = client->curl->easy_init()))
		error = ERROR_MEMORY;
	if (error) {
		fault_set(fault, "no HTTP client can be made: %s", error_text(error));
		http_client_destroy(client);
		return error;
	}
	*ret_client = client;
	return 0;
}

/* Credentials may be among them. */
static void free_fields(const struct http_client *client, struct curl_slist *fields)
{
	for (const struct curl_slist *field = fields; field; field = field->next)
		memory_wipe(field->data, strlen(field->data));
	client->curl->slist_free_all(fields);
}

/* All that libcurl holds of the call. */
static void end_call(struct http_client *client)
{
	(void)client->curl->multi_remove_handle(client->events.multi, client->easy);
	/* The handle stays for what it knows of TLS: it must name nothing of this call. */
	client->curl->easy_reset(client->easy);
	free_fields(client, client->fields);
	client->fields = NULL;
	client->under_way = false;
	http_arrival_finish(&client->arrival);
}

void http_client_abandon(struct http_client *client)
{
	struct http_signals signals;

	if (!client || !client->under_way)
		return;
	http_signals_hold(&signals);
	end_call(client);
	http_signals_release(&signals);
}

static void free_own(struct http_client *client)
{
	free(client->ca_file);
	free(client->certificate_file);
	free(client->certificate_key_file);
	free(client->proxy);
	free(client->user_agent);
	free(client);
}

static void finish_curl(struct http_client *client)
{
	struct http_signals signals;

	http_signals_hold(&signals);
	if (client->easy)
		client->curl->easy_cleanup(client->easy);
	http_events_finish(&client->events);
	http_signals_release(&signals);
}

void http_client_destroy(struct http_client *client)
{
	if (!client)
		return;
	http_client_abandon(client);
	finish_curl(client);
	free_own(client);
}

void http_client_forget(struct http_client *client)
{
	bool parted;

	if (!client)
		return;
	parted = http_events_part(&client->events);
	if (parted && !client->under_way) {
		finish_curl(client);
		free_own(client);
		return;
	}
	/* What libcurl holds names the client, and both stay. */
	free_fields(client, client->fields);
	http_arrival_finish(&client->arrival);
}

static int make_fields(
	struct http_client *client, const char *const *given, struct curl_slist **ret_fields)
{
	/* Nobody waits for a 100: bodies are small. */
	struct curl_slist *fields = client->curl->slist_append(NULL, "Expect:");
	bool complete = fields != NULL;

	for (; complete && given && *given; given++) {
		struct curl_slist *longer;

		if (strpbrk(*given, "\r\n")) {
			free_fields(client, fields);
			return ERROR_INVALID;
		}
		longer = client->curl->slist_append(fields, *given);
		complete = longer != NULL;
		fields = complete ? longer : fields;
	}
	if (!complete) {
		free_fields(client, fields);
		return ERROR_MEMORY;
	}
	*ret_fields = fields;
	return 0;
}

static bool is_method(const char *method)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!strcmp(method, methods[i]))
			return true;
	}
	return false;
}

static int fail(
	const struct http_client *client, int error, const char *reason, struct fault *fault)
{
	fault_set(fault, "%s failed: %s", client->target, reason ? reason : error_text(error));
	return error;
}

static int begin(struct http_client *client, const struct http_call *call, const struct uri *uri,
	struct fault *fault)
{
	CURLcode code;
	int error = make_fields(client, call->fields, &client->fields);

	if (error)
		return fail(client, error, error == ERROR_INVALID ? "line feed in a field" : NULL,
			fault);
	http_arrival_init(&client->arrival, call->max_body ? call->max_body : client->max_body);
	client->curl_text[0] = '\0';
	client->curl->easy_reset(client->easy);
	code = http_settings_apply(client, call, uri);
	if (!code && !client->curl->multi_add_handle(client->events.multi, client->easy)) {
		client->under_way = true;
		return 0;
	}
	error = !code || code == CURLE_OUT_OF_MEMORY ? ERROR_MEMORY : ERROR_INVALID;
	(void)fail(client, error, code ? client->curl->easy_strerror(code) : NULL, fault);
	end_call(client);
	return error;
}

int http_client_begin(struct http_client *client, const struct http_call *call, struct fault *fault)
{
	struct uri uri;
	const char *brackets;

	if (client->under_way) {
		fault_set(fault, "another HTTP request is under way");
		return ERROR_BUSY;
	}
	client->sent = false;
	if (!is_method(call->method)) {
		fault_set(fault, "method %s: expected GET, HEAD, POST, PUT, PATCH or DELETE",
			call->method);
		return ERROR_INVALID;
	}
	/* The address is not repeated: a mistake may have put anything into it. */
	if (uri_parse(call->url, &uri)) {
		fault_set(fault, "the URL to call is no absolute http or https URL");
		return ERROR_INVALID;
	}
	brackets = uri.host_is_ipv6 ? "[" : "";
	(void)snprintf(client->target, sizeof(client->target), "%s to %s://%s%s%s:%u", call->method,
		uri.https ? "https" : "http", brackets, uri.host, *brackets ? "]" : "",
		(unsigned)uri.port);
	client->repeatable = !strcmp(call->method, "GET") || !strcmp(call->method, "HEAD");
	return begin(client, call, &uri, fault);
}

int http_client_fd(const struct http_client *client)
{
	return client->events.epoll;
}

int http_client_timeout_ms(const struct http_client *client)
{
	return http_events_timeout_ms(&client->events);
}

bool http_client_sent(const struct http_client *client)
{
	return client->sent;
}

/* Of what a server says of our certificate it tells after our side of TLS 1.3's handshake,
 * behind which the request went out already; it looks at neither. */
static bool is_refusal_of_certificate(const struct http_client *client)
{
	return !client->arrival.head_bytes && strstr(client->curl_text, " alert ") &&
	       (strstr(client->curl_text, "certificate") ||
		       strstr(client->curl_text, "unknown ca"));
}

static int error_of(struct http_client *client, CURLcode code)
{
	int error = client->arrival.error ? client->arrival.error : http_curl_error(code);

	/* OpenSSL's word for it. */
	if (error && strstr(client->curl_text, "malloc failure"))
		return ERROR_MEMORY;
	/* 7.88 says so too of a field that is longer than it takes. */
	if (error == ERROR_MEMORY && !client->arrival.error && client->arrival.head_bytes)
		return ERROR_LIMIT;
	if (error != ERROR_UNAVAILABLE || !is_refusal_of_certificate(client))
		return error;
	client->sent = false;
	return ERROR_REFUSED;
}

/* Static, or in the client. */
static const char *reason_of(struct http_client *client, CURLcode code, int error)
{
	size_t length = strlen(client->curl_text);
	long number = 0;

	switch (error) {
	case ERROR_MEMORY:
		return NULL;
	case ERROR_LIMIT:
		return code == CURLE_OUT_OF_MEMORY ? "a field of the reply is too long"
						   : "the reply is larger than allowed";
	default:
		break;
	}
	/* Its text has the proxy's address as the environment says it, password and all. */
	if (strstr(client->curl_text, "nsupported proxy"))
		return "the proxy's address is none that can be used";
	switch (code) {
	case CURLE_OK:
		return NULL;
	case CURLE_ABORTED_BY_CALLBACK:
		return "the connection ended before the answer";
	case CURLE_COULDNT_RESOLVE_PROXY: /* its text may have the proxy's password */
		return "the proxy's name can't be resolved, or is none";
	case CURLE_COULDNT_CONNECT:
		if (client->curl->easy_getinfo(client->easy, CURLINFO_OS_ERRNO, &number) || !number)
			break;
		(void)snprintf(client->curl_text + length, sizeof(client->curl_text) - length,
			" (%s)", strerror((int)number));
		break;
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		/* What it says then is not about that. */
		if (!strncmp(client->curl_text, "getpeername()", strlen("getpeername()")))
			return "the connection was reset";
		break;
	default:
		break;
	}
	return client->curl_text[0] ? client->curl_text : client->curl->easy_strerror(code);
}

static int finish(struct http_client *client, CURLcode code, struct http_reply *ret_reply,
	struct fault *fault)
{
	long status = 0;
	int error = error_of(client, code);

	if (!error && (client->curl->easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status) ||
			      status < 100))
		error = ERROR_INVALID;
	if (!error)
		error = http_arrival_end(
			&client->arrival, client->curl->getdate, (int)status, ret_reply);
	if (error)
		(void)fail(client, error, reason_of(client, code, error), fault);
	end_call(client);
	return error;
}

static int step(struct http_client *client, struct http_reply *ret_reply, struct fault *fault)
{
	int error = http_events_step(&client->events);
	const CURLMsg *message;
	int left;

	if (error) {
		error = error == ERROR_MEMORY ? error : ERROR_UNAVAILABLE;
		(void)fail(client, error,
			error == ERROR_MEMORY ? NULL : "its socket can't be waited for", fault);
		end_call(client);
		return error;
	}
	message = client->curl->multi_info_read(client->events.multi, &left);
	if (!message)
		return HTTP_CLIENT_WAIT;
	return finish(client, message->data.result, ret_reply, fault);
}

int http_client_step(struct http_client *client, struct http_reply *ret_reply, struct fault *fault)
{
	struct http_signals signals;
	int error;

	if (!client->under_way) {
		fault_set(fault, "no HTTP request is under way");
		return ERROR_INVALID;
	}
	http_signals_hold(&signals);
	error = step(client, ret_reply, fault);
	http_signals_release(&signals);
	return error;
}

int http_client_call(struct http_client *client, const struct http_call *call,
	struct http_reply *ret_reply, struct fault *fault)
{
	int error = http_client_begin(client, call, fault);

	if (error)
		return error;
	while ((error = http_client_step(client, ret_reply, fault)) == HTTP_CLIENT_WAIT) {
		struct pollfd waits = {.fd = client->events.epoll, .events = POLLIN};

		(void)poll(&waits, 1, http_client_timeout_ms(client));
	}
	return error;
}
