/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit's chain: whatever is done to its files is found, a crash at any point is not
 * taken for it, and it stays within its bounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "audit_place.h"

#include "authority/audit_flood.h"
#include "authority/audit_read.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FILES_MAX = 64,
	FILE_SIZE_MAX = 64 * 1024,
	ENTRIES = 60,
	SMALL_FILE = 2048,
};

struct file {
	char path[PATH_MAX];
	char bytes[FILE_SIZE_MAX];
	size_t length;
};

/* As they were written. */
static struct file files[FILES_MAX];
static size_t file_count;

/* By the linker's --wrap: thousands of syncs would only take time. */
int __wrap_fdatasync(int fd);
int __wrap_fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
	(void)fd;
	return 0;
}

static void append(struct place *place, int count, int64_t file_max, int64_t total_max)
{
	const struct audit_limits limits = {.file_max = file_max, .total_max = total_max};
	struct audit_chain chain;

	open_chain(place, &chain, place->head.seq ? &place->head : NULL, limits);
	append_to(place, &chain, count);
	audit_chain_close(&chain);
}

static void assert_broken(const struct place *place, const char *word)
{
	const struct audit_verdict verdict = verdict_of(place);

	if (!strstr(verdict.problem, word))
		fail_msg("\"%s\" does not say \"%s\"", verdict.problem, word);
}

/* --- the files as bytes --------------------------------------------------------- */

static void read_files(struct place *place)
{
	struct audit_snapshot snapshot;
	struct fault fault = {0};

	assert_int_equal(audit_snapshot_take(place->folder, &snapshot, &fault), 0);
	file_count = snapshot.files.count;
	assert_true(file_count && file_count < FILES_MAX);
	for (size_t i = 0; i < file_count; i++) {
		struct file *file = &files[i];
		int fd;

		(void)snprintf(file->path, sizeof(file->path), "%s/audit/%s", place->folder,
			snapshot.files.list[i].name);
		fd = open(file->path, O_RDONLY);
		assert_true(fd >= 0);
		file->length = (size_t)read(fd, file->bytes, sizeof(file->bytes));
		assert_int_equal(file->length, snapshot.files.list[i].size);
		(void)close(fd);
	}
	audit_snapshot_finish(&snapshot);
}

static void put_file(const char *path, const char *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	/* Not O_TRUNC, after which some file systems wait for the disk. */
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, length), length);
	assert_int_equal(ftruncate(fd, (off_t)length), 0);
	(void)close(fd);
}

static void put_back(void)
{
	for (size_t i = 0; i < file_count; i++)
		put_file(files[i].path, files[i].bytes, files[i].length);
}

/* A sequence that is the same in every run. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Where the line at `index` (of how many there are, where that is taken) begins. */
static size_t line_at(const struct file *file, size_t index)
{
	size_t at = 0;

	while (index--)
		at = (size_t)((const char *)memchr(file->bytes + at, '\n', file->length - at) -
			      file->bytes) +
		     1;
	return at;
}

static size_t count_lines(const struct file *file)
{
	size_t count = 0;

	for (size_t i = 0; i < file->length; i++)
		count += file->bytes[i] == '\n';
	return count;
}

static size_t take(char *to, size_t length, const struct file *file, size_t from, size_t end)
{
	memcpy(to + length, file->bytes + from, end - from);
	return length + end - from;
}

/* Changes one file in one way, and says how. */
static const char *damage(uint32_t *seed, unsigned way)
{
	static char bytes[2 * FILE_SIZE_MAX];
	const struct file *file = &files[next_random(seed) % file_count];
	size_t lines = count_lines(file);
	size_t line = next_random(seed) % lines;
	size_t begin = line_at(file, line);
	size_t end = line_at(file, line + 1);
	size_t at = next_random(seed) % file->length;
	size_t length = file->length;
	const char *what = NULL;

	memcpy(bytes, file->bytes, file->length);
	switch (way) {
	case 0:
		what = "a byte changed";
		bytes[at] = (char)(bytes[at] ^ (1 << next_random(seed) % 8));
		break;
	case 1:
		what = "a byte removed";
		length = take(bytes, at, file, at + 1, file->length);
		break;
	case 2:
		what = "a byte added";
		length = take(bytes, at + 1, file, at, file->length);
		bytes[at] = 'x';
		break;
	case 3:
		what = "an entry removed";
		length = take(bytes, begin, file, end, file->length);
		break;
	case 4:
		what = "an entry twice";
		length = take(bytes, end, file, begin, end);
		length = take(bytes, length, file, end, file->length);
		break;
	case 5:
		what = "two entries swapped";
		line -= line + 1 == lines;
		begin = line_at(file, line);
		end = line_at(file, line + 1);
		at = line_at(file, line + 2);
		length = take(bytes, begin, file, end, at);
		length = take(bytes, length, file, begin, end);
		length = take(bytes, length, file, at, file->length);
		break;
	case 6:
		what = "a file cut off";
		length = at;
		break;
	default:
		what = "a file removed";
		(void)unlink(file->path);
		return what;
	}
	if (length == file->length && !memcmp(bytes, file->bytes, length))
		fail_msg("%s: nothing was changed", what);
	put_file(file->path, bytes, length);
	return what;
}

