/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_client.h"

#include "base/secret.h"
#include "codec/uri.h"
#include "net/http_reader.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	DEFAULT_CONNECT_MS = 5000,
	DEFAULT_TOTAL_MS = 15000,
	DEFAULT_BODY = 256 * 1024,
	HEAD_MAX = 64 * 1024, /* bytes of all fields of a reply */
};

/* What is used of libcurl: it is loaded by name, so that a program that needs no
 * network pays nothing for it. */
struct curl_calls {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_reset) *easy_reset;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_getinfo) *easy_getinfo;
	__typeof__(curl_easy_perform) *easy_perform;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
};

/* Written once, under `load_once`; only read after it. */
static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static struct curl_calls loaded;
static bool is_loaded;
static char load_failure[256];

struct http_client {
	CURL *handle;
	int connect_timeout_ms;
	int total_timeout_ms;
	size_t max_body;
	char *ca_file;
	char *user_agent;
};

/* One call under way. */
struct exchange {
	struct http_reply *reply;
	size_t head_bytes;
	bool has_retry_after;
	int error; /* why a callback ended it */
	char curl_text[CURL_ERROR_SIZE];
};

static void load(void)
{
	static const struct {
		const char *name;
		size_t offset;
	} symbols[] = {
		{"curl_global_init", offsetof(struct curl_calls, global_init)},
		{"curl_easy_init", offsetof(struct curl_calls, easy_init)},
		{"curl_easy_reset", offsetof(struct curl_calls, easy_reset)},
		{"curl_easy_cleanup", offsetof(struct curl_calls, easy_cleanup)},
		{"curl_easy_setopt", offsetof(struct curl_calls, easy_setopt)},
		{"curl_easy_getinfo", offsetof(struct curl_calls, easy_getinfo)},
		{"curl_easy_perform", offsetof(struct curl_calls, easy_perform)},
		{"curl_easy_strerror", offsetof(struct curl_calls, easy_strerror)},
		{"curl_slist_append", offsetof(struct curl_calls, slist_append)},
		{"curl_slist_free_all", offsetof(struct curl_calls, slist_free_all)},
	};
	/* Never unloaded: other threads may be in it, and it has exit handlers. */
	void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
	void *symbol = library;

	for (size_t i = 0; symbol && i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		symbol = dlsym(library, symbols[i].name);
		memcpy((char *)&loaded + symbols[i].offset, &symbol, sizeof(symbol));
	}
	if (!symbol) {
		const char *reason = dlerror();

		(void)snprintf(load_failure, sizeof(load_failure), "%s", reason ? reason : "");
		return;
	}
	is_loaded = loaded.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
	if (!is_loaded)
		(void)snprintf(load_failure, sizeof(load_failure), "it can't be initialised");
}

int http_client_create(const struct http_client_options *options, struct http_client **ret_client,
	struct fault *fault)
{
	static const struct http_client_options standard = {0};
	struct http_client *client;
	const char *agent;

	options = options ? options : &standard;
	agent = options->user_agent ? options->user_agent : "adit/" ADIT_VERSION;
	(void)pthread_once(&load_once, load);
	if (!is_loaded) {
		fault_set(fault, "libcurl can't be used (is the package libcurl4 installed?): %s",
			load_failure);
		return ERROR_UNAVAILABLE;
	}
	client = calloc(1, sizeof(*client));
	if (!client)
		return ERROR_MEMORY;
	client->connect_timeout_ms =
		options->connect_timeout_ms > 0 ? options->connect_timeout_ms : DEFAULT_CONNECT_MS;
	client->total_timeout_ms =
		options->total_timeout_ms > 0 ? options->total_timeout_ms : DEFAULT_TOTAL_MS;
	client->max_body = options->max_body ? options->max_body : DEFAULT_BODY;
	client->user_agent = strdup(agent);
	client->ca_file = options->ca_file ? strdup(options->ca_file) : NULL;
	client->handle = loaded.easy_init();
	if (!client->user_agent || (options->ca_file && !client->ca_file) || !client->handle) {
		http_client_destroy(client);
		return ERROR_MEMORY;
	}
	*ret_client = client;
	return 0;
}

void http_client_destroy(struct http_client *client)
{
	if (!client)
		return;
	if (client->handle)
		loaded.easy_cleanup(client->handle);
	free(client->ca_file);
	free(client->user_agent);
	free(client);
}

void http_reply_finish(struct http_reply *reply)
{
	if (!reply)
		return;
	buf_finish(&reply->body);
	*reply = (struct http_reply){.retry_after_s = -1, .max_age_s = -1};
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;

	exchange->error = buf_append(&exchange->reply->body, bytes, size * count);
	return exchange->error ? 0 : size * count;
}

static void copy_value(char *to, size_t size, const char *value, size_t length)
{
	while (length && (value[0] == ' ' || value[0] == '\t')) {
		value++;
		length--;
	}
	while (length && (value[length - 1] == ' ' || value[length - 1] == '\t' ||
				 value[length - 1] == '\r' || value[length - 1] == '\n'))
		length--;
	(void)snprintf(to, size, "%.*s", (int)length, value);
}

