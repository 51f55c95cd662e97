/* SPDX-License-Identifier: Apache-2.0 */
/* The suite's part on the way of a token: subjects, grants, redemptions, sweeps. */
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

/* --- subjects and grants ------------------------------------------------- */

static void test_subject(void **state)
{
	struct world *world = *state;
	struct store_subject subject = {.grant.generation = 9};
	struct store_credential second = some_credential("cr_2", 2, 0);

	assert_int_equal(store_subject_by_username(world->store, "nobody", "api", &subject),
		ERROR_NOT_FOUND);
	assert_int_equal(
		store_subject_by_id(world->store, "su_9", "api", &subject), ERROR_NOT_FOUND);
	assert_int_equal(subject.grant.generation, 9);
	assert_int_equal(store_service_user_rotate(world->store, "north-reader", &second, 60), 0);
	assert_int_equal(
		store_subject_by_username(world->store, "north-reader", "api", &subject), 0);
	assert_string_equal(subject.user.id, "su_1");
	assert_int_equal(subject.user.credential_count, 2);
	assert_string_equal(subject.user.credentials[0].id, "cr_2");
	assert_string_equal(subject.user.credentials[1].id, "cr_1");
	assert_true(subject.grant.exists);
	assert_memory_equal(subject.grant.id, world->grant.id, STORE_BINARY_ID_SIZE);
	assert_int_equal(subject.grant.generation, 1);
	pass_s(world, 60);
	assert_int_equal(store_subject_by_id(world->store, "su_1", "api", &subject), 0);
	assert_int_equal(subject.user.credential_count, 1);
	assert_true(subject.grant.exists);
	assert_int_equal(store_subject_by_id(world->store, "su_1", "nobody", &subject), 0);
	assert_false(subject.grant.exists);
	assert_int_equal(subject.grant.generation, 0);
	pass_s(world, 1);
	assert_int_equal(store_site_set_enabled(world->store, "north", false), 0);
	assert_int_equal(
		store_subject_by_username(world->store, "north-reader", "api", &subject), 0);
	assert_true(subject.user.site_disabled);
	assert_int_equal(subject.grant.generation, 2);
}

static void test_grant_is_made_once(void **state)
{
	struct world *world = *state;
	struct store_access_grant grant = {.generation = 9};
	int64_t before = counter(world->store);

	assert_int_equal(ensure_wait(world->store, "su_9", "api", &grant), ERROR_NOT_FOUND);
	assert_int_equal(ensure_wait(world->store, "su_1", "nobody", &grant), ERROR_NOT_FOUND);
	assert_int_equal(grant.generation, 9);
	assert_int_equal(ensure_wait(world->store, "su_1", "api", &grant), 0);
	assert_memory_equal(grant.id, world->grant.id, STORE_BINARY_ID_SIZE);
	assert_int_equal(grant.generation, 1);
	assert_true(grant.exists);
	assert_int_equal(counter(world->store), before);
}

/* --- the change counter -------------------------------------------------- */

static void test_hot_path_leaves_the_counter(void **state)
{
	struct world *world = *state;
	struct store_redemption redemption = some_redemption(&world->grant, 1, 0);
	struct store_redeemed redeemed;
	int64_t removed;
	int64_t before = counter(world->store);

	assert_int_equal(redeem_wait(world->store, &redemption, &redeemed), 0);
	assert_int_equal(sweep_wait(world->store, 10, &removed), 0);
	assert_int_equal(counter(world->store), before);
}

/* --- redemptions --------------------------------------------------------- */

static struct store_redeemed redeem(struct world *world, struct store_redemption redemption)
{
	struct store_redeemed redeemed = {0};

	assert_int_equal(redeem_wait(world->store, &redemption, &redeemed), 0);
	return redeemed;
}

