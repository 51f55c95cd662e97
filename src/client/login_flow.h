/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What both ways of signing in share. Each ends with login_take() once the token endpoint's
 * answer is there.
 */
#ifndef CLIENT_LOGIN_FLOW_H
#define CLIENT_LOGIN_FLOW_H

#include "client/operation.h"
#include "client/record.h"
#include "oauth/pkce.h"
#include "oauth/token_message.h"

struct loopback;

enum { LOGIN_RANDOM_SIZE = PKCE_VERIFIER_SIZE };

/* Of one login; the operation's flow. */
struct login {
	struct operation_flow flow;    /* first */
	const char *what;	       /* for messages: "sign-in in the browser" */
	struct buf scope;	       /* that is asked for */
	bool has_openid;	       /* in it: an ID token has to come */
	char nonce[LOGIN_RANDOM_SIZE]; /* "": none was sent */
	int64_t until_ms;	       /* how long a person is waited for */
	struct token_record before;    /* the tokens while those that came are looked at */
	bool has_before;

	/* In the browser. */
	struct loopback *loopback;
	int browser_fd; /* of browser_start(); -1: nothing is known of it any more */
	bool answered;	/* its redirect came: the browser waits for how it ends */
	char state[LOGIN_RANDOM_SIZE];
	char verifier[PKCE_VERIFIER_SIZE];
	bool is_local; /* what failed has nothing to do with the authority */
	int result;
	int64_t farewell_ms; /* how long the browser may take to be told */

	/* On another device. */
	struct device_reply device;
	int64_t interval_ms;
	int64_t poll_ms; /* when to ask next (clock_monotonic_ms) */
};

struct login *login_of(const struct operation *operation);

/* First states, with the metadata there and nothing locked. */
int login_browser_begin(struct operation *operation);
int login_device_begin(struct operation *operation);

/* Gives the person their time, from now on. */
void login_await_person(struct operation *operation);

/* State: takes the answer of the token endpoint that is there, checks the ID token that came
 * with it, and keeps both. */
int login_take(struct operation *operation);

/* Ends the login. The report of a result other than 0 is set. */
int login_end(struct operation *operation, int result);

#endif
