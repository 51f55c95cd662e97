/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

#include "codec/uri.h"

#include <string.h>
#include <unistd.h>

enum {
	BEHIND_PROXY_CONNECTIONS = 65536, /* the cap on all of them is lower */
};

const struct option_spec serve_options[] = {
	{"issuer", "URL", "what init fixed; here it is only compared", false, true},
	{"listen", "ADDR:PORT",
		"where to listen, also [::1]:PORT and unix:PATH (" COMMAND_DEFAULT_LISTEN ")", true,
		true},
	{"metrics", "ADDR:PORT", "serve /metrics there, for Prometheus (nowhere)", false, true},
	{"tls-cert", "FILE", "speak TLS over TCP: the certificate and its chain, PEM", false, true},
	{"tls-key", "FILE", "the certificate's private key, PEM", false, true},
	{"behind-proxy", NULL, "listen beyond loopback: a proxy puts TLS in front", false, true},
	{"trusted-proxy", "ADDR",
		"a proxy whose X-Forwarded-For says who asks; also unix, for Unix sockets", true,
		true},
	{"flood-limit", "N", "requests a second from one source (100; 0: any number)", false, true},
	{"attempt-limit", "N", "wrong passwords of one account in ten minutes (10; 0: any number)",
		false, true},
	{"threads", "N", "event loops (one per core)", false, true},
	{"audit-size", "MIB", "how large the audit may grow; then its oldest go (1024)", false,
		true},
	{"log-level", "LEVEL", "debug, info, warning or error (info)", false, true},
	COMMAND_OPTIONS_COMMON,
	{0},
};

struct serving {
	struct listening listening;
	struct authority_settings settings;
	struct log log;
	int64_t audit_mib;
	struct audit *audit;
	bool behind_proxy;
	const char *issuer; /* once it is known */
	struct uri issuer_uri;
	struct certificate certificate;
	struct supervision supervision;
};

/* Whoever reaches it may read it, so there is no address by default, and none is refused
 * but one without a form: naming one beyond loopback is the operator's decision. */
static int take_metrics(struct invocation *invocation, struct serving *serving)
{
	const char *address = options_text(&invocation->options, "metrics");
	char place[OPTION_PLACE_SIZE];

	serving->settings.metrics = address;
	if (!address || listen_has_form(address))
		return 0;
	options_place(&invocation->options, "metrics", 0, place);
	fault_set(&invocation->fault,
		"%s %.120s: give a numeric address with its port, such as 127.0.0.1:9480 or "
		"[::1]:9480, or unix: and a path of at most 107 bytes",
		place, address);
	return ERROR_INVALID;
}

static void warn_of_metrics(const struct serving *serving)
{
	if (serving->settings.metrics && !listen_is_local(serving->settings.metrics))
		LOG_EVENT(&serving->log, LOG_LEVEL_WARNING, "metrics_beyond_loopback",
			log_text("address", serving->settings.metrics),
			log_text("advice", "let a firewall keep it from all but Prometheus"));
}

static int take_proxies(struct invocation *invocation, struct serving *serving)
{
	struct proxies *proxies = &serving->settings.proxies;
	char place[OPTION_PLACE_SIZE];
	const char *text;
	size_t index = 0;

	for (; (text = options_each(&invocation->options, "trusted-proxy", index)); index++) {
		int error = proxies_add(proxies, text);

		if (!error)
			continue;
		options_place(&invocation->options, "trusted-proxy", index, place);
		if (error == ERROR_LIMIT)
			fault_set(&invocation->fault, "%s is given too often; at most %d times",
				place, PROXIES_MAX);
		else
			fault_set(&invocation->fault,
				"%s %.120s: give the proxy's numeric address, such as 127.0.0.1 or "
				"::1, or a network such as 192.0.2.0/24, with no bit beyond its "
				"prefix; or unix",
				place, text);
		return ERROR_INVALID;
	}
	return 0;
}

/* Behind a proxy that is not named every request comes from the proxy's address, so that
 * a limit per source would be one for all together: there is none unless it is asked
 * for. */
