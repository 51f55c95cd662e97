/* SPDX-License-Identifier: Apache-2.0 */
#include "oauth/access_token.h"

#include "base/error.h"
#include "codec/json_writer.h"

#include <string.h>

static int check_sites(const struct access_token *token)
{
	if (token->kind == ACCESS_TOKEN_SERVICE && token->site_count != 1)
		return ERROR_INVALID;
	if (token->site_count > ACCESS_TOKEN_SITES_MAX)
		return ERROR_INVALID;
	for (size_t i = 0; i < token->site_count; i++) {
		const struct access_token_site *site = &token->sites[i];

		if (!site_id_valid(site->id, strlen(site->id)) || !*site_role_name(site->role))
			return ERROR_INVALID;
	}
	return 0;
}

static void write_service(struct json_writer *writer, const struct access_token_site *site)
{
	json_write_text(writer, "kind", "service");
	json_write_text(writer, "site", site->id);
	json_write_text(writer, "role", site_role_name(site->role));
}

static void write_user(struct json_writer *writer, const struct access_token *token)
{
	json_write_text(writer, "kind", "user");
	json_write_array(writer, "sites");
	for (size_t i = 0; i < token->site_count; i++) {
		json_write_object(writer, NULL);
		json_write_text(writer, "id", token->sites[i].id);
		json_write_text(writer, "role", site_role_name(token->sites[i].role));
		json_write_object_end(writer);
	}
	json_write_array_end(writer);
}

static void write_private(struct json_writer *writer, const struct access_token *token)
{
	if (token->kind == ACCESS_TOKEN_UNBOUND)
		return;
	json_write_object(writer, "adit");
	if (token->kind == ACCESS_TOKEN_SERVICE)
		write_service(writer, &token->sites[0]);
	else
		write_user(writer, token);
	json_write_object_end(writer);
}

static void write_amr(struct json_writer *writer, const struct access_token *token)
{
	if (!token->amr[0])
		return;
	json_write_array(writer, "amr");
	for (size_t i = 0; i < ACCESS_TOKEN_AMR_MAX && token->amr[i]; i++)
		json_write_text(writer, NULL, token->amr[i]);
	json_write_array_end(writer);
}

int access_token_append(struct buf *buf, const struct access_token *token)
{
	struct json_writer writer;
	int error = check_sites(token);

	if (error)
		return error;
	json_writer_init(&writer, buf);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "iss", token->iss);
	json_write_text(&writer, "sub", token->sub);
	json_write_text(&writer, "aud", token->aud);
	json_write_text(&writer, "client_id", token->client_id);
	json_write_number(&writer, "iat", token->iat);
	if (token->nbf >= 0)
		json_write_number(&writer, "nbf", token->nbf);
	json_write_number(&writer, "exp", token->exp);
	json_write_text(&writer, "jti", token->jti);
	if (token->auth_time >= 0)
		json_write_number(&writer, "auth_time", token->auth_time);
	json_write_text(&writer, "idp", token->idp);
	write_amr(&writer, token);
	json_write_text(&writer, "scope", token->scope);
	write_private(&writer, token);
	json_write_object_end(&writer);
	return json_writer_status(&writer);
}
