/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An authority to develop against: in memory, seeded, gone when it ends.
 */
#include "authority/command/command.h"

#include "base/random.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONFIDENTIAL_CLIENT "confidential.example"
#define LOOPBACK "127.0.0.1:"

enum {
	USERS = 4,
	DEFAULT_PORT = 8480,
	PORT_TRIES = 20,
	ADDRESS_SIZE = 32,
	ISSUER_SIZE = 64,
};

static const struct option_spec specs[] = {
	{"listen", "127.0.0.1:PORT", "where to listen (127.0.0.1:8480; port 0: any free one)",
		false, false},
	{"access-ttl", "S", "seconds that access tokens live (3600)", false, false},
	{"log-level", "LEVEL", "debug, info, warning or error (warning)", false, false},
	{"json", NULL, "print what to use as one line of JSON", false, false},
	{"clock", "FILE", "read the time from this file: for tests", false, false},
	{"help", NULL, "print this and exit", false, false},
	{0},
};

struct development {
	struct invocation *invocation;
	struct log log;
	struct secret secret_key;
	struct store *store;
	struct keyring *keyring;
	struct authority_settings settings;
	char address[ADDRESS_SIZE];
	char issuer[ISSUER_SIZE];
	struct {
		struct store_service_user user;
		char password[GENERATED_PASSWORD_SIZE];
	} users[USERS];
	char client_secret[GENERATED_PASSWORD_SIZE];
};

/* Port 0 stands for any free one; the issuer must hold the port before the server
 * listens, so a free one is looked for. */
static int find_free_port(uint16_t *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int error = fd < 0 ? ERROR_IO : 0;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!error && (bind(fd, (struct sockaddr *)&address, sizeof(address)) ||
			      getsockname(fd, (struct sockaddr *)&address, &size)))
		error = ERROR_IO;
	if (fd >= 0)
		(void)close(fd);
	if (!error)
		*ret_port = ntohs(address.sin_port);
	return error;
}

static int choose_address(struct development *development, int64_t port, struct fault *fault)
{
	uint16_t chosen = (uint16_t)port;
	int error = port ? 0 : find_free_port(&chosen);

	if (error) {
		fault_set(fault, "there is no free port on 127.0.0.1; name one with --listen "
				 "127.0.0.1:PORT");
		return error;
	}
	(void)snprintf(development->address, sizeof(development->address), LOOPBACK "%u", chosen);
	(void)snprintf(development->issuer, sizeof(development->issuer), "http://%s/identity",
		development->address);
	return 0;
}

static int parse_port(struct invocation *invocation, int64_t *ret_port)
{
	const char *listen = options_text(&invocation->options, "listen");
	int64_t port = 0;

	if (!listen) {
		*ret_port = DEFAULT_PORT;
		return 0;
	}
	if (strncmp(listen, LOOPBACK, strlen(LOOPBACK)) != 0)
		goto bad;
	listen += strlen(LOOPBACK);
	if (!*listen || strspn(listen, "0123456789") != strlen(listen) || strlen(listen) > 5)
		goto bad;
	for (; *listen; listen++)
		port = port * 10 + (*listen - '0');
	if (port <= UINT16_MAX) {
		*ret_port = port;
		return 0;
	}
bad:
	fault_set(&invocation->fault,
		"--listen \"%.128s\": aditd dev listens on " LOOPBACK
		"PORT only; for more, use aditd "
		"init and aditd serve",
		options_text(&invocation->options, "listen"));
	return ERROR_INVALID;
}

struct keeping {
	char *secret;
};

static int keep_secret(void *context, const char *name, const char *secret)
{
	const struct keeping *keeping = context;

	(void)name;
	if (secret)
		memcpy(keeping->secret, secret, GENERATED_PASSWORD_SIZE);
	return 0;
}

