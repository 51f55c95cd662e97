/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry's members as JSON: "name":value,… without braces.
 */
#ifndef AUTHORITY_AUDIT_MEMBERS_H
#define AUTHORITY_AUDIT_MEMBERS_H

#include "authority/audit.h"
#include "authority/respond.h"

/* All but the correlation id: what equal refusals have in common. 0, ERROR_LIMIT or
 * ERROR_CRYPTO. */
int audit_members_append(
	struct buf *buf, const struct secret *key, const struct audit_entry *entry);

/* After it: the id of the one request. */
int audit_members_append_id(struct buf *buf, const char *correlation_id);

/* Or the count of many, and the ids of the first of them. */
struct audit_count {
	int64_t count;
	size_t id_count;
	char ids[AUDIT_CORRELATION_IDS_MAX][CORRELATION_ID_LENGTH + 1];
};
int audit_members_append_count(struct buf *buf, const struct audit_count *count);

#endif
