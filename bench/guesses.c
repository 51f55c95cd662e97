/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guessing gets: 500 guesses a second from 200 sources for ten minutes of a clock
 * that is moved, against a whole authority. Ends with status 1 where more than ten
 * guesses at an account or a hundred from a source were evaluated, or where an owner had
 * to wait.
 *
 *   bench-guesses
 */
#include "authority/admin.h"
#include "authority/attempts.h"
#include "authority/context.h"
#include "authority/data_directory.h"
#include "authority/route.h"
#include "base/random.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SECONDS = 600,
	GUESSES_A_SECOND = 500,
	SOURCES = 200,
	ACCOUNTS_MAX = 2000,
	OWNER_EVERY_S = 10,
	ACCOUNT_MOST = 10,
	SOURCE_MOST = 100,
	ATTACKERS = 0x0a000000, /* 10.0.0.0 */
	OWNERS = 0xc0000200,	/* 192.0.2.0 */
	TRAVELLERS = 0xc6000000,
	BODY_MAX = 512,
};

struct attack {
	const char *name;
	int accounts;
	int reach;     /* at how many of them each source guesses */
	bool imported; /* they are there, with chosen passwords; else nobody has one */
};

static const struct attack attacks[] = {
	{"one chosen password", 1, 1, true},
	{"25 chosen passwords", 25, 25, true},
	{"2,000 names that are not there", 2000, 2000, false},
	{"the same, 20 by each source", 2000, 20, false},
};

struct bench {
	const struct attack *attack;
	struct clock clock;
	struct log log;
	struct secret secret_key;
	struct store *store;
	struct authority *authority;
	char generated[GENERATED_PASSWORD_SIZE]; /* of the user "generated" */
	int evaluated_at[ACCOUNTS_MAX];
	int evaluated_from[SOURCES];
	int64_t evaluated;
	int64_t slowed;
	int64_t owners;
	int64_t owners_waited;
	int64_t generated_waited;
	int64_t cpu_ns; /* of guesses that were slowed */
};

/* The answer that went to the server, by the linker's --wrap, perhaps from another
 * thread. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t came;
	int count;
	int status;
	int64_t not_before_ms;
} answer = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0};

void __wrap_http_answer(struct http_ticket ticket, const struct http_response *response);
void __wrap_http_answer(struct http_ticket ticket, const struct http_response *response)
{
	(void)ticket;
	(void)pthread_mutex_lock(&answer.lock);
	answer.count++;
	answer.status = response->status;
	answer.not_before_ms = response->not_before_ms;
	(void)pthread_cond_signal(&answer.came);
	(void)pthread_mutex_unlock(&answer.lock);
}

static void check(int error, const char *what, const struct fault *fault)
{
	if (!error)
		return;
	(void)fprintf(stderr, "bench-guesses: %s: %s %s\n", what, error_text(error),
		fault ? fault->text : "");
	exit(1);
}

/* The status of a password grant's answer. */
static int ask(struct bench *bench, uint32_t source, const char *username, const char *password)
{
	static const char type[] = "application/x-www-form-urlencoded";
	static const char path[] = "/identity/connect/token";
	const struct http_field field = {"Content-Type", 12, type, sizeof(type) - 1};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
	struct sockaddr_storage peer = {0};
	char body[BODY_MAX];
	struct http_request request = {
		.method = "POST",
		.path = path,
		.path_length = sizeof(path) - 1,
		.raw_path = path,
		.fields = &field,
		.field_count = 1,
		.body = body,
		.peer = &peer,
		.arrived_at_ms = clock_monotonic_ms(),
	};
	int before = answer.count;

	memcpy(&peer, &address, sizeof(address));
	request.body_length = (size_t)snprintf(body, sizeof(body),
		"grant_type=password&client_id=external.customer&username=%s&password=%s", username,
		password);
	route_request(bench->authority, &request, (struct http_ticket){0});
	(void)pthread_mutex_lock(&answer.lock);
	while (answer.count == before)
		(void)pthread_cond_wait(&answer.came, &answer.lock);
	(void)pthread_mutex_unlock(&answer.lock);
	return answer.status;
}

/* --- the authority ------------------------------------------------------- */

static int keep_password(void *context, const char *name, const char *password)
{
	(void)name;
	if (password)
		(void)snprintf(context, GENERATED_PASSWORD_SIZE, "%s", password);
	return 0;
}

static void import(const struct admin *admin, int count)
{
	char *text = NULL;
	size_t length = 0;
	FILE *lines = open_memstream(&text, &length);
	struct admin_import import = {0};
	struct fault fault = {0};

	check(lines ? 0 : ERROR_MEMORY, "open_memstream", NULL);
	for (int i = 0; i < count; i++)
		(void)fprintf(lines,
			"{\"username\":\"u%d\",\"site\":\"north-pit\",\"role\":\"read\","
			"\"password\":\"chosen by owner %d\"}\n",
			i, i);
	(void)fclose(lines);
	import.text = text;
	import.length = length;
	check(admin_service_user_import(admin, &import, &fault), "import", &fault);
	free(text);
}

static void add_users(struct bench *bench)
{
	struct fault fault = {0};
	struct admin admin = {.store = bench->store, .clock = &bench->clock};
	struct store_service_user user;
	const struct admin_new_service_user wanted = {.username = "generated",
		.site = "north-pit",
		.role = "read",
		.deliver = keep_password,
		.context = bench->generated};

	check(keyring_create(bench->store, &bench->clock, &bench->secret_key, &admin.keyring),
		"keys", NULL);
	check(admin_site_add(&admin, "north-pit", "North Pit", &fault), "site", &fault);
	check(admin_service_user_add(&admin, &wanted, &user, &fault), "user", &fault);
	if (bench->attack->imported)
		import(&admin, bench->attack->accounts);
	keyring_destroy(admin.keyring);
}

