/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/import_line.h"

#include "authority/options.h"
#include "authority/password_hash.h"
#include "codec/json.h"
#include "oauth/generated_password.h"

#include <string.h>

#define MEMBERS "username, site, role, password or password_hash, label, expires"

static int read_expiry(const struct json *value, int64_t *ret_at, struct fault *fault)
{
	const char *text = json_text(value);

	if (text ? !options_read_date(text, ret_at) : !json_integer(value, ret_at) && *ret_at > 0)
		return 0;
	fault_set(fault, "\"expires\": give a date such as \"2027-03-31\" or "
			 "\"2027-03-31T12:00:00Z\"");
	return ERROR_INVALID;
}

static int take_member(
	struct import_line *line, const char *name, const struct json *value, struct fault *fault)
{
	const struct {
		const char *name;
		const char **text;
	} texts[] = {
		{"username", &line->username},
		{"site", &line->site},
		{"role", &line->role},
		{"label", &line->label},
		{"password", &line->password},
		{"password_hash", &line->password_hash},
	};

	if (!strcmp(name, "expires"))
		return read_expiry(value, &line->expires_at, fault);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(name, texts[i].name) != 0)
			continue;
		*texts[i].text = json_text(value);
		if (*texts[i].text)
			return 0;
		fault_set(fault, "\"%s\" is no text; put it in quotes, without NULs", name);
		return ERROR_INVALID;
	}
	fault_set(
		fault, "there is a member \"%.64s\", which means nothing here; use " MEMBERS, name);
	return ERROR_INVALID;
}

static int check_present(const struct import_line *line, struct fault *fault)
{
	const char *missing = !line->username ? "username"
			      : !line->site   ? "site"
			      : !line->role   ? "role"
					      : NULL;

	if (missing)
		fault_set(fault, "\"%s\" is missing; each line has " MEMBERS, missing);
	else if (!line->password && !line->password_hash)
		fault_set(fault, "give its \"password\" or its \"password_hash\"; for one that is "
				 "made here use aditd service-user add");
	else if (line->password && line->password_hash)
		fault_set(fault, "give its \"password\" or its \"password_hash\", not both");
	else
		return 0;
	return ERROR_INVALID;
}

/* Of that form none may be chosen: it would be looked for among those that were made
 * here, and nowhere else. */
static int check_password(const char *password, struct fault *fault)
{
	size_t length = strlen(password);

	if (!length)
		fault_set(fault, "the password is empty; a Service User needs one");
	else if (length > PASSWORD_MAX)
		fault_set(fault, "the password is longer than %d bytes; give the user another",
			PASSWORD_MAX);
	else if (generated_password_has_form(GENERATED_SERVICE_USER_PASSWORD, password, length) ||
		 generated_password_has_form(GENERATED_CLIENT_SECRET, password, length))
		fault_set(fault, "the password has the form of those that an authority makes, and "
				 "can't be imported; use aditd service-user add");
	else
		return 0;
	return ERROR_INVALID;
}

static int check_hash(const char *hash, struct fault *fault)
{
	const char *problem = "";

	if (!password_hash_check(hash, &problem))
		return 0;
	fault_set(fault, "the password_hash %s", problem);
	return ERROR_INVALID;
}

static int read_members(struct import_line *line, struct fault *fault)
{
	const struct json *value = NULL;
	const char *name = NULL;
	size_t position = 0;
	int error = 0;

	while (!error && json_next(line->document, &position, &name, &value))
		error = take_member(line, name, value, fault);
	if (!error)
		error = check_present(line, fault);
	if (!error)
		error = line->password ? check_password(line->password, fault)
				       : check_hash(line->password_hash, fault);
	return error;
}

int import_line_read(
	const char *text, size_t length, struct import_line *ret_line, struct fault *fault)
{
	struct import_line line = {0};
	int error = json_parse(text, length, IMPORT_LINE_MAX, &line.document);

	if (error == ERROR_LIMIT)
		fault_set(fault, "it is longer than %d bytes; put one Service User on a line",
			IMPORT_LINE_MAX);
	else if (error == ERROR_MEMORY)
		fault_set(fault, "out of memory");
	else if (error || !json_is_object(line.document))
		fault_set(fault, "it is no JSON object with each member once; write {\"username\": "
				 "\"…\", \"site\": \"…\", \"role\": \"read\", …} on one line");
	if (error == ERROR_LIMIT || (!error && !json_is_object(line.document)))
		error = ERROR_INVALID;
	if (!error)
		error = read_members(&line, fault);
	if (error)
		import_line_finish(&line);
	else
		*ret_line = line;
	return error;
}

void import_line_finish(struct import_line *line)
{
	if (!line)
		return;
	json_free(line->document);
	*line = (struct import_line){0};
}
