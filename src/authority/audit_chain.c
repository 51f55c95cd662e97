/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/audit_chain.h"

#include "authority/audit_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	OUT_MAX = 128 * 1024,
	OUT_FULL = OUT_MAX - AUDIT_LINE_MAX - 1,
	OWN_SIZE = 256,
};

struct batch_record {
	int64_t time;
	size_t length;
};

int audit_chain_open(
	struct audit_chain *chain, const struct audit_chain_options *options, struct fault *fault)
{
	int error;

	*chain = (struct audit_chain){.directory = -1,
		.lock = -1,
		.file = -1,
		.limits = options->limits,
		.clock = options->clock,
		.log = options->log};
	buf_init(&chain->out, OUT_MAX);
	if (options->head) {
		chain->last.seq = options->head->seq;
		memcpy(chain->last.mac, options->head->mac, sizeof(chain->last.mac));
	}
	error = audit_directory_open(options->data_directory, true, &chain->directory, fault);
	if (error)
		return error;
	error = audit_lock_open(chain->directory, true, &chain->lock);
	if (!error)
		error = audit_key_derive(options->secret_key, &chain->key);
	if (error) {
		fault_set(fault, "%s/audit/lock can't be opened: %s", options->data_directory,
			error_text(error));
		audit_chain_close(chain);
	}
	return error;
}

static void close_file(struct audit_chain *chain)
{
	if (chain->file >= 0)
		(void)close(chain->file);
	chain->file = -1;
}

void audit_chain_close(struct audit_chain *chain)
{
	if (!chain->clock && !chain->key.bytes)
		return;
	close_file(chain);
	if (chain->lock >= 0)
		(void)close(chain->lock);
	if (chain->directory >= 0)
		(void)close(chain->directory);
	secret_finish(&chain->key);
	buf_finish(&chain->out);
	*chain = (struct audit_chain){.directory = -1, .lock = -1, .file = -1};
}

/* --- batches ----------------------------------------------------------------- */

int audit_batch_add(struct buf *batch, int64_t time, const char *members, size_t length)
{
	const struct batch_record record = {.time = time, .length = length};
	int error;

	if (length > AUDIT_MEMBERS_MAX)
		return ERROR_LIMIT;
	error = buf_reserve(batch, sizeof(record) + length);
	if (error) {
		batch->failed = 0;
		return error;
	}
	(void)buf_append(batch, &record, sizeof(record));
	return buf_append(batch, members, length);
}

/* --- writing ----------------------------------------------------------------- */

/* Adds the entry to what is to be written. */
static int compose(struct audit_chain *chain, int64_t time, const char *members, size_t length)
{
	struct audit_line line = {.seq = chain->next.seq + 1, .time = time};
	int error;

	memcpy(line.prev, chain->next.mac, sizeof(line.prev));
	error = audit_line_append(&chain->out, &chain->key, &line, members, length);
	if (!error)
		chain->next = line;
	return error;
}

/* What was written in part is taken back, so that no half a line stays. */
static int write_out(struct audit_chain *chain)
{
	size_t written = 0;
	int saved = 0;

	while (!saved && written < chain->out.len) {
		ssize_t part =
			write(chain->file, chain->out.data + written, chain->out.len - written);

		if (part > 0)
			written += (size_t)part;
		else if (part == 0 || errno != EINTR)
			saved = part < 0 ? errno : ENOSPC;
	}
	if (!saved) {
		chain->size += (int64_t)written;
		chain->last = chain->next;
	} else {
		if (written && ftruncate(chain->file, (off_t)chain->size))
			close_file(chain); /* to be looked at anew */
		chain->next = chain->last;
	}
	buf_reset(&chain->out);
	errno = saved;
	return saved ? ERROR_IO : 0;
}

/* An entry of the audit's own. */
static int write_own(struct audit_chain *chain, const char *members)
{
	int error = compose(chain, clock_now_s(chain->clock), members, strlen(members));

	if (!error)
		return write_out(chain);
	buf_reset(&chain->out);
	chain->next = chain->last;
	return error;
}

/* Others who append see by it that there is another file. */
static int raise_generation(struct audit_chain *chain)
{
	uint64_t generation = chain->generation + 1;

	if (pwrite(chain->lock, &generation, sizeof(generation), 0) != (ssize_t)sizeof(generation))
		return ERROR_IO;
	chain->generation = generation;
	return 0;
}

