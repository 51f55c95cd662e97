/* SPDX-License-Identifier: Apache-2.0 */
/* The queue before the slow hashes: its places, its turns, its end. The hashing itself is
 * wrapped: it waits at a gate, and is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "authority/password_hash.h"
#include "authority/password_queue.h"
#include "scene.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Hashing goes on where the gate is open. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool open;
	int inside; /* that wait at the gate */
	int verified;
	int pretended;
	int made;
	int result; /* of a verification */
} gate = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void pass_gate(int *counter)
{
	(void)pthread_mutex_lock(&gate.lock);
	gate.inside++;
	(void)pthread_cond_broadcast(&gate.changed);
	while (!gate.open)
		(void)pthread_cond_wait(&gate.changed, &gate.lock);
	gate.inside--;
	++*counter;
	(void)pthread_mutex_unlock(&gate.lock);
}

static void open_gate(bool open)
{
	(void)pthread_mutex_lock(&gate.lock);
	gate.open = open;
	(void)pthread_cond_broadcast(&gate.changed);
	(void)pthread_mutex_unlock(&gate.lock);
}

static void await_inside(int count)
{
	(void)pthread_mutex_lock(&gate.lock);
	while (gate.inside < count)
		(void)pthread_cond_wait(&gate.changed, &gate.lock);
	(void)pthread_mutex_unlock(&gate.lock);
}

int __wrap_password_hash_verify(const char *hash, const char *password);
int __wrap_password_hash_verify(const char *hash, const char *password)
{
	(void)hash;
	pass_gate(&gate.verified);
	return strcmp(password, "right") ? ERROR_REFUSED : gate.result;
}

int __wrap_password_hash_pretend(const char *password);
int __wrap_password_hash_pretend(const char *password)
{
	(void)password;
	pass_gate(&gate.pretended);
	return gate.result;
}

int __wrap_password_hash_make(const char *password, char ret_hash[STORE_PASSWORD_HASH_SIZE]);
int __wrap_password_hash_make(const char *password, char ret_hash[STORE_PASSWORD_HASH_SIZE])
{
	assert_string_equal(password, "right");
	pass_gate(&gate.made);
	(void)stpcpy(ret_hash, "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ$bQk8UB/"
			       "VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc");
	return 0;
}

/* What was answered, in its order. */
struct answers {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int count;
	char order[256];
	int errors[256];
};

struct asked {
	struct answers *answers;
	char name;
};

static void answered(void *context, const struct password_verdict *verdict)
{
	struct asked *asked = context;
	struct answers *answers = asked->answers;

	assert_true(verdict->thread < 2);
	assert_int_equal(verdict->began_ms == 0, verdict->error == ERROR_UNAVAILABLE);
	(void)pthread_mutex_lock(&answers->lock);
	answers->order[answers->count] = asked->name;
	answers->errors[answers->count++] = verdict->error;
	(void)pthread_cond_broadcast(&answers->changed);
	(void)pthread_mutex_unlock(&answers->lock);
	free(asked);
}

static void await(struct answers *answers, int count)
{
	(void)pthread_mutex_lock(&answers->lock);
	while (answers->count < count)
		(void)pthread_cond_wait(&answers->changed, &answers->lock);
	(void)pthread_mutex_unlock(&answers->lock);
}

static struct answers answers_none(void)
{
	struct answers answers = {
		.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

	return answers;
}

static int ask(struct password_queue *queue, struct answers *answers,
	const struct password_check *wanted, char name)
{
	struct password_check check = *wanted;
	struct asked *asked = malloc(sizeof(*asked));
	int error;

	assert_non_null(asked);
	*asked = (struct asked){answers, name};
	check.done = answered;
	check.context = asked;
	error = password_queue_submit(queue, &check);
	if (error)
		free(asked);
	return error;
}

static struct password_queue *create(struct scene *scene, unsigned threads)
{
	struct password_queue *queue = NULL;

