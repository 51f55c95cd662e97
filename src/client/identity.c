/* SPDX-License-Identifier: Apache-2.0 */
#include "client/identity.h"

#include "client/context.h"
#include "client/keys.h"
#include "oauth/id_token.h"

#include <string.h>

enum { CLOCK_ERROR_S = 1 };

static const char *const ACTION = "do not go on; tell the authority's operator";

static int distrust(struct operation *operation, const char *what, const char *why)
{
	(void)report_set(&operation->report, ADIT_ERROR_TRUST, "%s: %s", what, why);
	return report_action(&operation->report, "%s", ACTION);
}

static int parse(
	struct operation *operation, const char *what, const char *text, struct jws *ret_jws)
{
	int error = jws_parse(text, strlen(text), ret_jws);

	if (error == ERROR_MEMORY)
		return report_set(
			&operation->report, ADIT_ERROR_MEMORY, "no memory for an ID token");
	return error ? distrust(operation, what,
			       "the ID token is no JWT that is signed with RS256, ES256 or EdDSA")
		     : 0;
}

int identity_want_key(struct operation *operation, const char *what)
{
	const char *text = operation->client->tokens.id_token;
	struct jws jws;
	int error;

	if (!text)
		return distrust(operation, what, "no ID token came, though it was asked for");
	error = parse(operation, what, text, &jws);
	if (error)
		return error;
	keys_want(operation->client, &jws);
	jws_finish(&jws);
	return 0;
}

/* The claims of the ID token of the login before, which was verified when it came. Where it
 * can't be read, nobody can tell whether it is the same person. */
static int read_before(
	struct operation *operation, const char *what, const char *text, struct jwt *ret_claims)
{
	struct jws jws;
	int error;

	*ret_claims = (struct jwt){0};
	if (!text)
		return 0;
	error = jws_parse(text, strlen(text), &jws);
	if (!error) {
		error = jwt_from_jws(&jws, ret_claims);
		jws_finish(&jws);
	}
	if (!error)
		return 0;
	(void)report_set(&operation->report,
		error == ERROR_MEMORY ? ADIT_ERROR_MEMORY : ADIT_ERROR_TRUST,
		"%s: the ID token of the last sign-in can't be read: %s", what, error_text(error));
	return report_action(&operation->report, "sign out first");
}

/* The authority's clock is known by its Date fields, which name whole seconds and may be
 * made beforehand. */
static struct id_token_check standard_check(const struct adit_client *client)
{
	int leeway_s = client->options.leeway_s + CLOCK_ERROR_S;

	return (struct id_token_check){
		.issuer = client->metadata.issuer,
		.client_id = client->client_id,
		.max_age_s = -1,
		.now_s = client_clock_unix_ms(&client->clock) / 1000,
		.leeway_s = leeway_s < JWT_LEEWAY_MAX ? leeway_s : JWT_LEEWAY_MAX,
	};
}

static int check_claims(struct operation *operation, const char *what, const struct jws *jws,
	const struct id_token_check *check, struct jwt *ret_claims)
{
	struct fault fault = {0};
	int error = jwt_from_jws(jws, ret_claims);

	if (error == ERROR_MEMORY)
		return report_set(
			&operation->report, ADIT_ERROR_MEMORY, "no memory for an ID token");
	if (error)
		return distrust(operation, what, "the ID token's claims can't be read");
	error = id_token_check_claims(jws, ret_claims, check, &fault);
	if (!error)
		return 0;
	jwt_finish(ret_claims);
	return distrust(operation, what, fault.text[0] ? fault.text : error_text(error));
}

static int check_person(
	struct operation *operation, const struct identity_check *check, const struct jwt *claims)
{
	struct jwt before;
	int error = read_before(operation, check->what, check->before, &before);

	if (!error && before.sub && strcmp(before.sub, claims->sub) != 0) {
		(void)report_set(&operation->report, ADIT_ERROR_DENIED,
			"%s: \"%.100s\" signed in, where \"%.100s\" is signed in", check->what,
			claims->sub, before.sub);
		error = report_action(&operation->report,
			"sign out first, or use another account for the other person");
	}
	jwt_finish(&before);
	return error;
}

int identity_verify(struct operation *operation, const struct identity_check *check)
{
	const struct adit_client *client = operation->client;
	struct id_token_check wanted = standard_check(client);
	struct jwt claims;
	struct jws jws;
	int error = parse(operation, check->what, client->tokens.id_token, &jws);

	if (error)
		return error;
	wanted.nonce = check->nonce;
	wanted.access_token = client->tokens.access_token;
	error = keys_verify(operation, &jws, "the ID token");
	if (!error)
		error = check_claims(operation, check->what, &jws, &wanted, &claims);
	if (!error) {
		error = check_person(operation, check, &claims);
		jwt_finish(&claims);
	}
	jws_finish(&jws);
	return error;
}

/* Core, 12.2: where there is one, it is that of the sign-in. */
static int check_nonce(
	struct operation *operation, const struct jwt *claims, const struct jwt *before)
{
	const char *old = json_member_text(before->document, "nonce");
	const struct json *nonce = json_member(claims->document, "nonce");

	if (!old || !nonce || (json_is_text(nonce) && !strcmp(json_text(nonce), old)))
		return 0;
	return distrust(operation, "refresh",
		"the ID token is not to be believed: its nonce is another than at the login");
}

int identity_check_refreshed(struct operation *operation, const char *id_token,
	const char *access_token, const char *before)
{
	struct id_token_check wanted = standard_check(operation->client);
	struct jwt before_claims;
	struct jwt claims;
	struct jws jws;
	int error = parse(operation, "refresh", id_token, &jws);

	if (error)
		return error;
	error = read_before(operation, "refresh", before, &before_claims);
	wanted.previous_sub = before_claims.sub;
	wanted.access_token = access_token;
	if (!error)
		error = check_claims(operation, "refresh", &jws, &wanted, &claims);
	if (!error) {
		error = check_nonce(operation, &claims, &before_claims);
		jwt_finish(&claims);
	}
	jwt_finish(&before_claims);
	jws_finish(&jws);
	return error;
}
