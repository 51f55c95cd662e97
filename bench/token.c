/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a token costs: the CPU time of the whole authority a token, over the CPU
 * time of a signature, which is timed in the same process during the same seconds,
 * one in seven. The quotient is what a machine's speed and its neighbours change
 * least.
 *
 *   bench-token [ROUNDS [NAME]]    NAME: only the rows whose name holds it
 */
#include "load.h"

#include "authority/admin.h"
#include "authority/context.h"
#include "authority/data_directory.h"
#include "base/random.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ROUNDS_MAX = 99,
	DEFAULT_ROUNDS = 9,
	/* Asking for the CPU time twice costs 1 us, which is no part of a token; and
	 * RSA blinds anew every 32 signatures, so that no power of two will do. */
	MEASURE_ONE_IN = 7,
};

struct scenario {
	const char *name;
	const char *alg;
	bool file; /* the store is one; else it is in memory */
	bool logs; /* at info, to /dev/null */
	enum load_kind kind;
	unsigned threads;
	int64_t requests; /* of a round */
	bool metrics;	  /* counted for /metrics */
	bool audit;	  /* kept, in files beside the store */
};

static const struct scenario scenarios[] = {
	{"ES256 memory", "ES256", false, false, LOAD_PASSWORD, 1, 10000, false, false},
	{"ES256 memory, metrics", "ES256", false, false, LOAD_PASSWORD, 1, 10000, true, false},
	{"ES256 memory, log", "ES256", false, true, LOAD_PASSWORD, 1, 10000, false, false},
	{"ES256 file", "ES256", true, false, LOAD_PASSWORD, 1, 10000, false, false},
	{"ES256 file, log", "ES256", true, true, LOAD_PASSWORD, 1, 10000, false, false},
	{"ES256 file, log, audit", "ES256", true, true, LOAD_PASSWORD, 1, 10000, false, true},
	{"ES256 file, log, 2 loops", "ES256", true, true, LOAD_PASSWORD, 2, 10000, false, false},
	{"RS256 memory", "RS256", false, false, LOAD_PASSWORD, 1, 2000, false, false},
	{"RS256 file, log", "RS256", true, true, LOAD_PASSWORD, 1, 2000, false, false},
	{"ES256 memory, refresh", "ES256", false, false, LOAD_REFRESH, 1, 5000, false, false},
	{"ES256 file, log, refresh", "ES256", true, true, LOAD_REFRESH, 1, 5000, false, false},
	{"no token: /healthz", "ES256", false, false, LOAD_HEALTH, 1, 20000, false, false},
};

struct round {
	double cpu_us;	     /* of the authority's process, a request */
	double signature_us; /* of a signature; 0: there was none */
	double requests_s;
};

struct bench {
	const struct scenario *scenario;
	char folder[64]; /* of the file store; "" for none */
	struct clock clock;
	struct log log;
	struct secret secret_key;
	struct store *store;
	struct audit *audit;
	struct authority *authority;
	struct load_plan plan;
	int load; /* the socket to the load's process */
	pid_t load_pid;
};

static void check(int error, const char *what, const struct fault *fault)
{
	if (!error)
		return;
	(void)fprintf(stderr, "bench-token: %s: %s %s\n", what, error_text(error),
		fault ? fault->text : "");
	exit(1);
}

static void start_load(struct bench *bench)
{
	int ends[2];

	check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ? ERROR_IO : 0, "socketpair",
		NULL);
	bench->load_pid = fork();
	check(bench->load_pid < 0 ? ERROR_IO : 0, "fork", NULL);
	if (bench->load_pid == 0) {
		(void)close(ends[0]);
		load_run(ends[1]);
	}
	(void)close(ends[1]);
	bench->load = ends[0];
}

static int keep_password(void *context, const char *name, const char *password)
{
	(void)name;
	if (password)
		(void)snprintf(context, LOAD_NAME_SIZE, "%s", password);
	return 0;
}

static void add_users(struct bench *bench)
{
	struct fault fault = {0};
	struct admin admin = {.store = bench->store, .clock = &bench->clock};

	check(keyring_create(bench->store, &bench->clock, &bench->secret_key, &admin.keyring),
		"keys", NULL);
	check(admin_site_add(&admin, "north-pit", "North Pit", &fault), "site", &fault);
	for (size_t i = 0; i < LOAD_CONNECTIONS; i++) {
		struct store_service_user user;
		struct admin_new_service_user wanted = {
			.username = bench->plan.usernames[i],
			.site = "north-pit",
			.role = "read",
			.deliver = keep_password,
			.context = bench->plan.passwords[i],
		};

		(void)snprintf(bench->plan.usernames[i], LOAD_NAME_SIZE, "north-reader-%zu", i);
		check(admin_service_user_add(&admin, &wanted, &user, &fault), "user", &fault);
	}
	keyring_destroy(admin.keyring);
}