/* Each step: seconds pass, link n is shown, and this comes back. */
struct step {
	int64_t pass_s;
	int64_t n;
	enum store_redeem_outcome outcome;
	int64_t seq;
	int64_t rotated_after_s; /* since the first step */
	const char *reason;
};

struct story {
	const char *name;
	struct step steps[6];
};

static const struct story stories[] = {
	{"each link once",
		{{0, 0, STORE_REDEEM_ROTATED, 1, 0, ""}, {100, 1, STORE_REDEEM_ROTATED, 2, 100, ""},
			{100, 2, STORE_REDEEM_ROTATED, 3, 200, ""}}},
	{"asked again within the window",
		{{0, 0, STORE_REDEEM_ROTATED, 1, 0, ""}, {60, 0, STORE_REDEEM_REPEATED, 1, 0, ""},
			{0, 1, STORE_REDEEM_ROTATED, 2, 60, ""}}},
	{"replayed after the window",
		{{0, 0, STORE_REDEEM_ROTATED, 1, 0, ""},
			{61, 0, STORE_REDEEM_REVOKED, 0, 0, "replay"},
			{0, 1, STORE_REDEEM_DEAD, 0, 0, ""}, {0, 0, STORE_REDEEM_DEAD, 0, 0, ""}}},
	{"an older link, though within the window",
		{{0, 0, STORE_REDEEM_ROTATED, 1, 0, ""}, {1, 1, STORE_REDEEM_ROTATED, 2, 1, ""},
			{1, 0, STORE_REDEEM_REVOKED, 0, 0, "replay"},
			{0, 2, STORE_REDEEM_DEAD, 0, 0, ""}}},
	{"a later link than the store knows: it was set back",
		{{0, 0, STORE_REDEEM_ROTATED, 1, 0, ""},
			{1, 3, STORE_REDEEM_REVOKED, 0, 0, "state_lost"},
			{0, 1, STORE_REDEEM_DEAD, 0, 0, ""}}},
	{"a later link of a family that is not there leaves a tombstone",
		{{0, 2, STORE_REDEEM_REVOKED, 0, 0, "state_lost"},
			{0, 0, STORE_REDEEM_DEAD, 0, 0, ""}, {0, 2, STORE_REDEEM_DEAD, 0, 0, ""},
			{0, 3, STORE_REDEEM_DEAD, 0, 0, ""}}},
	{"the clock goes back",
		{{0, 0, STORE_REDEEM_ROTATED, 1, 0, ""}, {-500, 0, STORE_REDEEM_REPEATED, 1, 0, ""},
			{0, 1, STORE_REDEEM_ROTATED, 2, -500, ""},
			{61, 1, STORE_REDEEM_REVOKED, 0, 0, "replay"}}},
	{"the clock goes forward", {{0, 0, STORE_REDEEM_ROTATED, 1, 0, ""},
					   {1000000, 1, STORE_REDEEM_ROTATED, 2, 1000000, ""}}},
};

static void tell(struct world *world, const struct story *story, unsigned family)
{
	for (const struct step *step = story->steps; step->outcome; step++) {
		struct store_redeemed redeemed;

		pass_s(world, step->pass_s);
		redeemed = redeem(world, some_redemption(&world->grant, family, step->n));
		if (redeemed.outcome != step->outcome)
			print_error("%s: step %td\n", story->name, step - story->steps);
		assert_int_equal(redeemed.outcome, step->outcome);
		assert_string_equal(redeemed.reason, step->reason);
		assert_int_equal(redeemed.seq, step->seq);
		if (step->seq)
			assert_int_equal(redeemed.rotated_at, SUITE_NOW_S + step->rotated_after_s);
	}
	clock_set_ms(&world->clock, SUITE_NOW_S * 1000LL);
}

static void test_stories(void **state)
{
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++)
		tell(*state, &stories[i], (unsigned)i + 1);
}

/* What one family should do, in words of C. */
struct model {
	bool there;
	bool revoked;
	int64_t seq;
	int64_t rotated_at;
};

