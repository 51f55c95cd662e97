/* SPDX-License-Identifier: Apache-2.0 */
#include "fake_authority.h"

#include "jose/jwk.h"
#include "net/http_server.h"

#include <stdio.h>
#include <string.h>

static const char discovery_path[] = "/identity/.well-known/openid-configuration";
static const char jwks_path[] = "/identity/.well-known/openid-configuration/jwks";

static void serve(void *context, const struct http_request *request, struct http_ticket ticket)
{
	struct fake_authority *authority = context;
	struct http_response response = {.status = 404};
	const struct buf *body = NULL;
	char fields[256] = "";
	int length = 0;

	(void)pthread_mutex_lock(&authority->mutex);
	if (*authority->content_type)
		length = snprintf(
			fields, sizeof(fields), "Content-Type: %s\r\n", authority->content_type);
	if (!strcmp(request->path, discovery_path)) {
		authority->discovery_count++;
		body = &authority->discovery;
	} else if (!strcmp(request->path, jwks_path)) {
		authority->jwks_count++;
		body = &authority->jwks;
		if (authority->max_age_s >= 0)
			(void)snprintf(fields + length, sizeof(fields) - (size_t)length,
				"Cache-Control: public, max-age=%d\r\n", authority->max_age_s);
	}
	if (body) {
		response.status = authority->status;
		response.fields = *fields ? fields : NULL;
		response.body = body->data;
		response.body_length = body->len;
	}
	if (!authority->silent)
		http_answer(ticket, &response);
	(void)pthread_mutex_unlock(&authority->mutex);
}

int fake_authority_start(struct fake_authority *authority)
{
	static const char *const listen[] = {"127.0.0.1:0"};
	const struct http_server_options options = {
		.listen = listen,
		.listen_count = 1,
		.threads = 1,
		.handler = serve,
		.context = authority,
	};
	int error;

	*authority = (struct fake_authority){
		.status = 200, .content_type = "application/json", .max_age_s = -1};
	(void)pthread_mutex_init(&authority->mutex, NULL);
	buf_init(&authority->discovery, 100000);
	buf_init(&authority->jwks, 1000000);
	error = http_server_create(&options, &authority->server, NULL);
	if (error)
		return error;
	(void)snprintf(authority->url, sizeof(authority->url), "http://%s/identity",
		http_server_address(authority->server, 0));
	(void)snprintf(authority->jwks_uri, sizeof(authority->jwks_uri), "http://%s%s",
		http_server_address(authority->server, 0), jwks_path);
	fake_authority_call_itself(authority, NULL);
	fake_authority_set_jwks(authority, "{\"keys\":[]}");
	return http_server_start(authority->server);
}

void fake_authority_stop(struct fake_authority *authority)
{
	if (!authority->server)
		return;
	http_server_stop(authority->server, 0);
	http_server_destroy(authority->server);
	authority->server = NULL;
	buf_finish(&authority->discovery);
	buf_finish(&authority->jwks);
}

void fake_authority_call_itself(struct fake_authority *authority, const char *issuer)
{
	(void)pthread_mutex_lock(&authority->mutex);
	buf_reset(&authority->discovery);
	(void)buf_printf(&authority->discovery,
		"{\"issuer\":\"%s\",\"jwks_uri\":\"%s\",\"token_endpoint\":\"%s/connect/token\"}",
		issuer ? issuer : authority->url, authority->jwks_uri, authority->url);
	(void)pthread_mutex_unlock(&authority->mutex);
}

void fake_authority_set_jwks(struct fake_authority *authority, const char *text)
{
	(void)pthread_mutex_lock(&authority->mutex);
	buf_reset(&authority->jwks);
	(void)buf_append_text(&authority->jwks, text);
	(void)pthread_mutex_unlock(&authority->mutex);
}

/* The text ends with "]}", before which the key goes. */
void fake_authority_add_key(
	struct fake_authority *authority, const struct crypto_key *key, const char *kid)
{
	struct buf *jwks = &authority->jwks;

	(void)pthread_mutex_lock(&authority->mutex);
	jwks->len -= 2;
	if (jwks->data[jwks->len - 1] != '[')
		(void)buf_append_char(jwks, ',');
	(void)jwk_append(jwks, key, kid);
	(void)buf_append_text(jwks, "]}");
	(void)pthread_mutex_unlock(&authority->mutex);
}

void fake_authority_set_status(struct fake_authority *authority, int status)
{
	(void)pthread_mutex_lock(&authority->mutex);
	authority->status = status;
	(void)pthread_mutex_unlock(&authority->mutex);
}

void fake_authority_set_type(struct fake_authority *authority, const char *content_type)
{
	(void)pthread_mutex_lock(&authority->mutex);
	(void)snprintf(
		authority->content_type, sizeof(authority->content_type), "%s", content_type);
	(void)pthread_mutex_unlock(&authority->mutex);
}

void fake_authority_set_max_age(struct fake_authority *authority, int max_age_s)
{
	(void)pthread_mutex_lock(&authority->mutex);
	authority->max_age_s = max_age_s;
	(void)pthread_mutex_unlock(&authority->mutex);
}

void fake_authority_fall_silent(struct fake_authority *authority)
{
	(void)pthread_mutex_lock(&authority->mutex);
	authority->silent = true;
	(void)pthread_mutex_unlock(&authority->mutex);
}

int fake_authority_jwks_count(struct fake_authority *authority)
{
	int count;

	(void)pthread_mutex_lock(&authority->mutex);
	count = authority->jwks_count;
	(void)pthread_mutex_unlock(&authority->mutex);
	return count;
}