static void open_store(struct bench *bench)
{
	struct store_options options = {.create = true, .clock = &bench->clock};
	struct fault fault = {0};
	char path[128];

	if (bench->scenario->file) {
		(void)snprintf(bench->folder, sizeof(bench->folder), "/tmp/bench-token-XXXXXX");
		check(mkdtemp(bench->folder) ? 0 : ERROR_IO, "mkdtemp", NULL);
		(void)snprintf(path, sizeof(path), "%s/adit.db", bench->folder);
		options.path = path;
	}
	check(secret_init_empty(&bench->secret_key, KEYRING_SECRET_SIZE), "secret key", NULL);
	check(random_bytes(bench->secret_key.bytes, KEYRING_SECRET_SIZE), "secret key", NULL);
	check(store_open(&options, &bench->store, &fault), "store", &fault);
	check(authority_seed(bench->store, &bench->clock, &bench->secret_key,
		      "http://127.0.0.1:8480/identity"),
		"seed", NULL);
	check(store_resource_put(bench->store, "external-api", bench->scenario->alg), "resource",
		NULL);
	add_users(bench);
}

static void start_audit(struct bench *bench)
{
	struct fault fault = {0};
	const struct audit_options options = {
		.data_directory = bench->folder,
		.store = bench->store,
		.clock = &bench->clock,
		.log = &bench->log,
		.secret_key = &bench->secret_key,
		.limits = {.file_max = (int64_t)64 * 1024 * 1024},
	};

	if (!bench->scenario->audit)
		return;
	check(audit_create(&options, &bench->audit, &fault), "audit", &fault);
	bench->authority->audit = bench->audit;
}

static void start_authority(struct bench *bench)
{
	static const char *const listen[] = {"127.0.0.1:0"};
	struct fault fault = {0};
	struct authority_settings settings;
	const struct authority_parts parts = {
		.store = bench->store,
		.clock = &bench->clock,
		.log = &bench->log,
		.secret_key = &bench->secret_key,
		.settings = &settings,
	};

	authority_settings_init(&settings);
	settings.flood_per_second = 0;
	settings.threads = bench->scenario->threads;
	settings.measure_one_in = MEASURE_ONE_IN;
	settings.metrics = bench->scenario->metrics ? "127.0.0.1:0" : NULL;
	bench->log = (struct log){
		.fd = bench->scenario->logs ? open("/dev/null", O_WRONLY | O_CLOEXEC) : -1,
		.least = LOG_LEVEL_INFO,
		.clock = &bench->clock,
	};
	check(authority_create(&parts, &bench->authority, &fault), "authority", &fault);
	start_audit(bench);
	check(authority_start(bench->authority, listen, 1, &fault), "authority", &fault);
	bench->plan.port = (uint16_t)strtoul(
		strrchr(http_server_address(bench->authority->server, 0), ':') + 1, NULL, 10);
}

/* Has the load send `requests`, and does meanwhile what `aditd serve` does. */
static struct load_outcome run_load(struct bench *bench, const struct load_order *order)
{
	struct load_outcome outcome;
	struct pollfd answer = {.fd = bench->load, .events = POLLIN};

	load_send(bench->load, order, sizeof(*order));
	while (poll(&answer, 1, 250) == 0)
		authority_tick(bench->authority);
	load_receive(bench->load, &outcome, sizeof(outcome));
	check(outcome.failed || outcome.answered != order->requests ? ERROR_REFUSED : 0, "requests",
		NULL);
	return outcome;
}

struct spent {
	int64_t cpu_us;
	int64_t signature_ns;
	int64_t signatures;
};

