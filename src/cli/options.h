/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long and short options and positional arguments, by tables, as getopt_long(3) takes
 * them: "--name VALUE", "--name=VALUE", "-n VALUE", "-nVALUE", "-ab", and "--".
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OPTIONS_VALUES_MAX = 32,
	OPTIONS_POSITIONAL_MAX = 4,
};

/* What a value is, for the shells' completion. */
enum option_kind { OPTION_TEXT, OPTION_FILE, OPTION_DIRECTORY, OPTION_PROGRAM };

struct option_spec {
	const char *name;  /* without the dashes; NULL ends a table */
	char letter;	   /* of the short form; 0: none */
	const char *value; /* what its value is called in the help; NULL: a flag */
	enum option_kind kind;
	const char *help;
};

struct option_value {
	const struct option_spec *spec;
	const char *text; /* "" for a flag */
};

struct options {
	const struct option_spec *const *tables; /* NULL ends them */
	struct option_value values[OPTIONS_VALUES_MAX];
	size_t value_count;
	const char *positional[OPTIONS_POSITIONAL_MAX];
	size_t positional_count;
	char *const *command; /* what is to be run, and a NULL; NULL: nothing */
};

/* Everything from positional argument number `command_at` on, or behind "--", is a
 * command to be run, whatever it looks like; -1: there is none. All is borrowed.
 * 0, or ERROR_INVALID with the fault. `count` arguments, with a NULL behind them. */
int options_parse(struct options *options, const struct option_spec *const *tables, int command_at,
	char *const *arguments, struct fault *fault);

/* NULL where it was not given; "" for a flag. */
const char *options_text(const struct options *options, const char *name);
bool options_flag(const struct options *options, const char *name);

/* A whole number from least to most, or `otherwise` where it was not given. 0, or
 * ERROR_INVALID with the fault. */
struct number_range {
	int64_t least;
	int64_t most;
	int64_t otherwise;
};
int options_number(const struct options *options, const char *name,
	const struct number_range *range, int64_t *ret_number, struct fault *fault);

/* How many letters `one` is off from `other`, when a typing error is looked for. */
size_t options_distance(const char *one, size_t length, const char *other);

#endif
