/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What init and restore share: a directory that holds no authority yet gets one,
 * whose database has another name until it is whole.
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

/* The systemd credential, or the directory's secret.key. ERROR_NOT_FOUND (without a
 * fault): neither. */
int secret_key_find(const char *directory, struct secret *ret_key, struct fault *fault);

#endif