	gate.verified = gate.pretended = gate.made = gate.result = 0;
	open_gate(true);
	assert_int_equal(password_queue_create(scene->store, threads, &queue), 0);
	return queue;
}

static const struct password_check nobody = {.password = "wrong"};
static const struct password_check trusted = {.password = "wrong", .trusted = true};

/* Requirement 66: bounded. Half of the places are for the trusted, and a full queue says so
 * whoever is named. */
static void test_places(void **state)
{
	struct password_queue *queue = create(*state, 1);
	struct answers answers = answers_none();
	struct password_queue_state now;
	struct store_credential imported = {.id = "cr_1", .password_hash = "$2b$…"};
	struct password_check known = {.password = "wrong", .against = &imported};
	int taken = 0;

	open_gate(false);
	assert_int_equal(ask(queue, &answers, &nobody, '0'), 0);
	await_inside(1);
	while (!ask(queue, &answers, taken % 2 ? &nobody : &known, 'n'))
		taken++;
	assert_int_equal(taken, PASSWORD_QUEUE_PLACES / 2);
	assert_int_equal(ask(queue, &answers, &nobody, 'n'), ERROR_BUSY);
	assert_int_equal(ask(queue, &answers, &known, 'n'), ERROR_BUSY);
	while (!ask(queue, &answers, &trusted, 't'))
		taken++;
	assert_int_equal(taken, PASSWORD_QUEUE_PLACES);
	assert_int_equal(ask(queue, &answers, &trusted, 't'), ERROR_BUSY);
	password_queue_state(queue, &now);
	assert_int_equal(now.threads, 1);
	assert_int_equal(now.waiting, PASSWORD_QUEUE_PLACES);
	assert_int_equal(now.waiting_trusted, PASSWORD_QUEUE_PLACES / 2);
	open_gate(true);
	await(&answers, taken + 1);
	/* In turns: neither kind waits behind all of the other. */
	for (int i = 2; i < answers.count; i++)
		assert_int_not_equal(answers.order[i], answers.order[i - 1]);
	for (int i = 0; i < answers.count; i++)
		assert_int_equal(answers.errors[i], ERROR_REFUSED);
	assert_int_equal(gate.pretended + gate.verified, taken + 1);
	assert_int_equal(ask(queue, &answers, &nobody, 'n'), 0);
	password_queue_destroy(queue);
}

/* The trusted may take every place; the others then have none. */
static void test_trusted_take_all(void **state)
{
	struct password_queue *queue = create(*state, 2);
	struct answers answers = answers_none();
	int taken = 0;

	open_gate(false);
	assert_int_equal(ask(queue, &answers, &nobody, '0'), 0);
	assert_int_equal(ask(queue, &answers, &nobody, '0'), 0);
	await_inside(2);
	while (!ask(queue, &answers, &trusted, 't'))
		taken++;
	assert_int_equal(taken, 2 * PASSWORD_QUEUE_PLACES);
	assert_int_equal(ask(queue, &answers, &nobody, 'n'), ERROR_BUSY);
	open_gate(true);
	await(&answers, taken + 2);
	password_queue_destroy(queue);
}

static void *stop(void *queue)
{
	password_queue_stop(queue);
	return NULL;
}

/* What still waits at the end is answered, and not hashed. */
static void test_end(void **state)
{
	struct password_queue *queue = create(*state, 1);
	struct answers answers = answers_none();
	pthread_t stopper;

	open_gate(false);
	assert_int_equal(ask(queue, &answers, &nobody, 'a'), 0);
	await_inside(1);
	for (int i = 0; i < 5; i++)
		assert_int_equal(ask(queue, &answers, &nobody, 'b'), 0);
	assert_int_equal(pthread_create(&stopper, NULL, stop, queue), 0);
	while (ask(queue, &answers, &nobody, 'c') != ERROR_UNAVAILABLE)
		;
	open_gate(true);
	(void)pthread_join(stopper, NULL);
	assert_true(answers.count >= 6);
	assert_int_equal(answers.errors[0], ERROR_REFUSED);
	for (int i = 1; i < answers.count; i++)
		assert_int_equal(answers.errors[i], ERROR_UNAVAILABLE);
	assert_int_equal(gate.pretended, 1);
	assert_int_equal(ask(queue, &answers, &nobody, 'd'), ERROR_UNAVAILABLE);
	password_queue_destroy(queue);
	password_queue_destroy(NULL);
}

static struct store_service_user add_imported(struct scene *scene, const char *hash)
{
	struct store_service_user user = {
		.id = "su_9", .username = "imported", .site = "north", .role = "read"};

