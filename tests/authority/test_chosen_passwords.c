/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a submitted password costs, and when its failure leaves: the form of what is sent
 * decides, whoever is named (2-decisions, 2).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scene.h"

#include "authority/password_hash.h"
#include "authority/route.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { ARRIVED_AT_MS = 1000123 };

/* The answer that went to the server, from whichever thread. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t came;
	int count;
	int status;
	int64_t not_before_ms;
} answer = {.lock = PTHREAD_MUTEX_INITIALIZER, .came = PTHREAD_COND_INITIALIZER};
static _Atomic int64_t now_ms = ARRIVED_AT_MS;

void __wrap_http_answer(struct http_ticket ticket, const struct http_response *response);
void __wrap_http_answer(struct http_ticket ticket, const struct http_response *response)
{
	(void)ticket;
	(void)pthread_mutex_lock(&answer.lock);
	answer.count++;
	answer.status = response->status;
	answer.not_before_ms = response->not_before_ms;
	(void)pthread_cond_broadcast(&answer.came);
	(void)pthread_mutex_unlock(&answer.lock);
}

int64_t __wrap_clock_monotonic_ms(void);
int64_t __wrap_clock_monotonic_ms(void)
{
	return atomic_load(&now_ms);
}

/* A hash of another system takes its time, by the clock that stands otherwise. */
static atomic_int hashed;
static int64_t foreign_takes_ms;

int __real_password_hash_verify(const char *hash, const char *password);
int __wrap_password_hash_verify(const char *hash, const char *password);
int __wrap_password_hash_verify(const char *hash, const char *password)
{
	atomic_fetch_add(&hashed, 1);
	if (!password_hash_is_current(hash))
		atomic_fetch_add(&now_ms, foreign_takes_ms);
	return __real_password_hash_verify(hash, password);
}

int __real_password_hash_pretend(const char *password);
int __wrap_password_hash_pretend(const char *password);
int __wrap_password_hash_pretend(const char *password)
{
	atomic_fetch_add(&hashed, 1);
	return __real_password_hash_pretend(password);
}

static struct authority *open_authority(struct scene *scene)
{
	struct authority_settings settings;

	authority_settings_init(&settings);
	settings.threads = 1;
	settings.password_threads = 1;
	return create_authority(scene, &settings);
}

struct sent {
	int status;
	int hashed;
	int64_t left_ms; /* after the arrival; -1: at once */
};

static struct sent submit(struct authority *authority, const char *username, const char *password)
{
	struct http_request request;
	char body[512];
	struct sent sent;
	int before = answer.count;

	(void)snprintf(body, sizeof(body),
		"grant_type=password&client_id=external.customer&username=%s&password=%s", username,
		password);
	request = token_request(body, ARRIVED_AT_MS);
	atomic_store(&now_ms, ARRIVED_AT_MS);
	atomic_store(&hashed, 0);
	route_request(authority, &request, (struct http_ticket){0});
	(void)pthread_mutex_lock(&answer.lock);
	while (answer.count == before)
		(void)pthread_cond_wait(&answer.came, &answer.lock);
	sent = (struct sent){answer.status, atomic_load(&hashed),
		answer.not_before_ms ? answer.not_before_ms - ARRIVED_AT_MS : -1};
	(void)pthread_mutex_unlock(&answer.lock);
	return sent;
}

static void import(struct scene *scene)
{
	static const char lines[] =
		"{\"username\":\"plain\",\"site\":\"north\",\"role\":\"read\",\"password\":"
		"\"hunter2\"}\n"
		"{\"username\":\"foreign\",\"site\":\"north\",\"role\":\"read\",\"password_hash\":"
		"\"$2b$04$cVWp4XaNU8a4v1uMRum2SO026BWLIoQMD/TXg5uZV.0P.uO8m3YEm\"}";
	struct fault fault = {""};
	const struct admin_import wanted = {.text = lines, .length = sizeof(lines) - 1};

	assert_int_equal(admin_service_user_import(&scene->admin, &wanted, &fault), 0);
}

/* A password of the generated form that is nobody's, and the time of its failure. */
static void check_generated(struct authority *authority, const char *username)
{
	char password[GENERATED_PASSWORD_SIZE];
	struct sent sent;

	assert_int_equal(generated_password_make(GENERATED_SERVICE_USER_PASSWORD, password), 0);
	sent = submit(authority, username, password);
	assert_int_equal(sent.status, 400);
	assert_int_equal(sent.hashed, 0);
	assert_int_equal(sent.left_ms, 250);
}

