/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guard, an authority of this process that it asks, and tokens of any kind.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "fake_authority.h"

#include <adit/guard.h>

#include <stdint.h>

enum { NOW = 1800000000 }; /* seconds */

struct fixture {
	struct fake_authority authority;
	struct crypto_key *key;	    /* ES256, "k1" */
	struct crypto_key *rsa;	    /* RS256, "r1" */
	struct crypto_key *strange; /* ES256, of nobody known */
	struct adit_guard *guard;
	char clock_file[64];
	int clock_fd;
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);
void fixture_set_clock(struct fixture *fixture, int64_t seconds);

/* A guard beside the fixture's own; NULL when it is refused. */
struct adit_guard *fixture_open(struct fixture *fixture, const char *scope, int leeway_s);

/* The claims of a good token, with members replaced: pairs of name and JSON text,
 * "" for one left out, ended by NULL. Valid until the next call but seven. */
const char *claims_with(struct fixture *fixture, const char *const *pairs);
#define CLAIMS(fixture, ...) claims_with((fixture), (const char *const[]){__VA_ARGS__, NULL})
#define GOOD_CLAIMS(fixture) claims_with((fixture), (const char *const[]){NULL})

/* JSON text of `role` at `site`. Valid as long as claims_with()'s. */
const char *service_at(const char *site, const char *role);

/* "Bearer " and header.claims.signature. Valid as long as claims_with()'s. */
const char *bearer_of(const char *header, const char *claims, struct crypto_key *key);

#define GOOD_HEADER "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}"

/* A good token with these claims. */
const char *bearer_with(struct fixture *fixture, const char *claims);

struct adit_guard_decision check(
	struct adit_guard *guard, const char *authorization, const char *method, const char *site);
/* The status alone, at north-pit, for GET. */
int status_of(struct fixture *fixture, const char *authorization);

/* Fails the test unless the answer is 401 invalid_token and tells nothing more. */
void assert_refused(struct fixture *fixture, const char *authorization, const char *what);

#define WITH_GUARD(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

#endif
