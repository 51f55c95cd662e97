/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One entry of the audit, as it stands in a file (docs/adr/0013):
 *
 *   {"seq":N,"prev":"MAC","time":T,MEMBERS,"mac":"MAC"}
 *
 * `mac` is an HMAC-SHA-256 of all that stands before `,"mac"`, under a key that is
 * derived from the secret key; `prev` is the mac of the entry before it, so that
 * nobody without the key can change, move, remove or add one.
 */
#ifndef AUTHORITY_AUDIT_LINE_H
#define AUTHORITY_AUDIT_LINE_H

#include "base/buf.h"
#include "base/secret.h"

#include <stdint.h>

enum {
	AUDIT_MAC_SIZE = 32,
	AUDIT_MAC_TEXT = 43,	  /* base64url of it */
	AUDIT_MEMBERS_MAX = 8192, /* bytes of one entry's members */
	AUDIT_LINE_MAX = AUDIT_MEMBERS_MAX + 256,
};

struct audit_line {
	int64_t seq;
	int64_t time; /* Unix seconds */
	unsigned char prev[AUDIT_MAC_SIZE];
	unsigned char mac[AUDIT_MAC_SIZE];
};

/* The key of the entries' MACs, of the data directory's secret key. 0, ERROR_MEMORY or
 * ERROR_CRYPTO. */
int audit_key_derive(const struct secret *secret_key, struct secret *ret_key);

/* Appends the entry that follows `prev` in the line's seq, time and prev, with its line
 * feed, and writes its mac there. `members` is JSON: "name":value,… */
int audit_line_append(struct buf *buf, const struct secret *key, struct audit_line *line,
	const char *members, size_t length);

/* Reads one of `length` bytes, its line feed apart. ERROR_INVALID: it has not the form of
 * an entry. ERROR_REFUSED: it has, and the mac is another than its own. */
int audit_line_read(
	const struct secret *key, const char *text, size_t length, struct audit_line *ret_line);

#endif
