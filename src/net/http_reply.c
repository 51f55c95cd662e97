/* SPDX-License-Identifier: Apache-2.0 */
#include "net/http_reply.h"

#include "base/clock.h"
#include "net/http_reader.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HEAD_MAX = 64 * 1024 };

void http_reply_finish(struct http_reply *reply)
{
	if (!reply)
		return;
	buf_finish(&reply->body);
	*reply = (struct http_reply){.date_s = -1, .retry_after_s = -1, .max_age_s = -1};
}

void http_arrival_init(struct http_arrival *arrival, size_t max_body)
{
	*arrival = (struct http_arrival){
		.reply = {.date_s = -1, .retry_after_s = -1, .max_age_s = -1}};
	buf_init(&arrival->reply.body, max_body);
}

void http_arrival_finish(struct http_arrival *arrival)
{
	http_reply_finish(&arrival->reply);
}

static void copy_value(char *to, size_t size, const char *value, size_t length)
{
	while (length && (value[0] == ' ' || value[0] == '\t')) {
		value++;
		length--;
	}
	while (length && (value[length - 1] == ' ' || value[length - 1] == '\t' ||
				 value[length - 1] == '\r' || value[length - 1] == '\n'))
		length--;
	(void)snprintf(to, size, "%.*s", (int)length, value);
}

/* Digits and nothing else, INT32_MAX or a little more where there are many; or -1. */
static int64_t read_seconds(const char *digits)
{
	int64_t seconds = 0;

	if (!*digits || digits[strspn(digits, "0123456789")])
		return -1;
	for (; *digits && seconds < INT32_MAX; digits++)
		seconds = seconds * 10 + (*digits - '0');
	return seconds;
}

/* The seconds of max-age, or -1. */
static int64_t read_max_age(const char *value, size_t length)
{
	static const char name[] = "max-age=";
	char text[256];
	char *rest;

	copy_value(text, sizeof(text), value, length);
	for (char *part = strtok_r(text, ", \t", &rest); part;
		part = strtok_r(NULL, ", \t", &rest)) {
		int64_t seconds = -1;

		if (strncasecmp(part, name, sizeof(name) - 1) == 0)
			seconds = read_seconds(part + sizeof(name) - 1);
		if (seconds >= 0)
			return seconds;
	}
	return -1;
}

int http_arrival_take_line(struct http_arrival *arrival, const char *line, size_t length)
{
	struct http_reply *reply = &arrival->reply;
	const char *colon = memchr(line, ':', length);
	size_t name = colon ? (size_t)(colon - line) : 0;
	const char *value = line + name + 1;
	size_t value_length = colon ? length - name - 1 : 0;

	if (arrival->error || length > HEAD_MAX - arrival->head_bytes)
		return arrival->error = arrival->error ? arrival->error : ERROR_LIMIT;
	arrival->head_bytes += length;
	if (length > 5 && !memcmp(line, "HTTP/", 5)) {
		reply->content_type[0] = '\0';
		reply->date[0] = '\0';
		reply->max_age_s = -1;
		reply->is_cached = false;
		arrival->retry_after[0] = '\0';
	} else if (http_text_is(line, name, "content-type")) {
		copy_value(reply->content_type, sizeof(reply->content_type), value, value_length);
	} else if (http_text_is(line, name, "date")) {
		copy_value(reply->date, sizeof(reply->date), value, value_length);
	} else if (http_text_is(line, name, "cache-control")) {
		reply->max_age_s = read_max_age(value, value_length);
	} else if (http_text_is(line, name, "age")) {
		reply->is_cached = true;
	} else if (http_text_is(line, name, "retry-after")) {
		copy_value(arrival->retry_after, sizeof(arrival->retry_after), value, value_length);
	}
	return 0;
}

int http_arrival_take_body(struct http_arrival *arrival, const char *bytes, size_t length)
{
	if (!arrival->error)
		arrival->error = buf_append(&arrival->reply.body, bytes, length);
	return arrival->error;
}

/* Only what begins as a date does, with a day's name: curl_getdate() takes much more. */
static int64_t date_of(
	time_t (*read_date)(const char *text, const time_t *unused), const char *text)
{
	time_t date_s = -1;

	if ((text[0] | 0x20) >= 'a' && (text[0] | 0x20) <= 'z')
		date_s = read_date(text, NULL);
	return date_s < 0 ? -1 : (int64_t)date_s;
}

int http_arrival_end(struct http_arrival *arrival,
	time_t (*read_date)(const char *text, const time_t *unused), int status,
	struct http_reply *ret_reply)
{
	struct http_reply *reply = &arrival->reply;
	int64_t until_s = date_of(read_date, arrival->retry_after);
	/* So that `data` is a text even where nothing came. */
	int error = buf_append(&reply->body, "", 0);

	if (error)
		return error;
	reply->status = status;
	reply->date_s = date_of(read_date, reply->date);
	reply->retry_after_s = read_seconds(arrival->retry_after);
	if (until_s >= 0) {
		/* By the server's clock, where it says what that is: ours may be wrong. */
		int64_t now_s = reply->date_s >= 0 ? reply->date_s : clock_now_s(NULL);

		reply->retry_after_s = until_s > now_s ? until_s - now_s : 0;
	}
	*ret_reply = *reply;
	*arrival = (struct http_arrival){0};
	return 0;
}
