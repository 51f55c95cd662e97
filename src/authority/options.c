/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/options.h"

#include "base/buf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct option_spec *find_spec(
	const struct option_spec *specs, const char *name, size_t length)
{
	for (; specs->name; specs++)
		if (strlen(specs->name) == length && !memcmp(specs->name, name, length))
			return specs;
	return NULL;
}

static const struct option_value *find_value(
	const struct options *options, const struct option_spec *spec)
{
	for (size_t i = options->value_count; i > 0; i--)
		if (options->values[i - 1].spec == spec)
			return &options->values[i - 1];
	return NULL;
}

int options_add(struct options *options, const struct option_value *value, struct fault *fault)
{
	if (!value->spec->repeatable && find_value(options, value->spec)) {
		fault_set(fault, "--%s is given twice; give it once", value->spec->name);
		return ERROR_INVALID;
	}
	if (value->spec->value && !*value->text) {
		fault_set(fault, "--%s has an empty value; give its %s", value->spec->name,
			value->spec->value);
		return ERROR_INVALID;
	}
	if (!utf8_valid(value->text, strlen(value->text))) {
		fault_set(fault, "--%s is not UTF-8", value->spec->name);
		return ERROR_INVALID;
	}
	if (options->value_count == OPTIONS_VALUES_MAX) {
		fault_set(fault, "too many options; at most %d", OPTIONS_VALUES_MAX);
		return ERROR_INVALID;
	}
	options->values[options->value_count++] = *value;
	return 0;
}

/* Consumes one option, and the next argument where its value stands there. */
static int parse_option(struct options *options, const char *text, const char *next,
	bool *ret_next_used, struct fault *fault)
{
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : strlen(text);
	const struct option_spec *spec = find_spec(options->specs, text, length);
	struct option_value value = {.spec = spec, .text = ""};

	*ret_next_used = false;
	if (!spec) {
		fault_set(fault, "there is no option --%.*s; --help lists those there are",
			length < 128 ? (int)length : 128, text);
		return ERROR_INVALID;
	}
	if (!spec->value && equals) {
		fault_set(fault, "--%s takes no value", spec->name);
		return ERROR_INVALID;
	}
	if (spec->value && !equals && !next) {
		fault_set(fault, "--%s needs a value (%s)", spec->name, spec->value);
		return ERROR_INVALID;
	}
	if (spec->value) {
		value.text = equals ? equals + 1 : next;
		*ret_next_used = !equals;
	}
	return options_add(options, &value, fault);
}

const struct option_spec *options_find_spec(const struct option_spec *specs, const char *name)
{
	return find_spec(specs, name, strlen(name));
}

bool options_given_on_command_line(const struct options *options, const struct option_spec *spec)
{
	for (size_t i = 0; i < options->value_count; i++)
		if (options->values[i].spec == spec && !options->values[i].from_file)
			return true;
	return false;
}

static int add_positional(struct options *options, const char *text, struct fault *fault)
{
	if (options->positional_count == OPTIONS_POSITIONAL_MAX) {
		fault_set(
			fault, "\"%.200s\" is one argument too many; --help shows the form", text);
		return ERROR_INVALID;
	}
	if (!utf8_valid(text, strlen(text))) {
		fault_set(fault, "an argument is not UTF-8");
		return ERROR_INVALID;
	}
	options->positional[options->positional_count++] = text;
	return 0;
}

int options_parse(struct options *options, const struct option_spec *specs, int count,
	char *const *arguments, struct fault *fault)
{
	bool only_positional = false;
	int error = 0;

	*options = (struct options){.specs = specs};
	arena_init(&options->arena, 256 * 1024);
	for (int i = 0; i < count && !error; i++) {
		const char *text = arguments[i];
		bool next_used = false;

		if (only_positional || text[0] != '-' || !text[1]) {
			error = add_positional(options, text, fault);
		} else if (!strcmp(text, "--")) {
			only_positional = true;
		} else if (text[1] != '-') {
			fault_set(fault, "there is no option %.128s; options begin with two dashes",
				text);
			error = ERROR_INVALID;
		} else {
			error = parse_option(options, text + 2,
				i + 1 < count ? arguments[i + 1] : NULL, &next_used, fault);
			i += next_used;
		}
	}
	return error;
}

void options_finish(struct options *options)
{
	if (options)
		arena_finish(&options->arena);
}

