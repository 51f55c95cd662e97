/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/claims.h"

#include "base/error.h"
#include "cli/command.h"
#include "cli/words.h"

#include <inttypes.h>
#include <string.h>

enum {
	INDENT = 2,
	NAME_WIDTH = 12,
};

static void append_clean_parts(struct buf *buf, const char *before, const char *text)
{
	(void)buf_append_text(buf, before);
	show_clean(buf, text);
}

/* --- sentences -------------------------------------------------------------------- */

/* What people know somebody by (OpenID Connect Core, 5.1), or the `sub` alone. */
static const char *name_of(const struct json *claims)
{
	static const char *const members[] = {"preferred_username", "name", "email", "sub"};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *text = json_member_text(claims, members[i]);

		if (text && *text)
			return text;
	}
	return NULL;
}

static void tell_site(struct buf *buf, const char *before, const char *site, const char *role)
{
	append_clean_parts(buf, before, role ? role : "do nothing");
	append_clean_parts(buf, " at the site ", site);
}

static void tell_sites(struct buf *buf, const struct json *sites)
{
	size_t count = json_length(sites);

	for (size_t i = 0; i < count; i++) {
		const struct json *site = json_at(sites, i);
		const char *id = json_member_text(site, "id");

		if (id)
			tell_site(buf,
				i == 0		 ? " may "
				: i + 1 == count ? " and "
						 : ", ",
				id, json_member_text(site, "role"));
	}
	if (!count)
		(void)buf_append_text(buf, " has no site");
}

static void tell_who(struct buf *buf, const struct json *claims)
{
	const struct json *adit = json_member(claims, "adit");
	const char *kind = json_member_text(adit, "kind");
	const char *site = json_member_text(adit, "site");
	const char *name = name_of(claims);
	bool is_service = kind && !strcmp(kind, "service");

	if (!name)
		return;
	append_clean_parts(buf,
		!kind	     ? "This is "
		: is_service ? "Service User "
			     : "Person ",
		name);
	if (is_service && site)
		tell_site(buf, " may ", site, json_member_text(adit, "role"));
	else if (kind && !is_service)
		tell_sites(buf, json_member(adit, "sites"));
	(void)buf_append_text(buf, ".\n");
}

static void tell_audience(struct buf *buf, const struct json *audience)
{
	if (json_text(audience))
		append_clean_parts(buf, ", for ", json_text(audience));
	for (size_t i = 0; i < json_length(audience); i++)
		if (json_text(json_at(audience, i)))
			append_clean_parts(
				buf, i ? " and " : ", for ", json_text(json_at(audience, i)));
}

static void tell_issuer(struct buf *buf, const struct json *claims)
{
	const char *issuer = json_member_text(claims, "iss");
	const char *client = json_member_text(claims, "client_id");

	if (!client)
		client = json_member_text(claims, "azp");
	if (!issuer)
		return;
	append_clean_parts(buf, "Issued by ", issuer);
	if (client)
		append_clean_parts(buf, " to the client ", client);
	tell_audience(buf, json_member(claims, "aud"));
	(void)buf_append_text(buf, ".\n");
}

static void tell_time(struct buf *buf, const char *before, int64_t at_s, int64_t now_s)
{
	(void)buf_append_text(buf, before);
	(void)words_when(buf, at_s, now_s);
	(void)buf_append_text(buf, ", ");
	(void)words_date(buf, at_s);
	(void)buf_append_text(buf, ".\n");
}

static void tell_times(struct buf *buf, const struct json *claims, int64_t now_s)
{
	int64_t at_s;

	if (!json_numeric_date(json_member(claims, "nbf"), &at_s) && at_s > now_s)
		tell_time(buf, "Not valid before ", at_s, now_s);
	if (json_numeric_date(json_member(claims, "exp"), &at_s))
		(void)buf_append_text(buf, "It does not say when it expires.\n");
	else
		tell_time(buf, at_s > now_s ? "Expires " : "Expired ", at_s, now_s);
}

int claims_tell(struct buf *buf, const struct json *claims, int64_t now_s)
{
	tell_who(buf, claims);
	tell_issuer(buf, claims);
	tell_times(buf, claims, now_s);
	return buf_status(buf);
}

/* --- the list ------------------------------------------------------------------------ */

static bool is_time(const char *name)
{
	static const char *const names[] = {"exp", "iat", "nbf", "auth_time", "updated_at"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static void append_json(struct buf *buf, const struct json *value)
{
	struct buf text;

	buf_init(&text, buf->max);
	if (!json_print(&text, value, false))
		show_clean(buf, text.data);
	buf_finish(&text);
}

static void append_value(struct buf *buf, const char *name, const struct json *value, int64_t now_s)
{
	int64_t at_s;

	if (json_text(value)) {
		show_clean(buf, json_text(value));
		return;
	}
	append_json(buf, value);
	if (!is_time(name) || json_numeric_date(value, &at_s))
		return;
	(void)buf_append_text(buf, "  ");
	(void)words_date(buf, at_s);
	(void)buf_append_text(buf, ", ");
	(void)words_when(buf, at_s, now_s);
}

int claims_list(struct buf *buf, const struct json *object, int64_t now_s)
{
	const struct json *value;
	const char *name;
	size_t position = 0;

	while (json_next(object, &position, &name, &value)) {
		size_t length = strlen(name);

		(void)buf_printf(buf, "%*s", INDENT, "");
		show_clean(buf, name);
		(void)buf_printf(
			buf, "%*s", length < NAME_WIDTH ? (int)(NAME_WIDTH - length) : 1, "");
		append_value(buf, name, value, now_s);
		(void)buf_append_char(buf, '\n');
	}
	return buf_status(buf);
}
