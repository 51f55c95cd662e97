/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/token_call.h"

#include "authority/grant.h"
#include "authority/source.h"
#include "codec/json_writer.h"
#include "oauth/error.h"

#include <stdlib.h>
#include <string.h>

#define BY_ITS_CLIENT "revoked"

enum { TOKEN_BODY_MAX = 8192 };

static void begin(struct token_call *call, struct authority *authority,
	const struct http_request *request, struct http_ticket ticket)
{
	memset(call, 0, offsetof(struct token_call, arena_first));
	call->authority = authority;
	call->worker = &authority->workers[ticket.loop % AUTHORITY_WORKERS_MAX];
	call->ticket = ticket;
	call->arrived_at_ms = request->arrived_at_ms;
	call->now_s = clock_now_s(authority->clock);
	call->keys = keyring_acquire(authority->keyring);
	http_source_text(request->peer, call->source);
	if (!authority->settings.sources_hidden)
		call->source_number = source_number(request->peer);
	arena_init_with(
		&call->arena, TOKEN_CALL_ARENA_MAX, call->arena_first, sizeof(call->arena_first));
}

struct token_call *token_call_create(
	struct authority *authority, const struct http_request *request, struct http_ticket ticket)
{
	struct token_call *call = malloc(sizeof(*call));
	int error;

	if (!call) {
		respond_error(ticket, &(struct error_reply){.status = 503,
					      .error = OAUTH_SERVER_ERROR,
					      .description = "out of memory",
					      .retry_after_s = 5});
		return NULL;
	}
	begin(call, authority, request, ticket);
	error = correlation_id_make(call->correlation_id);
	if (!error)
		return call;
	(void)token_call_fault(call, error, "making a correlation id");
	token_call_refuse(call);
	return NULL;
}

int token_call_read_parameters(struct token_call *call, const struct http_request *request)
{
	const char *description = NULL;
	int error = parameters_read(request, &call->arena, &call->parameters, &description);

	if (error == ERROR_MEMORY)
		return token_call_fault(call, error, "reading the parameters");
	if (error)
		return token_call_fail(call, &(struct token_failure){.status = 400,
						     .error = OAUTH_INVALID_REQUEST,
						     .description = description,
						     .reason = "shape"});
	return 0;
}

int token_call_fail(struct token_call *call, const struct token_failure *failure)
{
	call->failure = *failure;
	return ERROR_REFUSED;
}

int token_call_busy(struct token_call *call)
{
	return token_call_fail(call, &(struct token_failure){.status = 503,
					     .error = OAUTH_TEMPORARILY_UNAVAILABLE,
					     .description = "too much to do at once; ask again",
					     .reason = "queue_full",
					     .retry_after_s = 1});
}

static const char *call_sub(const struct token_call *call)
{
	return *call->issuance.subject.user.id ? call->issuance.subject.user.id : NULL;
}

int token_call_fault(struct token_call *call, int error, const char *what)
{
	LOG_EVENT(call->authority->log, LOG_LEVEL_ERROR, "fault",
		log_text("correlation_id", call->correlation_id), log_text("what", what),
		log_text("reason", error_text(error)), log_text("client_id", call->claim.id),
		log_text("sub", call_sub(call)), log_text("source", call->source));
	if (error == ERROR_BUSY)
		return token_call_busy(call);
	return token_call_fail(
		call, &(struct token_failure){.status = 503,
			      .error = OAUTH_SERVER_ERROR,
			      .description = "the authority can't answer now; ask again later",
			      .reason = "fault",
			      .retry_after_s = 5});
}

int token_call_wrong_credentials(struct token_call *call, const char *reason)
{
	return token_call_fail(call, &(struct token_failure){.status = 400,
					     .error = OAUTH_INVALID_GRANT,
					     .description = "invalid_username_or_password",
					     .reason = reason,
					     .at_fixed_time = true});
}

int token_call_wrong_refresh_token(struct token_call *call, const char *reason)
{
	return token_call_fail(call, &(struct token_failure){.status = 400,
					     .error = OAUTH_INVALID_GRANT,
					     .description = "invalid_refresh_token",
					     .reason = reason,
					     .at_fixed_time = true});
}

/* Only a refusal is an answer: a fault must not make a client drop its token. */
int token_call_open_refresh_token(struct token_call *call, const char *text)
{
	int error;

	if (call->presented_opened)
		return 0;
	error = refresh_token_open(
		call->keys, call->authority->self.issuer, call->now_s, text, &call->presented);
	if (error == ERROR_REFUSED)
		return token_call_wrong_refresh_token(call, "not_sealed_here");
	if (error)
		return token_call_fault(call, error, "opening the refresh token");
	call->presented_opened = true;
	return 0;
}