static int take_settings(struct invocation *invocation, struct serving *serving)
{
	bool behind_proxy = options_flag(&invocation->options, "behind-proxy");
	const struct number_range audit = {1, 1024 * 1024, 1024};
	const struct number_range attempts = {0, ATTEMPTS_PER_ACCOUNT, ATTEMPTS_PER_ACCOUNT};
	struct number_range flood = {0, 1000000, 100};
	const struct number_range thread_range = {1, AUTHORITY_WORKERS_MAX, 0};
	const char *level = options_text(&invocation->options, "log-level");
	char place[OPTION_PLACE_SIZE];
	int64_t threads = 0;
	int error;

	authority_settings_init(&serving->settings);
	serving->log = (struct log){
		.fd = STDERR_FILENO, .least = LOG_LEVEL_INFO, .clock = &invocation->clock};
	if (level && log_level_parse(level, &serving->log.least)) {
		options_place(&invocation->options, "log-level", 0, place);
		fault_set(&invocation->fault, "%s \"%.128s\": use debug, info, warning or error",
			place, level);
		return ERROR_INVALID;
	}
	error = take_proxies(invocation, serving);
	serving->settings.sources_hidden =
		behind_proxy && !proxies_are_named(&serving->settings.proxies);
	if (serving->settings.sources_hidden)
		flood.otherwise = 0;
	if (!error)
		error = options_number(&invocation->options, "flood-limit", &flood,
			&serving->settings.flood_per_second, &invocation->fault);
	if (!error)
		error = options_number(&invocation->options, "attempt-limit", &attempts,
			&serving->settings.attempts_per_account, &invocation->fault);
	if (!error)
		error = options_number(&invocation->options, "threads", &thread_range, &threads,
			&invocation->fault);
	if (!error)
		error = options_number(&invocation->options, "audit-size", &audit,
			&serving->audit_mib, &invocation->fault);
	serving->settings.threads = (unsigned)threads;
	/* All connections come from the proxy's address. */
	if (behind_proxy || proxies_are_named(&serving->settings.proxies))
		serving->settings.connections_per_source = BEHIND_PROXY_CONNECTIONS;
	return error;
}

static int check_issuer(struct invocation *invocation, const struct authority *authority)
{
	const char *wanted = options_text(&invocation->options, "issuer");
	char place[OPTION_PLACE_SIZE];

	if (!wanted || !strcmp(wanted, authority->self.issuer))
		return 0;
	options_place(&invocation->options, "issuer", 0, place);
	fault_set(&invocation->fault,
		"%s %.120s differs from this data directory's, %.256s, which init fixed; leave it "
		"out, or name another directory with --data",
		place, wanted, authority->self.issuer);
	return ERROR_INVALID;
}

/* Loopback alone and https to clients: there is a proxy in front, and all its clients are
 * one source to the limits. A Unix socket is none. */
static void warn_of_proxy(const struct serving *serving)
{
	if (serving->behind_proxy || serving->certificate.tls ||
		proxies_are_named(&serving->settings.proxies) ||
		strncmp(serving->issuer, "https:", 6) != 0)
		return;
	for (size_t i = 0; i < serving->listening.count; i++) {
		if (!strncmp(serving->listening.names[i], "unix:", 5))
			continue;
		LOG_EVENT(&serving->log, LOG_LEVEL_WARNING, "behind_unannounced_proxy",
			log_text("address", serving->listening.names[i]),
			log_text("issuer", serving->issuer),
			log_text("advice",
				"name the proxy with --trusted-proxy, or give --behind-proxy: all "
				"clients share one limit"));
		break;
	}
}

/* A sixteenth a file, so that little goes at a time. */
static int open_audit(struct invocation *invocation, const struct serving *serving,
	const struct data_directory *directory, struct audit **ret_audit)
{
	int64_t total = serving->audit_mib * 1024 * 1024;
	const struct audit_options options = {
		.data_directory = directory->path,
		.store = directory->store,
		.clock = &invocation->clock,
		.log = &serving->log,
		.secret_key = &directory->secret_key,
		.limits = {.file_max = total / 16, .total_max = total},
	};

	return audit_create(&options, ret_audit, &invocation->fault);
}

static void record_event(struct audit *audit, const char *event)
{
	const struct audit_entry entry = {.event = event};

	(void)audit_record(audit, &entry);
}

