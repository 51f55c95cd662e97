/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/audit_read.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { READ_SIZE = 8 * AUDIT_LINE_MAX };

int audit_snapshot_take(
	const char *data_directory, struct audit_snapshot *ret_snapshot, struct fault *fault)
{
	struct audit_snapshot snapshot = {.directory = -1};
	int lock = -1;
	int error = audit_directory_open(data_directory, false, &snapshot.directory, fault);

	if (error)
		return error;
	error = audit_lock_open(snapshot.directory, false, &lock);
	if (!error)
		error = audit_lock_take(lock, true);
	/* Without the file nobody appends. */
	if (!error || error == ERROR_NOT_FOUND)
		error = audit_files_list(snapshot.directory, &snapshot.files);
	if (lock >= 0)
		(void)close(lock); /* and with it the lock is released */
	if (error) {
		fault_set(fault, "%s/audit can't be read: %s", data_directory, error_text(error));
		(void)close(snapshot.directory);
		return error;
	}
	*ret_snapshot = snapshot;
	return 0;
}

void audit_snapshot_finish(struct audit_snapshot *snapshot)
{
	audit_files_finish(&snapshot->files);
	(void)close(snapshot->directory);
}

struct reading {
	struct audit_place place;
	int fd;
	int64_t left; /* bytes of the snapshot's size */
	bool too_long;
	int (*each)(void *context, const struct audit_place *place);
	void *context;
	size_t kept;
	char bytes[READ_SIZE];
};

static int give(struct reading *reading, const char *text, size_t length, bool ended)
{
	bool skipped = reading->too_long;

	reading->too_long = !ended;
	if (skipped)
		return 0;
	reading->place.number++;
	reading->place.text = text;
	reading->place.length = length < AUDIT_LINE_MAX ? length : AUDIT_LINE_MAX;
	reading->place.whole = ended && length <= AUDIT_LINE_MAX;
	return reading->each(reading->context, &reading->place);
}

/* Every line that ends in what was read. */
static int give_lines(struct reading *reading, size_t end)
{
	char *line = reading->bytes;
	char *feed;
	int error = 0;

	while (!error && (feed = memchr(line, '\n', end - (size_t)(line - reading->bytes)))) {
		error = give(reading, line, (size_t)(feed - line), true);
		line = feed + 1;
	}
	reading->kept = end - (size_t)(line - reading->bytes);
	if (!error && (reading->kept == READ_SIZE || (!reading->left && reading->kept))) {
		error = give(reading, line, reading->kept, false);
		reading->kept = 0;
	}
	memmove(reading->bytes, line, reading->kept);
	return error;
}

static int read_all(struct reading *reading)
{
	int error = 0;

	while (reading->left && !error) {
		size_t room = READ_SIZE - reading->kept;
		size_t wanted = reading->left < (int64_t)room ? (size_t)reading->left : room;
		ssize_t length = read(reading->fd, reading->bytes + reading->kept, wanted);

		if (length <= 0)
			return ERROR_IO;
		reading->left -= length;
		error = give_lines(reading, reading->kept + (size_t)length);
	}
	return error;
}

int audit_file_each(int directory, const struct audit_file *file,
	int (*each)(void *context, const struct audit_place *place), void *context)
{
	struct reading reading;
	int error;

	reading.place = (struct audit_place){.file = file};
	reading.left = file->size;
	reading.too_long = false;
	reading.each = each;
	reading.context = context;
	reading.kept = 0;
	reading.fd = openat(directory, file->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (reading.fd < 0 || file->size < 0) {
		if (reading.fd >= 0)
			(void)close(reading.fd);
		return ERROR_IO;
	}
	error = read_all(&reading);
	(void)close(reading.fd);
	return error;
}

int audit_snapshot_each(const struct audit_snapshot *snapshot,
	int (*each)(void *context, const struct audit_place *place), void *context)
{
	int error = 0;

	for (size_t i = 0; i < snapshot->files.count && !error; i++)
		error = audit_file_each(
			snapshot->directory, &snapshot->files.list[i], each, context);
	return error;
}
