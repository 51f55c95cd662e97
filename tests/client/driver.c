/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a program does with libadit, told by lines on stdin, so that tests in Python can
 * drive it in many processes, under sanitizers too. Fields are separated by tabs; each
 * line is answered by one JSON object on stdout.
 *
 *	open AUTHORITY CLIENT_ID [OPTION=VALUE]…    set USERNAME SECRET ("-": none)
 *	discover   verify   forget   logout         token MIN_TTL
 *	login browser|device                        reject
 *	storm THREADS MIN_TTL                       log: lines of what happens, on stderr
 *	clock WALL_MS MONOTONIC_MS: both clocks go so much ahead of the system's
 *	diagnose   claim NAME   steps OPERATION ARGUMENT   mark   mark end   close
 *
 * Option desktop=1: the library itself shows the page, as where no hook is set.
 *
 *	fail N: with short_of_memory.c, the N-th allocation of the library from now on fails
 *	failed: whether it has, and from now on none does
 *
 * A login's URL or code is an object of its own before the answer: {"event":"open_url", …}.
 */
#include <adit/client.h>

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	WORDS_MAX = 32,
	THREADS_MAX = 256,
	MS_PER_S = 1000,
	MARK_BEGIN = -77,
	MARK_END = -78,
};

/* Of short_of_memory.c, where that is linked too. */
void memory_fail_at(long count) __attribute__((weak));
bool memory_has_failed(void) __attribute__((weak));

struct driver {
	struct adit_client *client;
	struct adit_token *token; /* the last one */
	int64_t wall_ahead_ms;
	int64_t monotonic_ahead_ms;
	bool logs;
};

static int64_t now_ms(clockid_t clock)
{
	struct timespec now;

	(void)clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / 1000000;
}

/* --- printing ------------------------------------------------------------------------ */

static void put_text(const char *text)
{
	(void)putchar('"');
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '"' || byte == '\\')
			(void)printf("\\%c", byte);
		else if (byte < 0x20 || byte == 0x7f)
			(void)printf("\\u%04x", byte);
		else
			(void)putchar(byte);
	}
	(void)putchar('"');
}

static void put_member(const char *name, const char *text)
{
	if (!text)
		return;
	(void)printf(",\"%s\":", name);
	put_text(text);
}

static void put_token(const struct adit_token *token)
{
	put_member("token", adit_token_value(token));
	put_member("header", adit_token_header(token));
	put_member("type", adit_token_type(token));
	put_member("scope", adit_token_scope(token));
	(void)printf(",\"ttl\":%lld,\"expires_at\":%lld", (long long)adit_token_ttl(token),
		(long long)adit_token_expires_at(token));
}

static void put_error(void)
{
	struct adit_client_error error = {.size = sizeof(error)};

	if (adit_client_last_error(&error))
		return;
	(void)printf(",\"error_code\":%d,\"http_status\":%d,\"retry_after_s\":%lld", error.code,
		error.http_status, (long long)error.retry_after_s);
	put_member("oauth_error", error.oauth_error);
	put_member("correlation_id", error.correlation_id);
	put_member("text", error.text);
	put_member("action", error.action);
	put_member("line", adit_client_text());
}

static void put_end(void)
{
	(void)puts("}");
	(void)fflush(stdout);
}

static void answer(int result, int64_t began_ms)
{
	(void)printf("{\"code\":%d,\"took_ms\":%lld", result,
		(long long)(now_ms(CLOCK_MONOTONIC) - began_ms));
	if (result)
		put_error();
}

/* --- hooks ----------------------------------------------------------------------------- */

static int open_url(void *context, const char *url)
{
	(void)context;
	(void)fputs("{\"event\":\"open_url\"", stdout);
	put_member("url", url);
	put_end();
	return 0;
}

static int show_code(void *context, const struct adit_device_code *code)
{
	(void)context;
	(void)printf("{\"event\":\"show_code\",\"expires_in_s\":%d", code->expires_in_s);
	put_member("user_code", code->user_code);
	put_member("verification_uri", code->verification_uri);
	put_member("verification_uri_complete", code->verification_uri_complete);
	put_end();
	return 0;
}

static void log_line(void *context, const char *text)
{
	const struct driver *driver = context;

	if (driver->logs)
		(void)fprintf(stderr, "%s\n", text);
}

static void read_clock(void *context, int64_t *ret_wall_ms, int64_t *ret_monotonic_ms)
{
	const struct driver *driver = context;

	*ret_wall_ms = now_ms(CLOCK_REALTIME) + driver->wall_ahead_ms;
	*ret_monotonic_ms = now_ms(CLOCK_BOOTTIME) + driver->monotonic_ahead_ms;
}

/* --- opening --------------------------------------------------------------------------- */

