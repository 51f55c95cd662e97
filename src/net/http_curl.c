/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_curl.h"

#include "base/secret.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Written once, under `load_once`; only read after it. */
static pthread_once_t load_once = PTHREAD_ONCE_INIT;
static struct http_curl loaded;
static bool is_loaded;
static char load_failure[256];

/* libcurl copies what it sends into memory of its own, passwords too: that is wiped before it
 * is freed. It has the program's own malloc() otherwise, whatever a test put before ours. */
static __typeof__(malloc) *plain_malloc;
static __typeof__(calloc) *plain_calloc;

static void *curl_malloc(size_t size)
{
	return plain_malloc(size);
}

static void *curl_calloc(size_t count, size_t size)
{
	return plain_calloc(count, size);
}

static void curl_wipe(void *bytes)
{
	if (bytes)
		memory_wipe(bytes, malloc_usable_size(bytes));
	free(bytes);
}

static void *curl_realloc(void *bytes, size_t size)
{
	size_t old_size = bytes ? malloc_usable_size(bytes) : 0;
	void *grown;

	if (size && size <= old_size)
		return bytes;
	grown = plain_malloc(size ? size : 1);
	if (!grown)
		return NULL;
	if (bytes)
		memcpy(grown, bytes, old_size < size ? old_size : size);
	curl_wipe(bytes);
	return grown;
}

static char *curl_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = plain_malloc(size);

	return copy ? memcpy(copy, text, size) : NULL;
}

static bool load_memory(void)
{
	void *symbol = dlsym(RTLD_DEFAULT, "malloc");

	memcpy(&plain_malloc, &symbol, sizeof(symbol));
	symbol = dlsym(RTLD_DEFAULT, "calloc");
	memcpy(&plain_calloc, &symbol, sizeof(symbol));
	return plain_malloc && plain_calloc;
}

static void load(void)
{
#define SYMBOL(name)                                                                               \
	{                                                                                          \
		"curl_" #name, offsetof(struct http_curl, name)                                    \
	}
	static const struct {
		const char *name;
		size_t offset;
	} symbols[] = {
		SYMBOL(global_init_mem),
		SYMBOL(getdate),
		SYMBOL(easy_init),
		SYMBOL(easy_reset),
		SYMBOL(easy_cleanup),
		SYMBOL(easy_setopt),
		SYMBOL(easy_getinfo),
		SYMBOL(easy_strerror),
		SYMBOL(slist_append),
		SYMBOL(slist_free_all),
		SYMBOL(multi_init),
		SYMBOL(multi_cleanup),
		SYMBOL(multi_setopt),
		SYMBOL(multi_add_handle),
		SYMBOL(multi_remove_handle),
		SYMBOL(multi_socket_action),
		SYMBOL(multi_info_read),
	};
#undef SYMBOL
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
	/* Where the program has initialised it already, its functions stay. */
	is_loaded =
		load_memory() && loaded.global_init_mem(CURL_GLOBAL_DEFAULT, curl_malloc, curl_wipe,
					 curl_realloc, curl_strdup, curl_calloc) == CURLE_OK;
	if (!is_loaded)
		(void)snprintf(load_failure, sizeof(load_failure), "it can't be initialised");
}

const struct http_curl *http_curl_load(struct fault *fault)
{
	(void)pthread_once(&load_once, load);
	if (is_loaded)
		return &loaded;
	fault_set(fault, "libcurl can't be used (is the package libcurl4 installed?): %s",
		load_failure);
	return NULL;
}

int http_curl_error(CURLcode code)
{
	/* CURLE_TOO_LARGE of 8.6 and later. */
	static const int too_large = 100;

	if (code == (CURLcode)too_large)
		return ERROR_LIMIT;
	switch (code) {
	case CURLE_OK:
		return 0;
	case CURLE_OUT_OF_MEMORY:
		return ERROR_MEMORY;
	case CURLE_FILESIZE_EXCEEDED:
		return ERROR_LIMIT;
	case CURLE_OPERATION_TIMEDOUT:
		return ERROR_TIMEOUT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CLIENTCERT:
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

void http_signals_hold(struct http_signals *signals)
{
	static const int mistakes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
	sigset_t held;
	sigset_t pending;

	(void)sigfillset(&held);
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++)
		(void)sigdelset(&held, mistakes[i]);
	(void)pthread_sigmask(SIG_BLOCK, &held, &signals->before);
	signals->pipe_was_pending =
		sigpending(&pending) == 0 && sigismember(&pending, SIGPIPE) == 1;
}

void http_signals_release(const struct http_signals *signals)
{
	static const struct timespec at_once = {0, 0};
	sigset_t pipe;

	(void)sigemptyset(&pipe);
	(void)sigaddset(&pipe, SIGPIPE);
	if (!signals->pipe_was_pending)
		(void)sigtimedwait(&pipe, NULL, &at_once);
	(void)pthread_sigmask(SIG_SETMASK, &signals->before, NULL);
}
