/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libadit costs a program, for bench/client.py, which runs it:
 *
 *	bench-client fresh|first|many AUTHORITY USERNAME <PASSWORD
 *
 * fresh: adit_token_get() on a token that is fresh, in ns, least, median and most of its rounds.
 * first: a program's whole first flow: discovery, password grant, token.
 * many: the same in one process by 100 clients, all of which live on.
 * Each prints one line of JSON, with its memory.
 */
#include "process.h"

#include <adit/client.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 101, TIMES = 20000, MANY = 100 };

static int by_size(const void *one, const void *other)
{
	const int64_t a = *(const int64_t *)one;
	const int64_t b = *(const int64_t *)other;

	return (a > b) - (a < b);
}

static struct adit_client *sign_in(
	const char *authority, const char *username, const char *password)
{
	struct adit_client *client;
	struct adit_token *token;

	if (adit_client_open(authority, "external.customer", &client) ||
		adit_client_credentials_set(client, username, password) ||
		adit_token_get(client, 60, &token))
		fail(adit_client_text());
	if (!adit_token_header(token)[0])
		fail("no token");
	adit_token_release(token);
	return client;
}

static void measure_fresh(struct adit_client *client)
{
	static int64_t rounds[ROUNDS];
	struct adit_token *token;

	for (int i = 0; i < ROUNDS; i++) {
		int64_t began_ns = now_ns();

		for (int j = 0; j < TIMES; j++) {
			if (adit_token_get(client, 60, &token))
				fail(adit_client_text());
			adit_token_release(token);
		}
		rounds[i] = (now_ns() - began_ns) / (TIMES / 10);
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), by_size);
	(void)printf("{\"least_ns\":%.1f,\"median_ns\":%.1f,\"most_ns\":%.1f",
		(double)rounds[0] / 10, (double)rounds[ROUNDS / 2] / 10,
		(double)rounds[ROUNDS - 1] / 10);
}

int main(int argc, char **argv)
{
	int64_t began_ns = now_ns();
	struct adit_client *clients[MANY];
	int count = argc > 1 && !strcmp(argv[1], "many") ? MANY : 1;
	char password[PASSWORD_MAX];

	if (argc != 4)
		fail("bench-client fresh|first|many AUTHORITY USERNAME <PASSWORD");
	read_password(password);
	for (int i = 0; i < count; i++)
		clients[i] = sign_in(argv[2], argv[3], password);
	if (!strcmp(argv[1], "fresh"))
		measure_fresh(clients[0]);
	else
		(void)printf("{\"us\":%lld", (long long)(now_ns() - began_ns) / NS_PER_US);
	put_memory();
	for (int i = 0; i < count; i++)
		adit_client_close(clients[i]);
	return 0;
}
