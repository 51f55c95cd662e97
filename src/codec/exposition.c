/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prometheus' text format 0.0.4: lines "# HELP", "# TYPE" and name{label="value"} number.
 */
#include "codec/exposition.h"

#include <inttypes.h>
#include <stdio.h>

enum { BOUND_SIZE = 32 };

void exposition_begin(struct exposition *exposition, const struct exposition_family *family)
{
	exposition->family = family;
	(void)buf_printf(exposition->buf, "# HELP %s %s\n# TYPE %s %s\n", family->name,
		family->help, family->name, family->type);
}

static void append_value(struct buf *buf, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n') {
			(void)buf_append(buf, "\\n", 2);
			continue;
		}
		if (*value == '"' || *value == '\\')
			(void)buf_append_char(buf, '\\');
		(void)buf_append_char(buf, *value);
	}
}

static void append_label(struct buf *buf, char before, const char *name, const char *value)
{
	(void)buf_append_char(buf, before);
	(void)buf_append_text(buf, name);
	(void)buf_append(buf, "=\"", 2);
	append_value(buf, value);
	(void)buf_append_char(buf, '"');
}

/* Everything of a line but its number. `bound`: of a bucket, or NULL. */
static void append_name(struct exposition *exposition, const char *suffix,
	const char *const *labels, const char *bound)
{
	const struct exposition_family *family = exposition->family;
	struct buf *buf = exposition->buf;
	char before = '{';

	(void)buf_append_text(buf, family->name);
	(void)buf_append_text(buf, suffix);
	for (size_t i = 0; labels[i] && family->labels[i]; i++) {
		append_label(buf, before, family->labels[i], labels[i]);
		before = ',';
	}
	if (bound) {
		append_label(buf, before, "le", bound);
		before = ',';
	}
	(void)buf_append_text(buf, before == ',' ? "} " : " ");
}

void exposition_count(struct exposition *exposition, const char *const *labels, uint64_t value)
{
	append_name(exposition, "", labels, NULL);
	(void)buf_printf(exposition->buf, "%" PRIu64 "\n", value);
}

void exposition_number(struct exposition *exposition, const char *const *labels, int64_t value)
{
	append_name(exposition, "", labels, NULL);
	(void)buf_printf(exposition->buf, "%" PRId64 "\n", value);
}

void exposition_seconds(struct exposition *exposition, const char *const *labels, double seconds)
{
	append_name(exposition, "", labels, NULL);
	(void)buf_printf(exposition->buf, "%.12g\n", seconds);
}

void exposition_histogram(struct exposition *exposition, const char *const *labels,
	const struct histogram_sum *histogram)
{
	uint64_t count = 0;
	char bound[BOUND_SIZE];

	for (size_t i = 0; i < HISTOGRAM_BOUNDS; i++) {
		count += histogram->counts[i];
		(void)snprintf(bound, sizeof(bound), "%.9g", (double)histogram_bounds_ns[i] / 1e9);
		append_name(exposition, "_bucket", labels, bound);
		(void)buf_printf(exposition->buf, "%" PRIu64 "\n", count);
	}
	count += histogram->counts[HISTOGRAM_BOUNDS];
	append_name(exposition, "_bucket", labels, "+Inf");
	(void)buf_printf(exposition->buf, "%" PRIu64 "\n", count);
	append_name(exposition, "_sum", labels, NULL);
	(void)buf_printf(exposition->buf, "%.12g\n", (double)histogram->sum_ns / 1e9);
	append_name(exposition, "_count", labels, NULL);
	(void)buf_printf(exposition->buf, "%" PRIu64 "\n", count);
}
