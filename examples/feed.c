/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A service that fetches something every few seconds, for as long as it runs: every request
 * has a token that lives, waits its turn under the API's limits, and is made once more with
 * another token where the API says 401 (adit_client_call() does all three). What fails is
 * tried again later and later; what only a person can mend ends the service.
 *
 *	example_feed AUTHORITY USERNAME SOURCE API-URL SECONDS [STORAGE-DIRECTORY]
 */
#include <adit/client.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BACK_OFF_MAX_S = 60, MS_PER_S = 1000 };

static struct adit_client *client;
static int ending[2]; /* a pipe: something to read once the service is to end */

/* The one function of the library that a handler may call. */
static void end(int number)
{
	int saved = errno;

	(void)number;
	if (write(ending[1], "", 1) < 0)
		errno = saved;
	adit_client_cancel(client);
	errno = saved;
}

static int open_client(int argc, char **argv)
{
	const struct adit_client_options options = {
		.size = sizeof(options),
		.storage = argc > 6 ? ADIT_STORAGE_FILES : ADIT_STORAGE_MEMORY,
		.storage_directory = argc > 6 ? argv[6] : NULL,
		.account = argv[2],
	};
	int error = adit_client_open(argv[1], "external.customer", &client);

	if (!error)
		error = adit_client_set_options(client, &options);
	return error ? error : adit_client_credentials_from(client, argv[2], argv[3]);
}

/* Until then, or until the service is to end, which it says. */
static int pause_for(int64_t milliseconds)
{
	struct pollfd wait = {.fd = ending[0], .events = POLLIN};
	int ready;

	do
		ready = poll(&wait, 1, (int)milliseconds);
	while (ready < 0 && errno == EINTR);
	return ready > 0;
}

/* How long to wait after so many failures in a row, where nobody said: twice as long each
 * time, and not everybody at once. */
static int64_t back_off_ms(int failures, int64_t retry_after_s)
{
	int64_t seconds = 1;

	while (--failures > 0 && seconds < BACK_OFF_MAX_S)
		seconds *= 2;
	if (retry_after_s > seconds)
		seconds = retry_after_s;
	return seconds * MS_PER_S + rand() % MS_PER_S;
}

static int needs_a_person(int error)
{
	return error == ADIT_ERROR_CREDENTIALS || error == ADIT_ERROR_PERSON ||
	       error == ADIT_ERROR_DENIED || error == ADIT_ERROR_TRUST ||
	       error == ADIT_ERROR_INVALID;
}

/* 0: fetched; otherwise whether to go on is in `ret_wait_ms`: negative where not. */
static int fetch(const char *url, int failures, int64_t *ret_wait_ms)
{
	const struct adit_call call = {.size = sizeof(call), .url = url};
	struct adit_client_error error = {.size = sizeof(error)};
	struct adit_answer *answer = NULL;
	int failed = adit_client_call(client, &call, &answer);

	if (failed) {
		(void)adit_client_last_error(&error);
		(void)fprintf(stderr, "%s\n", adit_client_text());
		*ret_wait_ms =
			needs_a_person(failed) ? -1 : back_off_ms(failures, error.retry_after_s);
		return failed;
	}
	if (answer->status == 200) {
		(void)printf("200 %zu bytes\n", answer->body_length);
		(void)fflush(stdout);
	} else {
		(void)fprintf(stderr, "the API answered %d\n", answer->status);
		*ret_wait_ms = back_off_ms(failures, answer->retry_after_s);
		failed = 1;
	}
	adit_answer_free(answer);
	return failed;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = end};
	int64_t wait_ms = 0;
	int failures = 0;

	if (argc != 6 && argc != 7) {
		(void)fprintf(stderr,
			"usage: %s AUTHORITY USERNAME SOURCE API-URL SECONDS [DIRECTORY]\n",
			argv[0]);
		return 2;
	}
	if (open_client(argc, argv)) {
		(void)fprintf(stderr, "%s\n", adit_client_text());
		adit_client_close(client);
		return 1;
	}
	srand((unsigned)time(NULL));
	if (pipe(ending) || sigaction(SIGTERM, &action, NULL) || sigaction(SIGINT, &action, NULL))
		wait_ms = -1;
	while (wait_ms >= 0 && !pause_for(wait_ms)) {
		wait_ms = strtol(argv[5], NULL, 10) * MS_PER_S;
		failures = fetch(argv[4], failures + 1, &wait_ms) ? failures + 1 : 0;
	}
	adit_client_close(client);
	return wait_ms < 0;
}