static int64_t microseconds(const struct timeval *time)
{
	return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

static struct spent measure(const struct bench *bench)
{
	struct rusage usage;
	struct spent spent = {0};

	(void)getrusage(RUSAGE_SELF, &usage);
	spent.cpu_us = microseconds(&usage.ru_utime) + microseconds(&usage.ru_stime);
	for (unsigned i = 0; i < bench->authority->worker_count; i++) {
		spent.signature_ns += bench->authority->workers[i].signature_ns;
		spent.signatures += bench->authority->workers[i].signature_count;
	}
	return spent;
}

static struct round run_round(struct bench *bench)
{
	const struct load_order order = {bench->scenario->requests, bench->scenario->kind};
	struct spent before = measure(bench);
	struct load_outcome outcome = run_load(bench, &order);
	struct spent after = measure(bench);
	double count = (double)order.requests;
	int64_t signatures = after.signatures - before.signatures;
	struct round round = {
		.cpu_us = (double)(after.cpu_us - before.cpu_us) / count,
		.requests_s = count * 1e9 / (double)outcome.wall_ns,
	};

	if (signatures)
		round.signature_us = (double)(after.signature_ns - before.signature_ns) / 1000.0 /
				     (double)signatures;
	return round;
}

static void finish(struct bench *bench)
{
	struct load_order end = {0};
	char command[128];

	load_send(bench->load, &end, sizeof(end));
	(void)waitpid(bench->load_pid, NULL, 0);
	authority_stop(bench->authority, 100);
	authority_destroy(bench->authority);
	audit_destroy(bench->audit);
	store_close(bench->store);
	secret_finish(&bench->secret_key);
	if (!*bench->folder)
		return;
	(void)snprintf(command, sizeof(command), "rm -r %s", bench->folder);
	if (system(command)) /* NOLINT: a folder of mkdtemp's */
		(void)fprintf(stderr, "bench-token: %s is left\n", bench->folder);
}

static void run_scenario(const struct scenario *scenario, int rounds, int fd)
{
	const struct load_order warm_up = {scenario->requests / 2, LOAD_PASSWORD};
	struct bench bench = {.scenario = scenario};

	start_load(&bench);
	open_store(&bench);
	start_authority(&bench);
	load_send(bench.load, &bench.plan, sizeof(bench.plan));
	(void)run_load(&bench, &warm_up);
	for (int i = 0; i < rounds; i++) {
		struct round round = run_round(&bench);

		load_send(fd, &round, sizeof(round));
	}
	finish(&bench);
}

static double quotient(const struct round *round)
{
	return round->signature_us > 0 ? round->cpu_us / round->signature_us : 0;
}

static int by_cost(const void *a, const void *b)
{
	const struct round *left = a;
	const struct round *right = b;
	double difference = quotient(left) - quotient(right);

	if (left->signature_us <= 0)
		difference = left->cpu_us - right->cpu_us;
	return difference < 0 ? -1 : difference > 0;
}

static void print_row(const char *name, const struct round *round, int rounds)
{
	const struct round *median = &round[rounds / 2];

	printf("| %-24s | %8.1f | ", name, median->cpu_us);
	if (median->signature_us > 0)
		printf("%9.1f | %4.2f (%4.2f to %4.2f) |", median->signature_us, quotient(median),
			quotient(&round[0]), quotient(&round[rounds - 1]));
	else
		printf("%9s | %-19s |", "", "");
	printf(" %10.0f |\n", median->requests_s);
	(void)fflush(stdout);
}

/* Each scenario in a process of its own, so that none leaves anything to another. */
static void print_scenario(const struct scenario *scenario, int rounds)
{
	struct round round[ROUNDS_MAX];
	int ends[2];
	pid_t child;

	check(pipe(ends) ? ERROR_IO : 0, "pipe", NULL);
	child = fork();
	check(child < 0 ? ERROR_IO : 0, "fork", NULL);
	if (child == 0) {
		(void)close(ends[0]);
		run_scenario(scenario, rounds, ends[1]);
		exit(0);
	}
	(void)close(ends[1]);
	load_receive(ends[0], round, (size_t)rounds * sizeof(round[0]));
	(void)close(ends[0]);
	(void)waitpid(child, NULL, 0);
	qsort(round, (size_t)rounds, sizeof(round[0]), by_cost);
	print_row(scenario->name, round, rounds);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : DEFAULT_ROUNDS;
	const char *wanted = argc > 2 ? argv[2] : "";

	crypto_guard_private_keys();
	if (rounds < 1 || rounds > ROUNDS_MAX || argc > 3) {
		(void)fprintf(stderr, "usage: bench-token [ROUNDS [NAME]]\n");
		return 2;
	}
	printf("| request                  | CPU (us) | signature | quotient            |"
	       " requests/s |\n"
	       "| ------------------------ | -------: | --------: | ------------------- |"
	       " ---------: |\n");
	(void)fflush(stdout);
	for (size_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
		if (strstr(scenarios[i].name, wanted))
			print_scenario(&scenarios[i], rounds);
	return 0;
}