static int seed_users(struct development *development, const struct admin *admin)
{
	static const char *const seeds[USERS][3] = {
		{"north-pit-reader", "north-pit", "read"},
		{"north-pit-writer", "north-pit", "write"},
		{"south-pit-reader", "south-pit", "read"},
		{"south-pit-writer", "south-pit", "write"},
	};
	struct fault *fault = &development->invocation->fault;
	int error = admin_site_add(admin, "north-pit", "North Pit", fault);

	if (!error)
		error = admin_site_add(admin, "south-pit", "South Pit", fault);
	for (size_t i = 0; !error && i < USERS; i++) {
		struct keeping keeping = {.secret = development->users[i].password};
		struct admin_new_service_user wanted = {
			.username = seeds[i][0],
			.site = seeds[i][1],
			.role = seeds[i][2],
			.deliver = keep_secret,
			.context = &keeping,
		};

		error = admin_service_user_add(admin, &wanted, &development->users[i].user, fault);
	}
	return error;
}

static int seed_client(struct development *development, const struct admin *admin)
{
	static const char *const none[] = {NULL};
	static const char *const grants[] = {
		"password", "refresh_token", "client_credentials", NULL};
	struct keeping keeping = {.secret = development->client_secret};
	struct store_client client;
	struct admin_new_client wanted = {
		.id = CONFIDENTIAL_CLIENT,
		.type = "confidential",
		.service_user = development->users[0].user.username,
		.scopes = none,
		.grants = grants,
		.redirect_uris = none,
		.deliver = keep_secret,
		.context = &keeping,
	};

	return admin_client_add(admin, &wanted, &client, &development->invocation->fault);
}

static int seed(struct development *development)
{
	struct invocation *invocation = development->invocation;
	struct store_options options = {.create = true, .clock = &invocation->clock};
	struct admin admin = {.clock = &invocation->clock};
	int error = secret_init_empty(&development->secret_key, KEYRING_SECRET_SIZE);

	if (!error)
		error = random_bytes(development->secret_key.bytes, development->secret_key.length);
	if (!error)
		error = store_open(&options, &development->store, &invocation->fault);
	if (!error)
		error = authority_seed(development->store, &invocation->clock,
			&development->secret_key, development->issuer);
	if (!error)
		error = keyring_create(development->store, &invocation->clock,
			&development->secret_key, &development->keyring);
	if (error) {
		fault_set(&invocation->fault, "the authority can't be made: %s", error_text(error));
		return error;
	}
	admin.store = development->store;
	admin.keyring = development->keyring;
	error = seed_users(development, &admin);
	return error ? error : seed_client(development, &admin);
}

static void write_json(const struct development *development, struct buf *buf)
{
	struct json_writer writer;

	json_writer_init(&writer, buf);
	json_write_object(&writer, NULL);
	json_write_text(&writer, "authority", development->issuer);
	json_write_text(&writer, "client_id", "external.customer");
	json_write_array(&writer, "service_users");
	for (size_t i = 0; i < USERS; i++) {
		json_write_object(&writer, NULL);
		json_write_text(&writer, "username", development->users[i].user.username);
		json_write_text(&writer, "password", development->users[i].password);
		json_write_text(&writer, "site", development->users[i].user.site);
		json_write_text(&writer, "role", development->users[i].user.role);
		json_write_object_end(&writer);
	}
	json_write_array_end(&writer);
	json_write_array(&writer, "clients");
	json_write_object(&writer, NULL);
	json_write_text(&writer, "client_id", CONFIDENTIAL_CLIENT);
	json_write_text(&writer, "client_secret", development->client_secret);
	json_write_object_end(&writer);
	json_write_array_end(&writer);
	json_write_object_end(&writer);
	(void)buf_append_char(buf, '\n');
}

