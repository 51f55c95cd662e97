/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Web Token (RFC 7519, 4.1 and 7.2). */
#include "jose/jwt.h"

#include "base/error.h"

#include <string.h>

static int read_text(const struct json *claims, const char *name, const char **ret_text)
{
	const struct json *member = json_member(claims, name);

	*ret_text = json_text(member);
	return member && !*ret_text ? ERROR_INVALID : 0;
}

static int read_time(const struct json *claims, const char *name, int64_t *ret_seconds)
{
	const struct json *member = json_member(claims, name);

	*ret_seconds = -1;
	return member ? json_numeric_date(member, ret_seconds) : 0;
}

/* RFC 7519, 4.1.3: a text or an array of texts. */
static int check_audience(const struct json *audience)
{
	if (!audience || json_is_text(audience))
		return 0;
	if (!json_is_array(audience))
		return ERROR_INVALID;
	for (size_t i = 0; i < json_length(audience); i++)
		if (!json_is_text(json_at(audience, i)))
			return ERROR_INVALID;
	return 0;
}

static int read_claims(struct jwt *jwt)
{
	const struct json *claims = jwt->document;

	if (!json_is_object(claims) || read_text(claims, "iss", &jwt->iss) ||
		read_text(claims, "sub", &jwt->sub) || read_text(claims, "jti", &jwt->jti) ||
		read_time(claims, "exp", &jwt->exp) || read_time(claims, "nbf", &jwt->nbf) ||
		read_time(claims, "iat", &jwt->iat))
		return ERROR_INVALID;
	return check_audience(json_member(claims, "aud"));
}

int jwt_from_jws(const struct jws *jws, struct jwt *ret_jwt)
{
	struct jwt jwt = {0};
	int error = json_parse(
		(const char *)jws->payload, jws->payload_length, JWT_CLAIMS_MAX, &jwt.document);

	if (!error)
		error = read_claims(&jwt);
	if (error) {
		jwt_finish(&jwt);
		return error;
	}
	*ret_jwt = jwt;
	return 0;
}

void jwt_finish(struct jwt *jwt)
{
	if (!jwt)
		return;
	json_free(jwt->document);
	*jwt = (struct jwt){0};
}

bool jwt_has_audience(const struct jwt *jwt, const char *audience)
{
	const struct json *member = json_member(jwt->document, "aud");

	if (json_is_text(member))
		return !strcmp(json_text(member), audience);
	if (!json_is_array(member))
		return false;
	for (size_t i = 0; i < json_length(member); i++)
		if (!strcmp(json_text(json_at(member, i)), audience))
			return true;
	return false;
}

int jwt_check_times(const struct jwt *jwt, int64_t now_s, int64_t leeway_s)
{
	int64_t leeway = leeway_s < 0 ? 0 : leeway_s > JWT_LEEWAY_MAX ? JWT_LEEWAY_MAX : leeway_s;

	if (jwt->exp < 0 || jwt->exp + leeway <= now_s)
		return ERROR_TIMEOUT;
	if (jwt->nbf - leeway > now_s || jwt->iat - leeway > now_s)
		return ERROR_REFUSED;
	return 0;
}