static bool put_option_text(
	struct adit_client_options *options, const char *name, const char *value)
{
	const struct {
		const char *name;
		const char **to;
	} texts[] = {
		{"scope", &options->scope},
		{"account", &options->account},
		{"resource", &options->resource},
		{"ca_file", &options->ca_file},
		{"certificate_file", &options->certificate_file},
		{"certificate_key_file", &options->certificate_key_file},
		{"proxy", &options->proxy},
		{"directory", &options->storage_directory},
		{"key", &options->storage_key},
		{"assertion_key_file", &options->assertion_key_file},
		{"assertion_kid", &options->assertion_kid},
		{"assertion_audience", &options->assertion_audience},
		{"redirect_path", &options->redirect_path},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].name, name) != 0)
			continue;
		*texts[i].to = value;
		return true;
	}
	return false;
}

static bool put_option_number(struct adit_client_options *options, const char *name, int value)
{
	const struct {
		const char *name;
		int *to;
	} numbers[] = {
		{"connect_timeout_ms", &options->connect_timeout_ms},
		{"request_timeout_ms", &options->request_timeout_ms},
		{"call_timeout_ms", &options->call_timeout_ms},
		{"person_timeout_ms", &options->person_timeout_ms},
		{"allow_browser", &options->allow_browser},
		{"redirect_port", &options->redirect_port},
		{"leeway_s", &options->leeway_s},
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(numbers[i].name, name) != 0)
			continue;
		*numbers[i].to = value;
		return true;
	}
	return false;
}

static int put_option(struct adit_client_options *options, char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		return ADIT_ERROR_INVALID;
	*value++ = '\0';
	if (!strcmp(word, "storage")) {
		options->storage = !strcmp(value, "files")	 ? ADIT_STORAGE_FILES
				   : !strcmp(value, "plaintext") ? ADIT_STORAGE_PLAINTEXT
								 : ADIT_STORAGE_MEMORY;
		return 0;
	}
	if (put_option_text(options, word, value) || put_option_number(options, word, atoi(value)))
		return 0;
	return ADIT_ERROR_INVALID;
}

static int open_client(struct driver *driver, char **words, int count)
{
	struct adit_client_options options = {.size = sizeof(options)};
	struct adit_client_hooks hooks = {
		.size = sizeof(hooks),
		.context = driver,
		.open_url = open_url,
		.show_code = show_code,
		.log = log_line,
		.clock = read_clock,
	};
	int result = count < 3 ? ADIT_ERROR_INVALID : 0;

	for (int i = 3; !result && i < count; i++)
		if (!strcmp(words[i], "desktop=1"))
			hooks.open_url = NULL;
		else
			result = put_option(&options, words[i]);
	if (!result)
		result = adit_client_open(words[1], words[2], &driver->client);
	if (!result)
		result = adit_client_set_options(driver->client, &options);
	return result ? result : adit_client_set_hooks(driver->client, &hooks);
}

static void close_client(struct driver *driver)
{
	adit_token_release(driver->token);
	adit_client_close(driver->client);
	driver->token = NULL;
	driver->client = NULL;
}

/* --- tokens ---------------------------------------------------------------------------- */

static int get_token(struct driver *driver, int min_ttl_s)
{
	struct adit_token *token = NULL;
	int result = adit_token_get(driver->client, min_ttl_s, &token);

	if (result)
		return result;
	adit_token_release(driver->token);
	driver->token = token;
	return 0;
}

struct storm {
	struct adit_client *client;
	pthread_barrier_t *barrier;
	int min_ttl_s;
	int result;
	char value[256];
};

static void *ask_with_others(void *context)
{
	struct storm *storm = context;
	struct adit_token *token = NULL;

	(void)pthread_barrier_wait(storm->barrier);
	storm->result = adit_token_get(storm->client, storm->min_ttl_s, &token);
	if (!storm->result)
		(void)snprintf(storm->value, sizeof(storm->value), "%s", adit_token_value(token));
	adit_token_release(token);
	return NULL;
}

/* Many threads ask at once, with one client: their results and tokens. */
static void run_storm(struct driver *driver, int count, int min_ttl_s)
{
	static struct storm storms[THREADS_MAX];
	pthread_t threads[THREADS_MAX];
	pthread_barrier_t barrier;

	(void)pthread_barrier_init(&barrier, NULL, (unsigned int)count);
	for (int i = 0; i < count; i++) {
		storms[i] = (struct storm){
			.client = driver->client, .barrier = &barrier, .min_ttl_s = min_ttl_s};
		if (pthread_create(&threads[i], NULL, ask_with_others, &storms[i]))
			abort();
	}
	for (int i = 0; i < count; i++)
		(void)pthread_join(threads[i], NULL);
	(void)pthread_barrier_destroy(&barrier);
	(void)fputs("{\"code\":0,\"storm\":[", stdout);
	for (int i = 0; i < count; i++) {
		(void)printf("%s[%d,", i ? "," : "", storms[i].result);
		put_text(storms[i].value);
		(void)putchar(']');
	}
	(void)putchar(']');
}

