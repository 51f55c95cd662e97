/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The authority's data directory: adit.db, secret.key (or the systemd credential
 * adit.key in its place), and the lock of the process that serves.
 */
#ifndef AUTHORITY_DATA_DIRECTORY_H
#define AUTHORITY_DATA_DIRECTORY_H

#include "authority/keyring.h"
#include "base/lockfile.h"
#include "base/secret.h"
#include "store/store.h"

enum { DATA_DIRECTORY_PATH_MAX = 3072 };

struct data_directory {
	char path[DATA_DIRECTORY_PATH_MAX];
	const struct clock *clock;
	struct secret secret_key;
	struct store *store;
	struct lockfile lock; /* held while serving */
};

/* Makes the directory (0700), its secret key, its keys and the first clients, for
 * an authority of that issuer. Nothing half made counts: adit.db gets its name
 * last. ERROR_INVALID (the issuer), ERROR_EXISTS, ERROR_IO and the store's;
 * `fault` says what to do. */
int data_directory_init(
	const char *path, const char *issuer, const struct clock *clock, struct fault *fault);

/* Makes one of a backup: the secret key lies in the directory already, or is the systemd
 * credential. Every refresh token of before is dead then. As data_directory_init(). */
int data_directory_restore(
	const char *path, const char *file, const struct clock *clock, struct fault *fault);

/* Opens one that init made. With `serving`, takes the lock: ERROR_BUSY when another
 * process serves it. `clock` outlives it. */
int data_directory_open(struct data_directory *directory, const char *path,
	const struct clock *clock, bool serving, struct fault *fault);
void data_directory_close(struct data_directory *directory);

/* What an upgrade of the data would do. */
struct data_plan {
	int64_t schema;		/* as it is; STORE_SCHEMA_VERSION: there is nothing to do */
	int64_t database_bytes; /* with its log */
	int64_t needed_bytes;	/* of free room, for it and for a backup in the directory */
	int64_t free_bytes;
	bool served; /* a server runs on it, or an upgrade */
};

/* Changes nothing, and needs no secret key. As data_directory_open(). */
int data_directory_plan(const char *path, struct data_plan *ret_plan, struct fault *fault);

/* How it is done. */
struct data_upgrade {
	const char *path;
	const char *backup; /* where it is written; NULL: into the directory, by schema and time */
	bool no_backup;
	const struct clock *clock;
};

struct data_upgraded {
	int64_t from;				   /* STORE_SCHEMA_VERSION: nothing was done */
	char backup[DATA_DIRECTORY_PATH_MAX + 64]; /* "": none was made */
};

/* Brings the data to STORE_SCHEMA_VERSION; cut short at any point, the next call goes on.
 * ERROR_BUSY while a server runs on it; ERROR_IO: too little room. As store_upgrade(). */
int data_directory_upgrade(const struct data_upgrade *upgrade, struct data_upgraded *ret_upgraded,
	struct fault *fault);

/* What an authority begins with: its resource, scopes, clients and first keys. */
int authority_seed(struct store *store, const struct clock *clock, const struct secret *secret_key,
	const char *issuer);

/* 0, or ERROR_INVALID with what is wrong with it. */
int issuer_check(const char *issuer, struct fault *fault);

#endif