/* The seconds of max-age (RFC 9111, 5.2.2.1), or -1. */
static int64_t read_max_age(const char *value, size_t length)
{
	static const char name[] = "max-age=";
	char text[256];
	char *rest;

	copy_value(text, sizeof(text), value, length);
	for (char *part = strtok_r(text, ", \t", &rest); part;
		part = strtok_r(NULL, ", \t", &rest)) {
		const char *digits = part + sizeof(name) - 1;
		int64_t seconds = 0;

		if (strncasecmp(part, name, sizeof(name) - 1) != 0 || !*digits ||
			digits[strspn(digits, "0123456789")])
			continue;
		for (; *digits && seconds < INT32_MAX; digits++)
			seconds = seconds * 10 + (*digits - '0');
		return seconds;
	}
	return -1;
}

/* A status line begins a reply anew: what came before was a 100. */
static size_t take_field(char *line, size_t size, size_t count, void *context)
{
	struct exchange *exchange = context;
	struct http_reply *reply = exchange->reply;
	size_t length = size * count;
	const char *colon = memchr(line, ':', length);
	size_t name = colon ? (size_t)(colon - line) : 0;
	const char *value = line + name + 1;

	exchange->head_bytes += length;
	if (exchange->head_bytes > HEAD_MAX) {
		exchange->error = ERROR_LIMIT;
		return 0;
	}
	if (length > 5 && !memcmp(line, "HTTP/", 5)) {
		reply->content_type[0] = '\0';
		reply->date[0] = '\0';
		reply->max_age_s = -1;
		exchange->has_retry_after = false;
	} else if (http_text_is(line, name, "content-type")) {
		copy_value(
			reply->content_type, sizeof(reply->content_type), value, length - name - 1);
	} else if (http_text_is(line, name, "date")) {
		copy_value(reply->date, sizeof(reply->date), value, length - name - 1);
	} else if (http_text_is(line, name, "cache-control")) {
		reply->max_age_s = read_max_age(value, length - name - 1);
	} else if (http_text_is(line, name, "retry-after")) {
		exchange->has_retry_after = true;
	}
	return length;
}

/* Credentials may be among them. */
static void free_fields(struct curl_slist *fields)
{
	for (const struct curl_slist *field = fields; field; field = field->next)
		memory_wipe(field->data, strlen(field->data));
	loaded.slist_free_all(fields);
}

static int make_fields(const char *const *given, struct curl_slist **ret_fields)
{
	/* Nobody waits for a 100: bodies are small. */
	struct curl_slist *fields = loaded.slist_append(NULL, "Expect:");
	bool complete = fields != NULL;

	for (; complete && given && *given; given++) {
		struct curl_slist *longer;

		if (strpbrk(*given, "\r\n")) {
			free_fields(fields);
			return ERROR_INVALID;
		}
		longer = loaded.slist_append(fields, *given);
		complete = longer != NULL;
	}
	if (!complete) {
		free_fields(fields);
		return ERROR_MEMORY;
	}
	*ret_fields = fields;
	return 0;
}

