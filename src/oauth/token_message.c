/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6749, 5.1 and 5.2; RFC 8628, 3.2. */
#include "oauth/token_message.h"

#include "codec/json_secret.h"
#include "codec/uri.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { USER_CODE_MAX = 64, TOKEN_TYPE_MAX = 64 };

/* A member, or NULL where it is absent or null. */
static const struct json *present(const struct json *object, const char *name)
{
	const struct json *value = json_member(object, name);

	return json_is_null(value) ? NULL : value;
}

static bool printable(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

/* The text member `name`, copied; NULL where it is absent. */
static int copy_text(const struct json *object, const char *name, size_t max, char **ret_text,
	struct fault *fault)
{
	const struct json *value = present(object, name);
	const char *text = json_text(value);

	if (!value)
		return 0;
	if (!text || !printable(text)) {
		fault_set(fault, "the reply's %s is no text of printable ASCII characters", name);
		return ERROR_INVALID;
	}
	if (strlen(text) > max) {
		fault_set(fault, "the reply's %s is longer than %zu characters", name, max);
		return ERROR_LIMIT;
	}
	*ret_text = strdup(text);
	return *ret_text ? 0 : ERROR_MEMORY;
}

static int parse_digits(const char *text, int64_t *ret_number)
{
	int64_t number = 0;

	if (!*text)
		return ERROR_INVALID;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return ERROR_INVALID;
		if (number <= TOKEN_LIFETIME_MAX_S)
			number = number * 10 + (*text - '0');
	}
	*ret_number = number;
	return 0;
}

/* A number of seconds, cut to `max`; unchanged where it is absent. */
static int read_seconds(const struct json *object, const char *name, int64_t max,
	int64_t *ret_seconds, struct fault *fault)
{
	const struct json *value = present(object, name);
	int64_t seconds;
	int error;

	if (!value)
		return 0;
	error = json_is_text(value) ? parse_digits(json_text(value), &seconds)
				    : json_numeric_date(value, &seconds);
	if (error) {
		fault_set(fault, "the reply's %s is no number of seconds", name);
		return error;
	}
	*ret_seconds = seconds < max ? seconds : max;
	return 0;
}

/* Parses a reply without its secrets. */
static int parse_reply(const char *text, size_t length, struct json_secret *secrets, size_t count,
	struct json **ret_document, struct fault *fault)
{
	struct json *document;
	int error = json_parse_secrets(text, length, TOKEN_REPLY_MAX, secrets, count, &document);

	if (error) {
		fault_set(fault, "the reply can't be read as JSON with tokens in it: %s",
			error_text(error));
		return error;
	}
	if (!json_is_object(document)) {
		fault_set(fault, "the reply is no JSON object");
		json_free(document);
		return ERROR_INVALID;
	}
	*ret_document = document;
	return 0;
}

/* A token that is there is a text; an empty one is none. */
static int own_secret(const struct json *document, struct json_secret *secret, char **ret_text,
	struct fault *fault)
{
	if (!secret->text && present(document, secret->name)) {
		fault_set(fault, "the reply's %s is no text", secret->name);
		return ERROR_INVALID;
	}
	if (secret->text && !*secret->text)
		json_secret_finish(secret);
	*ret_text = secret->text;
	secret->text = NULL;
	return 0;
}

static int check_type(const struct token_reply *reply, struct fault *fault)
{
	if (!reply->token_type) {
		fault_set(fault, "the reply has no token_type");
		return ERROR_INVALID;
	}
	if (strcasecmp(reply->token_type, "Bearer") != 0) {
		fault_set(fault, "token type %s is not supported", reply->token_type);
		return ERROR_REFUSED;
	}
	return 0;
}

static int read_token_members(
	const struct json *document, struct token_reply *reply, struct fault *fault)
{
	int error = copy_text(document, "token_type", TOKEN_TYPE_MAX, &reply->token_type, fault);

	if (!error)
		error = check_type(reply, fault);
	if (!error)
		error = copy_text(document, "scope", TOKEN_REPLY_SCOPE_MAX, &reply->scope, fault);
	reply->expires_in_s = -1;
	if (!error)
		error = read_seconds(
			document, "expires_in", TOKEN_LIFETIME_MAX_S, &reply->expires_in_s, fault);
	return error;
}

static int read_token_reply(const struct json *document, struct json_secret secrets[3],
	struct token_reply *reply, struct fault *fault)
{
	int error = own_secret(document, &secrets[0], &reply->access_token, fault);

	if (!error)
		error = own_secret(document, &secrets[1], &reply->refresh_token, fault);
	if (!error)
		error = own_secret(document, &secrets[2], &reply->id_token, fault);
	if (error)
		return error;
	if (!reply->access_token && json_member_text(document, "error")) {
		fault_set(fault, "the reply is an error");
		return ERROR_NOT_FOUND;
	}
	if (!reply->access_token) {
		fault_set(fault, "the reply has no access_token");
		return ERROR_INVALID;
	}
	return read_token_members(document, reply, fault);
}

int token_reply_read(
	const char *text, size_t length, struct token_reply *ret_reply, struct fault *fault)
{
	struct json_secret secrets[] = {
		{.name = "access_token", .max = TOKEN_TEXT_MAX},
		{.name = "refresh_token", .max = TOKEN_TEXT_MAX},
		{.name = "id_token", .max = TOKEN_TEXT_MAX},
	};
	const size_t count = sizeof(secrets) / sizeof(secrets[0]);
	struct token_reply reply = {0};
	struct json *document;
	int error = parse_reply(text, length, secrets, count, &document, fault);

	if (error)
		return error;
	error = read_token_reply(document, secrets, &reply, fault);
	json_free(document);
	for (size_t i = 0; i < count; i++)
		json_secret_finish(&secrets[i]);
	if (error)
		token_reply_finish(&reply);
	else
		*ret_reply = reply;
	return error;
}

