/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "suite.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct answer {
	pthread_mutex_t lock;
	pthread_cond_t arrived;
	bool done;
	int error;
	struct store_redeemed redeemed;
	struct store_access_grant grant;
	int64_t removed;
};

static void answer_init(struct answer *answer)
{
	*answer = (struct answer){0};
	(void)pthread_mutex_init(&answer->lock, NULL);
	(void)pthread_cond_init(&answer->arrived, NULL);
}

static void answer_give(struct answer *answer, int error)
{
	answer->error = error;
	answer->done = true;
	(void)pthread_cond_signal(&answer->arrived);
	(void)pthread_mutex_unlock(&answer->lock);
}

static int answer_wait(struct answer *answer)
{
	(void)pthread_mutex_lock(&answer->lock);
	while (!answer->done)
		(void)pthread_cond_wait(&answer->arrived, &answer->lock);
	(void)pthread_mutex_unlock(&answer->lock);
	(void)pthread_cond_destroy(&answer->arrived);
	(void)pthread_mutex_destroy(&answer->lock);
	return answer->error;
}

static void redeemed(void *context, int error, const struct store_redeemed *result)
{
	struct answer *answer = context;

	(void)pthread_mutex_lock(&answer->lock);
	if (!error)
		answer->redeemed = *result;
	answer_give(answer, error);
}

int redeem_wait(struct store *store, const struct store_redemption *redemption,
	struct store_redeemed *ret_redeemed)
{
	struct answer answer;
	int error;

	answer_init(&answer);
	error = store_refresh_redeem(store, redemption, redeemed, &answer);
	if (!error)
		error = answer_wait(&answer);
	if (!error)
		*ret_redeemed = answer.redeemed;
	return error;
}

static void swept(void *context, int error, int64_t removed)
{
	struct answer *answer = context;

	(void)pthread_mutex_lock(&answer->lock);
	answer->removed = removed;
	answer_give(answer, error);
}

typedef int (*sweep_verb)(struct store *store, int64_t most, store_swept done, void *context);

static int wait_for_sweep(sweep_verb sweep, struct store *store, int64_t most, int64_t *ret_removed)
{
	struct answer answer;
	int error;

	answer_init(&answer);
	error = sweep(store, most, swept, &answer);
	if (!error)
		error = answer_wait(&answer);
	if (!error)
		*ret_removed = answer.removed;
	return error;
}

int sweep_wait(struct store *store, int64_t most, int64_t *ret_removed)
{
	return wait_for_sweep(store_family_sweep, store, most, ret_removed);
}

int assertion_sweep_wait(struct store *store, int64_t most, int64_t *ret_removed)
{
	return wait_for_sweep(store_client_assertion_sweep, store, most, ret_removed);
}

static void used(void *context, int error)
{
	struct answer *answer = context;

	(void)pthread_mutex_lock(&answer->lock);
	answer_give(answer, error);
}

int assertion_use_wait(struct store *store, unsigned char fill, int64_t expires_at)
{
	unsigned char id[STORE_HASH_SIZE];
	struct answer answer;
	int error;

	memset(id, fill, sizeof(id));
	answer_init(&answer);
	error = store_client_assertion_use(store, id, expires_at, used, &answer);
	return error ? error : answer_wait(&answer);
}

static void ensured(void *context, int error, const struct store_access_grant *grant)
{
	struct answer *answer = context;

	(void)pthread_mutex_lock(&answer->lock);
	if (!error)
		answer->grant = *grant;
	answer_give(answer, error);
}

int ensure_wait(struct store *store, const char *user_id, const char *client_id,
	struct store_access_grant *ret_grant)
{
	struct answer answer;
	int error;

	answer_init(&answer);
	error = store_access_grant_ensure(store, user_id, client_id, ensured, &answer);
	if (!error)
		error = answer_wait(&answer);
	if (!error)
		*ret_grant = answer.grant;
	return error;
}

