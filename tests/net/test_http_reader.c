/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "malformed_requests.h"

#include "base/buf.h"
#include "net/http_reader.h"

#include <stdio.h>
#include <string.h>

enum { BODY_MAX = 64 * 1024 };

/* Gives the reader bytes in pieces, as long as it wants more. */
struct feed {
	const char *bytes;
	size_t length;
	size_t piece;
	size_t at;
	int continues; /* how often it said HTTP_CONTINUE */
};

static enum http_verdict feed_reader(struct http_reader *reader, struct feed *feed)
{
	enum http_verdict verdict = http_reader_step(reader);

	while (verdict == HTTP_MORE || verdict == HTTP_CONTINUE) {
		size_t length = feed->length - feed->at < feed->piece ? feed->length - feed->at
								      : feed->piece;
		char *space;
		size_t size;

		feed->continues += verdict == HTTP_CONTINUE;
		if (!length)
			return HTTP_MORE;
		assert_int_equal(http_reader_space(reader, &space, &size), 0);
		assert_true(size > 0);
		length = length < size ? length : size;
		memcpy(space, feed->bytes + feed->at, length);
		http_reader_add(reader, length);
		feed->at += length;
		verdict = http_reader_step(reader);
	}
	return verdict;
}

static struct feed feed_text(const char *text, size_t piece)
{
	return (struct feed){.bytes = text, .length = strlen(text), .piece = piece};
}

static void build(const struct malformed_request *bad, struct buf *ret_bytes)
{
	buf_init(ret_bytes, 1024 * 1024);
	(void)buf_append(ret_bytes, bad->before, bad->before_length);
	for (size_t i = 0; i < bad->count; i++)
		(void)buf_append_text(ret_bytes, bad->filler);
	assert_int_equal(buf_append_text(ret_bytes, bad->after), 0);
}

static void check_malformed(const struct malformed_request *bad, size_t piece)
{
	struct http_reader reader;
	struct buf bytes;
	struct feed feed;
	enum http_verdict verdict;

	build(bad, &bytes);
	feed = (struct feed){.bytes = bytes.data, .length = bytes.len, .piece = piece};
	http_reader_init(&reader, BODY_MAX);
	verdict = feed_reader(&reader, &feed);
	if (verdict != HTTP_REFUSED || reader.status != bad->status)
		fail_msg("%s, %zu at a time: verdict %d, status %d, expected %d", bad->name, piece,
			verdict, reader.status, bad->status);
	assert_non_null(reader.reason);
	assert_true(reader.close);
	assert_int_equal(http_reader_step(&reader), HTTP_REFUSED);
	http_reader_finish(&reader);
	buf_finish(&bytes);
}

static void test_malformed(void **state)
{
	(void)state;
	assert_true(MALFORMED_REQUEST_COUNT >= 90);
	for (size_t i = 0; i < MALFORMED_REQUEST_COUNT; i++) {
		check_malformed(&malformed_requests[i], SIZE_MAX);
		check_malformed(&malformed_requests[i], 1);
		check_malformed(&malformed_requests[i], 7);
	}
}

/* What a request is read as; texts that are NULL are not looked at. */
struct well_formed {
	const char *name;
	const char *bytes;
	const char *method;
	const char *path;
	const char *raw_path;
	const char *query; /* "-": none */
	const char *body;
	size_t field_count;
	bool close;
};

#define GET(line, fields) line "\r\nHost: x\r\n" fields "\r\n"
#define CHUNKED(chunks) GET("POST / HTTP/1.1", "Transfer-Encoding: chunked\r\n") chunks

