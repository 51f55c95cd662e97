/* SPDX-License-Identifier: Apache-2.0 */
#include "client/token.h"

#include "base/secret.h"
#include "codec/base64url.h"
#include "codec/json.h"
#include "codec/json_secret.h"
#include "jose/jws.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const char BEARER[] = "Bearer ";

enum {
	CLAIM_PARTS_MAX = 8, /* names in a path */
	CLAIM_NAME_MAX = 128,
	CLAIM_TEXT_MAX = 16 * 1024,
};

/* A claim that was asked for and is no text: its JSON. */
struct printed_claim {
	struct printed_claim *next;
	const struct json *value;
	char text[];
};

struct adit_token {
	atomic_uint owners;
	atomic_bool rejected;
	char *header; /* "Bearer " and the token */
	char *type;
	char *scope; /* or NULL */
	struct client_clock clock;
	int64_t ends_boot_ms;
	int64_t expires_at_s;
	int64_t lifetime_ms;
	struct json *claims; /* or NULL */
	pthread_mutex_t mutex;
	struct printed_claim *printed;
};

static char *make_header(const char *access_token)
{
	size_t length = strlen(access_token);
	char *header = malloc(sizeof(BEARER) + length);

	if (!header)
		return NULL;
	memcpy(header, BEARER, sizeof(BEARER) - 1);
	memcpy(header + sizeof(BEARER) - 1, access_token, length + 1);
	return header;
}

/* The claims of a JWT, or none: an access token may be of any form (RFC 6749, 1.4). */
static int read_claims(const char *text, struct json **ret_claims)
{
	const char *begin = text ? strchr(text, '.') : NULL;
	const char *end = begin ? strchr(begin + 1, '.') : NULL;
	unsigned char *bytes;
	size_t length;
	int error;

	if (!end || (size_t)(end - begin) > CLAIM_TEXT_MAX || strlen(text) > JWS_TEXT_MAX)
		return 0;
	bytes = malloc((size_t)(end - begin));
	if (!bytes)
		return ERROR_MEMORY;
	error = base64url_decode(
		begin + 1, (size_t)(end - begin) - 1, bytes, (size_t)(end - begin), &length);
	if (!error)
		error = json_parse((const char *)bytes, length, CLAIM_TEXT_MAX, ret_claims);
	memory_wipe(bytes, (size_t)(end - begin));
	free(bytes);
	return error == ERROR_MEMORY ? error : 0;
}

int token_create(const struct token_record *record, const struct client_clock *clock,
	struct adit_token **ret_token)
{
	struct adit_token *token = calloc(1, sizeof(*token));
	int error = 0;

	if (!token)
		return ERROR_MEMORY;
	atomic_init(&token->owners, 1);
	(void)pthread_mutex_init(&token->mutex, NULL);
	token->clock = *clock;
	token->header = make_header(record->access_token);
	token->type = strdup(record->token_type ? record->token_type : "Bearer");
	token->scope = record->scope ? strdup(record->scope) : NULL;
	token->lifetime_ms = record->expires_in_s * 1000;
	token->ends_boot_ms = client_clock_boot_ms(clock) +
			      moment_left_ms(clock, &record->received, token->lifetime_ms);
	token->expires_at_s = record->expires.unix_ms / 1000;
	if (!token->header || !token->type || (record->scope && !token->scope))
		error = ERROR_MEMORY;
	if (!error)
		error = read_claims(
			record->id_token ? record->id_token : record->access_token, &token->claims);
	if (error) {
		adit_token_release(token);
		return error;
	}
	*ret_token = token;
	return 0;
}

static int64_t left_ms(const struct adit_token *token)
{
	int64_t left = token->ends_boot_ms - client_clock_boot_ms(&token->clock);

	return left > 0 && !atomic_load_explicit(&token->rejected, memory_order_relaxed) ? left : 0;
}

int64_t token_lifetime_ms(const struct adit_token *token)
{
	return token->lifetime_ms;
}

bool token_lives(const struct adit_token *token, int64_t min_ttl_ms)
{
	int64_t left = left_ms(token);

	return left && left >= min_ttl_ms;
}

void token_mark_rejected(struct adit_token *token)
{
	atomic_store(&token->rejected, true);
}

struct adit_token *adit_token_retain(struct adit_token *token)
{
	if (token)
		(void)atomic_fetch_add_explicit(&token->owners, 1, memory_order_relaxed);
	return token;
}

void adit_token_release(struct adit_token *token)
{
	struct printed_claim *claim;

	if (!token || atomic_fetch_sub(&token->owners, 1) > 1)
		return;
	while ((claim = token->printed)) {
		token->printed = claim->next;
		free(claim);
	}
	secret_text_free(token->header);
	free(token->type);
	free(token->scope);
	json_free(token->claims);
	(void)pthread_mutex_destroy(&token->mutex);
	free(token);
}

const char *adit_token_header(const struct adit_token *token)
{
	return token->header;
}

const char *adit_token_value(const struct adit_token *token)
{
	return token->header + sizeof(BEARER) - 1;
}

const char *adit_token_type(const struct adit_token *token)
{
	return token->type;
}

const char *adit_token_scope(const struct adit_token *token)
{
	return token->scope;
}

int64_t adit_token_ttl(const struct adit_token *token)
{
	return left_ms(token) / 1000;
}

int64_t adit_token_expires_at(const struct adit_token *token)
{
	return token->expires_at_s;
}

/* "adit.site": a member of a member. A name may itself hold dots ("https://…"), so the
 * whole path is tried first. */
static const struct json *find_claim(const struct json *claims, const char *path)
{
	const struct json *value = json_member(claims, path);
	char name[CLAIM_NAME_MAX];

	if (value)
		return value;
	value = claims;
	for (int parts = 0; value && parts < CLAIM_PARTS_MAX; parts++) {
		size_t length = strcspn(path, ".");

		if (length >= sizeof(name))
			return NULL;
		memcpy(name, path, length);
		name[length] = '\0';
		value = json_member(value, name);
		if (!path[length])
			return value;
		path += length + 1;
	}
	return NULL;
}

static const char *print_claim(struct adit_token *token, const struct json *value)
{
	struct printed_claim *claim = token->printed;
	struct buf buf;

	while (claim && claim->value != value)
		claim = claim->next;
	if (claim)
		return claim->text;
	buf_init(&buf, CLAIM_TEXT_MAX);
	if (!json_print(&buf, value, false) && buf.data)
		claim = malloc(sizeof(*claim) + buf.len + 1);
	if (claim) {
		claim->value = value;
		claim->next = token->printed;
		memcpy(claim->text, buf.data, buf.len + 1);
		token->printed = claim;
	}
	buf_finish(&buf);
	return claim ? claim->text : NULL;
}

const char *adit_token_claim(const struct adit_token *token, const char *name)
{
	/* What is printed is kept with the token, which for its owners never changes. */
	struct adit_token *keeper = (struct adit_token *)(uintptr_t)token;
	const struct json *value = find_claim(token->claims, name);
	const char *text;

	if (!value || json_is_text(value))
		return json_text(value);
	(void)pthread_mutex_lock(&keeper->mutex);
	text = print_claim(keeper, value);
	(void)pthread_mutex_unlock(&keeper->mutex);
	return text;
}
