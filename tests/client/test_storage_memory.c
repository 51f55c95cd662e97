/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One allocation after another fails, of each step that a client takes with a storage and its
 * records: the step says so, and does what it should when it is tried again. Those of jansson
 * are left out: 2.14 writes beyond its buffers where one that grows a token's text fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client/record.h"
#include "short_of_memory.h"
#include "storage_place.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scene {
	struct place place;
	enum storage_kind kind;
	struct storage *storage;
	struct account_record account;
	struct token_record token;
	struct gate_record gate;
	struct storage_lock lock;
	struct fault fault;
};

/* --- steps ----------------------------------------------------------------------------- */

static int open_it(struct scene *scene)
{
	const struct storage_options options = {
		.kind = scene->kind, .directory = scene->place.directory};

	return storage_open(&options, &scene->storage, &scene->fault);
}

static int fill_account(struct scene *scene)
{
	struct account_record *record = &scene->account;
	int error = record_set_text(&record->authority, "https://login.example/identity");

	if (!error)
		error = record_set_text(&record->client_id, "external.customer");
	if (!error)
		error = record_set_text(&record->secret, "a password");
	record->method = ACCOUNT_PASSWORD;
	return error;
}

static int write_account(struct scene *scene)
{
	return account_record_write(scene->storage, ACCOUNT, &scene->account, &scene->fault);
}

static int read_account(struct scene *scene)
{
	struct account_record record;
	int error = account_record_read(scene->storage, ACCOUNT, &record, &scene->fault);

	if (error)
		return error;
	assert_string_equal(record.secret, "a password");
	account_record_finish(&record);
	return 0;
}

static int fill_token(struct scene *scene)
{
	int error = record_set_text(&scene->token.access_token, "a.b.c");

	return error ? error : record_set_text(&scene->token.refresh_token, "adr_x");
}

static int write_token(struct scene *scene)
{
	return token_record_write(scene->storage, ACCOUNT, "", &scene->token, &scene->fault);
}

static int read_token(struct scene *scene)
{
	struct token_record record;
	int error = token_record_read(scene->storage, ACCOUNT, "", &record, &scene->fault);

	if (error)
		return error;
	assert_string_equal(record.access_token, "a.b.c");
	assert_string_equal(record.refresh_token, "adr_x");
	token_record_finish(&record);
	return 0;
}

static int write_gate(struct scene *scene)
{
	int error = record_set_text(&scene->gate.metadata, "{\"issuer\":\"x\"}");

	if (error)
		return error;
	return gate_record_write(scene->storage, ACCOUNT, &scene->gate, &scene->fault);
}

static int read_gate(struct scene *scene)
{
	struct gate_record record;
	int error = gate_record_read(scene->storage, ACCOUNT, &record, &scene->fault);

	if (error)
		return error;
	assert_string_equal(record.metadata, "{\"issuer\":\"x\"}");
	gate_record_finish(&record);
	return 0;
}

static int take_lock(struct scene *scene)
{
	return storage_lock_try(scene->storage, ACCOUNT, &scene->lock, &scene->fault);
}

static int open_anew(struct scene *scene)
{
	if (scene->kind == STORAGE_MEMORY)
		return 0;
	storage_close(scene->storage);
	scene->storage = NULL;
	return open_it(scene);
}

static int remove_all(struct scene *scene)
{
	return storage_remove_account(scene->storage, ACCOUNT, &scene->fault);
}

static int (*const steps[])(struct scene *) = {open_it, fill_account, write_account, read_account,
	fill_token, write_token, read_token, write_gate, read_gate, take_lock, open_anew,
	read_account, write_token, read_token, remove_all};

/* --- failing --------------------------------------------------------------------------- */

static void take_step(struct scene *scene, long number, size_t step)
{
	int error = steps[step](scene);

	if (!error)
		return;
	if (error != ERROR_MEMORY || !memory_has_failed())
		fail_msg(
			"allocation %ld, step %zu: %d: %s", number, step, error, scene->fault.text);
	error = steps[step](scene);
	if (error)
		fail_msg("allocation %ld, step %zu again: %d: %s", number, step, error,
			scene->fault.text);
}

/* Whether the failure was met. */
static bool run(enum storage_kind kind, long number)
{
	struct scene scene = {.kind = kind};
	bool met;

	place_make(&scene.place);
	account_record_init(&scene.account);
	token_record_init(&scene.token);
	gate_record_init(&scene.gate);
	memory_fail_at(number);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		take_step(&scene, number, i);
	met = memory_has_failed();
	memory_fail_at(-1);
	storage_unlock(&scene.lock);
	storage_close(scene.storage);
	account_record_finish(&scene.account);
	token_record_finish(&scene.token);
	gate_record_finish(&scene.gate);
	place_remove(&scene.place);
	return met;
}

static void test_in_memory(void **state)
{
	long number = 0;

	(void)state;
	while (run(STORAGE_MEMORY, number))
		number++;
	assert_in_range(number, 30, 1000);
}

static void test_in_sealed_files(void **state)
{
	long number = 0;

	(void)state;
	while (run(STORAGE_SEALED, number))
		number++;
	assert_in_range(number, 40, 2000);
}

static void test_in_plain_files(void **state)
{
	long number = 0;

	(void)state;
	while (run(STORAGE_PLAIN, number))
		number++;
	assert_in_range(number, 40, 2000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_memory),
		cmocka_unit_test(test_in_sealed_files),
		cmocka_unit_test(test_in_plain_files),
	};

	(void)unsetenv("CREDENTIALS_DIRECTORY");
	(void)unsetenv("DBUS_SESSION_BUS_ADDRESS");
	(void)unsetenv("XDG_RUNTIME_DIR");
	return cmocka_run_group_tests_name("client storage memory", tests, NULL, NULL);
}