static const char *const everybody[] = {"plain", "foreign", "north-reader", "nobody", ""};

enum { EVERYBODY = sizeof(everybody) / sizeof(everybody[0]) };

/* Requirements 65 and 66: one slow hash for whatever is chosen, none for what has the form
 * of a generated password; and the same time, however long the other system's hash takes. */
static void test_the_form_decides_the_cost(void **state)
{
	static const int64_t takes_ms[] = {0, 300, PASSWORD_HASH_OTHERS_CEILING_MS - 1};
	struct scene *scene = *state;
	struct store_service_user user;
	char password[GENERATED_PASSWORD_SIZE];

	add_user(scene, &user, password);
	import(scene);
	for (size_t i = 0; i < sizeof(takes_ms) / sizeof(takes_ms[0]); i++) {
		struct authority *authority = open_authority(scene);

		foreign_takes_ms = takes_ms[i];
		for (size_t name = 0; name < EVERYBODY; name++) {
			struct sent sent = submit(authority, everybody[name], "wrong");

			assert_int_equal(sent.status, 400);
			assert_int_equal(sent.hashed, 1);
			assert_int_equal(sent.left_ms, 1250);
			sent = submit(authority, everybody[name], "");
			assert_int_equal(sent.hashed, 1);
			assert_int_equal(sent.left_ms, 1250);
			check_generated(authority, everybody[name]);
		}
		authority_destroy(authority);
	}
}

/* What is right leaves at once, signed on the queue's thread; a generated password costs no
 * slow hash even then. */
static void test_right_ones(void **state)
{
	struct scene *scene = *state;
	struct store_service_user user;
	char password[GENERATED_PASSWORD_SIZE];
	struct authority *authority;
	struct sent sent;

	add_user(scene, &user, password);
	import(scene);
	authority = open_authority(scene);
	foreign_takes_ms = 0;
	for (int i = 0; i < 3; i++) {
		sent = submit(authority, "plain", "hunter2");
		assert_int_equal(sent.status, 200);
		assert_int_equal(sent.hashed, 1);
		assert_int_equal(sent.left_ms, -1);
		sent = submit(authority, "foreign", "Kk4DQuMMfZL9o");
		assert_int_equal(sent.status, 200);
		assert_int_equal(sent.hashed, 1);
		sent = submit(authority, "north-reader", password);
		assert_int_equal(sent.status, 200);
		assert_int_equal(sent.hashed, 0);
	}
	store_settle(scene->store);
	assert_int_equal(store_service_user_get(scene->store, "foreign", &user), 0);
	assert_true(password_hash_is_current(user.credentials[0].password_hash));
	/* No hash is another system's any more: failures need wait for ours only. */
	authority_tick(authority);
	for (size_t name = 0; name < EVERYBODY; name++)
		assert_int_equal(submit(authority, everybody[name], "wrong").left_ms, 500);
	authority_destroy(authority);
}

/* Where nobody has an imported password nothing is hashed; and as soon as somebody has one,
 * everybody's guesses are. */
static void test_none_is_hashed_in_vain(void **state)
{
	struct scene *scene = *state;
	struct store_service_user user;
	char password[GENERATED_PASSWORD_SIZE];
	struct authority *authority;
	struct sent sent;

	add_user(scene, &user, password);
	authority = open_authority(scene);
	for (size_t name = 0; name < EVERYBODY; name++) {
		sent = submit(authority, everybody[name], "wrong");
		assert_int_equal(sent.status, 400);
		assert_int_equal(sent.hashed, 0);
		assert_int_equal(sent.left_ms, 250);
	}
	import(scene);
	authority_tick(authority);
	sent = submit(authority, "nobody", "wrong");
	assert_int_equal(sent.hashed, 1);
	assert_int_equal(sent.left_ms, 1250);
	authority_destroy(authority);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE(test_the_form_decides_the_cost),
		SCENE(test_right_ones),
		SCENE(test_none_is_hashed_in_vain),
	};

	return cmocka_run_group_tests_name("chosen_passwords", tests, NULL, NULL);
}
