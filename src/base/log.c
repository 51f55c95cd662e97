/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	LOG_LINE_MAX = 8192,
	SELDOM_MS = 1000,
	LOG_TEXT_MAX = 512, /* bytes of one field's text; the rest is cut off */
};

static const char *const level_names[] = {
	[LOG_LEVEL_DEBUG] = "debug",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_ERROR] = "error",
};

struct log_field log_text(const char *name, const char *text)
{
	return (struct log_field){.name = name, .text = text, .kind = LOG_KIND_TEXT};
}

struct log_field log_number(const char *name, int64_t number)
{
	return (struct log_field){.name = name, .number = number, .kind = LOG_KIND_NUMBER};
}

int log_level_parse(const char *text, enum log_level *ret_level)
{
	for (size_t i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (!strcmp(text, level_names[i])) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return ERROR_INVALID;
}

static void append_head(struct buf *line, int64_t now_ms, enum log_level level, const char *event)
{
	char when[32] = "";
	time_t now_s = (time_t)(now_ms / 1000);
	struct tm parts;

	if (gmtime_r(&now_s, &parts))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &parts);
	(void)buf_printf(line, "{\"time\":\"%s.%03dZ\",\"level\":\"%s\",\"event\":", when,
		(int)(now_ms % 1000), level_names[level]);
	(void)buf_append_json_text(line, event, strlen(event));
}

static void append_field(struct buf *line, const struct log_field *field)
{
	if (field->kind == LOG_KIND_TEXT && !field->text)
		return;
	(void)buf_append(line, ",\"", 2);
	(void)buf_append_text(line, field->name);
	(void)buf_append(line, "\":", 2);
	if (field->kind == LOG_KIND_NUMBER)
		(void)buf_printf(line, "%" PRId64, field->number);
	else
		(void)buf_append_json_text(line, field->text, strnlen(field->text, LOG_TEXT_MAX));
}

void log_write(const struct log *log, enum log_level level, const char *event,
	const struct log_field *fields)
{
	char bytes[LOG_LINE_MAX + 1];
	struct buf line;
	int64_t now_ms;

	if (!log || log->fd < 0 || level < log->least)
		return;
	now_ms = clock_now_ms(log->clock);
	buf_init_fixed(&line, bytes, sizeof(bytes));
	append_head(&line, now_ms, level, event);
	for (; fields && fields->name; fields++)
		append_field(&line, fields);
	if (buf_append(&line, "}\n", 2)) {
		buf_reset(&line);
		append_head(&line, now_ms, level, event);
		(void)buf_append(&line, "}\n", 2);
	}
	/* A log that can't be written has nowhere to say so. */
	if (write(log->fd, line.data, line.len) < 0)
		return;
}

bool log_seldom_due(struct log_seldom *seldom, int64_t now_ms, int64_t *ret_count)
{
	int64_t told_ms = atomic_load(&seldom->told_ms);

	atomic_fetch_add(&seldom->untold, 1);
	if ((told_ms && now_ms - told_ms < SELDOM_MS) ||
		!atomic_compare_exchange_strong(&seldom->told_ms, &told_ms, now_ms))
		return false;
	*ret_count = atomic_exchange(&seldom->untold, 0);
	return true;
}
