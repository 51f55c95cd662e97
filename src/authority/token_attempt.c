/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/token_attempt.h"

#include "authority/attempts_store.h"
#include "oauth/error.h"
#include "oauth/generated_password.h"

#include <string.h>

static const char *limit_reason(enum attempt_kind kind, enum attempt_verdict verdict)
{
	if (kind == ATTEMPT_CLIENT)
		return "too_many_attempts_secret";
	switch (verdict) {
	case ATTEMPT_OVER_PAIR:
		return "too_many_attempts_pair";
	case ATTEMPT_OVER_ACCOUNT:
		return "too_many_attempts_account";
	case ATTEMPT_OVER_SOURCE:
		return "too_many_attempts_source";
	default:
		return "too_many_attempts_consecutive";
	}
}

struct attempt_sent token_attempt_user(const struct token_call *call, bool known)
{
	const char *username = parameters_get(&call->parameters, "username");
	const char *password = parameters_get(&call->parameters, "password");

	return (struct attempt_sent){
		.kind = known ? ATTEMPT_USER : ATTEMPT_NAME,
		.account = known ? call->issuance.subject.user.id : username,
		.source = call->source_number,
		.client_id = call->client.id,
		.secret = password,
		.chosen = !password || !generated_password_has_form(GENERATED_SERVICE_USER_PASSWORD,
					       password, strlen(password)),
	};
}

int token_attempt_take(struct token_call *call, const struct attempt_sent *sent)
{
	enum attempt_verdict verdict = ATTEMPT_MAY;
	int64_t wait_s = 0;
	int error = attempts_take(call->authority->attempts, sent,
		clock_now_ms(call->authority->clock), &call->attempt, &verdict, &wait_s);

	if (error)
		return token_call_fault(call, error, "counting the attempt");
	attempts_keep_failures(call->authority->store, &call->attempt);
	if (verdict == ATTEMPT_MAY)
		return 0;
	return token_call_fail(call,
		&(struct token_failure){.status = 429,
			.error = OAUTH_SLOW_DOWN,
			.description = "too many failed attempts; wait as long as Retry-After says",
			.reason = limit_reason(sent->kind, verdict),
			.at_fixed_time = true,
			.retry_after_s = wait_s});
}

void token_attempt_right(struct token_call *call, const struct attempt_sent *sent)
{
	struct store *store = call->authority->store;
	bool keep = false;

	call->attempt.changed = false;
	if (attempts_succeed(call->authority->attempts, sent, clock_now_ms(call->authority->clock),
		    &call->attempt, &keep))
		return;
	attempts_keep_failures(store, &call->attempt);
	if (keep)
		attempts_keep_pair(store, sent->account, call->attempt.pair);
}

bool token_attempt_is_trusted(const struct token_call *call, const struct attempt_sent *sent)
{
	return attempts_is_trusted(
		call->authority->attempts, sent, clock_now_ms(call->authority->clock));
}

void token_attempt_return(struct token_call *call)
{
	call->attempt.changed = false;
	attempts_return(call->authority->attempts, &call->attempt);
	attempts_keep_failures(call->authority->store, &call->attempt);
}

int token_attempt_wrong_client(struct token_call *call)
{
	const struct attempt_sent sent = {
		.kind = ATTEMPT_CLIENT,
		.account = call->claim.id,
		.source = call->source_number,
		.client_id = call->claim.id,
		.secret = call->claim.secret
				  ? call->claim.secret
				  : parameters_get(&call->parameters, "client_assertion"),
	};

	return token_attempt_take(call, &sent);
}