void token_reply_finish(struct token_reply *reply)
{
	if (!reply)
		return;
	secret_text_free(reply->access_token);
	free(reply->token_type);
	free(reply->scope);
	secret_text_free(reply->refresh_token);
	secret_text_free(reply->id_token);
	*reply = (struct token_reply){0};
}

static void copy_clean(char *ret_text, size_t size, const char *text)
{
	size_t at = 0;

	for (; text && text[at] && at < size - 1; at++)
		ret_text[at] = (char)(text[at] < 0x20 || text[at] > 0x7e ? '?' : text[at]);
	ret_text[at] = '\0';
}

int error_reply_read(const char *text, size_t length, struct error_reply *ret_reply)
{
	/* It may be no error at all. */
	struct json_secret secrets[] = {
		{.name = "access_token", .max = TOKEN_TEXT_MAX},
		{.name = "refresh_token", .max = TOKEN_TEXT_MAX},
		{.name = "id_token", .max = TOKEN_TEXT_MAX},
		{.name = "device_code", .max = TOKEN_TEXT_MAX},
	};
	const size_t count = sizeof(secrets) / sizeof(secrets[0]);
	struct json *document;
	const char *code;
	int error = json_parse_secrets(text, length, TOKEN_REPLY_MAX, secrets, count, &document);

	if (error)
		return error;
	for (size_t i = 0; i < count; i++)
		json_secret_finish(&secrets[i]);
	code = json_member_text(document, "error");
	if (code && *code) {
		copy_clean(ret_reply->error, sizeof(ret_reply->error), code);
		copy_clean(ret_reply->error_description, sizeof(ret_reply->error_description),
			json_member_text(document, "error_description"));
		copy_clean(ret_reply->correlation_id, sizeof(ret_reply->correlation_id),
			json_member_text(document, "correlation_id"));
	}
	error = code && *code ? 0 : ERROR_INVALID;
	json_free(document);
	return error;
}

static int check_url(const char *name, const char *text, struct fault *fault)
{
	struct uri uri;

	if (!text || (!uri_parse(text, &uri) && uri_is_safe(&uri)))
		return 0;
	fault_set(fault, "the reply's %s is no https URL", name);
	return ERROR_INVALID;
}

static int read_device_urls(
	const struct json *document, struct device_reply *reply, struct fault *fault)
{
	const char *name =
		present(document, "verification_uri") ? "verification_uri" : "verification_url";
	int error = copy_text(document, name, URI_MAX, &reply->verification_uri, fault);

	if (!error)
		error = copy_text(document, "verification_uri_complete", URI_MAX,
			&reply->verification_uri_complete, fault);
	if (!error)
		error = check_url(name, reply->verification_uri, fault);
	if (!error)
		error = check_url(
			"verification_uri_complete", reply->verification_uri_complete, fault);
	return error;
}

static int read_device_times(
	const struct json *document, struct device_reply *reply, struct fault *fault)
{
	int64_t interval = DEVICE_INTERVAL_S;
	int error = read_seconds(
		document, "expires_in", DEVICE_LIFETIME_MAX_S, &reply->expires_in_s, fault);

	if (!error)
		error = read_seconds(document, "interval", DEVICE_INTERVAL_MAX_S, &interval, fault);
	reply->interval_s = interval < 1 ? 1 : (int)interval;
	return error;
}

static int read_device_reply(const struct json *document, struct json_secret *secret,
	struct device_reply *reply, struct fault *fault)
{
	int error = own_secret(document, secret, &reply->device_code, fault);

	if (!error)
		error = copy_text(document, "user_code", USER_CODE_MAX, &reply->user_code, fault);
	if (!error)
		error = read_device_urls(document, reply, fault);
	if (!error)
		error = read_device_times(document, reply, fault);
	if (error)
		return error;
	if (reply->device_code && reply->user_code && *reply->user_code &&
		reply->verification_uri && reply->expires_in_s > 0)
		return 0;
	if (!reply->device_code && json_member_text(document, "error")) {
		fault_set(fault, "the reply is an error");
		return ERROR_NOT_FOUND;
	}
	fault_set(fault, "the reply lacks device_code, user_code, verification_uri or expires_in");
	return ERROR_INVALID;
}

int device_reply_read(
	const char *text, size_t length, struct device_reply *ret_reply, struct fault *fault)
{
	struct json_secret secret = {.name = "device_code", .max = TOKEN_TEXT_MAX};
	struct device_reply reply = {0};
	struct json *document;
	int error = parse_reply(text, length, &secret, 1, &document, fault);

	if (error)
		return error;
	error = read_device_reply(document, &secret, &reply, fault);
	json_free(document);
	json_secret_finish(&secret);
	if (error)
		device_reply_finish(&reply);
	else
		*ret_reply = reply;
	return error;
}

void device_reply_finish(struct device_reply *reply)
{
	if (!reply)
		return;
	secret_text_free(reply->device_code);
	free(reply->user_code);
	free(reply->verification_uri);
	free(reply->verification_uri_complete);
	*reply = (struct device_reply){0};
}
