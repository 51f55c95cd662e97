/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/base64url.h"
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXTS = 8, TEXT_SIZE = 40000 };

/* A text that lives for a while. */
static struct buf *next_text(void)
{
	static char texts[TEXTS][TEXT_SIZE];
	static struct buf bufs[TEXTS];
	static int next;
	struct buf *buf = &bufs[next];

	buf_init_fixed(buf, texts[next], TEXT_SIZE);
	next = (next + 1) % TEXTS;
	return buf;
}

static const char *text_of(const struct buf *buf)
{
	if (buf_status(buf))
		abort();
	return buf->data;
}

void fixture_set_clock(struct fixture *fixture, int64_t seconds)
{
	char digits[32];

	(void)snprintf(digits, sizeof(digits), "%020lld", (long long)seconds * 1000);
	if (pwrite(fixture->clock_fd, digits, 20, 0) != 20)
		abort();
}

struct adit_guard *fixture_open(struct fixture *fixture, const char *scope, int leeway_s)
{
	const struct adit_guard_options options = {
		.size = sizeof(options),
		.authority = fixture->authority.url,
		.audience = "external-api",
		.scope = scope,
		.leeway_s = leeway_s,
		.clock_file = fixture->clock_file,
	};
	struct adit_guard *guard = NULL;
	struct adit_guard_error error;

	if (adit_guard_open(&options, &guard, &error)) {
		(void)fprintf(stderr, "# %s\n", error.text);
		return NULL;
	}
	return guard;
}

int fixture_set_up(void **state)
{
	static struct fixture fixture;

	(void)snprintf(fixture.clock_file, sizeof(fixture.clock_file), "/tmp/adit-clock-XXXXXX");
	fixture.clock_fd = mkstemp(fixture.clock_file);
	if (fixture.clock_fd < 0)
		return -1;
	fixture_set_clock(&fixture, NOW);
	if (fake_authority_start(&fixture.authority) ||
		crypto_key_generate(JOSE_ES256, &fixture.key) ||
		crypto_key_generate(JOSE_ES256, &fixture.strange))
		return -1;
	/* It takes long, and one is as good as another. */
	if (!fixture.rsa && crypto_key_generate(JOSE_RS256, &fixture.rsa))
		return -1;
	fake_authority_add_key(&fixture.authority, fixture.key, "k1");
	fake_authority_add_key(&fixture.authority, fixture.rsa, "r1");
	fixture.guard = fixture_open(&fixture, "cosmos", 0);
	*state = &fixture;
	return fixture.guard ? 0 : -1;
}

int fixture_tear_down(void **state)
{
	struct fixture *fixture = *state;

	adit_guard_close(fixture->guard);
	fake_authority_stop(&fixture->authority);
	crypto_key_destroy(fixture->key);
	crypto_key_destroy(fixture->strange);
	(void)close(fixture->clock_fd);
	return unlink(fixture->clock_file);
}

static const char *replacement(const char *const *pairs, const char *name)
{
	for (size_t i = 0; pairs[i]; i += 2)
		if (!strcmp(pairs[i], name))
			return pairs[i + 1];
	return NULL;
}

static void append_member(struct buf *buf, const char *name, const char *json)
{
	if (*json)
		(void)buf_printf(buf, "%s\"%s\":%s", buf->len > 1 ? "," : "", name, json);
}

const char *claims_with(struct fixture *fixture, const char *const *pairs)
{
	char iss[300];
	char now[32];
	char later[32];
	const char *members[][2] = {
		{"iss", iss},
		{"sub", "\"su_1\""},
		{"aud", "\"external-api\""},
		{"client_id", "\"external.customer\""},
		{"iat", now},
		{"nbf", now},
		{"exp", later},
		{"jti", "\"j1\""},
		{"auth_time", now},
		{"idp", "\"local\""},
		{"amr", "[\"pwd\"]"},
		{"scope", "\"cosmos offline_access\""},
		{"adit", "{\"kind\":\"service\",\"site\":\"north-pit\",\"role\":\"read\"}"},
	};
	const size_t count = sizeof(members) / sizeof(members[0]);
	struct buf *buf = next_text();

	(void)snprintf(iss, sizeof(iss), "\"%s\"", fixture->authority.url);
	(void)snprintf(now, sizeof(now), "%d", NOW);
	(void)snprintf(later, sizeof(later), "%d", NOW + 3600);
	(void)buf_append_char(buf, '{');
	for (size_t i = 0; i < count; i++) {
		const char *json = replacement(pairs, members[i][0]);

		append_member(buf, members[i][0], json ? json : members[i][1]);
	}
	for (size_t i = 0; pairs[i]; i += 2) {
		bool known = false;

		for (size_t j = 0; j < count; j++)
			known = known || !strcmp(pairs[i], members[j][0]);
		if (!known)
			append_member(buf, pairs[i], pairs[i + 1]);
	}
	(void)buf_append_char(buf, '}');
	return text_of(buf);
}

const char *service_at(const char *site, const char *role)
{
	struct buf *buf = next_text();

	(void)buf_printf(buf, "{\"kind\":\"service\",\"site\":\"%s\",\"role\":\"%s\"}", site, role);
	return text_of(buf);
}

const char *bearer_of(const char *header, const char *claims, struct crypto_key *key)
{
	unsigned char signature[CRYPTO_SIGNATURE_MAX];
	struct buf *buf = next_text();
	struct crypto_signer *signer;
	size_t length;

	(void)buf_append_text(buf, "Bearer ");
	(void)base64url_append(buf, header, strlen(header));
	(void)buf_append_char(buf, '.');
	(void)base64url_append(buf, claims, strlen(claims));
	if (crypto_signer_create(key, &signer) ||
		crypto_signer_sign(signer, buf->data + 7, buf->len - 7, signature, &length))
		abort();
	crypto_signer_destroy(signer);
	(void)buf_append_char(buf, '.');
	(void)base64url_append(buf, signature, length);
	return text_of(buf);
}

const char *bearer_with(struct fixture *fixture, const char *claims)
{
	return bearer_of(GOOD_HEADER, claims, fixture->key);
}

struct adit_guard_decision check(
	struct adit_guard *guard, const char *authorization, const char *method, const char *site)
{
	const struct adit_guard_request request = {
		.size = sizeof(request),
		.authorization = authorization,
		.method = method,
		.site = site,
	};
	struct adit_guard_decision decision = {.size = sizeof(decision)};

	if (adit_guard_check(guard, &request, &decision) != decision.status)
		abort();
	return decision;
}

int status_of(struct fixture *fixture, const char *authorization)
{
	return check(fixture->guard, authorization, "GET", "north-pit").status;
}

void assert_refused(struct fixture *fixture, const char *authorization, const char *what)
{
	struct adit_guard_decision decision =
		check(fixture->guard, authorization, "GET", "north-pit");

	if (decision.status != 401)
		fail_msg("%s: status %d", what, decision.status);
	assert_string_equal(decision.error, "invalid_token");
	assert_non_null(strstr(decision.www_authenticate, "error=\"invalid_token\""));
	assert_string_equal(decision.subject, "");
	assert_string_equal(decision.site, "");
	assert_int_equal(decision.role, ADIT_GUARD_ROLE_NONE);
}
