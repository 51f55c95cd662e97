/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/audit_explain.h"

#include <stddef.h>
#include <string.h>

#define ROTATE "If it is lost, make a new one: aditd service-user rotate USERNAME."
#define SIGN_IN "The integration must sign in again with its user name and password."
#define FORM "The integration's author must mend the request; the answer says what was wrong."
#define ASSERTION                                                                                  \
	"The client's author must mend its assertion; docs/logging.md says what it must hold."
#define LIMIT                                                                                      \
	"Mend what sends the wrong password, then wait as long as Retry-After says; aditd "        \
	"service-user show USERNAME says what uses it."

static const struct audit_explanation explanations[] = {
	{"shape", "The request was no well-formed form.", FORM},
	{"client_authentication", "The client named itself or its secret in two ways.", FORM},
	{"malformed_authorization", "The Authorization field was no Basic one.", FORM},
	{"no_client_id", "The request named no client.",
		"The integration must send client_id; for most it is external.customer."},
	{"unknown_client", "There is no client of that name.",
		"Compare the integration's client_id with aditd client list."},
	{"client_disabled", "The client is disabled.", "To let it in: aditd client enable ID."},
	{"wrong_client_secret", "The client's secret was wrong, expired or missing.",
		"If it is lost, make a new one: aditd client rotate-secret ID."},
	{"assertion_type", "The client sent an assertion of a type that is not taken.", ASSERTION},
	{"assertion_malformed", "The client's assertion was no signed JWT.", ASSERTION},
	{"assertion_typ", "The client's assertion said that it is something else.", ASSERTION},
	{"assertion_issuer", "The assertion was not made by the client for itself.", ASSERTION},
	{"assertion_audience", "The assertion was made for another authority.", ASSERTION},
	{"assertion_times", "The assertion was too old, too new or valid for too long.",
		"Set the client's clock right; an assertion must be made for each request."},
	{"assertion_without_jti", "The assertion had no jti.", ASSERTION},
	{"assertion_without_keys", "The client sent an assertion and has no key here.",
		"Register its public keys with aditd client."},
	{"assertion_key", "The assertion names a key that the client has not registered.",
		"Register the client's new public key with aditd client."},
	{"assertion_signature", "The assertion's signature is wrong.",
		"Compare the client's key with the one that is registered."},
	{"assertion_replayed", "The assertion was used before.",
		"The client must make an assertion for each request. If it does, somebody has "
		"copied one: replace its key."},
	{"grant_type", "No grant_type was asked for, or one that there is not.", FORM},
	{"grant_not_allowed", "The client is not registered for that grant.",
		"Register a client with --grant, or use another grant."},
	{"no_token", "The request named no token.", FORM},
	{"no_resource", "The client is not registered as an API.",
		"An API that introspects needs a client with --resource."},
	{"access_token", "An access token can't be revoked.",
		"The client must revoke its refresh token; access tokens end by themselves."},
	{"no_service_user", "The client belongs to no Service User.",
		"Register a client with --service-user for client_credentials."},
	{"scope", "The scope is malformed, unknown or not the client's.",
		"Compare the scope that is asked for with aditd client show ID."},
	{"unknown_user", "There is no Service User of that name.",
		"Compare the name, to the letter, with aditd service-user list. The name as typed "
		"is not kept: it may have been a password."},
	{"wrong_password", "The password was another than any that lives.",
		"Enter it anew where the integration keeps it. " ROTATE},
	{"credential_ended", "The password that the session began with has ended.", SIGN_IN},
	{"no_live_credential", "All passwords of the Service User have expired.",
		"Make a new one: aditd service-user rotate USERNAME."},
	{"user_disabled", "The Service User is disabled.",
		"To let it in: aditd service-user enable USERNAME."},
	{"site_disabled", "The site is disabled.", "To let it in: aditd site enable ID."},
	{"grant_disabled", "The Service User may not use this client.",
		"To let it: aditd grant enable."},
	{"removed_meanwhile",
		"The user, the client or the site was disabled while the request was on its way.",
		"See which: aditd service-user show, aditd client show, aditd site show."},
	{"no_refresh_token", "The request had no refresh token.", FORM},
	{"not_sealed_here", "It was no refresh token of this authority.",
		"It was cut short or belongs to another authority. " SIGN_IN},
	{"another_client", "The token was given to another client.",
		"The integration must use the client_id that it signed in with."},
	{"older_epoch", "The session began before a backup was restored.", SIGN_IN},
	{"expired", "The session has reached its end.", SIGN_IN},
	{"idle_too_long", "The session was not used for too long.", SIGN_IN},
	{"bound_to_a_key", "The token needs a proof of possession.", SIGN_IN},
	{"grant_ended", "The password was removed, or its user, client or site disabled since.",
		"See which: aditd service-user show, aditd client show, aditd site show. " SIGN_IN},
	{"replay",
		"A refresh token was used again after its successor was given: two programs use "
		"one session, or one was copied. The session has ended.",
		"If two programs share a token, give each its own sign-in. If not, rotate the "
		"password: aditd service-user rotate USERNAME --overlap 0."},
	{"state_lost",
		"The token was newer than the authority remembers, as after a database that was "
		"put back by hand. The session has ended.",
		SIGN_IN},
	{"revoked", "The client ended the session itself.", "Nothing needs to be done."},
	{"revoked_before", "The session had ended before.",
		"See why: aditd audit list --sub SUB --event family_revoked. " SIGN_IN},
	{"too_many_attempts_pair", "Too many wrong passwords of this user from this address.",
		LIMIT},
	{"too_many_attempts_account", "Too many wrong passwords of this user.", LIMIT},
	{"too_many_attempts_source", "Wrong passwords of too many users from this address.", LIMIT},
	{"too_many_attempts_secret", "Too many wrong secrets of this client.", LIMIT},
	{"too_many_attempts_consecutive",
		"A hundred wrong passwords in a row: only addresses that succeeded before are let "
		"try.",
		"To let all try again: aditd service-user unlock USERNAME."},
	{"queue_full", "The authority had too much to do at once.",
		"The client may ask again; if it goes on, look at the disk and the processors."},
	{"fault", "A part of the authority failed; this was no verdict on the request.",
		"The log has an event fault with the same correlation_id, which says what."},
};

const struct audit_explanation *audit_explain(const char *reason)
{
	static const struct audit_explanation otherwise = {
		"", "The reason has no words of its own.", "docs/logging.md lists the reasons."};

	for (size_t i = 0; i < sizeof(explanations) / sizeof(explanations[0]); i++)
		if (!strcmp(explanations[i].reason, reason))
			return &explanations[i];
	return &otherwise;
}
