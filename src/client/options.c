/* SPDX-License-Identifier: Apache-2.0 */
#include "client/options.h"

#include "base/sized_struct.h"
#include "client/context.h"
#include "oauth/scope.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNECT_TIMEOUT_MS = 5000,
	REQUEST_TIMEOUT_MS = 15000,
	CALL_TIMEOUT_MS = 60000,
	PERSON_TIMEOUT_MS = 300000,
	TIMEOUT_MAX_MS = 24 * 3600 * 1000,
	PER_10_S = 20,
	PER_MINUTE = 60,
	PER_4_H = 1200,
	PER_4_H_MAX = 100000,
	LEEWAY_MAX_S = 60,
	PORT_MAX = 65535,
	TEXT_MAX = 4096,
};

/* The texts among the options: all that is copied. */
static const size_t texts[] = {
	offsetof(struct adit_client_options, scope),
	offsetof(struct adit_client_options, account),
	offsetof(struct adit_client_options, resource),
	offsetof(struct adit_client_options, ca_file),
	offsetof(struct adit_client_options, certificate_file),
	offsetof(struct adit_client_options, certificate_key_file),
	offsetof(struct adit_client_options, proxy),
	offsetof(struct adit_client_options, storage_directory),
	offsetof(struct adit_client_options, storage_key),
	offsetof(struct adit_client_options, assertion_key_file),
	offsetof(struct adit_client_options, assertion_kid),
	offsetof(struct adit_client_options, assertion_audience),
	offsetof(struct adit_client_options, redirect_path),
};

/* A number among them: 0 is `standard`, otherwise it is in a range. */
struct number {
	const char *name;
	size_t offset;
	int standard;
	int least;
	int most;
};

static const struct number numbers[] = {
	{"connect_timeout_ms", offsetof(struct adit_client_options, connect_timeout_ms),
		CONNECT_TIMEOUT_MS, 1, TIMEOUT_MAX_MS},
	{"request_timeout_ms", offsetof(struct adit_client_options, request_timeout_ms),
		REQUEST_TIMEOUT_MS, 1, TIMEOUT_MAX_MS},
	{"call_timeout_ms", offsetof(struct adit_client_options, call_timeout_ms), CALL_TIMEOUT_MS,
		1, TIMEOUT_MAX_MS},
	{"person_timeout_ms", offsetof(struct adit_client_options, person_timeout_ms),
		PERSON_TIMEOUT_MS, 1, TIMEOUT_MAX_MS},
	{"redirect_port", offsetof(struct adit_client_options, redirect_port), 0, 0, PORT_MAX},
	{"leeway_s", offsetof(struct adit_client_options, leeway_s), 0, 0, LEEWAY_MAX_S},
	{"requests_per_10_s", offsetof(struct adit_client_options, requests_per_10_s), PER_10_S, -1,
		PER_4_H_MAX},
	{"requests_per_minute", offsetof(struct adit_client_options, requests_per_minute),
		PER_MINUTE, -1, PER_4_H_MAX},
	{"requests_per_4_h", offsetof(struct adit_client_options, requests_per_4_h), PER_4_H, -1,
		PER_4_H_MAX},
};

static char **text_at(struct adit_client_options *options, size_t offset)
{
	return (char **)(void *)((char *)options + offset);
}

static int *number_at(struct adit_client_options *options, size_t offset)
{
	return (int *)(void *)((char *)options + offset);
}

static void free_texts(struct adit_client_options *options)
{
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		free(*text_at(options, texts[i]));
		*text_at(options, texts[i]) = NULL;
	}
}

/* Of the borrowed texts in `options`, its own: all or none. */
static int copy_texts(struct adit_client_options *options, struct report *report)
{
	int error = 0;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char **text = text_at(options, texts[i]);
		const char *given = *text;

		*text = NULL;
		if (!given || error)
			continue;
		if (strnlen(given, TEXT_MAX) == TEXT_MAX) {
			error = report_set(
				report, ADIT_ERROR_INVALID, "an option is longer than 4,095 bytes");
			continue;
		}
		*text = strdup(given);
		if (!*text)
			error = report_set(report, ADIT_ERROR_MEMORY, "no memory for the options");
	}
	return error;
}