static const struct well_formed well_formed[] = {
	{"plain", GET("GET / HTTP/1.1", ""), "GET", "/", "/", "-", "", 1, false},
	{"unknown method", GET("A!#$%&'*+-.^_`|~9z / HTTP/1.1", ""), "A!#$%&'*+-.^_`|~9z", "/", "/",
		"-", "", 1, false},
	{"longest method", GET("ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1", ""),
		"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF", "/", "/", "-", "", 1, false},
	{"escapes", GET("GET /a%20%2F%2e%C3%a9%7e+b HTTP/1.1", ""), "GET", "/a /.\xc3\xa9~+b",
		"/a%20%2F%2e%C3%a9%7e+b", "-", "", 1, false},
	{"query", GET("GET /a?b=%20c&d=/?e HTTP/1.1", ""), "GET", "/a", "/a", "b=%20c&d=/?e", "", 1,
		false},
	{"escaped question mark", GET("GET /a%3fb?c HTTP/1.1", ""), "GET", "/a?b", "/a%3fb", "c",
		"", 1, false},
	{"empty query", GET("GET /? HTTP/1.1", ""), "GET", "/", "/", "", "", 1, false},
	{"query as browsers send it", GET("GET /?a={}|[]^`\\ HTTP/1.1", ""), "GET", "/", "/",
		"a={}|[]^`\\", "", 1, false},
	{"dots stay", GET("GET /a/../b//c/./ HTTP/1.1", ""), "GET", "/a/../b//c/./", NULL, "-", "",
		1, false},
	{"path of reserved characters", GET("GET /-._~!$&'()*+,;=:@ HTTP/1.1", ""), "GET",
		"/-._~!$&'()*+,;=:@", NULL, "-", "", 1, false},
	{"empty line first", GET("\r\nGET /a%41 HTTP/1.1", ""), "GET", "/aA", "/a%41", "-", "", 1,
		false},
	{"close", GET("GET / HTTP/1.1", "Connection: close\r\n"), "GET", "/", "/", "-", "", 2,
		true},
	{"close in a list", GET("GET / HTTP/1.1", "Connection: a, \tCLOSE ,b\r\n"), "GET", "/", "/",
		"-", "", 2, true},
	{"close in a second field",
		GET("GET / HTTP/1.1", "Connection: keep-alive\r\nConnection: close\r\n"), "GET",
		"/", "/", "-", "", 3, true},
	{"not close", GET("GET / HTTP/1.1", "Connection: closed, x-close\r\n"), "GET", "/", "/",
		"-", "", 2, false},
	{"1.0", "GET / HTTP/1.0\r\n\r\n", "GET", "/", "/", "-", "", 0, true},
	{"1.0 keep-alive", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", "GET", "/", "/", "-",
		"", 1, false},
	{"1.0 both", "GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", "GET", "/", "/",
		"-", "", 1, true},
	{"1.0 body", "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", "POST", "/", "/", "-",
		"abc", 1, true},
	{"1.0 expects nothing", "GET / HTTP/1.0\r\nExpect: x\r\n\r\n", "GET", "/", "/", "-", "", 1,
		true},
	{"body", GET("POST / HTTP/1.1", "Content-Length: 5\r\n") "hello", "POST", "/", "/", "-",
		"hello", 2, false},
	{"body with a GET", GET("GET / HTTP/1.1", "Content-Length: 2\r\n") "ab", "GET", "/", "/",
		"-", "ab", 2, false},
	{"length 0", GET("POST / HTTP/1.1", "Content-Length: 0\r\n"), "POST", "/", "/", "-", "", 2,
		false},
	{"length of many zeros",
		GET("POST / HTTP/1.1", "Content-Length: 00000000000000000000000000003\r\n") "abc",
		"POST", "/", "/", "-", "abc", 2, false},
	{"length in any case, with tabs",
		GET("POST / HTTP/1.1", "cONTENT-lENGTH:\t 3 \t\r\n") "abc", "POST", "/", "/", "-",
		"abc", 2, false},
	{"chunks", CHUNKED("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"), "POST", "/", "/", "-",
		"hello world", 2, false},
	{"no chunk", CHUNKED("0\r\n\r\n"), "POST", "/", "/", "-", "", 2, false},
	{"chunk of CRLFs", CHUNKED("4\r\n\r\n\r\n\r\n0\r\n\r\n"), "POST", "/", "/", "-", "\r\n\r\n",
		2, false},
	{"chunk sizes of many digits", CHUNKED("000000000000000A\r\n0123456789\r\n000\r\n\r\n"),
		"POST", "/", "/", "-", "0123456789", 2, false},
	{"one-byte chunks", CHUNKED("1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n"), "POST", "/", "/",
		"-", "abc", 2, false},
	{"trailer", CHUNKED("1\r\na\r\n0\r\nA: b\r\nContent-Length: 7\r\n\r\n"), "POST", "/", "/",
		"-", "a", 2, false},
	{"coding in any case", GET("POST / HTTP/1.1", "transfer-encoding:CHUNKED\r\n") "0\r\n\r\n",
		"POST", "/", "/", "-", "", 2, false},
	{"host with port", "GET / HTTP/1.1\r\nHost: a.b-c_d:12345\r\n\r\n", "GET", "/", "/", "-",
		"", 1, false},
	{"host with an empty port", "GET / HTTP/1.1\r\nHost: a:\r\n\r\n", "GET", "/", "/", "-", "",
		1, false},
	{"host IPv6", "GET / HTTP/1.1\r\nHost: [::ffff:1.2.3.4]:80\r\n\r\n", "GET", "/", "/", "-",
		"", 1, false},
	{"value of 8-bit bytes", GET("GET / HTTP/1.1", "A: \xff\xc3\xa9\t.\r\n"), "GET", "/", "/",
		"-", "", 2, false},
	{"empty value", GET("GET / HTTP/1.1", "A:\r\nB: \t \r\n"), "GET", "/", "/", "-", "", 3,
		false},
	{"upgrade is not for us", GET("GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: h2c\r\n"),
		"GET", "/", "/", "-", "", 3, false},
};

