/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What init and restore share: a directory that holds no authority yet gets one,
 * whose database has another name until it is whole. And what opening and upgrading
 * share: where the parts of one lie, and its lock.
 */
#ifndef AUTHORITY_DATA_MAKING_H
#define AUTHORITY_DATA_MAKING_H

#include "authority/data_directory.h"

enum { DATA_FILE_PATH_MAX = DATA_DIRECTORY_PATH_MAX + 64 };

/* What was made so far, to be taken back if it fails. */
struct making {
	const char *directory;
	int lock; /* the directory itself */
	bool made_directory;
	bool made_key;
	char database[DATA_FILE_PATH_MAX];   /* adit.db.new */
	char final_name[DATA_FILE_PATH_MAX]; /* adit.db */
};

/* Makes the directory, or takes an empty one, and locks it; removes what an earlier
 * attempt left. `path` outlives it. Only after 0 it is to be ended. */
int making_begin(struct making *making, const char *path, struct fault *fault);
/* Gives the closed database its name, if it is whole. */
int making_name(const struct making *making, struct fault *fault);
/* With an error takes back what was made. */
void making_end(struct making *making, int error);

/* The path of a file in it. */
int data_path_join(char ret_path[DATA_FILE_PATH_MAX], const char *directory, const char *name);
/* Whether it is a directory of this user's own: 0, ERROR_NOT_FOUND or ERROR_INVALID. */
int data_directory_check(const char *path, struct fault *fault);
/* The paths of its database, which is there, and of its lock. */
struct data_paths {
	char database[DATA_FILE_PATH_MAX];
	char lock[DATA_FILE_PATH_MAX];
};
int data_paths_find(const char *directory, struct data_paths *ret_paths, struct fault *fault);
/* Takes the lock of the one process that serves or upgrades. */
int data_lock(const struct data_paths *paths, const char *directory, struct lockfile *lock,
	struct fault *fault);

/* The systemd credential, or the directory's secret.key. ERROR_NOT_FOUND (without a
 * fault): neither. */
int secret_key_find(const char *directory, struct secret *ret_key, struct fault *fault);

#endif