void token_call_destroy(struct token_call *call)
{
	client_assertion_finish(call->claim.assertion);
	arena_finish(&call->arena);
	keyring_release(call->keys);
	memory_wipe(&call->issuance, sizeof(call->issuance));
	memory_wipe(&call->presented, sizeof(call->presented));
	free(call);
}

/* The first multiple of failure_ms after the arrival that is still to come, so
 * that the time says nothing about what was looked up; nor, where a slow hash was
 * computed, about whose. */
static int64_t failure_time(const struct token_call *call)
{
	int64_t step = call->authority->settings.failure_ms;
	int64_t now_ms = clock_monotonic_ms();
	int64_t spent =
		(now_ms > call->slow_until_ms ? now_ms : call->slow_until_ms) - call->arrived_at_ms;

	if (!call->failure.at_fixed_time || step <= 0)
		return 0;
	return call->arrived_at_ms + (spent / step + 1) * step;
}

/* --- the audit ------------------------------------------------------------------ */

/* What a client sent in its place may be anything, also a password. */
static const char *known_grant_type(const struct token_call *call)
{
	static const char *const types[] = {
		"password", "refresh_token", "client_credentials", "authorization_code"};
	const char *sent = parameters_get(&call->parameters, "grant_type");

	for (size_t i = 0; sent && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(sent, types[i]))
			return types[i];
	return NULL;
}

static struct audit_entry describe(const struct token_call *call, const char *event)
{
	const struct store_service_user *user = &call->issuance.subject.user;
	bool client_known = *call->client.id != '\0';
	struct audit_entry entry = {
		.event = event,
		.correlation_id = call->correlation_id,
		.endpoint = call->endpoint,
		.grant_type = known_grant_type(call),
		.client_id = call->client.id,
		.sub = call->presented_opened ? call->presented.user_id : user->id,
		.site = user->site,
		.source = call->source,
		.note = call->secret_ignored ? "client_secret ignored" : NULL,
	};

	/* Of a user only what a client said that has shown who it is: two names would be two
	 * kinds of refusals (audit_flood.h) at a client that there is, and one at another. */
	if (!client_known)
		entry.unknown_name = call->claim.id;
	else if (!*entry.sub && call->grant)
		entry.unknown_name = parameters_get(&call->parameters, "username");
	return entry;
}

int token_call_check_audit(struct token_call *call)
{
	struct audit *audit = call->authority->audit;
	int error = audit ? audit_check(audit) : 0;

	return error ? token_call_fault(call, error, "writing the audit") : 0;
}

/* As the family's UUID is written (RFC 9562, 4). */
static void write_family(const struct token_call *call, char ret_text[37])
{
	static const char digits[] = "0123456789abcdef";
	char *at = ret_text;

	for (size_t i = 0; i < STORE_BINARY_ID_SIZE; i++) {
		unsigned char byte = call->presented.family_id[i];

		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		*at++ = digits[byte >> 4];
		*at++ = digits[byte & 15];
	}
	*at = '\0';
}

static int record_revocation(struct token_call *call, audit_done done)
{
	struct audit_entry entry = describe(call, "family_revoked");
	char family[37];

	write_family(call, family);
	entry.family = family;
	entry.error = call->failure.error;
	entry.reason = call->failure.reason ? call->failure.reason : BY_ITS_CLIENT;
	call->audit_wait = (struct audit_wait){.done = done, .context = call};
	return audit_record_durable(call->authority->audit, &entry, &call->audit_wait);
}

void token_call_audit_revocation(struct token_call *call, audit_done done)
{
	bool kept = call->authority->audit != NULL;
	int error = kept ? record_revocation(call, done) : 0;

	/* Without an error the call may be gone by now. */
	if (error || !kept)
		done(call, error);
}

static void send_refusal(struct token_call *call)
{
	const struct token_failure *failure = &call->failure;

	LOG_EVENT(call->authority->log, LOG_LEVEL_INFO, "token_refused",
		log_text("correlation_id", call->correlation_id), log_text("error", failure->error),
		log_text("reason", failure->reason),
		log_text("grant_type", parameters_get(&call->parameters, "grant_type")),
		log_text("client_id", call->claim.id), log_text("sub", call_sub(call)),
		log_text("source", call->source));
	metrics_denied(call->authority->metrics, failure->reason);
	respond_error(call->ticket, &(struct error_reply){
					    .status = failure->status,
					    .error = failure->error,
					    .description = failure->description,
					    .correlation_id = call->correlation_id,
					    .retry_after_s = failure->retry_after_s,
					    .challenge = failure->challenge,
					    .not_before_ms = failure_time(call),
				    });
	token_call_destroy(call);
}

