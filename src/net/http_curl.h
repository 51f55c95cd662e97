/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is used of libcurl. It is loaded by name when it is first needed, so that a
 * program that needs no network pays nothing for it. For net/http_client alone.
 */
#ifndef NET_HTTP_CURL_H
#define NET_HTTP_CURL_H

#include "base/error.h"

#include <curl/curl.h>
#include <signal.h>
#include <stdbool.h>

struct http_curl {
	__typeof__(curl_global_init_mem) *global_init_mem;
	__typeof__(curl_getdate) *getdate;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_reset) *easy_reset;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_getinfo) *easy_getinfo;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
	__typeof__(curl_multi_init) *multi_init;
	__typeof__(curl_multi_cleanup) *multi_cleanup;
	__typeof__(curl_multi_setopt) *multi_setopt;
	__typeof__(curl_multi_add_handle) *multi_add_handle;
	__typeof__(curl_multi_remove_handle) *multi_remove_handle;
	__typeof__(curl_multi_socket_action) *multi_socket_action;
	__typeof__(curl_multi_info_read) *multi_info_read;
};

/* From any thread. NULL: it can't be used; `fault` says why. */
const struct http_curl *http_curl_load(struct fault *fault);

/* The enum error of an outcome; 0 for CURLE_OK. */
int http_curl_error(CURLcode code);

/* Keeps signals from this thread and from those that libcurl starts meanwhile, but for
 * those that tell of a mistake in the program. CURLOPT_NOSIGNAL has libcurl leave
 * SIGPIPE alone, and an older one writes through OpenSSL without MSG_NOSIGNAL; to
 * ignore the signal would be to ignore it for the whole process. */
struct http_signals {
	sigset_t before;
	bool pipe_was_pending;
};
void http_signals_hold(struct http_signals *signals);

/* A SIGPIPE that came meanwhile is gone. */
void http_signals_release(const struct http_signals *signals);

#endif