static struct store_redeemed expect(struct model *model, int64_t n, int64_t now_s)
{
	struct store_redeemed expected = {.outcome = STORE_REDEEM_DEAD};

	if (model->revoked)
		return expected;
	if ((!model->there && n == 0) || (model->there && n == model->seq)) {
		*model = (struct model){.there = true, .seq = n + 1, .rotated_at = now_s};
		expected.outcome = STORE_REDEEM_ROTATED;
	} else if (model->there && n + 1 == model->seq && now_s - model->rotated_at <= 60) {
		expected.outcome =
			now_s == model->rotated_at ? STORE_REDEEM_ROTATED : STORE_REDEEM_REPEATED;
	} else {
		bool lost = !model->there || n > model->seq;

		model->revoked = true;
		expected.outcome = STORE_REDEEM_REVOKED;
		(void)stpcpy(expected.reason, lost ? "state_lost" : "replay");
		return expected;
	}
	expected.seq = model->seq;
	expected.rotated_at = model->rotated_at;
	return expected;
}

/* Mostly the newest link or the one before it, now and then any other. */
static int64_t some_link(const struct model *model)
{
	long choice = random() % 20;
	int64_t n = choice < 12 ? model->seq : choice < 19 ? model->seq - 1 : random() % 6;

	return n < 0 ? 0 : n;
}

static void test_against_the_model(void **state)
{
	enum { FAMILIES = 50, STEPS = 1500 };
	static struct model models[FAMILIES];
	int seen[STORE_REDEEM_DEAD + 1] = {0};
	struct world *world = *state;

	srandom(20261121);
	memset(models, 0, sizeof(models));
	for (int i = 0; i < STEPS; i++) {
		unsigned family = (unsigned)random() % FAMILIES;
		int64_t n = some_link(&models[family]);
		struct store_redeemed expected =
			expect(&models[family], n, clock_now_s(&world->clock));
		struct store_redeemed redeemed =
			redeem(world, some_redemption(&world->grant, family + 1, n));

		assert_int_equal(redeemed.outcome, expected.outcome);
		assert_int_equal(redeemed.seq, expected.seq);
		assert_int_equal(redeemed.rotated_at, expected.rotated_at);
		assert_string_equal(redeemed.reason, expected.reason);
		seen[redeemed.outcome]++;
		if (random() % 20 == 0)
			pass_s(world, random() % 40 - 5);
	}
	for (int outcome = STORE_REDEEM_ROTATED; outcome <= STORE_REDEEM_DEAD; outcome++)
		assert_true(seen[outcome] >= 10);
}

static void test_attended_family_needs_its_row(void **state)
{
	struct world *world = *state;
	struct store_redemption redemption = some_redemption(&world->grant, 1, 0);
	struct store_redeemed redeemed;

	redemption.unattended = false;
	redeemed = redeem(world, redemption);
	assert_int_equal(redeemed.outcome, STORE_REDEEM_REVOKED);
	assert_string_equal(redeemed.reason, "state_lost");
	redemption.unattended = true;
	assert_int_equal(redeem(world, redemption).outcome, STORE_REDEEM_DEAD);
}

static void test_dead_generation(void **state)
{
	struct world *world = *state;
	struct store_redemption old = some_redemption(&world->grant, 1, 0);
	struct store_redemption fresh = some_redemption(&world->grant, 2, 0);
	struct store_redemption unknown = some_redemption(&world->grant, 3, 0);

	assert_int_equal(redeem(world, old).outcome, STORE_REDEEM_ROTATED);
	assert_int_equal(store_service_user_set_enabled(world->store, "north-reader", false), 0);
	assert_int_equal(store_service_user_set_enabled(world->store, "north-reader", true), 0);
	assert_int_equal(redeem(world, old).outcome, STORE_REDEEM_DEAD);
	old.seq = 1;
	assert_int_equal(redeem(world, old).outcome, STORE_REDEEM_DEAD);
	assert_int_equal(redeem(world, fresh).outcome, STORE_REDEEM_DEAD);
	fresh.generation = 2;
	assert_int_equal(redeem(world, fresh).outcome, STORE_REDEEM_ROTATED);
	fresh.seq = 1;
	fresh.generation = 3; /* from a store that was set back */
	assert_int_equal(redeem(world, fresh).outcome, STORE_REDEEM_DEAD);
	unknown.generation = 2;
	memset(unknown.grant_id, 0xee, sizeof(unknown.grant_id));
	assert_int_equal(redeem(world, unknown).outcome, STORE_REDEEM_DEAD);
}