static void refusal_audited(void *context, int error)
{
	struct token_call *call = context;

	if (error)
		(void)token_call_fault(call, error, "writing the audit");
	send_refusal(call);
}

/* With ever new names no two refusals of a flood are equal, and the audit's oldest files
 * would soon go for it. So a source has room for a few by name; those beyond are told apart
 * by their reason alone, and the log has the rest. It depends on nothing but their number. */
static struct audit_entry describe_refusal(const struct token_call *call, bool named)
{
	struct audit_entry entry = {.event = "token_refused",
		.correlation_id = call->correlation_id,
		.source = call->source,
		.note = "one of many"};

	if (named)
		entry = describe(call, "token_refused");
	entry.error = call->failure.error;
	entry.reason = call->failure.reason;
	return entry;
}

static int record_refusal(struct token_call *call)
{
	struct authority *authority = call->authority;
	bool named = !throttle_take(authority->refusals, call->source_number, clock_monotonic_ms());
	struct audit_entry entry = describe_refusal(call, named);

	call->audit_wait = (struct audit_wait){.done = refusal_audited, .context = call};
	/* A fault is no verdict: it does not wait for what may be the part that failed. */
	if (call->failure.status == 503) {
		if (named)
			(void)audit_record(authority->audit, &entry);
		send_refusal(call);
		return 0;
	}
	return audit_record_refusal(authority->audit, &entry, &call->audit_wait);
}

void token_call_refuse(struct token_call *call)
{
	int error = 0;

	if (!call->authority->audit) {
		send_refusal(call);
		return;
	}
	if (call->family_revoked && call->failure.status != 503)
		error = record_revocation(call, refusal_audited);
	else
		error = record_refusal(call);
	if (error)
		refusal_audited(call, error);
}

static int record_issuance(struct token_call *call)
{
	struct audit_entry entry;

	if (!call->authority->audit)
		return 0;
	entry = describe(call, "token_issued");
	entry.scope = call->issuance.scope;
	entry.jti = call->issuance.jti;
	return audit_record(call->authority->audit, &entry);
}

static int write_body(struct token_call *call, struct buf *body)
{
	const struct issuance *issuance = &call->issuance;
	char token_bytes[REFRESH_TOKEN_MAX + 1];
	struct json_writer writer;
	struct buf token;
	int error = 0;

	buf_init_fixed(&token, token_bytes, sizeof(token_bytes));
	if (*issuance->refresh_scope)
		error = refresh_token_seal(call->keys, call->authority->self.issuer, call->now_s,
			&issuance->refresh, &token);
	json_writer_init(&writer, body);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "access_token", issuance->access_token);
	json_write_number(&writer, "expires_in", issuance->expires_in_s);
	json_write_text(&writer, "token_type", "Bearer");
	json_write_text(&writer, "refresh_token", *issuance->refresh_scope ? token.data : NULL);
	json_write_text(&writer, "scope", issuance->scope);
	json_write_object_end(&writer);
	buf_finish(&token);
	return error ? error : json_writer_status(&writer);
}

/* Of a refresh token, the password that its family began with: it ends with that. */
static void note_use(struct token_call *call)
{
	const struct issuance *issuance = &call->issuance;

	last_uses_note(call->authority->last_uses,
		&(const struct last_use_note){
			.user_id = issuance->subject.user.id,
			.client_id = call->client.id,
			.source = call->source,
			.grant_type = call->grant->type,
			.credential_id = call->presented_opened ? call->presented.credential_id
								: issuance->credential_id,
			.at_s = call->now_s,
		});
}

void token_call_answer(struct token_call *call)
{
	char body_bytes[TOKEN_BODY_MAX];
	struct buf body;
	int error;

	buf_init_fixed(&body, body_bytes, sizeof(body_bytes));
	error = write_body(call, &body);
	if (error)
		(void)token_call_fault(call, error, "writing the answer");
	if (!error) {
		error = record_issuance(call);
		if (error)
			(void)token_call_fault(call, error, "writing the audit");
	}
	if (error) {
		buf_finish(&body);
		token_call_refuse(call);
		return;
	}
	LOG_EVENT(call->authority->log, LOG_LEVEL_INFO, "token_issued",
		log_text("correlation_id", call->correlation_id),
		log_text("grant_type", parameters_get(&call->parameters, "grant_type")),
		log_text("client_id", call->client.id), log_text("sub", call_sub(call)),
		log_text("site", call->issuance.subject.user.site),
		log_text("scope", call->issuance.scope), log_text("source", call->source),
		log_text("note", call->secret_ignored ? "client_secret ignored" : NULL));
	metrics_issued(call->authority->metrics, call->grant->type);
	note_use(call);
	respond_token(call->ticket, body.data, body.len);
	buf_finish(&body);
	token_call_destroy(call);
}