/* Of the issue: 1,000 single edits, deletions, swaps and truncations are all found. */
static void test_every_damage_is_found(void **state)
{
	struct place *place = *state;
	uint32_t seed = 1;

	append(place, ENTRIES, SMALL_FILE, 0);
	read_files(place);
	assert_true(file_count >= 5);
	assert_whole(place);
	for (unsigned i = 0; i < 1600; i++) {
		const char *what = damage(&seed, i % 8);
		struct audit_verdict verdict = verdict_of(place);

		if (!*verdict.problem)
			fail_msg("round %u: %s, and it is not found", i, what);
		put_back();
	}
	assert_whole(place);
}

static void test_files_that_change_places(void **state)
{
	struct place *place = *state;

	append(place, ENTRIES, SMALL_FILE, 0);
	read_files(place);
	for (size_t i = 0; i + 1 < file_count; i++) {
		put_file(files[i].path, files[i + 1].bytes, files[i + 1].length);
		put_file(files[i + 1].path, files[i].bytes, files[i].length);
		assert_string_not_equal(verdict_of(place).problem, "");
		put_back();
	}
	for (size_t i = 0; i < file_count; i++)
		(void)unlink(files[i].path);
	assert_broken(place, "the end is missing");
}

static void test_another_chain_or_key(void **state)
{
	struct place *place = *state;

	append(place, ENTRIES, SMALL_FILE, 0);
	place->head.mac[5] ^= 1;
	assert_broken(place, "another one than the store knows");
	place->head.mac[5] ^= 1;
	assert_whole(place);
	place->scene->secret_key.bytes[3] ^= 1;
	assert_broken(place, "written under another secret key");
	place->scene->secret_key.bytes[3] ^= 1;
}

/* The whole lines of the first `length` bytes are there still, and what was cut off is
 * said to be. */
static void assert_kept(const struct file *before, size_t length)
{
	bool whole_lines = before->bytes[length - 1] == '\n';
	struct file *now = &files[1];
	int fd = open(before->path, O_RDONLY);

	assert_true(fd >= 0);
	while (before->bytes[length - 1] != '\n')
		length--;
	now->length = (size_t)read(fd, now->bytes, sizeof(now->bytes) - 1);
	now->bytes[now->length] = '\0';
	(void)close(fd);
	assert_memory_equal(now->bytes, before->bytes, length);
	assert_int_equal(strstr(now->bytes, "audit_cut") != NULL, !whole_lines);
}

/* A crash ends the last file anywhere behind what the store knows: what is whole stays,
 * and what is not is cut off, once, with an entry. */
static void test_a_crash_at_any_byte(void **state)
{
	struct place *place = *state;
	struct store_audit_head known;
	const struct file *last;
	size_t from;

	append(place, 5, 0, 0);
	known = place->head;
	append(place, 2, 0, 0);
	read_files(place);
	last = &files[0];
	from = line_at(last, count_lines(last) - 2);
	for (size_t length = from; length <= last->length; length++) {
		bool whole_lines = last->bytes[length - 1] == '\n';
		struct audit_verdict verdict;

		put_file(last->path, last->bytes, length);
		place->head = known;
		if (whole_lines)
			assert_whole(place);
		else
			assert_broken(place, "the last line is not whole");
		append(place, 1, 0, 0);
		assert_whole(place);
		verdict = verdict_of(place);
		assert_int_equal(verdict.files, 1);
		assert_kept(last, length);
	}
}

/* An end that the store knows and that is gone: the chain goes on, and the gap stays. */
static void test_a_cut_off_end_stays_found(void **state)
{
	struct place *place = *state;
	const struct file *last;

	append(place, 9, 0, 0);
	read_files(place);
	last = &files[0];
	put_file(last->path, last->bytes, line_at(last, count_lines(last) - 3));
	assert_broken(place, "the end is missing");
	append(place, 2, 0, 0);
	assert_broken(place, "entries are missing, from 8 to 10");
	append(place, 2, 0, 0);
	assert_broken(place, "entries are missing, from 8 to 10");
}

static void test_an_entry_that_is_none_at_the_end(void **state)
{
	struct place *place = *state;
	struct file *last = &files[0];

	append(place, 9, 0, 0);
	read_files(place);
	last->bytes[last->length - 60] ^= 1;
	put_file(last->path, last->bytes, last->length);
	assert_broken(place, "the entry was changed");
	append(place, 2, 0, 0);
	assert_broken(place, "the entry was changed");
	assert_int_equal(verdict_of(place).files, 2);
}