static void check_text(const char *name, const char *got, const char *expected)
{
	if (strcmp(got, expected) != 0)
		fail_msg("%s: \"%s\" instead of \"%s\"", name, got, expected);
}

static void check_request(const struct well_formed *good, struct http_reader *reader)
{
	struct http_field fields[HTTP_FIELDS_MAX];
	struct http_request request = {0};

	http_reader_request(reader, fields, &request);
	check_text(good->name, request.method, good->method);
	check_text(good->name, request.path, good->path);
	assert_int_equal(request.path_length, strlen(good->path));
	check_text(good->name, request.raw_path, good->raw_path ? good->raw_path : good->path);
	check_text(good->name, request.query ? request.query : "-", good->query);
	check_text(good->name, request.body, good->body);
	assert_int_equal(request.body_length, strlen(good->body));
	if (request.field_count != good->field_count || reader->close != good->close)
		fail_msg(
			"%s: %zu fields, close %d", good->name, request.field_count, reader->close);
	for (size_t i = 0; i < request.field_count; i++) {
		assert_int_equal(strlen(fields[i].name), fields[i].name_length);
		assert_int_equal(strlen(fields[i].value), fields[i].value_length);
	}
}

/* Twice the same: what is left over must be the second, whole. */
static void check_well_formed(const struct well_formed *good, size_t piece)
{
	struct http_reader reader;
	struct buf twice;
	struct feed feed;

	buf_init(&twice, 64 * 1024);
	assert_int_equal(buf_printf(&twice, "%s%s", good->bytes, good->bytes), 0);
	feed = feed_text(twice.data, piece);
	http_reader_init(&reader, BODY_MAX);
	for (int i = 0; i < 2; i++) {
		enum http_verdict verdict = feed_reader(&reader, &feed);

		if (verdict != HTTP_WHOLE)
			fail_msg("%s, %zu at a time: verdict %d, status %d (%s)", good->name, piece,
				verdict, reader.status, reader.reason ? reader.reason : "-");
		check_request(good, &reader);
		assert_int_equal(http_reader_step(&reader), HTTP_WHOLE);
		http_reader_next(&reader);
	}
	assert_int_equal(feed.at, feed.length);
	assert_false(http_reader_begun(&reader));
	assert_null(reader.bytes.data);
	http_reader_finish(&reader);
	buf_finish(&twice);
}