	(void)stpcpy(user.credentials[0].id, "cr_9");
	(void)stpcpy(user.credentials[0].password_hash, hash);
	user.credential_count = 1;
	assert_int_equal(store_site_add(scene->store, "north", ""), 0);
	assert_int_equal(store_service_user_add(scene->store, &user), 0);
	return user;
}

static void check_stored(struct scene *scene, const char *begins)
{
	struct store_service_user user;

	store_settle(scene->store);
	assert_int_equal(store_service_user_get(scene->store, "imported", &user), 0);
	assert_int_equal(user.credential_count, 1);
	assert_memory_equal(user.credentials[0].password_hash, begins, strlen(begins));
}

/* Requirement 66: a right password is hashed anew, after its answer; a wrong one never, and
 * a hash that is good enough stays. */
static void test_hashed_anew(void **state)
{
	struct scene *scene = *state;
	struct store_service_user user = add_imported(scene, "$2y$old");
	struct password_queue *queue = create(scene, 1);
	struct answers answers = answers_none();
	struct password_check check = {.password = "wrong", .against = &user.credentials[0]};

	assert_int_equal(ask(queue, &answers, &check, 'a'), 0);
	await(&answers, 1);
	assert_int_equal(answers.errors[0], ERROR_REFUSED);
	check.password = "right";
	assert_int_equal(ask(queue, &answers, &check, 'b'), 0);
	await(&answers, 2);
	assert_int_equal(answers.errors[1], 0);
	assert_int_equal(ask(queue, &answers, &nobody, 'c'), 0);
	await(&answers, 3); /* the one thread has done with the second by now */
	assert_int_equal(gate.made, 1);
	check_stored(scene, "$argon2id$v=19$m=19456");
	assert_int_equal(store_service_user_get(scene->store, "imported", &user), 0);
	assert_int_equal(ask(queue, &answers, &check, 'd'), 0);
	assert_int_equal(ask(queue, &answers, &nobody, 'e'), 0);
	await(&answers, 5);
	assert_int_equal(gate.made, 1);
	password_queue_destroy(queue);
}

/* What can't be told is no verdict, and nothing is made of it. */
static void test_faults(void **state)
{
	struct scene *scene = *state;
	struct store_service_user user = add_imported(scene, "$2y$old");
	struct password_queue *queue = create(scene, 1);
	struct answers answers = answers_none();
	struct password_check check = {.password = "right", .against = &user.credentials[0]};
	char password[PASSWORD_MAX + 2];

	gate.result = ERROR_MEMORY;
	assert_int_equal(ask(queue, &answers, &check, 'a'), 0);
	assert_int_equal(ask(queue, &answers, &nobody, 'b'), 0);
	await(&answers, 2);
	assert_int_equal(answers.errors[0], ERROR_MEMORY);
	assert_int_equal(answers.errors[1], ERROR_MEMORY);
	memset(password, 'x', sizeof(password) - 1);
	password[sizeof(password) - 1] = '\0';
	check.password = password;
	assert_int_equal(ask(queue, &answers, &check, 'c'), ERROR_LIMIT);
	password_queue_destroy(queue);
	assert_int_equal(gate.made, 0);
	check_stored(scene, "$2y$old");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_places),
		SCENE(test_trusted_take_all),
		SCENE(test_end),
		SCENE(test_hashed_anew),
		SCENE(test_faults),
	};

	return cmocka_run_group_tests_name("password_queue", tests, NULL, NULL);
}
