/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authority and an API on a real HTTP server of this process, for tests. The authority
 * gives "token-1", "token-2" and so on to whoever asks. Of the API
 *	/api/plain	answers 200
 *	/api/redirect	302, to itself
 *	/api/large	FAKE_API_LARGE bytes
 *	anything else	429 with Retry-After: 1
 */
#ifndef FAKE_API_H
#define FAKE_API_H

#include <stdatomic.h>
#include <stdbool.h>

struct http_server;

enum { FAKE_API_LARGE = 100000 };

/* The server's one thread writes to it. */
struct fake_api {
	struct http_server *server;
	char address[64];
	atomic_int tokens; /* how many were given out */
	atomic_int calls;
	atomic_int rejected; /* tokens up to this number get a 401 */
	atomic_bool silent;
	char method[16]; /* of the last call */
	char type[128];
	char body[128];
};

extern struct fake_api world;

/* 0 or an error. */
int fake_api_start(void);
void fake_api_stop(void);

/* The URL of that path, in a text of the thread's own. */
const char *fake_api_url(const char *path);

#endif
