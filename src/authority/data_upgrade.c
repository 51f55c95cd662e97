/* SPDX-License-Identifier: Apache-2.0 */
/* A data directory of an older version. */
#include "authority/data_making.h"

#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum {
	/* The log and what it is written back to, for a migration that makes a table anew. */
	ROOM_FACTOR = 2,
	ROOM_LEAST = 1 << 20,
	BACKUPS_MAX = 100, /* of one second */
};

static int64_t size_of(const char *path)
{
	struct stat status;

	return stat(path, &status) ? 0 : (int64_t)status.st_size;
}

static int measure(const struct data_paths *paths, const char *directory, struct data_plan *plan)
{
	char log[DATA_FILE_PATH_MAX];
	struct statvfs disk;

	if (statvfs(directory, &disk) || data_path_join(log, directory, "adit.db-wal"))
		return ERROR_IO;
	plan->database_bytes = size_of(paths->database) + size_of(log);
	plan->needed_bytes = ROOM_FACTOR * plan->database_bytes + ROOM_LEAST;
	plan->free_bytes = (int64_t)(disk.f_bavail * disk.f_frsize);
	return 0;
}

static int look(const struct data_paths *paths, const char *directory, struct data_plan *ret_plan,
	struct fault *fault)
{
	struct data_plan plan = {0};
	int error = store_schema(paths->database, &plan.schema, fault);

	if (error)
		return error;
	error = measure(paths, directory, &plan);
	if (error)
		fault_set(fault, "the room on the disk of %s can't be asked for: %s", directory,
			strerror(errno));
	else
		*ret_plan = plan;
	return error;
}

int data_directory_plan(const char *path, struct data_plan *ret_plan, struct fault *fault)
{
	struct data_paths paths;
	struct data_plan plan = {0};
	int error = data_directory_check(path, fault);

	if (!error)
		error = data_paths_find(path, &paths, fault);
	if (!error)
		error = look(&paths, path, &plan, fault);
	if (error)
		return error;
	error = lockfile_look(paths.lock, &plan.served);
	if (error) {
		fault_set(fault, "%s can't be read: %s", paths.lock, strerror(errno));
		return error;
	}
	plan.needed_bytes += plan.database_bytes;
	if (plan.schema == STORE_SCHEMA_VERSION)
		plan.needed_bytes = 0;
	*ret_plan = plan;
	return 0;
}

/* By what it holds and when, and a number where that is taken: one of an earlier upgrade, or of
 * this one before it was killed, is not in the way. */
static int name_backup(const char *directory, int64_t schema, int64_t now_s,
	char ret_backup[DATA_DIRECTORY_PATH_MAX + 64])
{
	time_t now = (time_t)now_s;
	char when[32] = "";
	char name[DATA_FILE_PATH_MAX];
	struct tm parts;

	if (!gmtime_r(&now, &parts) || !strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &parts))
		return ERROR_INVALID;
	for (int i = 1; i <= BACKUPS_MAX; i++) {
		char number[16] = "";
		int length;

		if (i > 1)
			(void)snprintf(number, sizeof(number), "-%d", i);
		length = snprintf(name, sizeof(name), "%s/adit-schema-%lld-%s%s.backup", directory,
			(long long)schema, when, number);
		if (length < 0 || (size_t)length >= sizeof(name))
			return ERROR_LIMIT;
		if (access(name, F_OK) && errno == ENOENT) {
			memcpy(ret_backup, name, sizeof(name));
			return 0;
		}
	}
	return ERROR_EXISTS;
}

/* Under the lock there is no other upgrade whose it might be. */
static void remove_unfinished(const struct data_upgraded *upgraded)
{
	static const char *const endings[] = {".new", ".new-journal"};
	char name[sizeof(upgraded->backup) + 16];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		(void)snprintf(name, sizeof(name), "%s%s", upgraded->backup, endings[i]);
		(void)unlink(name);
	}
}

static int check_room(
	const struct data_upgrade *upgrade, const struct data_plan *plan, struct fault *fault)
{
	bool beside = !upgrade->backup && !upgrade->no_backup;
	int64_t needed = plan->needed_bytes + (beside ? plan->database_bytes : 0);

	if (plan->free_bytes >= needed)
		return 0;
	fault_set(fault,
		"the disk of %s has %lld bytes free and the upgrade may need %lld; make room%s",
		upgrade->path, (long long)plan->free_bytes, (long long)needed,
		beside ? ", or write the backup elsewhere with --backup" : "");
	return ERROR_IO;
}

static int choose_backup(const struct data_upgrade *upgrade, int64_t schema,
	struct data_upgraded *upgraded, struct fault *fault)
{
	int error;

	if (upgrade->backup)
		return text_copy(upgraded->backup, sizeof(upgraded->backup), upgrade->backup);
	error = name_backup(upgrade->path, schema, clock_now_s(upgrade->clock), upgraded->backup);
	if (error)
		fault_set(fault, "the backup can't be given a name (%s); name one with --backup",
			error_text(error));
	else
		remove_unfinished(upgraded);
	return error;
}

static int upgrade_locked(const struct data_upgrade *upgrade, const struct data_paths *paths,
	struct data_upgraded *upgraded, struct fault *fault)
{
	struct data_plan plan;
	int error = look(paths, upgrade->path, &plan, fault);

	if (error)
		return error;
	upgraded->from = plan.schema;
	if (plan.schema == STORE_SCHEMA_VERSION)
		return 0;
	error = check_room(upgrade, &plan, fault);
	if (!error && !upgrade->no_backup)
		error = choose_backup(upgrade, plan.schema, upgraded, fault);
	if (error)
		return error;
	return store_upgrade(paths->database, upgrade->no_backup ? NULL : upgraded->backup, fault);
}

int data_directory_upgrade(
	const struct data_upgrade *upgrade, struct data_upgraded *ret_upgraded, struct fault *fault)
{
	struct data_upgraded upgraded = {0};
	struct lockfile lock = {.fd = -1};
	struct data_paths paths;
	int error = data_directory_check(upgrade->path, fault);

	if (!error)
		error = data_paths_find(upgrade->path, &paths, fault);
	if (!error)
		error = data_lock(&paths, upgrade->path, &lock, fault);
	if (error)
		return error;
	error = upgrade_locked(upgrade, &paths, &upgraded, fault);
	lockfile_release(&lock);
	if (!error)
		*ret_upgraded = upgraded;
	return error;
}
