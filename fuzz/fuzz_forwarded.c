/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a request comes from. The input: a line for each X-Forwarded-For field that a
 * named proxy sent.
 */
#include "authority/forwarded.h"
#include "base/error.h"

#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each value in memory of its own, without a NUL, so that a byte beyond it is seen. */
static size_t take_fields(const uint8_t *data, size_t size, struct http_field *fields)
{
	size_t count = 0;

	while (count < HTTP_FIELDS_MAX) {
		const uint8_t *feed = size ? memchr(data, '\n', size) : NULL;
		size_t length = feed ? (size_t)(feed - data) : size;
		char *value = malloc(length ? length : 1);

		if (!value)
			abort();
		if (length)
			memcpy(value, data, length);
		fields[count++] = (struct http_field){"X-Forwarded-For", 15, value, length};
		if (!feed)
			break;
		data += length + 1;
		size -= length + 1;
	}
	return count;
}

/* What it says is an address again, and the same one. */
static void check_source(const struct proxies *proxies, const struct sockaddr_storage *peer,
	const struct sockaddr_storage *source)
{
	char text[HTTP_SOURCE_SIZE];
	struct http_field field = {.name = "x-forwarded-for", .name_length = 15, .value = text};
	const struct http_request request = {.fields = &field, .field_count = 1, .peer = peer};
	struct sockaddr_storage again = {0};

	if (source->ss_family != AF_INET && source->ss_family != AF_INET6)
		abort();
	http_source_text(source, text);
	field.value_length = strlen(text);
	if (forwarded_source(proxies, &request, &again) ||
		memcmp(&again, source, sizeof(again)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"127.0.0.1", "10.0.0.0/8", "2001:db8:ffff::/48"};
	struct http_field fields[HTTP_FIELDS_MAX];
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000001)};
	struct sockaddr_storage peer = {0};
	struct sockaddr_storage source = {0};
	struct http_request request = {.fields = fields, .peer = &peer};
	struct proxies proxies = {0};
	int error;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (proxies_add(&proxies, names[i]))
			abort();
	memcpy(&peer, &four, sizeof(four));
	request.field_count = take_fields(data, size, fields);
	error = forwarded_source(&proxies, &request, &source);
	if (error && error != ERROR_INVALID)
		abort();
	if (!error)
		check_source(&proxies, &peer, &source);
	for (size_t i = 0; i < request.field_count; i++)
		free((void *)(uintptr_t)fields[i].value);
	return 0;
}