static void open_authority(struct bench *bench)
{
	const struct store_options options = {.create = true, .clock = &bench->clock};
	struct fault fault = {0};
	struct authority_settings settings;
	const struct authority_parts parts = {
		.clock = &bench->clock,
		.log = &bench->log,
		.secret_key = &bench->secret_key,
		.settings = &settings,
	};
	struct authority_parts opened = parts;

	clock_init(&bench->clock);
	clock_set_ms(&bench->clock, INT64_C(1800000000000));
	bench->log = (struct log){.fd = -1};
	check(secret_init_empty(&bench->secret_key, KEYRING_SECRET_SIZE), "secret key", NULL);
	check(random_bytes(bench->secret_key.bytes, KEYRING_SECRET_SIZE), "secret key", NULL);
	check(store_open(&options, &bench->store, &fault), "store", &fault);
	check(authority_seed(bench->store, &bench->clock, &bench->secret_key,
		      "http://127.0.0.1:8480/identity"),
		"seed", NULL);
	add_users(bench);
	authority_settings_init(&settings);
	settings.flood_per_second = 0;
	opened.store = bench->store;
	check(authority_create(&opened, &bench->authority, &fault), "authority", &fault);
}

static void close_authority(struct bench *bench)
{
	authority_stop(bench->authority, 0);
	authority_destroy(bench->authority);
	store_close(bench->store);
	secret_finish(&bench->secret_key);
	clock_finish(&bench->clock);
}

/* --- the attack ---------------------------------------------------------- */

static void guess(struct bench *bench, int number)
{
	const struct attack *attack = bench->attack;
	int source = number % SOURCES;
	int first = source * (attack->accounts / SOURCES);
	int account = (first + number / SOURCES % attack->reach) % attack->accounts;
	int64_t began_ns = clock_thread_cpu_ns();
	char username[32];
	char password[32];
	int status;

	(void)snprintf(username, sizeof(username), "u%d", account);
	(void)snprintf(password, sizeof(password), "guess+%d", number);
	status = ask(bench, ATTACKERS + (uint32_t)source, username, password);
	if (status == 429) {
		bench->slowed++;
		bench->cpu_ns += clock_thread_cpu_ns() - began_ns;
		return;
	}
	check(status == 400 ? 0 : ERROR_INVALID, "a guess was neither evaluated nor slowed", NULL);
	bench->evaluated++;
	bench->evaluated_at[account]++;
	bench->evaluated_from[source]++;
}

/* An owner from where it has been before, and a right generated password from where
 * nobody has been, and from among the attackers. */
static void sign_in(struct bench *bench, int turn)
{
	const uint32_t places[] = {
		TRAVELLERS + (uint32_t)turn, ATTACKERS + (uint32_t)(turn % SOURCES)};
	int owner = turn % bench->attack->accounts;
	char username[32];
	char password[64];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (ask(bench, places[i], "generated", bench->generated) != 200 ||
			answer.not_before_ms)
			bench->generated_waited++;
	bench->owners++;
	if (!bench->attack->imported)
		return;
	(void)snprintf(username, sizeof(username), "u%d", owner);
	(void)snprintf(password, sizeof(password), "chosen+by+owner+%d", owner);
	if (ask(bench, OWNERS + (uint32_t)owner, username, password) != 200)
		bench->owners_waited++;
}

static int most_of(const int *counts, int count)
{
	int most = 0;

	for (int i = 0; i < count; i++)
		most = counts[i] > most ? counts[i] : most;
	return most;
}

static bool run(const struct attack *attack)
{
	static struct bench bench;
	int at;
	int from;
	bool good;

	bench = (struct bench){.attack = attack};
	open_authority(&bench);
	/* Owners have been here before: the first time from there is before the attack. */
	for (int i = 0; i < attack->accounts && attack->imported; i++)
		sign_in(&bench, i);
	for (int second = 0; second < SECONDS; second++) {
		authority_tick(bench.authority);
		if (second % OWNER_EVERY_S == 0)
			sign_in(&bench, second / OWNER_EVERY_S);
		for (int i = 0; i < GUESSES_A_SECOND; i++)
			guess(&bench, second * GUESSES_A_SECOND + i);
		clock_set_ms(&bench.clock, clock_now_ms(&bench.clock) + 1000);
	}
	close_authority(&bench);
	at = most_of(bench.evaluated_at, attack->accounts);
	from = most_of(bench.evaluated_from, SOURCES);
	good = at <= ACCOUNT_MOST && from <= SOURCE_MOST && !bench.owners_waited &&
	       !bench.generated_waited;
	(void)printf("| %s | %d | %d | %d | %d | %d | %d | %.1f |\n", attack->name,
		SECONDS * GUESSES_A_SECOND, (int)bench.evaluated, at, from,
		(int)bench.owners_waited, (int)bench.generated_waited,
		bench.slowed ? (double)bench.cpu_ns / (double)bench.slowed / 1000 : 0);
	return good;
}

int main(void)
{
	bool good = true;

	(void)printf("| guesses at | sent | evaluated | most at an account | most from a source | "
		     "owners that waited | generated that waited | CPU of a slowed one, us |\n"
		     "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n");
	for (size_t i = 0; i < sizeof(attacks) / sizeof(attacks[0]); i++)
		good = run(&attacks[i]) && good;
	if (!good)
		(void)fprintf(stderr, "bench-guesses: over the limits\n");
	return good ? 0 : 1;
}