static int check_numbers(struct adit_client_options *options, struct report *report)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int *value = number_at(options, numbers[i].offset);

		if (!*value)
			*value = numbers[i].standard;
		else if (*value < numbers[i].least || *value > numbers[i].most)
			return report_set(report, ADIT_ERROR_INVALID,
				"option %s: %d is not in %d to %d", numbers[i].name, *value,
				numbers[i].least, numbers[i].most);
	}
	if (options->storage != ADIT_STORAGE_MEMORY && options->storage != ADIT_STORAGE_FILES &&
		options->storage != ADIT_STORAGE_PLAINTEXT)
		return report_set(report, ADIT_ERROR_INVALID, "option storage: no such storage");
	return 0;
}

static int check_texts(const struct adit_client_options *options, struct report *report)
{
	if (options->scope && scope_check(options->scope))
		return report_set(report, ADIT_ERROR_INVALID,
			"option scope: tokens parted by single spaces, 300 bytes at most");
	if (options->account && (strlen(options->account) > RECORD_NAME_MAX ||
					!utf8_valid(options->account, strlen(options->account))))
		return report_set(report, ADIT_ERROR_INVALID,
			"option account: 1,024 bytes at most, and UTF-8");
	if (options->redirect_path &&
		(options->redirect_path[0] != '/' || strpbrk(options->redirect_path, "?#% \t\r\n")))
		return report_set(report, ADIT_ERROR_INVALID,
			"option redirect_path: begins with a slash, and has no ? # %% or space");
	if (!options->certificate_file != !options->certificate_key_file)
		return report_set(report, ADIT_ERROR_INVALID,
			"options certificate_file and certificate_key_file: both or none");
	return 0;
}

static int take(
	struct adit_client *client, struct adit_client_options *options, struct report *report)
{
	int error = copy_texts(options, report);

	if (!error)
		error = check_numbers(options, report);
	if (!error)
		error = check_texts(options, report);
	if (error) {
		free_texts(options);
		return error;
	}
	free_texts(&client->options);
	client->options = *options;
	return 0;
}

int options_set_standard(struct adit_client *client, struct report *report)
{
	struct adit_client_options options = {.size = sizeof(options)};

	return take(client, &options, report);
}

static int check_use(const struct adit_client *client, struct report *report)
{
	return client->used ? report_set(report, ADIT_ERROR_INVALID,
				      "options and hooks are set before the client is used")
			    : 0;
}

int options_set(struct adit_client *client, const struct adit_client_options *options,
	struct report *report)
{
	struct adit_client_options known;
	int error = check_use(client, report);

	if (error)
		return error;
	if (!options || !sized_struct_copy(&known, sizeof(known), options, sizeof(known)))
		return report_set(report, ADIT_ERROR_INVALID,
			"options.size is not sizeof(struct adit_client_options), or an option is "
			"set that this version of the library does not know");
	return take(client, &known, report);
}

int options_set_hooks(
	struct adit_client *client, const struct adit_client_hooks *hooks, struct report *report)
{
	struct adit_client_hooks known;
	int error = check_use(client, report);

	if (error)
		return error;
	if (!hooks || !sized_struct_copy(&known, sizeof(known), hooks, sizeof(known)))
		return report_set(report, ADIT_ERROR_INVALID,
			"hooks.size is not sizeof(struct adit_client_hooks), or a hook is set that "
			"this version of the library does not know");
	client->hooks = known;
	client_clock_init(&client->clock, known.clock, known.context);
	return 0;
}

void options_finish(struct adit_client *client)
{
	free_texts(&client->options);
}