static void write_text(const struct development *development, struct buf *buf)
{
	(void)buf_printf(
		buf, "authority   %s\nclient_id   external.customer\n\n", development->issuer);
	for (size_t i = 0; i < USERS; i++)
		(void)buf_printf(buf, "%-16s  %s  (%s, %s)\n", development->users[i].user.username,
			development->users[i].password, development->users[i].user.site,
			development->users[i].user.role);
	(void)buf_printf(buf, "%s  %s  (confidential client)\n", CONFIDENTIAL_CLIENT,
		development->client_secret);
	(void)buf_printf(buf,
		"\nA token for north-pit:\n\n  curl -d grant_type=password -d client_id="
		"external.customer \\\n    -d username=%s -d password=%s \\\n    "
		"%s/connect/token\n\n"
		"By adit, which asks for the password once:\n\n"
		"  adit service set %s --username %s\n  adit token %s\n\n"
		"Everything is in memory and gone at the end. Ctrl-C ends it.\n",
		development->users[0].user.username, development->users[0].password,
		development->issuer, development->issuer, development->users[0].user.username,
		development->issuer);
}

static int announce(void *context)
{
	const struct development *development = context;
	struct buf buf;
	int error;

	buf_init(&buf, 64 * 1024);
	if (options_flag(&development->invocation->options, "json"))
		write_json(development, &buf);
	else
		write_text(development, &buf);
	error = buf_status(&buf);
	if (!error && (fwrite(buf.data, 1, buf.len, stdout) != buf.len || fflush(stdout)))
		error = ERROR_IO;
	if (error)
		fault_set(&development->invocation->fault, "the output can't be written to stdout");
	buf_finish(&buf);
	return error;
}

static int serve_seeded(struct development *development)
{
	const char *listen[] = {development->address};
	const struct authority_parts parts = {
		.store = development->store,
		.clock = &development->invocation->clock,
		.log = &development->log,
		.secret_key = &development->secret_key,
		.settings = &development->settings,
	};
	struct running running = {
		.listen = listen,
		.listen_count = 1,
		.ready = announce,
		.context = development,
	};
	struct fault *fault = &development->invocation->fault;
	int error = authority_create(&parts, &running.authority, fault);

	if (!error)
		error = command_serve(&running, fault);
	authority_destroy(running.authority);
	return error;
}

static void finish(struct development *development)
{
	keyring_destroy(development->keyring);
	development->keyring = NULL;
	store_close(development->store);
	development->store = NULL;
	secret_finish(&development->secret_key);
	memory_wipe(development->users, sizeof(development->users));
	memory_wipe(development->client_secret, sizeof(development->client_secret));
}

static int take_settings(struct development *development)
{
	struct invocation *invocation = development->invocation;
	const struct number_range ttl = {1, 86400, 3600};
	const char *level = options_text(&invocation->options, "log-level");

	authority_settings_init(&development->settings);
	development->settings.flood_per_second = 0;
	development->settings.attempts_per_account = 0;
	development->log = (struct log){
		.fd = STDERR_FILENO, .least = LOG_LEVEL_WARNING, .clock = &invocation->clock};
	if (level && log_level_parse(level, &development->log.least)) {
		fault_set(&invocation->fault,
			"--log-level \"%.128s\": use debug, info, warning or error", level);
		return ERROR_INVALID;
	}
	return options_number(&invocation->options, "access-ttl", &ttl,
		&development->settings.access_ttl_s, &invocation->fault);
}

static int run(struct invocation *invocation)
{
	struct development development = {.invocation = invocation};
	int64_t port = 0;
	int error = parse_port(invocation, &port);

	if (!error)
		error = take_settings(&development);
	if (error)
		return error;
	command_prepare_process(false);
	for (int tries = 0; tries < PORT_TRIES; tries++) {
		error = choose_address(&development, port, &invocation->fault);
		if (!error)
			error = seed(&development);
		if (!error)
			error = serve_seeded(&development);
		finish(&development);
		/* Somebody else took the free port meanwhile. */
		if (error != ERROR_IO || port)
			break;
	}
	if (error == ERROR_IO) /* of a socket or stdout: there is no file */
		invocation->exit_code = EXIT_OTHER;
	return error;
}

const struct verb dev_verbs[] = {
	{.name = "dev",
		.arguments = "",
		.summary = "run an authority in memory, to develop against",
		.specs = specs,
		.run = run},
	{0},
};