static void test_impossible_redemptions(void **state)
{
	struct world *world = *state;
	struct store_redemption redemption = some_redemption(&world->grant, 1, -1);
	struct store_redeemed redeemed;

	assert_int_equal(redeem_wait(world->store, &redemption, &redeemed), ERROR_INVALID);
	redemption.seq = INT64_MAX;
	assert_int_equal(redeem_wait(world->store, &redemption, &redeemed), ERROR_INVALID);
	redemption.seq = INT64_MAX - 1;
	assert_int_equal(redeem(world, redemption).outcome, STORE_REDEEM_REVOKED);
	redemption = some_redemption(&world->grant, 2, 0);
	redemption.grace_s = -1;
	assert_int_equal(redeem_wait(world->store, &redemption, &redeemed), ERROR_INVALID);
}

static void test_no_grace(void **state)
{
	struct world *world = *state;
	struct store_redemption redemption = some_redemption(&world->grant, 1, 0);

	redemption.grace_s = 0;
	assert_int_equal(redeem(world, redemption).outcome, STORE_REDEEM_ROTATED);
	pass_s(world, 1);
	assert_int_equal(redeem(world, redemption).outcome, STORE_REDEEM_REVOKED);
}

/* --- many at once -------------------------------------------------------- */

enum {
	REDEEMERS = 64,
	ROUNDS = 50,
};

struct redeemer {
	pthread_t thread;
	struct store *store;
	pthread_barrier_t *start;
	struct store_redemption redemption;
	struct store_redeemed redeemed;
	int error;
};

static void *redeem_thread(void *context)
{
	struct redeemer *redeemer = context;

	(void)pthread_barrier_wait(redeemer->start);
	redeemer->error = redeem_wait(redeemer->store, &redeemer->redemption, &redeemer->redeemed);
	return NULL;
}

static void redeem_together(struct world *world, struct store_redemption redemption)
{
	static struct redeemer redeemers[REDEEMERS];
	pthread_barrier_t start;

	(void)pthread_barrier_init(&start, NULL, REDEEMERS);
	for (size_t i = 0; i < REDEEMERS; i++) {
		redeemers[i] = (struct redeemer){
			.store = world->store, .start = &start, .redemption = redemption};
		assert_int_equal(
			pthread_create(&redeemers[i].thread, NULL, redeem_thread, &redeemers[i]),
			0);
	}
	for (size_t i = 0; i < REDEEMERS; i++)
		(void)pthread_join(redeemers[i].thread, NULL);
	(void)pthread_barrier_destroy(&start);
	for (size_t i = 0; i < REDEEMERS; i++) {
		assert_int_equal(redeemers[i].error, 0);
		assert_true(redeemers[i].redeemed.outcome == STORE_REDEEM_ROTATED ||
			    redeemers[i].redeemed.outcome == STORE_REDEEM_REPEATED);
		assert_int_equal(redeemers[i].redeemed.seq, redemption.seq + 1);
		assert_int_equal(
			redeemers[i].redeemed.rotated_at, redeemers[0].redeemed.rotated_at);
	}
}

/* On the system's clock, whose second may change in between. */
static void test_one_token_redeemed_by_many(void **state)
{
	struct world *world = *state;

	clock_set_ms(&world->clock, 0);
	for (unsigned round = 0; round < ROUNDS; round++)
		redeem_together(world, some_redemption(&world->grant, round / 2 + 1, round % 2));
}