static int ready(void *context)
{
	struct serving *serving = context;

	record_event(serving->audit, "authority_started");
	warn_of_proxy(serving);
	certificate_tell(&serving->certificate);
	supervision_ready(&serving->supervision);
	return 0;
}

static void reload(void *context)
{
	struct serving *serving = context;

	supervision_reloading();
	certificate_reload(&serving->certificate);
	supervision_ready(&serving->supervision);
}

static void tick(void *context)
{
	struct serving *serving = context;

	certificate_tell_daily(&serving->certificate);
	supervision_tick(&serving->supervision);
}

static void stopping(void *context)
{
	(void)context;
	supervision_stopping();
}

/* Its name is what clients ask for, unless a proxy asks for something else. */
static void name_host(struct serving *serving)
{
	if (!serving->behind_proxy && !uri_parse(serving->issuer, &serving->issuer_uri))
		serving->certificate.host = serving->issuer_uri.host;
}

static int serve(struct invocation *invocation, struct serving *serving,
	const struct data_directory *directory)
{
	const struct authority_parts parts = {
		.store = directory->store,
		.clock = &invocation->clock,
		.log = &serving->log,
		.secret_key = &directory->secret_key,
		.settings = &serving->settings,
	};
	struct running running = {.listen = serving->listening.targets,
		.listen_count = serving->listening.count,
		.ready = ready,
		.reload = reload,
		.tick = tick,
		.stopping = stopping,
		.context = serving};
	int error = authority_create(&parts, &running.authority, &invocation->fault);

	if (!error)
		error = check_issuer(invocation, running.authority);
	if (!error && options_flag(&invocation->options, "clock"))
		LOG_EVENT(&serving->log, LOG_LEVEL_WARNING, "test_clock",
			log_text("file", options_text(&invocation->options, "clock")));
	/* Not before the secret key has opened the keys: a wrong one must not write there. */
	if (!error)
		error = open_audit(invocation, serving, directory, &serving->audit);
	if (!error) {
		running.authority->audit = serving->audit;
		serving->behind_proxy = options_flag(&invocation->options, "behind-proxy");
		serving->issuer = running.authority->self.issuer;
		warn_of_metrics(serving);
		name_host(serving);
		supervision_init(&serving->supervision, running.authority);
		error = command_serve(&running, &invocation->fault);
		if (!error)
			record_event(serving->audit, "authority_stopped");
		if (error == ERROR_IO) /* of a socket or a thread */
			invocation->exit_code = EXIT_OTHER;
	}
	authority_destroy(running.authority);
	audit_destroy(serving->audit);
	return error;
}

static int take_certificate(struct invocation *invocation, struct serving *serving)
{
	struct certificate *certificate = &serving->certificate;
	int error = certificate_open(certificate, invocation);

	certificate->log = &serving->log;
	certificate->clock = &invocation->clock;
	serving->settings.tls = certificate->tls;
	if (error || !certificate->tls || !listening_is_unix(&serving->listening))
		return error;
	fault_set(&invocation->fault,
		"--tls-cert is of no use: only Unix sockets are listened on, and they speak plain "
		"HTTP");
	return ERROR_INVALID;
}

static int open_and_serve(struct invocation *invocation, struct serving *serving)
{
	struct data_directory directory;
	int error = data_directory_open(&directory, invocation_data(invocation), &invocation->clock,
		true, &invocation->fault);

	if (error)
		return error;
	error = serve(invocation, serving, &directory);
	data_directory_close(&directory);
	return error;
}

static int run(struct invocation *invocation)
{
	struct serving serving = {0};
	int error = listening_take(&serving.listening, invocation);

	if (!error)
		error = take_settings(invocation, &serving);
	if (!error)
		error = take_metrics(invocation, &serving);
	if (error)
		return error;
	command_prepare_process(true);
	error = take_certificate(invocation, &serving);
	if (!error)
		error = open_and_serve(invocation, &serving);
	certificate_close(&serving.certificate);
	return error;
}

const struct verb serve_verbs[] = {
	{.name = "serve",
		.arguments = "",
		.summary = "serve the authority",
		.specs = serve_options,
		.run = run},
	{0},
};
