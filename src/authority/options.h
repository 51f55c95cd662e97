/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long options and positional arguments, by a table. The same names are the
 * keys of the configuration file, which fills in what the command line left out.
 */
#ifndef AUTHORITY_OPTIONS_H
#define AUTHORITY_OPTIONS_H

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OPTIONS_VALUES_MAX = 128,
	OPTIONS_POSITIONAL_MAX = 4,
};

struct option_spec {
	const char *name;  /* without the dashes; NULL ends a table */
	const char *value; /* what its value is called in the help; NULL: a flag */
	const char *help;
	bool repeatable;
	bool in_file; /* may stand in the configuration file */
};

struct option_value {
	const struct option_spec *spec;
	const char *text; /* "" for a flag */
	bool from_file;
	int line; /* of the file */
};

struct options {
	const struct option_spec *specs;
	struct option_value values[OPTIONS_VALUES_MAX];
	size_t value_count;
	const char *positional[OPTIONS_POSITIONAL_MAX];
	size_t positional_count;
	const char *path;   /* of the configuration file, borrowed; NULL: none was read */
	struct arena arena; /* holds what the configuration file said */
};

/* Takes "--name VALUE", "--name=VALUE", "--flag", "--" and positional arguments.
 * `arguments` must outlive `options`. 0, or ERROR_INVALID with the fault. */
int options_parse(struct options *options, const struct option_spec *specs, int count,
	char *const *arguments, struct fault *fault);
void options_finish(struct options *options);

/* Adds what the configuration file says and the command line does not. Its keys
 * are the options of `known` that have `in_file`; those that this verb does not
 * take are passed over. Unknown key, a section, or a bad value: ERROR_INVALID, the
 * fault naming file and line. A missing file: ERROR_NOT_FOUND. */
int options_read_file(struct options *options, const struct option_spec *known, const char *path,
	struct fault *fault);

/* For options_file.c: the option of that name, or NULL; whether the command line
 * gave it; and adding a value under the rules of the command line. */
const struct option_spec *options_find_spec(const struct option_spec *specs, const char *name);
bool options_given_on_command_line(const struct options *options, const struct option_spec *spec);
int options_add(struct options *options, const struct option_value *value, struct fault *fault);

/* NULL where it was not given. The last one counts of a repeated one. */
const char *options_text(const struct options *options, const char *name);
bool options_flag(const struct options *options, const char *name);

/* The index-th value of a repeatable option, or NULL. */
const char *options_each(const struct options *options, const char *name, size_t index);

/* How a mistake in the index-th value is named: "--threads", or "FILE:3: threads". */
enum { OPTION_PLACE_SIZE = 256 };
void options_place(const struct options *options, const char *name, size_t index,
	char ret_place[OPTION_PLACE_SIZE]);

/* A whole number from least to most, or `otherwise` where it was not given. */
struct number_range {
	int64_t least;
	int64_t most;
	int64_t otherwise;
};
int options_number(const struct options *options, const char *name,
	const struct number_range *range, int64_t *ret_number, struct fault *fault);

/* "90" (seconds), "90s", "15m", "12h", "7d": seconds from 0 to ten years. */
int options_duration(const struct options *options, const char *name, int64_t otherwise,
	int64_t *ret_seconds, struct fault *fault);

/* "2027-03-31" (its end, UTC) or "2027-03-31T12:00:00Z": Unix seconds; 0 where
 * it was not given. */
int options_date(
	const struct options *options, const char *name, int64_t *ret_at, struct fault *fault);
/* Such a date: 0 or ERROR_INVALID. */
int options_read_date(const char *text, int64_t *ret_at);

#endif
