/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that a strict server refuses, each with its status. A request is
 * `before`, `count` times `filler`, `after`. Bodies may have 64 KiB.
 */
#ifndef TESTS_NET_MALFORMED_REQUESTS_H
#define TESTS_NET_MALFORMED_REQUESTS_H

#include <stddef.h>

struct malformed_request {
	const char *name;
	int status;
	const char *before;
	size_t before_length;
	const char *filler;
	size_t count;
	const char *after;
};

#define BAD(name, status, bytes)                                                                   \
	{                                                                                          \
		name, status, bytes, sizeof(bytes) - 1, "", 0, ""                                  \
	}
#define BAD_LONG(name, status, before, filler, count, after)                                       \
	{                                                                                          \
		name, status, before, sizeof(before) - 1, filler, count, after                     \
	}

/* The line is wrong, and the rest would be right. */
#define BAD_LINE(name, status, line) BAD(name, status, line "\r\nHost: x\r\n\r\n")
/* The fields are wrong, or what follows them. */
#define BAD_FIELDS(name, status, fields)                                                           \
	BAD(name, status, "POST / HTTP/1.1\r\nHost: x\r\n" fields "\r\n\r\n")
#define BAD_HOST(name, host) BAD(name, 400, "GET / HTTP/1.1\r\n" host "\r\n\r\n")
#define BAD_CHUNKS(name, status, chunks)                                                           \
	BAD(name, status, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" chunks)

static const struct malformed_request malformed_requests[] = {
	/* Request line. */
	BAD_LINE("method_empty", 400, " / HTTP/1.1"),
	BAD_LINE("method_parenthesis", 400, "G(T / HTTP/1.1"),
	BAD_LINE("method_nul", 400, "G\0T / HTTP/1.1"),
	BAD_LINE("method_8bit", 400, "G\xc3\x89T / HTTP/1.1"),
	BAD_LINE("method_colon", 400, "GET: / HTTP/1.1"),
	BAD_LINE("method_too_long", 501, "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1"),
	BAD_LONG("method_never_ends", 501, "", "A", 5000, ""),
	BAD_LINE("tab_before_target", 400, "GET\t/ HTTP/1.1"),
	BAD_LINE("two_spaces_before_target", 400, "GET  / HTTP/1.1"),
	BAD_LINE("two_spaces_before_version", 400, "GET /  HTTP/1.1"),
	BAD_LINE("tab_before_version", 400, "GET /\tHTTP/1.1"),
	BAD_LINE("space_after_version", 400, "GET / HTTP/1.1 "),
	BAD_LINE("space_before_method", 400, " GET / HTTP/1.1"),
	BAD_LINE("no_target", 400, "GET HTTP/1.1"),
	BAD_LINE("no_version", 400, "GET /"),
	BAD_LINE("method_alone", 400, "GET"),
	BAD("http_0_9", 400, "GET /\r\n"),
	BAD_LINE("version_lower_case", 400, "GET / http/1.1"),
	BAD_LINE("version_three_digits", 400, "GET / HTTP/1.10"),
	BAD_LINE("version_no_dot", 400, "GET / HTTP/11"),
	BAD_LINE("version_comma", 400, "GET / HTTP/1,1"),
	BAD_LINE("version_leading_zero", 400, "GET / HTTP/01.1"),
	BAD_LINE("version_space", 400, "GET / HTTP/ 1.1"),
	BAD_LINE("version_letters", 400, "GET / HTTP/x.y"),
	BAD_LINE("version_other_protocol", 400, "GET / HTTX/1.1"),
	BAD_LINE("version_2_0", 505, "GET / HTTP/2.0"),
	BAD_LINE("version_1_2", 505, "GET / HTTP/1.2"),
	BAD_LINE("version_0_9", 505, "GET / HTTP/0.9"),
	BAD_LINE("version_9_9", 505, "GET / HTTP/9.9"),
	BAD("http2_preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
	BAD_LINE("target_absolute", 400, "GET http://x/ HTTP/1.1"),
	BAD_LINE("target_authority", 400, "CONNECT x:443 HTTP/1.1"),
	BAD_LINE("target_asterisk", 400, "OPTIONS * HTTP/1.1"),
	BAD_LINE("target_without_slash", 400, "GET token HTTP/1.1"),
	BAD_LINE("target_query_alone", 400, "GET ?x HTTP/1.1"),
	BAD_LINE("target_fragment", 400, "GET /a#b HTTP/1.1"),
	BAD_LINE("target_fragment_in_query", 400, "GET /a?b#c HTTP/1.1"),
	BAD_LINE("target_space", 400, "GET /a b HTTP/1.1"),
	BAD_LINE("target_8bit", 400, "GET /\xc3\xa9 HTTP/1.1"),
	BAD_LINE("target_8bit_in_query", 400, "GET /?\xc3\xa9 HTTP/1.1"),
	BAD_LINE("target_nul_escape", 400, "GET /a%00b HTTP/1.1"),
	BAD_LINE("target_nul_escape_in_query", 400, "GET /?a=%00 HTTP/1.1"),
	BAD_LINE("target_escape_letters", 400, "GET /%zz HTTP/1.1"),
	BAD_LINE("target_escape_half", 400, "GET /%4 HTTP/1.1"),
	BAD_LINE("target_escape_empty", 400, "GET /% HTTP/1.1"),
	BAD_LINE("target_escape_half_before_query", 400, "GET /%4?1 HTTP/1.1"),
	BAD_LINE("target_escape_unicode", 400, "GET /%u0041 HTTP/1.1"),
	BAD_LINE("target_escape_in_query", 400, "GET /?%1g HTTP/1.1"),
	BAD_LINE("target_nul", 400, "GET /a\0b HTTP/1.1"),
	BAD_LINE("target_quote", 400, "GET /\"a HTTP/1.1"),
	BAD_LINE("target_less_than", 400, "GET /<a HTTP/1.1"),
	BAD_LINE("target_greater_than_in_query", 400, "GET /?>a HTTP/1.1"),
	BAD_LINE("target_backslash", 400, "GET /..\\a HTTP/1.1"),
	BAD_LINE("target_pipe", 400, "GET /a|b HTTP/1.1"),
	BAD_LINE("target_brace", 400, "GET /{a} HTTP/1.1"),
	BAD_LINE("target_del", 400, "GET /\x7f HTTP/1.1"),
	BAD_LINE("target_escape_character", 400, "GET /\x1b[0m HTTP/1.1"),
	BAD_LINE("target_tab", 400, "GET /a\tb HTTP/1.1"),
	BAD_LINE("target_bare_cr", 400, "GET /a\rb HTTP/1.1"),
	BAD_LONG("target_too_long", 414, "GET /", "a", 4096, " HTTP/1.1\r\nHost: x\r\n\r\n"),
	BAD_LONG("query_too_long", 414, "GET /?", "a", 4096, " HTTP/1.1\r\nHost: x\r\n\r\n"),
	BAD_LONG("target_never_ends", 414, "GET /", "a", 20000, ""),
	BAD("line_bare_lf", 400, "GET / HTTP/1.1\nHost: x\r\n\r\n"),
	BAD("line_bare_cr", 400, "GET / HTTP/1.1\rHost: x\r\n\r\n"),
	BAD("line_two_crs", 400, "GET / HTTP/1.1\r\r\nHost: x\r\n\r\n"),
	BAD_LINE("two_empty_lines_first", 400, "\r\n\r\nGET / HTTP/1.1"),
	BAD_LINE("lf_first", 400, "\nGET / HTTP/1.1"),
	BAD_LINE("nul_first", 400, "\0GET / HTTP/1.1"),
	BAD("tls_client_hello", 400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
	BAD("ssh_banner", 400, "SSH-2.0-OpenSSH_9.2\r\n"),
	BAD("proxy_protocol", 400, "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nGET / HTTP/1.1\r\n\r\n"),

	/* Fields. */
	BAD("no_host", 400, "GET / HTTP/1.1\r\n\r\n"),
	BAD("no_host_among_others", 400, "GET / HTTP/1.1\r\nAccept: */*\r\n\r\n"),
	BAD_HOST("two_hosts", "Host: x\r\nHost: x"),
	BAD_HOST("two_hosts_other_case", "Host: x\r\nhOST: y"),
	BAD_HOST("host_empty", "Host:"),
	BAD_HOST("host_blank", "Host:  \t"),
	BAD_HOST("host_space", "Host: x y"),
	BAD_HOST("host_list", "Host: x, y"),
	BAD_HOST("host_user", "Host: u@x"),
	BAD_HOST("host_path", "Host: x/y"),
	BAD_HOST("host_port_letters", "Host: x:http"),
	BAD_HOST("host_port_too_long", "Host: x:123456"),
	BAD_HOST("host_port_alone", "Host: :80"),
	BAD_HOST("host_two_ports", "Host: x:80:80"),
	BAD_HOST("host_ipv6_open", "Host: [::1"),
	BAD_HOST("host_ipv6_empty", "Host: []"),
	BAD_HOST("host_ipv6_zone", "Host: [fe80::1%25eth0]"),
	BAD_HOST("host_ipv6_bare", "Host: ::1"),
	BAD_HOST("host_8bit", "Host: \xc3\xa9"),
	BAD("two_hosts_in_1_0", 400, "GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n"),
	BAD_FIELDS("space_before_colon", 400, "A : b"),
	BAD_FIELDS("tab_before_colon", 400, "A\t: b"),
	BAD_FIELDS("length_space_before_colon", 400, "Content-Length : 5"),
	BAD_FIELDS("name_empty", 400, ": b"),
	BAD_FIELDS("no_colon", 400, "Abc"),
	BAD_FIELDS("name_space", 400, "A B: c"),
	BAD_FIELDS("name_8bit", 400, "\xc3\x89: c"),
	BAD_FIELDS("name_parenthesis", 400, "A(: c"),
	BAD_FIELDS("name_quote", 400, "\"A\": c"),
	BAD_FIELDS("name_slash", 400, "A/B: c"),
	BAD_FIELDS("name_nul", 400, "A\0: c"),
	BAD_FIELDS("value_nul", 400, "A: b\0c"),
	BAD_FIELDS("value_bare_cr", 400, "A: b\rc"),
	BAD_FIELDS("value_cr_cr_lf", 400, "A: b\r"),
	BAD_FIELDS("value_bare_lf", 400, "A: b\nC: d"),
	BAD_FIELDS("value_escape", 400, "A: \x1b[0m"),
	BAD_FIELDS("value_del", 400, "A: \x7f"),
	BAD_FIELDS("value_vertical_tab", 400, "A: \x0b"),
	BAD_FIELDS("value_form_feed", 400, "A: \x0c"),
	BAD_FIELDS("value_backspace", 400, "A: b\b"),
	BAD_FIELDS("folded_space", 400, "A: b\r\n c"),
	BAD_FIELDS("folded_tab", 400, "A: b\r\n\tc"),
	BAD_FIELDS("folded_empty", 400, "A: b\r\n "),
	BAD_LINE("folded_first", 400, "GET / HTTP/1.1\r\n A: b"),
	BAD("head_ends_in_bare_lf", 400, "GET / HTTP/1.1\r\nHost: x\r\n\n"),
	BAD("head_all_bare_lf", 400, "GET / HTTP/1.1\nHost: x\n\n"),
	BAD_LONG("too_many_fields", 431, "GET / HTTP/1.1\r\nHost: x\r\n", "A: b\r\n", 64, "\r\n"),
	BAD_LONG("head_too_large", 431, "GET / HTTP/1.1\r\nHost: x\r\nA: ", "a", 16384, "\r\n\r\n"),
	BAD_LONG("field_never_ends", 431, "GET / HTTP/1.1\r\nHost: x\r\nA: ", "a", 40000, ""),
	BAD_LONG("name_never_ends", 431, "GET / HTTP/1.1\r\nHost: x\r\n", "a", 40000, ""),

	/* Framing. */
	BAD_FIELDS("length_and_coding", 400, "Content-Length: 5\r\nTransfer-Encoding: chunked"),
	BAD_FIELDS("coding_and_length", 400, "Transfer-Encoding: chunked\r\nContent-Length: 5"),
	BAD_FIELDS("coding_and_length_0", 400, "Transfer-Encoding: chunked\r\nContent-Length: 0"),
	BAD_FIELDS("length_twice", 400, "Content-Length: 5\r\nContent-Length: 5"),
	BAD_FIELDS("length_twice_differing", 400, "Content-Length: 5\r\nContent-Length: 6"),
	BAD_FIELDS("length_list", 400, "Content-Length: 5, 5"),
	BAD_FIELDS("length_negative", 400, "Content-Length: -1"),
	BAD_FIELDS("length_plus", 400, "Content-Length: +5"),
	BAD_FIELDS("length_hexadecimal", 400, "Content-Length: 0x5"),
	BAD_FIELDS("length_empty", 400, "Content-Length:"),
	BAD_FIELDS("length_inner_space", 400, "Content-Length: 1 0"),
	BAD_FIELDS("length_point", 400, "Content-Length: 5.0"),
	BAD_FIELDS("length_letters", 400, "Content-Length: 5b"),
	BAD_FIELDS("length_underscore", 400, "Content-Length: 1_0"),
	BAD_FIELDS("length_quoted", 400, "Content-Length: \"5\""),
	BAD_FIELDS("length_vertical_tab", 400,
		"Content-Length: \x0b"
		"5"),
	BAD_FIELDS("length_8bit_digit", 400, "Content-Length: \xd9\xa5"),
	BAD_FIELDS("length_too_large", 413, "Content-Length: 65537"),
	BAD_FIELDS("length_2_to_64", 413, "Content-Length: 18446744073709551616"),
	BAD_FIELDS("length_2_to_64_and_5", 413, "Content-Length: 18446744073709551621"),
	BAD_FIELDS("length_too_large_expect", 413, "Content-Length: 65537\r\nExpect: 100-continue"),
	BAD("length_malformed_in_1_0", 400, "POST / HTTP/1.0\r\nContent-Length: x\r\n\r\n"),
	BAD_FIELDS("coding_gzip", 400, "Transfer-Encoding: gzip"),
	BAD_FIELDS("coding_gzip_chunked", 400, "Transfer-Encoding: gzip, chunked"),
	BAD_FIELDS("coding_chunked_gzip", 400, "Transfer-Encoding: chunked, gzip"),
	BAD_FIELDS("coding_chunked_chunked", 400, "Transfer-Encoding: chunked, chunked"),
	BAD_FIELDS("coding_two_fields", 400,
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
	BAD_FIELDS("coding_identity", 400, "Transfer-Encoding: identity"),
	BAD_FIELDS("coding_identity_then_chunked", 400,
		"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"),
	BAD_FIELDS("coding_xchunked", 400, "Transfer-Encoding: xchunked"),
	BAD_FIELDS("coding_quoted", 400, "Transfer-Encoding: \"chunked\""),
	BAD_FIELDS("coding_empty", 400, "Transfer-Encoding:"),
	BAD_FIELDS("coding_comma", 400, "Transfer-Encoding: chunked,"),
	BAD_FIELDS("coding_parameter", 400, "Transfer-Encoding: chunked;q=1"),
	BAD_FIELDS("coding_vertical_tab", 400,
		"Transfer-Encoding: \x0b"
		"chunked"),
	BAD_FIELDS("coding_folded", 400, "Transfer-Encoding:\r\n chunked"),
	BAD_FIELDS("coding_space_before_colon", 400, "Transfer-Encoding : chunked"),
	BAD("coding_in_1_0", 400, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
	BAD_FIELDS("expect_other", 417, "Expect: 200-ok"),
	BAD_FIELDS("expect_empty", 417, "Expect:"),
	BAD_FIELDS("expect_twice", 417, "Expect: 100-continue\r\nExpect: 100-continue"),
	BAD_FIELDS("expect_list", 417, "Expect: 100-continue, x"),

	/* Chunks. */
	BAD_CHUNKS("chunk_extension", 400, "5;a=b\r\nhello\r\n0\r\n\r\n"),
	BAD_CHUNKS("chunk_extension_after_space", 400, "5 ;a\r\nhello\r\n0\r\n\r\n"),
	BAD_CHUNKS("chunk_extension_last", 400, "0;a\r\n\r\n"),
	BAD_CHUNKS("chunk_size_empty", 400, "\r\nhello"),
	BAD_CHUNKS("chunk_size_negative", 400, "-1\r\nh\r\n"),
	BAD_CHUNKS("chunk_size_plus", 400, "+1\r\nh\r\n"),
	BAD_CHUNKS("chunk_size_0x", 400, "0x5\r\nhello\r\n"),
	BAD_CHUNKS("chunk_size_underscore", 400, "1_0\r\n"),
	BAD_CHUNKS("chunk_size_leading_space", 400, " 5\r\nhello\r\n"),
	BAD_CHUNKS("chunk_size_trailing_space", 400, "5 \r\nhello\r\n"),
	BAD_CHUNKS("chunk_size_letters", 400, "g\r\n"),
	BAD_CHUNKS("chunk_size_nul", 400, "5\0\r\nhello\r\n"),
	BAD_CHUNKS("chunk_size_17_digits", 400, "00000000000000005\r\nhello\r\n"),
	BAD_CHUNKS("chunk_size_bare_lf", 400, "5\nhello\r\n0\r\n\r\n"),
	BAD_CHUNKS("chunk_size_bare_cr", 400, "5\rhello\r\n0\r\n\r\n"),
	BAD_CHUNKS("chunk_too_long", 400, "5\r\nhello!\r\n0\r\n\r\n"),
	BAD_CHUNKS("chunk_ends_in_bare_lf", 400, "5\r\nhello\n0\r\n\r\n"),
	BAD_CHUNKS("chunk_ends_in_bare_cr", 400, "5\r\nhello\r0\r\n\r\n"),
	BAD_CHUNKS("chunk_too_short", 400, "6\r\nhello\r\n0\r\n\r\n"),
	BAD_CHUNKS("chunk_too_large", 413, "10001\r\n"),
	BAD_CHUNKS("chunk_2_to_64_less_1", 413, "ffffffffffffffff\r\n"),
	BAD_CHUNKS("chunk_second_2_to_64_less_1", 413, "1\r\na\r\nffffffffffffffff\r\n"),
	BAD_CHUNKS("chunks_too_large_together", 413, "1\r\na\r\n10000\r\n"),
	BAD_CHUNKS("trailer_folded", 400, "0\r\nA: b\r\n c\r\n\r\n"),
	BAD_CHUNKS("trailer_folded_first", 400, "0\r\n A: b\r\n\r\n"),
	BAD_CHUNKS("trailer_no_colon", 400, "0\r\nAbc\r\n\r\n"),
	BAD_CHUNKS("trailer_bare_lf", 400, "0\r\nA: b\n\r\n"),
	BAD_CHUNKS("trailer_ends_in_bare_lf", 400, "0\r\n\n"),
	BAD_CHUNKS("trailer_nul", 400, "0\r\nA: \0\r\n\r\n"),
	BAD_CHUNKS("trailer_space_before_colon", 400, "0\r\nA : b\r\n\r\n"),
	BAD_CHUNKS("trailer_is_next_request", 400, "0\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n"),
	BAD_LONG("trailer_too_large", 431,
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: ", "a",
		5000, "\r\n\r\n"),
	BAD_LONG("trailer_never_ends", 431,
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "A: b\r\n",
		5000, ""),
};

enum { MALFORMED_REQUEST_COUNT = sizeof(malformed_requests) / sizeof(malformed_requests[0]) };

#endif
