/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration file: INI without sections, keys are the long options. The
 * only user of inih.
 */
#include "authority/options.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct file_reading {
	FILE *file;
	struct options *options;
	const struct option_spec *known;
	const char *path;
	int line;
	struct fault *fault;
	bool failed; /* and the fault says why */
};

static void fail_line(struct file_reading *reading, const char *problem, const char *name)
{
	fault_set(reading->fault, "%s:%d: %s%s", reading->path, reading->line, problem, name);
	reading->failed = true;
}

/* A line that does not fit would be taken for two. */
static char *read_line(char *text, int size, void *stream)
{
	struct file_reading *reading = stream;
	size_t length;

	if (reading->failed)
		return NULL;
	if (!fgets(text, size, reading->file)) {
		if (ferror(reading->file)) {
			fault_set(reading->fault, "%s can't be read: %s", reading->path,
				strerror(errno));
			reading->failed = true;
		}
		return NULL;
	}
	reading->line++;
	length = strlen(text);
	if (length + 1 == (size_t)size && text[length - 1] != '\n') {
		fail_line(reading, "the line is too long", "");
		return NULL;
	}
	return text;
}

/* A flag's value in a file: whether it is on. */
static int parse_flag(const char *text, bool *ret_on)
{
	static const char *const on[] = {"true", "yes", "on", "1"};
	static const char *const off[] = {"false", "no", "off", "0"};

	for (size_t i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		if (!strcasecmp(text, on[i]) || !strcasecmp(text, off[i])) {
			*ret_on = !strcasecmp(text, on[i]);
			return 0;
		}
	}
	return ERROR_INVALID;
}

static void add_from_file(
	struct file_reading *reading, const struct option_spec *spec, const char *text)
{
	struct option_value value = {.spec = spec, .from_file = true, .line = reading->line};
	struct fault fault;
	bool on = true;

	if (!spec->value && parse_flag(text, &on)) {
		fail_line(reading, "give true or false for ", spec->name);
		return;
	}
	if (!on || options_given_on_command_line(reading->options, spec))
		return;
	value.text = spec->value ? arena_copy_text(&reading->options->arena, text) : "";
	if (!value.text)
		fail_line(reading, "the file is too large at ", spec->name);
	else if (options_add(reading->options, &value, &fault))
		fail_line(reading, fault.text, "");
}

static int take_key(void *user, const char *section, const char *name, const char *text)
{
	struct file_reading *reading = user;
	const struct option_spec *known = options_find_spec(reading->known, name);
	const struct option_spec *spec = options_find_spec(reading->options->specs, name);

	if (reading->failed)
		return 0;
	if (*section) {
		fail_line(reading, "there are no sections in this file: ", section);
		return 0;
	}
	if (!known || !known->in_file) {
		fail_line(reading, "there is no key ", name);
		return 0;
	}
	if (spec)
		add_from_file(reading, spec, text);
	return !reading->failed;
}

int options_read_file(struct options *options, const struct option_spec *known, const char *path,
	struct fault *fault)
{
	struct file_reading reading = {
		.options = options, .known = known, .path = path, .fault = fault};
	int bad_line;

	reading.file = fopen(path, "re");
	if (!reading.file) {
		int reason = errno;

		fault_set(fault, "%s can't be read: %s", path, strerror(reason));
		return reason == ENOENT || reason == ENOTDIR ? ERROR_NOT_FOUND : ERROR_INVALID;
	}
	options->path = path;
	bad_line = ini_parse_stream(read_line, &reading, take_key, &reading);
	(void)fclose(reading.file);
	if (!reading.failed && bad_line) {
		reading.line = bad_line;
		fail_line(&reading, "this is neither \"key = value\" nor a comment", "");
	}
	return reading.failed ? ERROR_INVALID : 0;
}