/* --- sweeping ------------------------------------------------------------ */

static void test_sweep(void **state)
{
	struct world *world = *state;
	struct store_redemption redemption;
	int64_t removed = 99;

	for (unsigned family = 1; family <= 5; family++) {
		redemption = some_redemption(&world->grant, family, 0);
		redemption.family_expires_at = SUITE_NOW_S + (family <= 3 ? 100 : 200);
		(void)redeem(world, redemption);
	}
	pass_s(world, 100 + 86400);
	assert_int_equal(sweep_wait(world->store, 100, &removed), 0);
	assert_int_equal(removed, 0);
	pass_s(world, 1);
	assert_int_equal(sweep_wait(world->store, 0, &removed), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(sweep_wait(world->store, 2, &removed), 0);
	assert_int_equal(removed, 2);
	assert_int_equal(sweep_wait(world->store, 2, &removed), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(sweep_wait(world->store, 2, &removed), 0);
	assert_int_equal(removed, 0);
	/* Those that are left still know their links. */
	assert_int_equal(
		redeem(world, some_redemption(&world->grant, 5, 1)).outcome, STORE_REDEEM_ROTATED);
}

static int show_grant(void *context, const struct store_grant_row *row)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "%s/%s/%s%s", row->username, row->client_id, row->site,
		row->disabled_at ? "!" : "");
	return show(context, text);
}

static void expect_grants(struct world *world, const char *expected)
{
	struct shown shown = {0};

	assert_int_equal(store_access_grant_list(world->store, NULL, NULL, show_grant, &shown), 0);
	assert_string_equal(shown.names, expected);
}

/* A client that is kept from a Service User: no grant is made, what there was is dead. */
static void test_disabled_grant(void **state)
{
	struct world *world = *state;
	struct store_access_grant grant;
	struct store_subject subject;
	struct store_redeemed redeemed = redeem(world, some_redemption(&world->grant, 1, 0));

	assert_int_equal(redeemed.outcome, STORE_REDEEM_ROTATED);
	expect_grants(world, "north-reader/api/north");
	assert_int_equal(store_access_grant_set_enabled(world->store, "nobody", "api", false),
		ERROR_NOT_FOUND);
	assert_int_equal(
		store_access_grant_set_enabled(world->store, "north-reader", "none", false),
		ERROR_NOT_FOUND);
	assert_int_equal(
		store_access_grant_set_enabled(world->store, "north-reader", "api", false), 0);
	expect_grants(world, "north-reader/api/north!");
	assert_int_equal(
		store_subject_by_username(world->store, "north-reader", "api", &subject), 0);
	assert_true(subject.grant.disabled);
	assert_int_equal(
		ensure_wait(world->store, subject.user.id, "api", &grant), ERROR_NOT_FOUND);
	assert_int_equal(
		redeem(world, some_redemption(&world->grant, 1, 1)).outcome, STORE_REDEEM_DEAD);
	assert_int_equal(
		store_access_grant_set_enabled(world->store, "north-reader", "api", true), 0);
	assert_int_equal(ensure_wait(world->store, subject.user.id, "api", &grant), 0);
	assert_true(grant.generation > world->grant.generation);
	assert_int_equal(
		redeem(world, some_redemption(&world->grant, 1, 1)).outcome, STORE_REDEEM_DEAD);
}

/* --- client assertions --------------------------------------------------- */