static int take_file(struct audit_chain *chain, int fd, const char *name)
{
	struct stat status;

	if (fstat(fd, &status))
		return ERROR_IO;
	chain->file = fd;
	chain->inode = (uint64_t)status.st_ino;
	chain->size = (int64_t)status.st_size;
	return text_copy(chain->name, sizeof(chain->name), name);
}

static void note_synced(struct audit_chain *chain)
{
	chain->synced = (struct audit_synced){
		.size = chain->size, .last = chain->last, .used = chain->used};
}

/* What the old file holds must be on disk before anything in the new one is. */
static int begin_file(struct audit_chain *chain, int64_t time)
{
	char name[AUDIT_NAME_SIZE];
	int error = audit_name_make(name, chain->next.seq + 1, time);
	int fd;

	if (!error && chain->file >= 0 && fdatasync(chain->file))
		error = ERROR_IO;
	if (!error)
		error = raise_generation(chain);
	if (error)
		return error;
	close_file(chain);
	fd = openat(chain->directory, name,
		O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return ERROR_IO;
	error = fsync(chain->directory) ? ERROR_IO : take_file(chain, fd, name);
	if (error)
		(void)close(fd);
	else
		note_synced(chain);
	return error;
}

/* How many of the oldest go, so that one more full file has room. */
static size_t count_surplus(const struct audit_chain *chain, const struct audit_files *files)
{
	int64_t total = chain->limits.file_max;
	size_t surplus = 0;

	if (!chain->limits.total_max)
		return 0;
	for (size_t i = 0; i < files->count; i++)
		total += files->list[i].size;
	while (surplus + 1 < files->count && total > chain->limits.total_max)
		total -= files->list[surplus++].size;
	return surplus;
}

/* First the entry that says where the chain begins from now on, then the files: a
 * crash in between leaves more of them than there need be. */
static int remove_surplus(struct audit_chain *chain)
{
	struct audit_files files = {0};
	char members[OWN_SIZE];
	int error = audit_files_list(chain->directory, &files);
	size_t surplus = error ? 0 : count_surplus(chain, &files);

	if (surplus) {
		(void)snprintf(members, sizeof(members),
			"\"event\":\"audit_removed\",\"files\":%zu,\"first_seq\":%" PRId64, surplus,
			files.list[surplus].first_seq);
		error = write_own(chain, members);
		if (!error)
			error = audit_chain_sync(chain);
		for (size_t i = 0; i < surplus && !error; i++)
			(void)unlinkat(chain->directory, files.list[i].name, 0);
	}
	audit_files_finish(&files);
	return error;
}

static int make_room(struct audit_chain *chain, int64_t time)
{
	int error;

	if (chain->file >= 0 && (!chain->limits.file_max || chain->size < chain->limits.file_max))
		return 0;
	error = begin_file(chain, time);
	return error ? error : remove_surplus(chain);
}

/* --- where the files end --------------------------------------------------------- */

static bool is_as_left(struct audit_chain *chain, uint64_t generation)
{
	struct stat status;

	return chain->file >= 0 && generation == chain->generation &&
	       !fstatat(chain->directory, chain->name, &status, AT_SYMLINK_NOFOLLOW) &&
	       (uint64_t)status.st_ino == chain->inode && (int64_t)status.st_size == chain->size;
}

/* Goes on after what is missing, in a file of its own, and says so: the gap stays to
 * be seen. */
static int resume(struct audit_chain *chain, const struct audit_tail *tail)
{
	int64_t expected = chain->last.seq;
	char members[OWN_SIZE];
	int error;

	if (tail->line.seq > expected)
		chain->last = tail->line;
	chain->next = chain->last;
	LOG_EVENT(chain->log, LOG_LEVEL_ERROR, "audit_resumed",
		log_number("found_seq", tail->line.seq), log_number("expected_seq", expected),
		log_text("file", tail->name));
	error = begin_file(chain, clock_now_s(chain->clock));
	(void)snprintf(members, sizeof(members),
		"\"event\":\"audit_resumed\",\"found_seq\":%" PRId64 ",\"expected_seq\":%" PRId64,
		tail->line.seq, expected);
	return error ? error : write_own(chain, members);
}

static int begin_chain(struct audit_chain *chain)
{
	int error = begin_file(chain, clock_now_s(chain->clock));

	return error ? error : write_own(chain, "\"event\":\"audit_begun\"");
}

static int record_cut(struct audit_chain *chain, const struct audit_tail *tail)
{
	char members[OWN_SIZE];

	LOG_EVENT(chain->log, LOG_LEVEL_WARNING, "audit_cut", log_number("bytes", tail->cut),
		log_text("file", tail->name));
	(void)snprintf(
		members, sizeof(members), "\"event\":\"audit_cut\",\"bytes\":%" PRId64, tail->cut);
	return write_own(chain, members);
}

static int go_on_after(struct audit_chain *chain, struct audit_tail *tail)
{
	bool broken = tail->unreadable || tail->line.seq < chain->last.seq ||
		      (tail->line.seq == chain->last.seq && memcmp(tail->line.mac, chain->last.mac,
								    sizeof(chain->last.mac)) != 0);
	int error = 0;

	if (broken)
		return resume(chain, tail);
	chain->last = tail->line;
	chain->next = tail->line;
	if (!tail->line.seq)
		return begin_chain(chain);
	error = take_file(chain, tail->file, tail->name);
	if (error)
		return error;
	tail->file = -1;
	note_synced(chain);
	return 0;
}

static int catch_up(struct audit_chain *chain)
{
	struct audit_tail tail = {.file = -1};
	uint64_t generation = 0;
	int error;

	if (pread(chain->lock, &generation, sizeof(generation), 0) < 0)
		return ERROR_IO;
	if (is_as_left(chain, generation))
		return 0;
	chain->generation = generation;
	close_file(chain);
	error = audit_tail_find(chain->directory, &chain->key, &tail);
	if (!error)
		error = go_on_after(chain, &tail);
	if (!error && tail.cut)
		error = record_cut(chain, &tail);
	if (tail.file >= 0)
		(void)close(tail.file);
	return error;
}

/* --- appending ---------------------------------------------------------------- */

static int append_some(struct audit_chain *chain, const struct buf *batch, size_t *used)
{
	struct batch_record record;
	size_t at = *used;
	int error;

	memcpy(&record, batch->data + at, sizeof(record));
	error = make_room(chain, record.time);
	while (!error && at < batch->len && chain->out.len < OUT_FULL) {
		memcpy(&record, batch->data + at, sizeof(record));
		error = compose(
			chain, record.time, batch->data + at + sizeof(record), record.length);
		at += sizeof(record) + record.length;
		if (chain->limits.file_max &&
			chain->size + (int64_t)chain->out.len >= chain->limits.file_max)
			break;
	}
	if (error) {
		buf_reset(&chain->out);
		chain->next = chain->last;
		return error;
	}
	error = write_out(chain);
	if (!error)
		chain->used = *used = at;
	return error;
}

int audit_chain_append(
	struct audit_chain *chain, const struct buf *batch, size_t from, size_t *ret_used)
{
	size_t used = from;
	int error = audit_lock_take(chain->lock, false);
	int saved;

	chain->used = from;
	if (!error) {
		error = catch_up(chain);
		if (!from)
			note_synced(chain);
		while (!error && used < batch->len)
			error = append_some(chain, batch, &used);
		saved = errno;
		audit_lock_release(chain->lock);
		errno = saved;
	}
	*ret_used = used;
	return error;
}

int audit_chain_sync(struct audit_chain *chain)
{
	if (chain->file < 0)
		errno = EIO;
	if (chain->file < 0 || fdatasync(chain->file))
		return ERROR_IO;
	note_synced(chain);
	return 0;
}

/* The kernel tells once that it could not write a page, and takes it for written then. */
void audit_chain_take_back(struct audit_chain *chain, size_t *used)
{
	uint64_t generation = 0;

	if (audit_lock_take(chain->lock, false))
		return;
	if (pread(chain->lock, &generation, sizeof(generation), 0) >= 0 &&
		is_as_left(chain, generation) &&
		!ftruncate(chain->file, (off_t)chain->synced.size)) {
		chain->size = chain->synced.size;
		chain->last = chain->synced.last;
		chain->next = chain->last;
		chain->used = chain->synced.used;
		*used = chain->used;
	}
	audit_lock_release(chain->lock);
}

void audit_chain_head(const struct audit_chain *chain, struct store_audit_head *ret_head)
{
	*ret_head = (struct store_audit_head){.seq = chain->last.seq};
	memcpy(ret_head->mac, chain->last.mac, sizeof(ret_head->mac));
	(void)text_copy(ret_head->file, sizeof(ret_head->file), chain->name);
}