/* Everything that does not depend on the call. A NULL text restores a default. */
static CURLcode set_client(const struct http_client *client, struct exchange *exchange)
{
	const struct {
		CURLoption option;
		long value;
	} numbers[] = {
		{CURLOPT_NOSIGNAL, 1},
		{CURLOPT_FOLLOWLOCATION, 0},
		{CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
		{CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
		{CURLOPT_SSL_VERIFYPEER, 1},
		{CURLOPT_SSL_VERIFYHOST, 2},
		{CURLOPT_HTTP09_ALLOWED, 0},
		{CURLOPT_CONNECTTIMEOUT_MS, client->connect_timeout_ms},
		{CURLOPT_TIMEOUT_MS, client->total_timeout_ms},
	};
	const struct {
		CURLoption option;
		void *value;
	} pointers[] = {
		{CURLOPT_PROTOCOLS_STR, (void *)(uintptr_t) "http,https"},
		{CURLOPT_USERAGENT, client->user_agent},
		{CURLOPT_WRITEDATA, exchange},
		{CURLOPT_HEADERDATA, exchange},
		{CURLOPT_ERRORBUFFER, exchange->curl_text},
	};
	CURLcode code = CURLE_OK;

	for (size_t i = 0; !code && i < sizeof(numbers) / sizeof(numbers[0]); i++)
		code = loaded.easy_setopt(client->handle, numbers[i].option, numbers[i].value);
	for (size_t i = 0; !code && i < sizeof(pointers) / sizeof(pointers[0]); i++)
		code = loaded.easy_setopt(client->handle, pointers[i].option, pointers[i].value);
	if (!code && client->ca_file)
		code = loaded.easy_setopt(client->handle, CURLOPT_CAINFO, client->ca_file);
	if (!code)
		code = loaded.easy_setopt(client->handle, CURLOPT_WRITEFUNCTION, take_body);
	if (!code)
		code = loaded.easy_setopt(client->handle, CURLOPT_HEADERFUNCTION, take_field);
	return code;
}

static CURLcode set_call(const struct http_client *client, const struct http_call *call,
	const struct uri *uri, const struct curl_slist *fields)
{
	CURL *handle = client->handle;
	CURLcode code = loaded.easy_setopt(handle, CURLOPT_URL, call->url);

	if (!code)
		code = loaded.easy_setopt(handle, CURLOPT_HTTPHEADER, fields);
	/* A proxy of the environment must not see plain HTTP, and has no part in what
	 * stays on this machine. */
	if (!code && (!uri->https || uri_is_loopback(uri)))
		code = loaded.easy_setopt(handle, CURLOPT_PROXY, "");
	if (code || strcmp(call->method, "POST") != 0)
		return code;
	code = loaded.easy_setopt(handle, CURLOPT_POST, 1L);
	if (!code)
		code = loaded.easy_setopt(
			handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body_length);
	if (!code)
		code = loaded.easy_setopt(handle, CURLOPT_POSTFIELDS, call->body ? call->body : "");
	return code;
}

static int error_of(CURLcode code)
{
	/* CURLE_TOO_LARGE of 8.6 and later. */
	static const int too_large = 100;

	if (code == (CURLcode)too_large)
		return ERROR_LIMIT;
	switch (code) {
	case CURLE_OK:
		return 0;
	/* What libcurl says of a field that is longer than it takes: a peer can
	 * bring that about, so it is not called a lack of memory. */
	case CURLE_OUT_OF_MEMORY:
		return ERROR_LIMIT;
	case CURLE_OPERATION_TIMEDOUT:
		return ERROR_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ENGINE_INITFAILED:
		return ERROR_REFUSED;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_BAD_CONTENT_ENCODING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return ERROR_INVALID;
	default:
		return ERROR_UNAVAILABLE;
	}
}

static void set_fault(struct fault *fault, const struct http_call *call, const struct uri *uri,
	const char *reason)
{
	const char *brackets = uri->host_is_ipv6 ? "[" : "";

	fault_set(fault, "%s to %s://%s%s%s:%u failed: %s", call->method,
		uri->https ? "https" : "http", brackets, uri->host, *brackets ? "]" : "",
		(unsigned)uri->port, reason);
}

static int end_call(const struct http_client *client, struct exchange *exchange)
{
	struct http_reply *reply = exchange->reply;
	curl_off_t wait_s = 0;
	long status = 0;

	if (loaded.easy_getinfo(client->handle, CURLINFO_RESPONSE_CODE, &status) || status < 100)
		return ERROR_INVALID;
	reply->status = (int)status;
	if (exchange->has_retry_after &&
		!loaded.easy_getinfo(client->handle, CURLINFO_RETRY_AFTER, &wait_s))
		reply->retry_after_s = wait_s;
	/* So that `data` is a text even where nothing came. */
	return buf_append(&reply->body, "", 0);
}

static int perform(struct http_client *client, const struct http_call *call, const struct uri *uri,
	struct exchange *exchange, struct fault *fault)
{
	struct curl_slist *fields = NULL;
	const char *reason = NULL;
	CURLcode code;
	int error = make_fields(call->fields, &fields);

	if (error) {
		set_fault(fault, call, uri,
			error == ERROR_INVALID ? "line feed in a field" : error_text(error));
		return error;
	}
	loaded.easy_reset(client->handle);
	code = set_client(client, exchange);
	if (!code)
		code = set_call(client, call, uri, fields);
	if (!code)
		code = loaded.easy_perform(client->handle);
	error = exchange->error ? exchange->error : error_of(code);
	if (!error)
		error = end_call(client, exchange);
	if (error == ERROR_LIMIT)
		reason = code == CURLE_OUT_OF_MEMORY ? "a field of the reply is too long"
						     : "the reply is larger than allowed";
	else if (code && exchange->curl_text[0])
		reason = exchange->curl_text;
	else if (error)
		reason = code ? loaded.easy_strerror(code) : error_text(error);
	if (error)
		set_fault(fault, call, uri, reason);
	/* The handle stays for its connection: it must name nothing of this call. */
	loaded.easy_reset(client->handle);
	free_fields(fields);
	return error;
}

int http_client_call(struct http_client *client, const struct http_call *call,
	struct http_reply *ret_reply, struct fault *fault)
{
	struct http_reply reply = {.retry_after_s = -1, .max_age_s = -1};
	struct exchange exchange = {.reply = &reply};
	struct uri uri;
	int error;

	if (strcmp(call->method, "GET") != 0 && strcmp(call->method, "POST") != 0) {
		fault_set(fault, "method %s: expected GET or POST", call->method);
		return ERROR_INVALID;
	}
	/* The address is not repeated: a mistake may have put anything into it. */
	if (uri_parse(call->url, &uri)) {
		fault_set(fault, "the URL to call is no absolute http or https URL");
		return ERROR_INVALID;
	}
	buf_init(&reply.body, client->max_body);
	error = perform(client, call, &uri, &exchange, fault);
	if (error)
		http_reply_finish(&reply);
	else
		*ret_reply = reply;
	return error;
}