/* As an event loop does it. */
static int step_to_end(struct driver *driver, int operation, int argument)
{
	struct adit_wait wait = {.size = sizeof(wait)};
	int result = adit_client_start(driver->client, (enum adit_operation)operation, argument);

	if (result)
		return result;
	while ((result = adit_client_step(driver->client, &wait)) == ADIT_AGAIN) {
		struct pollfd pollfd = {.fd = wait.fd, .events = wait.events};

		(void)poll(&pollfd, 1, wait.timeout_ms);
	}
	return result;
}

/* --- lines ----------------------------------------------------------------------------- */

static int login(struct driver *driver, const char *flow)
{
	return adit_client_login(
		driver->client, !strcmp(flow, "device") ? ADIT_FLOW_DEVICE : ADIT_FLOW_BROWSER);
}

static const char *unless_none(const char *word)
{
	return !strcmp(word, "-") ? NULL : word;
}

static int run_flow(struct driver *driver, char **words, int count)
{
	const char *verb = words[0];

	if (!strcmp(verb, "open"))
		return open_client(driver, words, count);
	if (!strcmp(verb, "set") && count > 2)
		return adit_client_credentials_set(
			driver->client, unless_none(words[1]), unless_none(words[2]));
	if (!strcmp(verb, "discover"))
		return adit_client_discover(driver->client);
	if (!strcmp(verb, "verify"))
		return adit_client_credentials_verify(driver->client);
	if (!strcmp(verb, "forget"))
		return adit_client_credentials_forget(driver->client);
	if (!strcmp(verb, "logout"))
		return adit_client_logout(driver->client);
	if (!strcmp(verb, "login") && count > 1)
		return login(driver, words[1]);
	if (!strcmp(verb, "token"))
		return get_token(driver, count > 1 ? atoi(words[1]) : 0);
	if (!strcmp(verb, "reject"))
		return adit_token_reject(driver->client, driver->token);
	if (!strcmp(verb, "steps") && count > 2)
		return step_to_end(driver, atoi(words[1]), atoi(words[2]));
	(void)fprintf(stderr, "driver: what is '%s'?\n", verb);
	exit(2);
}

/* Allocations that fail. Whether it was such a line. */
static bool run_memory(char **words, int count)
{
	if (!strcmp(words[0], "fail") && count > 1 && memory_fail_at) {
		/* Before, since what is printed is allocated for once. */
		(void)fputs("{\"code\":0", stdout);
		memory_fail_at(atol(words[1]));
	} else if (!strcmp(words[0], "failed") && memory_has_failed) {
		(void)printf("{\"code\":0,\"failed\":%s", memory_has_failed() ? "true" : "false");
		memory_fail_at(-1);
	} else {
		return false;
	}
	return true;
}

/* What needs no authority. Whether it was such a line. */
static bool run_other(struct driver *driver, char **words, int count)
{
	const char *verb = words[0];
	char *text = NULL;
	int result;

	if (!strcmp(verb, "clock") && count > 2) {
		driver->wall_ahead_ms = atoll(words[1]);
		driver->monotonic_ahead_ms = atoll(words[2]);
		(void)fputs("{\"code\":0", stdout);
	} else if (!strcmp(verb, "log")) {
		driver->logs = true;
		(void)fputs("{\"code\":0", stdout);
	} else if (!strcmp(verb, "mark")) {
		/* What kill_at_syscall counts from, and to. */
		(void)close(count > 1 ? MARK_END : MARK_BEGIN);
		(void)fputs("{\"code\":0", stdout);
	} else if (!strcmp(verb, "close")) {
		close_client(driver);
		(void)fputs("{\"code\":0", stdout);
	} else if (!strcmp(verb, "storm") && count > 2) {
		run_storm(driver, atoi(words[1]), atoi(words[2]));
	} else if (!strcmp(verb, "claim") && count > 1) {
		(void)fputs("{\"code\":0", stdout);
		put_member("claim", adit_token_claim(driver->token, words[1]));
	} else if (!strcmp(verb, "diagnose")) {
		result = adit_client_diagnose(driver->client, &text);
		(void)printf("{\"code\":%d,\"diagnosis\":%s", result, text ? text : "null");
		adit_text_free(text);
	} else {
		return false;
	}
	return true;
}

static void run_line(struct driver *driver, char *line)
{
	char *words[WORDS_MAX] = {0};
	int count = 0;
	int result;
	int64_t began_ms = now_ms(CLOCK_MONOTONIC);

	while (line && count < WORDS_MAX)
		words[count++] = strsep(&line, "\t");
	if (!run_memory(words, count) && !run_other(driver, words, count)) {
		result = run_flow(driver, words, count);
		answer(result, began_ms);
		if (!result && !strcmp(words[0], "token"))
			put_token(driver->token);
	}
	put_end();
}

int main(void)
{
	struct driver driver = {0};
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	while ((length = getline(&line, &size, stdin)) > 0) {
		if (line[length - 1] == '\n')
			line[length - 1] = '\0';
		run_line(&driver, line);
	}
	free(line);
	close_client(&driver);
	return 0;
}