static void test_bounds(void **state)
{
	struct place *place = *state;
	struct audit_verdict verdict;
	int64_t total = 0;

	for (int i = 0; i < 40; i++) {
		append(place, 20, SMALL_FILE, (int64_t)5 * SMALL_FILE);
		assert_whole(place);
	}
	read_files(place);
	for (size_t i = 0; i < file_count; i++)
		total += (int64_t)files[i].length;
	assert_in_range(total, SMALL_FILE, 5 * SMALL_FILE + 1024);
	verdict = verdict_of(place);
	assert_true(verdict.first_seq > 600);
	(void)unlink(files[0].path);
	assert_broken(place, "the beginning is missing");
}

/* As a server and verbs beside it: each looks where the other ended. */
static void test_two_who_append(void **state)
{
	const struct audit_limits none = {0};
	const struct audit_limits small = {.file_max = SMALL_FILE};
	struct place *place = *state;
	struct audit_chain server;
	struct audit_chain verb;

	open_chain(place, &server, NULL, small);
	open_chain(place, &verb, NULL, none);
	for (int i = 0; i < 30; i++) {
		append_to(place, &server, i % 7);
		append_to(place, &verb, i % 3);
		assert_whole(place);
	}
	assert_int_equal(verb.last.seq, place->head.seq);
	audit_chain_close(&verb);
	audit_chain_close(&server);
	assert_true(verdict_of(place).files > 3);
}

/* The store may be told late, but not for ever. */
static void test_files_ahead_of_the_store(void **state)
{
	struct place *place = *state;
	struct store_audit_head first;

	append(place, 5, 0, 0);
	first = place->head;
	append(place, 5, 0, 0);
	place->head = first;
	assert_whole(place);
	assert_int_equal(verdict_of(place).ahead, 5);
	for (int i = 0; i < AUDIT_AHEAD_MAX / 4096 + 1; i++)
		append(place, 4096, 0, 0);
	memset(&place->head, 0, sizeof(place->head));
	assert_broken(place, "put back by hand");
}

/* --- refusals that come at once ---------------------------------------------- */

static bool refuse(struct audit_floods *floods, const char *reason, const char *sub,
	struct audit_wait *wait, int64_t now_ms)
{
	char bytes[2][128];
	struct buf members;
	struct buf shown;
	const struct audit_refusal refusal = {&members, &shown, "0123456789abcdef", wait};

	buf_init_fixed(&members, bytes[0], sizeof(bytes[0]));
	buf_init_fixed(&shown, bytes[1], sizeof(bytes[1]));
	(void)buf_printf(&members, "%s %s", reason, sub);
	(void)buf_append_text(&shown, sub);
	return audit_floods_count(floods, &refusal, now_ms);
}

/* Else the time would tell who found the right password of a disabled user. */
static void test_another_reason_waits_as_long(void **state)
{
	struct audit_wait waits[5] = {0};
	struct audit_floods floods;
	struct audit_flood *flood;
	uint64_t ended = 0;

	(void)state;
	assert_int_equal(audit_floods_init(&floods), 0);
	assert_false(refuse(&floods, "wrong_password", "a", &waits[0], 1000));
	assert_int_equal(audit_floods_due(&floods), INT64_MAX);
	assert_true(refuse(&floods, "user_disabled", "a", &waits[1], 1400));
	assert_int_equal(audit_floods_due(&floods), 1000 + AUDIT_FLOOD_MS);
	assert_true(refuse(&floods, "wrong_password", "a", &waits[2], 1500));
	assert_true(refuse(&floods, "user_disabled", "a", &waits[3], 1600));
	/* Of somebody else nothing has come before. */
	assert_false(refuse(&floods, "user_disabled", "b", &waits[4], 1600));
	assert_null(audit_floods_take(&floods, 1999));
	while ((flood = audit_floods_take(&floods, 2000))) {
		ended += (uint64_t)flood->count.count;
		for (struct audit_wait *wait = flood->waits; wait; wait = wait->next)
			assert_true(wait > waits && wait < &waits[4]);
		audit_flood_end(flood);
	}
	assert_int_equal(ended, 3);
	assert_false(refuse(&floods, "user_disabled", "a", &waits[0], 2000));
	audit_floods_finish(&floods);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PLACE(test_every_damage_is_found),
		PLACE(test_files_that_change_places),
		PLACE(test_another_chain_or_key),
		PLACE(test_a_crash_at_any_byte),
		PLACE(test_a_cut_off_end_stays_found),
		PLACE(test_an_entry_that_is_none_at_the_end),
		PLACE(test_bounds),
		PLACE(test_two_who_append),
		cmocka_unit_test(test_another_reason_waits_as_long),
		PLACE(test_files_ahead_of_the_store),
	};

	return cmocka_run_group_tests_name("authority audit", tests, NULL, NULL);
}