static void test_well_formed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(well_formed) / sizeof(well_formed[0]); i++) {
		for (size_t piece = 1; piece < 12; piece++)
			check_well_formed(&well_formed[i], piece);
		check_well_formed(&well_formed[i], SIZE_MAX);
	}
}

static void test_fields(void **state)
{
	const char *text = "GET / HTTP/1.1\r\nHost: h\r\nAccept:\t text/html \t\r\nX-a: 1\r\n"
			   "x-A: 2\r\n\r\n";
	struct http_field fields[HTTP_FIELDS_MAX];
	struct http_request request = {0};
	struct feed feed = feed_text(text, SIZE_MAX);
	struct http_reader reader;
	size_t count = 9;

	(void)state;
	http_reader_init(&reader, BODY_MAX);
	assert_int_equal(feed_reader(&reader, &feed), HTTP_WHOLE);
	http_reader_request(&reader, fields, &request);
	assert_int_equal(request.field_count, 4);
	assert_string_equal(fields[1].name, "Accept");
	assert_string_equal(fields[1].value, "text/html");
	assert_int_equal(fields[1].value_length, 9);
	assert_string_equal(http_request_field(&request, "X-A", &count), "1");
	assert_int_equal(count, 2);
	assert_string_equal(http_request_field(&request, "host", NULL), "h");
	assert_null(http_request_field(&request, "Hos", &count));
	assert_int_equal(count, 0);
	http_reader_finish(&reader);
}

static void test_continue(void **state)
{
	const char *head = "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\n"
			   "Content-Length: 3\r\n\r\n";
	char all[128];
	struct http_reader reader;
	struct feed feed;

	(void)state;
	for (size_t piece = 1; piece < 120; piece++) {
		feed = feed_text(head, piece);
		http_reader_init(&reader, BODY_MAX);
		assert_int_equal(feed_reader(&reader, &feed), HTTP_MORE);
		assert_int_equal(feed.continues, 1);
		assert_int_equal(feed_reader(&reader, &feed), HTTP_MORE);
		feed = feed_text("abc", piece);
		assert_int_equal(feed_reader(&reader, &feed), HTTP_WHOLE);
		assert_int_equal(feed.continues, 0);
		http_reader_finish(&reader);
	}
	/* Who sends the body at once does not wait. */
	(void)snprintf(all, sizeof(all), "%s%s", head, "abc");
	feed = feed_text(all, SIZE_MAX);
	http_reader_init(&reader, BODY_MAX);
	assert_int_equal(feed_reader(&reader, &feed), HTTP_WHOLE);
	assert_int_equal(feed.continues, 0);
	http_reader_finish(&reader);
	/* Nor who has no body. */
	feed = feed_text("GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n", 1);
	http_reader_init(&reader, BODY_MAX);
	assert_int_equal(feed_reader(&reader, &feed), HTTP_WHOLE);
	assert_int_equal(feed.continues, 0);
	http_reader_finish(&reader);
}

static void expect_bounds(const struct buf *bytes, enum http_verdict verdict, int status)
{
	for (int whole = 0; whole < 2; whole++) {
		struct feed feed = {
			.bytes = bytes->data, .length = bytes->len, .piece = whole ? SIZE_MAX : 1};
		struct http_reader reader;

		http_reader_init(&reader, BODY_MAX);
		assert_int_equal(feed_reader(&reader, &feed), verdict);
		assert_int_equal(reader.status, status);
		http_reader_finish(&reader);
	}
}

/* `before`, bytes up to a length of `length`, `after`: the last length that is
 * taken, and the first that is not. */
