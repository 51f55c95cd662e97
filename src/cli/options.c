/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include "base/buf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAME_MAX_COMPARED = 32,
	TYPING_ERRORS_MAX = 2,
};

/* Levenshtein's distance, a row at a time. */
size_t options_distance(const char *one, size_t length, const char *other)
{
	size_t row[NAME_MAX_COMPARED + 1];
	size_t width = strlen(other);

	if (width > NAME_MAX_COMPARED || length > NAME_MAX_COMPARED)
		return NAME_MAX_COMPARED;
	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 1; i <= length; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			size_t best = diagonal + (one[i - 1] != other[j - 1]);

			best = row[j] + 1 < best ? row[j] + 1 : best;
			best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[width];
}

/* The next option of all tables, after `spec`; NULL begins. */
static const struct option_spec *next_spec(
	const struct options *options, size_t *table, const struct option_spec *spec)
{
	spec = spec ? spec + 1 : options->tables[*table];
	while (spec && !spec->name)
		spec = options->tables[++*table];
	return spec;
}

static const struct option_spec *find_spec(
	const struct options *options, const char *name, size_t length)
{
	const struct option_spec *spec = NULL;
	size_t table = 0;

	while ((spec = next_spec(options, &table, spec)))
		if (strlen(spec->name) == length && !memcmp(spec->name, name, length))
			return spec;
	return NULL;
}

static const struct option_spec *find_letter(const struct options *options, char letter)
{
	const struct option_spec *spec = NULL;
	size_t table = 0;

	while ((spec = next_spec(options, &table, spec)))
		if (spec->letter == letter)
			return spec;
	return NULL;
}

static int fail_unknown(
	const struct options *options, const char *name, size_t length, struct fault *fault)
{
	const struct option_spec *spec = NULL;
	const struct option_spec *nearest = NULL;
	size_t least = TYPING_ERRORS_MAX + 1;
	size_t table = 0;

	while ((spec = next_spec(options, &table, spec))) {
		size_t distance = options_distance(name, length, spec->name);

		if (distance < least) {
			least = distance;
			nearest = spec;
		}
	}
	fault_set(fault, "there is no option --%.*s%s%s%s", length < 128 ? (int)length : 128, name,
		nearest ? "; did you mean --" : "", nearest ? nearest->name : "",
		nearest ? "?" : "");
	return ERROR_INVALID;
}

static const struct option_value *find_value(
	const struct options *options, const struct option_spec *spec)
{
	for (size_t i = 0; i < options->value_count; i++)
		if (options->values[i].spec == spec)
			return &options->values[i];
	return NULL;
}

static int add_value(struct options *options, const struct option_spec *spec, const char *text,
	struct fault *fault)
{
	if (find_value(options, spec)) {
		if (!spec->value)
			return 0;
		fault_set(fault, "--%s is given twice; give it once", spec->name);
		return ERROR_INVALID;
	}
	if (spec->value && !text) {
		fault_set(fault, "--%s needs a value (%s)", spec->name, spec->value);
		return ERROR_INVALID;
	}
	if (spec->value && !*text && strcmp(spec->name, "proxy")) {
		fault_set(fault, "--%s has an empty value; give its %s", spec->name, spec->value);
		return ERROR_INVALID;
	}
	if (options->value_count == OPTIONS_VALUES_MAX) {
		fault_set(fault, "too many options");
		return ERROR_INVALID;
	}
	options->values[options->value_count++] =
		(struct option_value){.spec = spec, .text = spec->value ? text : ""};
	return 0;
}

/* "--name", "--name=VALUE"; or its value is `next`. */
static int parse_long(struct options *options, const char *text, const char *next,
	bool *ret_next_used, struct fault *fault)
{
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : strlen(text);
	const struct option_spec *spec = find_spec(options, text, length);

	*ret_next_used = spec && spec->value && !equals && next;
	if (!spec)
		return fail_unknown(options, text, length, fault);
	if (!spec->value && equals) {
		fault_set(fault, "--%s takes no value", spec->name);
		return ERROR_INVALID;
	}
	return add_value(options, spec, equals ? equals + 1 : next, fault);
}

/* "-ab", "-aVALUE"; or the last one's value is `next`. */
static int parse_short(struct options *options, const char *text, const char *next,
	bool *ret_next_used, struct fault *fault)
{
	int error = 0;

	*ret_next_used = false;
	for (; *text && !error; text++) {
		const struct option_spec *spec = find_letter(options, *text);

		if (!spec) {
			fault_set(fault, "there is no option -%c", *text);
			return ERROR_INVALID;
		}
		if (!spec->value) {
			error = add_value(options, spec, NULL, fault);
			continue;
		}
		*ret_next_used = !text[1] && next;
		return add_value(options, spec, text[1] ? text + 1 : next, fault);
	}
	return error;
}

static int add_positional(struct options *options, const char *text, struct fault *fault)
{
	if (options->positional_count == OPTIONS_POSITIONAL_MAX) {
		fault_set(fault, "\"%.200s\" is one argument too many", text);
		return ERROR_INVALID;
	}
	options->positional[options->positional_count++] = text;
	return 0;
}

int options_parse(struct options *options, const struct option_spec *const *tables, int command_at,
	char *const *arguments, struct fault *fault)
{
	bool only_positional = false;
	bool next_used = false;
	int error = 0;

	*options = (struct options){.tables = tables};
	for (; !error && *arguments; arguments += next_used ? 2 : 1) {
		const char *text = *arguments;
		bool is_option = !only_positional && text[0] == '-' && text[1];

		next_used = false;
		if (is_option && !strcmp(text, "--")) {
			only_positional = true;
			if (command_at < 0)
				continue;
			options->command = arguments[1] ? arguments + 1 : NULL;
			break;
		}
		if (!is_option && command_at >= 0 &&
			options->positional_count == (size_t)command_at) {
			options->command = arguments;
			break;
		}
		if (!is_option)
			error = add_positional(options, text, fault);
		else if (text[1] == '-')
			error = parse_long(options, text + 2, arguments[1], &next_used, fault);
		else
			error = parse_short(options, text + 1, arguments[1], &next_used, fault);
	}
	return error;
}

const char *options_text(const struct options *options, const char *name)
{
	const struct option_spec *spec = find_spec(options, name, strlen(name));
	const struct option_value *value = spec ? find_value(options, spec) : NULL;

	return value ? value->text : NULL;
}

bool options_flag(const struct options *options, const char *name)
{
	return options_text(options, name) != NULL;
}

int options_number(const struct options *options, const char *name,
	const struct number_range *range, int64_t *ret_number, struct fault *fault)
{
	const char *text = options_text(options, name);
	char *end = NULL;
	long long number;

	if (!text) {
		*ret_number = range->otherwise;
		return 0;
	}
	errno = 0;
	number = *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : -1;
	if (errno || !end || *end || number < range->least || number > range->most) {
		fault_set(fault,
			"--%s \"%.100s\": give a whole number from %" PRId64 " to %" PRId64, name,
			text, range->least, range->most);
		return ERROR_INVALID;
	}
	*ret_number = number;
	return 0;
}
