/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store's suite, written against store.h alone. Each engine's test opens
 * empty stores for it.
 */
#ifndef TESTS_STORE_SUITE_H
#define TESTS_STORE_SUITE_H

#include "store/store.h"

enum {
	SUITE_NOW_S = 1800000000,
};

/* Opens an empty store and keeps whatever it needs for `empty_close`. */
struct suite_engine {
	const char *name;
	struct store *(*empty_open)(const struct clock *clock);
	void (*empty_close)(struct store *store);
};

/* Runs one part, "attempts", "authority", "administration", "imported", "last_use" or
 * "token": the number of failed tests. */
int suite_run(const struct suite_engine *engine, const char *part);

/* suite_*.c */
int suite_run_authority(void);
int suite_run_attempts(void);
int suite_run_administration(void);
int suite_run_imported(void);
int suite_run_last_use(void);
int suite_run_token(void);

/* --- a test's state ------------------------------------------------------- */

struct world {
	struct clock clock; /* stands at SUITE_NOW_S */
	struct store *store;
	struct store_access_grant grant; /* where it is peopled, make_world() */
};

int open_world(void **state);
int open_peopled(void **state);
int close_world(void **state);

#define EMPTY(test) cmocka_unit_test_setup_teardown(test, open_world, close_world)
#define PEOPLED(test) cmocka_unit_test_setup_teardown(test, open_peopled, close_world)

void pass_s(struct world *world, int64_t seconds);
int64_t counter(struct store *store);
/* Of the peopled world's grant. */
int64_t generation(struct world *world);

/* Lists append the names they are shown, and stop where `stop_at` says. */
struct shown {
	char names[256];
	int count;
	int stop_at;
};

int show(struct shown *shown, const char *name);

/* --- what a test of a store needs, for the other tests too ---------------- */

/* The asynchronous verbs, waited for. */
int sweep_wait(struct store *store, int64_t most, int64_t *ret_removed);
int assertion_sweep_wait(struct store *store, int64_t most, int64_t *ret_removed);
/* An assertion whose name is filled with `fill`. */
int assertion_use_wait(struct store *store, unsigned char fill, int64_t expires_at);
int redeem_wait(struct store *store, const struct store_redemption *redemption,
	struct store_redeemed *ret_redeemed);
int ensure_wait(struct store *store, const char *user_id, const char *client_id,
	struct store_access_grant *ret_grant);

/* Site "north", Service User "north-reader" (su_1), public client "api", and the
 * grant between them. */
void make_world(struct store *store, struct store_access_grant *ret_grant);

struct store_service_user some_user(const char *id, const char *username, const char *site);
struct store_client some_client(const char *id, const char *type);
struct store_credential some_credential(const char *id, unsigned char fill, int64_t expires_at);
/* Family number `family`, unattended, expiring in 30 days. */
struct store_redemption some_redemption(
	const struct store_access_grant *grant, unsigned family, int64_t seq);

#endif