struct store_service_user some_user(const char *id, const char *username, const char *site)
{
	struct store_service_user user = {.role = "read"};

	(void)stpcpy(user.id, id);
	(void)stpcpy(user.username, username);
	(void)stpcpy(user.site, site);
	return user;
}

struct store_client some_client(const char *id, const char *type)
{
	struct store_client client = {.grants = "password refresh_token",
		.scopes = "cosmos openid",
		.default_scopes = "cosmos"};

	(void)stpcpy(client.id, id);
	(void)stpcpy(client.type, type);
	return client;
}

struct store_credential some_credential(const char *id, unsigned char fill, int64_t expires_at)
{
	struct store_credential credential = {.pepper_kid = "pepper-1", .expires_at = expires_at};

	(void)stpcpy(credential.id, id);
	memset(credential.mac, fill, sizeof(credential.mac));
	return credential;
}

struct store_redemption some_redemption(
	const struct store_access_grant *grant, unsigned family, int64_t seq)
{
	struct store_redemption redemption = {
		.seq = seq,
		.generation = grant->generation,
		.family_expires_at = SUITE_NOW_S + 30 * 86400,
		.grace_s = 60,
		.unattended = true,
	};

	memcpy(redemption.grant_id, grant->id, sizeof(redemption.grant_id));
	memcpy(redemption.family_id, &family, sizeof(family));
	return redemption;
}

void make_world(struct store *store, struct store_access_grant *ret_grant)
{
	struct store_service_user user = some_user("su_1", "north-reader", "north");
	struct store_client client = some_client("api", "public");

	user.credentials[0] = some_credential("cr_1", 1, 0);
	user.credential_count = 1;
	assert_int_equal(store_site_add(store, "north", "North Pit"), 0);
	assert_int_equal(store_service_user_add(store, &user), 0);
	assert_int_equal(store_client_add(store, &client), 0);
	assert_int_equal(ensure_wait(store, "su_1", "api", ret_grant), 0);
}

static const struct suite_engine *engine;

int open_world(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	clock_init(&world->clock);
	clock_set_ms(&world->clock, SUITE_NOW_S * 1000LL);
	world->store = engine->empty_open(&world->clock);
	*state = world;
	return 0;
}

int open_peopled(void **state)
{
	struct world *world;

	(void)open_world(state);
	world = *state;
	make_world(world->store, &world->grant);
	return 0;
}

int close_world(void **state)
{
	struct world *world = *state;

	engine->empty_close(world->store);
	free(world);
	return 0;
}

void pass_s(struct world *world, int64_t seconds)
{
	clock_set_ms(&world->clock, clock_now_ms(&world->clock) + seconds * 1000);
}

int64_t counter(struct store *store)
{
	int64_t value = 0;

	assert_int_equal(store_change_counter(store, &value), 0);
	return value;
}

int64_t generation(struct world *world)
{
	struct store_subject subject;

	assert_int_equal(store_subject_by_id(world->store, "su_1", "api", &subject), 0);
	assert_true(subject.grant.exists);
	return subject.grant.generation;
}

int show(struct shown *shown, const char *name)
{
	size_t length = strlen(shown->names);

	(void)snprintf(shown->names + length, sizeof(shown->names) - length, "%s%s",
		length ? " " : "", name);
	shown->count++;
	return shown->count == shown->stop_at ? 77 : 0;
}

int suite_run(const struct suite_engine *suite_engine, const char *part)
{
	engine = suite_engine;
	if (strcmp(part, "authority") == 0)
		return suite_run_authority();
	if (strcmp(part, "administration") == 0)
		return suite_run_administration();
	if (strcmp(part, "attempts") == 0)
		return suite_run_attempts();
	if (strcmp(part, "imported") == 0)
		return suite_run_imported();
	if (strcmp(part, "last_use") == 0)
		return suite_run_last_use();
	return suite_run_token();
}
