/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's records, each kind. Whatever is accepted is printed, and read from that again as
 * the same.
 */
#include "client/record.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { ROOM = 2 * STORAGE_PART_MAX };

static void check_refusal(int error, const struct fault *fault)
{
	if (!*fault->text || (error != ERROR_INVALID && error != ERROR_VERSION))
		abort();
}

static void check_same(const struct buf *first, const struct buf *second)
{
	if (first->len != second->len || memcmp(first->data, second->data, first->len) != 0)
		abort();
}

static void try_account(const char *text, size_t size)
{
	struct account_record record;
	struct account_record again;
	struct fault fault = {0};
	struct buf first;
	struct buf second;
	int error = account_record_parse(text, size, &record, &fault);

	if (error) {
		check_refusal(error, &fault);
		return;
	}
	if (!record.authority || !record.client_id || !record.method)
		abort();
	buf_init(&first, ROOM);
	buf_init(&second, ROOM);
	if (account_record_print(&record, &first) ||
		account_record_parse(first.data, first.len, &again, NULL) ||
		account_record_print(&again, &second))
		abort();
	check_same(&first, &second);
	buf_finish(&first);
	buf_finish(&second);
	account_record_finish(&record);
	account_record_finish(&again);
}

static void try_token(const char *text, size_t size)
{
	struct token_record record;
	struct token_record again;
	struct fault fault = {0};
	struct buf first;
	struct buf second;
	int error = token_record_parse(text, size, &record, &fault);

	if (error) {
		check_refusal(error, &fault);
		return;
	}
	if (record.expires_in_s < -1 || record.intent.tries < 0)
		abort();
	buf_init(&first, ROOM);
	buf_init(&second, ROOM);
	if (token_record_print(&record, &first) ||
		token_record_parse(first.data, first.len, &again, NULL) ||
		token_record_print(&again, &second))
		abort();
	check_same(&first, &second);
	buf_finish(&first);
	buf_finish(&second);
	token_record_finish(&record);
	token_record_finish(&again);
}

static void try_gate(const char *text, size_t size)
{
	struct gate_record record;
	struct gate_record again;
	struct fault fault = {0};
	struct buf first;
	struct buf second;
	int error = gate_record_parse(text, size, &record, &fault);

	if (error) {
		check_refusal(error, &fault);
		return;
	}
	buf_init(&first, ROOM);
	buf_init(&second, ROOM);
	if (gate_record_print(&record, &first) ||
		gate_record_parse(first.data, first.len, &again, NULL) ||
		gate_record_print(&again, &second))
		abort();
	check_same(&first, &second);
	buf_finish(&first);
	buf_finish(&second);
	gate_record_finish(&record);
	gate_record_finish(&again);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	try_account((const char *)data, size);
	try_token((const char *)data, size);
	try_gate((const char *)data, size);
	return 0;
}