static void test_an_assertion_counts_once(void **state)
{
	struct world *world = *state;
	int64_t before = counter(world->store);

	assert_int_equal(assertion_use_wait(world->store, 1, SUITE_NOW_S + 60), 0);
	assert_int_equal(assertion_use_wait(world->store, 1, SUITE_NOW_S + 60), ERROR_EXISTS);
	assert_int_equal(assertion_use_wait(world->store, 1, SUITE_NOW_S + 90), ERROR_EXISTS);
	assert_int_equal(assertion_use_wait(world->store, 2, SUITE_NOW_S + 60), 0);
	/* One that has ended may have been used and swept. */
	assert_int_equal(assertion_use_wait(world->store, 3, SUITE_NOW_S), ERROR_EXISTS);
	assert_int_equal(counter(world->store), before);
}

static void test_assertions_are_swept(void **state)
{
	struct world *world = *state;
	int64_t removed = 99;

	for (unsigned char fill = 1; fill <= 5; fill++)
		assert_int_equal(assertion_use_wait(
					 world->store, fill, SUITE_NOW_S + (fill <= 3 ? 100 : 200)),
			0);
	pass_s(world, 3700);
	assert_int_equal(assertion_sweep_wait(world->store, 100, &removed), 0);
	assert_int_equal(removed, 0);
	/* It was ahead, and is set back. */
	pass_s(world, -3650);
	assert_int_equal(assertion_use_wait(world->store, 1, SUITE_NOW_S + 100), ERROR_EXISTS);
	pass_s(world, 3650);
	pass_s(world, 1);
	assert_int_equal(assertion_sweep_wait(world->store, -1, &removed), 0);
	assert_int_equal(removed, 0);
	assert_int_equal(assertion_sweep_wait(world->store, 2, &removed), 0);
	assert_int_equal(removed, 2);
	assert_int_equal(assertion_sweep_wait(world->store, 2, &removed), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(assertion_use_wait(world->store, 4, SUITE_NOW_S + 200), ERROR_EXISTS);
	assert_int_equal(assertion_use_wait(world->store, 1, SUITE_NOW_S + 100), ERROR_EXISTS);
}

struct user {
	pthread_t thread;
	struct store *store;
	pthread_barrier_t *start;
	unsigned char fill;
	int error;
};

static void *use_thread(void *context)
{
	struct user *user = context;

	(void)pthread_barrier_wait(user->start);
	user->error = assertion_use_wait(user->store, user->fill, SUITE_NOW_S + 60);
	return NULL;
}

static void test_one_assertion_used_by_many(void **state)
{
	static struct user users[REDEEMERS];
	struct world *world = *state;
	pthread_barrier_t start;

	for (unsigned char round = 1; round <= ROUNDS; round++) {
		int won = 0;

		(void)pthread_barrier_init(&start, NULL, REDEEMERS);
		for (size_t i = 0; i < REDEEMERS; i++) {
			users[i] = (struct user){
				.store = world->store, .start = &start, .fill = round};
			assert_int_equal(
				pthread_create(&users[i].thread, NULL, use_thread, &users[i]), 0);
		}
		for (size_t i = 0; i < REDEEMERS; i++) {
			(void)pthread_join(users[i].thread, NULL);
			won += users[i].error == 0;
			assert_true(users[i].error == 0 || users[i].error == ERROR_EXISTS);
		}
		(void)pthread_barrier_destroy(&start);
		assert_int_equal(won, 1);
	}
}

int suite_run_token(void)
{
	const struct CMUnitTest tests[] = {
		PEOPLED(test_subject),
		PEOPLED(test_grant_is_made_once),
		PEOPLED(test_hot_path_leaves_the_counter),
		PEOPLED(test_stories),
		PEOPLED(test_against_the_model),
		PEOPLED(test_attended_family_needs_its_row),
		PEOPLED(test_dead_generation),
		PEOPLED(test_disabled_grant),
		PEOPLED(test_impossible_redemptions),
		PEOPLED(test_no_grace),
		PEOPLED(test_one_token_redeemed_by_many),
		PEOPLED(test_sweep),
		EMPTY(test_an_assertion_counts_once),
		EMPTY(test_assertions_are_swept),
		EMPTY(test_one_assertion_used_by_many),
	};

	return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