static void check_bound(const char *before, size_t length, const char *after, int status)
{
	for (size_t more = 0; more < 2; more++) {
		struct buf bytes;

		buf_init(&bytes, 1024 * 1024);
		(void)buf_append_text(&bytes, before);
		while (bytes.len < length + more)
			(void)buf_append_char(&bytes, 'a');
		assert_int_equal(buf_append_text(&bytes, after), 0);
		expect_bounds(&bytes, more ? HTTP_REFUSED : HTTP_WHOLE, more ? status : 0);
		buf_finish(&bytes);
	}
}

static void test_bounds(void **state)
{
	const char *rest = " HTTP/1.1\r\nHost: x\r\n\r\n";

	(void)state;
	check_bound("GET /", 4 + HTTP_TARGET_MAX, rest, 414);
	check_bound("GET /?", 4 + HTTP_TARGET_MAX, rest, 414);
	check_bound("GET /%41", 4 + HTTP_TARGET_MAX, rest, 414);
	check_bound("", HTTP_METHOD_MAX, " / HTTP/1.1\r\nHost: x\r\n\r\n", 501);
	check_bound("GET / HTTP/1.1\r\nHost: x\r\nA: ", HTTP_HEAD_MAX - 4, "\r\n\r\n", 431);
	check_bound("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ",
		strlen("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n") +
			HTTP_TRAILER_MAX - 4,
		"\r\n\r\n", 431);
}

/* The largest body in the smallest chunks: the framing must not count, nor pile up. */
static void test_many_chunks(void **state)
{
	static const size_t pieces[] = {1, 2, 3, 1000, SIZE_MAX};
	struct buf bytes;

	(void)state;
	buf_init(&bytes, 1024 * 1024);
	(void)buf_append_text(
		&bytes, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (size_t i = 0; i < BODY_MAX; i++)
		(void)buf_printf(&bytes, "1\r\n%c\r\n", (char)('a' + i % 26));
	(void)buf_append_text(&bytes, "0\r\n");
	for (int i = 0; i < 500; i++)
		(void)buf_append_text(&bytes, "A: bcd\r\n");
	assert_int_equal(buf_append_text(&bytes, "\r\n"), 0);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct feed feed = {.bytes = bytes.data, .length = bytes.len, .piece = pieces[i]};
		struct http_reader reader;

		http_reader_init(&reader, BODY_MAX);
		assert_int_equal(feed_reader(&reader, &feed), HTTP_WHOLE);
		assert_int_equal(reader.body_length, BODY_MAX);
		for (size_t at = 0; at < BODY_MAX; at++)
			assert_int_equal(reader.bytes.data[reader.body + at], 'a' + at % 26);
		http_reader_finish(&reader);
	}
	buf_finish(&bytes);
}

/* The NUL after the body lies on the next request. */
static void test_pipelined(void **state)
{
	const char *text = "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
			   "POST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
			   "3\r\ndef\r\n0\r\n\r\n"
			   "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n"
			   "GET /4 HTTP/1.2\r\nHost: x\r\n\r\n";
	static const char *const bodies[] = {"abc", "def", ""};

	(void)state;
	for (size_t piece = 1; piece < strlen(text); piece++) {
		struct feed feed = feed_text(text, piece);
		struct http_reader reader;

		http_reader_init(&reader, BODY_MAX);
		for (int i = 0; i < 3; i++) {
			struct http_field fields[HTTP_FIELDS_MAX];
			struct http_request request = {0};

			assert_int_equal(feed_reader(&reader, &feed), HTTP_WHOLE);
			http_reader_request(&reader, fields, &request);
			assert_int_equal(request.path[1], '1' + i);
			assert_string_equal(request.body, bodies[i]);
			http_reader_next(&reader);
		}
		assert_int_equal(feed_reader(&reader, &feed), HTTP_REFUSED);
		assert_int_equal(reader.status, 505);
		http_reader_finish(&reader);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_well_formed),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_continue),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_many_chunks),
		cmocka_unit_test(test_pipelined),
	};

	return cmocka_run_group_tests_name("http_reader", tests, NULL, NULL);
}
