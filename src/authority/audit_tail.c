/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/audit_tail.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW = 2 * AUDIT_LINE_MAX };

/* The end of a file. */
struct window {
	char bytes[WINDOW];
	size_t length;
	int64_t size; /* the file's */
};

static int read_window(int fd, struct window *window)
{
	struct stat status;
	ssize_t length;

	if (fstat(fd, &status) || !S_ISREG(status.st_mode))
		return ERROR_IO;
	window->size = (int64_t)status.st_size;
	window->length = status.st_size < WINDOW ? (size_t)status.st_size : WINDOW;
	length = pread(
		fd, window->bytes, window->length, (off_t)(window->size - (int64_t)window->length));
	return length == (ssize_t)window->length ? 0 : ERROR_IO;
}

/* A crash while a line was written leaves its beginning. More than a line's worth is
 * something else, and stays. */
static int cut_half_line(int fd, struct window *window, struct audit_tail *tail)
{
	const char *feed = memrchr(window->bytes, '\n', window->length);
	size_t half = window->length - (feed ? (size_t)(feed + 1 - window->bytes) : 0);

	if (!half)
		return 0;
	if (half > AUDIT_LINE_MAX) {
		tail->unreadable = true;
		return 0;
	}
	if (ftruncate(fd, (off_t)(window->size - (int64_t)half)))
		return ERROR_IO;
	tail->cut += (int64_t)half;
	window->size -= (int64_t)half;
	window->length -= half;
	return 0;
}

static int read_last(const struct secret *key, const struct window *window, struct audit_tail *tail)
{
	size_t end = window->length - 1;
	const char *feed = memrchr(window->bytes, '\n', end);
	const char *begin = feed ? feed + 1 : window->bytes;
	int error = audit_line_read(key, begin, end - (size_t)(begin - window->bytes), &tail->line);

	if (error != ERROR_INVALID && error != ERROR_REFUSED)
		return error;
	tail->unreadable = true;
	return 0;
}

/* The last line that is an entry, by reading all of the file. */
static int search(int fd, const struct secret *key, struct audit_tail *tail)
{
	char bytes[WINDOW];
	size_t kept = 0;
	off_t at = 0;
	ssize_t length;

	while ((length = pread(fd, bytes + kept, sizeof(bytes) - kept, at)) > 0) {
		size_t end = kept + (size_t)length;
		char *line = bytes;
		char *feed;

		at += length;
		while ((feed = memchr(line, '\n', end - (size_t)(line - bytes)))) {
			(void)audit_line_read(key, line, (size_t)(feed - line), &tail->line);
			line = feed + 1;
		}
		kept = end - (size_t)(line - bytes);
		if (kept == sizeof(bytes))
			kept = 0;
		memmove(bytes, line, kept);
	}
	return length < 0 ? ERROR_IO : 0;
}

/* 0 with tail->file -1: the file was empty, and is gone. */
static int look_into(int directory, const struct audit_file *file, const struct secret *key,
	struct audit_tail *tail)
{
	struct window window;
	int error;

	tail->file = openat(directory, file->name, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (tail->file < 0)
		return ERROR_IO;
	(void)text_copy(tail->name, sizeof(tail->name), file->name);
	error = read_window(tail->file, &window);
	if (!error)
		error = cut_half_line(tail->file, &window, tail);
	if (!error && !window.size) {
		(void)close(tail->file);
		tail->file = -1;
		return unlinkat(directory, file->name, 0) ? ERROR_IO : 0;
	}
	if (!error && !tail->unreadable)
		error = read_last(key, &window, tail);
	if (!error && tail->unreadable)
		error = search(tail->file, key, tail);
	/* What goes on must sort after it. */
	if (!error && tail->unreadable && tail->line.seq < file->first_seq)
		tail->line = (struct audit_line){.seq = file->first_seq};
	return error;
}

int audit_tail_find(int directory, const struct secret *key, struct audit_tail *tail)
{
	struct audit_files files = {0};
	int error = audit_files_list(directory, &files);

	*tail = (struct audit_tail){.file = -1};
	while (!error && files.count && tail->file < 0)
		error = look_into(directory, &files.list[--files.count], key, tail);
	audit_files_finish(&files);
	return error;
}
