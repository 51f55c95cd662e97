/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load of token requests from a process of its own, so that its CPU time is not
 * counted as the authority's: kept-alive connections, one request under way on
 * each.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LOAD_CONNECTIONS = 32,
	LOAD_NAME_SIZE = 64,
};

/* Where to, and as whom: one Service User a connection. */
struct load_plan {
	uint16_t port; /* on 127.0.0.1 */
	char usernames[LOAD_CONNECTIONS][LOAD_NAME_SIZE];
	char passwords[LOAD_CONNECTIONS][LOAD_NAME_SIZE];
};

enum load_kind {
	LOAD_PASSWORD,
	LOAD_REFRESH, /* redeems refresh tokens, each answer's with the next request */
	LOAD_HEALTH,  /* no token: what a request costs the server alone */
};

struct load_order {
	int64_t requests; /* 0: end */
	enum load_kind kind;
};

struct load_outcome {
	int64_t answered; /* with 200, and an access token where one was asked for */
	int64_t failed;
	int64_t wall_ns;
};

/* The load's process: reads one plan from `fd`, then orders until one for 0
 * requests, and writes an outcome after each. Does not return. */
void load_run(int fd) __attribute__((noreturn));

/* All of it, or the process ends with status 1. */
void load_send(int fd, const void *bytes, size_t length);
void load_receive(int fd, void *bytes, size_t length);

#endif