const char *options_text(const struct options *options, const char *name)
{
	const struct option_spec *spec = find_spec(options->specs, name, strlen(name));
	const struct option_value *value = spec ? find_value(options, spec) : NULL;

	return value ? value->text : NULL;
}

bool options_flag(const struct options *options, const char *name)
{
	return options_text(options, name) != NULL;
}

static const struct option_value *find_each(
	const struct options *options, const char *name, size_t index)
{
	const struct option_spec *spec = find_spec(options->specs, name, strlen(name));

	for (size_t i = 0; spec && i < options->value_count; i++) {
		if (options->values[i].spec != spec)
			continue;
		if (index == 0)
			return &options->values[i];
		index--;
	}
	return NULL;
}

const char *options_each(const struct options *options, const char *name, size_t index)
{
	const struct option_value *value = find_each(options, name, index);

	return value ? value->text : NULL;
}

void options_place(const struct options *options, const char *name, size_t index,
	char ret_place[OPTION_PLACE_SIZE])
{
	const struct option_value *value = find_each(options, name, index);

	if (value && value->from_file)
		(void)snprintf(ret_place, OPTION_PLACE_SIZE, "%s:%d: %s", options->path,
			value->line, name);
	else
		(void)snprintf(ret_place, OPTION_PLACE_SIZE, "--%s", name);
}

static int parse_number(const char *text, const char **ret_end, int64_t *ret_number)
{
	char *end;
	long long number;

	if (*text < '0' || *text > '9')
		return ERROR_INVALID;
	errno = 0;
	number = strtoll(text, &end, 10);
	if (errno)
		return ERROR_INVALID;
	*ret_end = end;
	*ret_number = number;
	return 0;
}

int options_number(const struct options *options, const char *name,
	const struct number_range *range, int64_t *ret_number, struct fault *fault)
{
	const char *text = options_text(options, name);
	char place[OPTION_PLACE_SIZE];
	const char *end;
	int64_t number;

	if (!text) {
		*ret_number = range->otherwise;
		return 0;
	}
	if (parse_number(text, &end, &number) || *end || number < range->least ||
		number > range->most) {
		options_place(options, name, 0, place);
		fault_set(fault, "%s \"%.128s\": give a whole number from %" PRId64 " to %" PRId64,
			place, text, range->least, range->most);
		return ERROR_INVALID;
	}
	*ret_number = number;
	return 0;
}

static int64_t unit_seconds(const char *unit)
{
	static const struct {
		const char *unit;
		int64_t seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(unit, units[i].unit))
			return units[i].seconds;
	return 0;
}

int options_duration(const struct options *options, const char *name, int64_t otherwise,
	int64_t *ret_seconds, struct fault *fault)
{
	const int64_t most = (int64_t)3653 * 86400;
	const char *text = options_text(options, name);
	const char *end = "";
	int64_t number = 0;
	int64_t unit;

	if (!text) {
		*ret_seconds = otherwise;
		return 0;
	}
	unit = parse_number(text, &end, &number) ? 0 : unit_seconds(end);
	if (!unit || number > most / unit) {
		fault_set(fault,
			"--%s \"%.128s\": give a time such as 90s, 15m, 12h or 7d, at most 10 "
			"years",
			name, text);
		return ERROR_INVALID;
	}
	*ret_seconds = number * unit;
	return 0;
}

int options_read_date(const char *text, int64_t *ret_at)
{
	struct tm parts = {0};
	struct tm checked;
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
	time_t at;

	if (!end || *end) {
		parts = (struct tm){0};
		end = strptime(text, "%Y-%m-%d", &parts);
		parts.tm_hour = 23;
		parts.tm_min = 59;
		parts.tm_sec = 59;
	}
	checked = parts;
	at = end && !*end ? timegm(&checked) : -1;
	if (at <= 0 || checked.tm_mday != parts.tm_mday)
		return ERROR_INVALID;
	*ret_at = at;
	return 0;
}

int options_date(
	const struct options *options, const char *name, int64_t *ret_at, struct fault *fault)
{
	const char *text = options_text(options, name);

	if (!text) {
		*ret_at = 0;
		return 0;
	}
	if (options_read_date(text, ret_at)) {
		fault_set(fault,
			"--%s \"%.128s\": give a date such as 2027-03-31 or 2027-03-31T12:00:00Z",
			name, text);
		return ERROR_INVALID;
	}
	return 0;
}
