/* SPDX-License-Identifier: Apache-2.0 */
/* The certificate of an authority that speaks TLS itself. */
#include "authority/command/command.h"

#include "net/tls.h"

enum { TELL_EVERY_S = 86400 };

static int check_options(struct invocation *invocation)
{
	bool has_certificate = options_flag(&invocation->options, "tls-cert");
	const char *missing = has_certificate ? "tls-key" : "tls-cert";
	const char *given = has_certificate ? "tls-cert" : "tls-key";
	char place[OPTION_PLACE_SIZE];

	if (has_certificate == options_flag(&invocation->options, "tls-key"))
		return 0;
	options_place(&invocation->options, given, 0, place);
	fault_set(&invocation->fault, "%s is of no use without %s; give both", place, missing);
	return ERROR_INVALID;
}

int certificate_open(struct certificate *certificate, struct invocation *invocation)
{
	const struct tls_files files = {
		.certificates = options_text(&invocation->options, "tls-cert"),
		.key = options_text(&invocation->options, "tls-key"),
	};
	int error = check_options(invocation);

	if (error || !files.certificates)
		return error;
	certificate->path = files.certificates;
	return tls_server_create(&files, &certificate->tls, &invocation->fault);
}

void certificate_close(struct certificate *certificate)
{
	tls_server_destroy(certificate->tls);
	certificate->tls = NULL;
}

void certificate_tell(struct certificate *certificate)
{
	static const struct {
		enum tls_concern concern;
		const char *reason;
	} reasons[] = {
		{TLS_EXPIRED, "expired"},
		{TLS_NOT_YET_VALID, "not_yet_valid"},
		{TLS_EXPIRES_SOON, "expires_soon"},
		{TLS_NO_CHAIN, "no_chain"},
		{TLS_CHAIN_ORDER, "chain_order"},
		{TLS_OTHER_NAME, "other_name"},
	};
	struct tls_state state;

	if (!certificate->tls)
		return;
	certificate->told_at = clock_now_s(certificate->clock);
	tls_server_state(certificate->tls, certificate->host, certificate->told_at, &state);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (state.concerns & reasons[i].concern)
			LOG_EVENT(certificate->log, LOG_LEVEL_WARNING, "tls_certificate",
				log_text("reason", reasons[i].reason),
				log_text("file", certificate->path),
				log_number("expires_at", state.not_after));
}

void certificate_tell_daily(struct certificate *certificate)
{
	int64_t now_s = clock_now_s(certificate->clock);

	/* A clock that was set back does not silence it. */
	if (certificate->tls &&
		(now_s < certificate->told_at || now_s - certificate->told_at >= TELL_EVERY_S))
		certificate_tell(certificate);
}

void certificate_reload(struct certificate *certificate)
{
	struct fault fault = {"--tls-cert was not given: there is nothing to read again"};
	struct tls_state state;
	int error = ERROR_INVALID;

	if (certificate->tls)
		error = tls_server_reload(
			certificate->tls, clock_now_s(certificate->clock), &fault);
	if (error) {
		LOG_EVENT(certificate->log, LOG_LEVEL_ERROR, "tls_reload_failed",
			log_text("reason", fault.text));
		return;
	}
	tls_server_state(certificate->tls, NULL, clock_now_s(certificate->clock), &state);
	LOG_EVENT(certificate->log, LOG_LEVEL_INFO, "tls_reloaded",
		log_text("file", certificate->path), log_number("expires_at", state.not_after));
	certificate_tell(certificate);
}
