/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verbs share: opening the data, handing a secret over, serving.
 */
#include "authority/command/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
	TICK_MS = 250,
	DRAIN_MS = 10000,
};

const char *invocation_data(const struct invocation *invocation)
{
	const char *path = options_text(&invocation->options, "data");

	return path ? path : COMMAND_DEFAULT_DATA;
}

int administration_open(struct invocation *invocation, struct administration *administration)
{
	struct data_directory *directory = &administration->directory;
	int error;

	*administration = (struct administration){0};
	error = data_directory_open(directory, invocation_data(invocation), &invocation->clock,
		false, &invocation->fault);
	if (error)
		return error;
	error = keyring_create(directory->store, &invocation->clock, &directory->secret_key,
		&administration->keyring);
	if (error) {
		fault_set(&invocation->fault, "the keys in %s can't be opened: %s", directory->path,
			error == ERROR_REFUSED ? "secret.key belongs to other data"
					       : error_text(error));
		administration_close(administration);
		return error;
	}
	administration->admin = (struct admin){.store = directory->store,
		.keyring = administration->keyring,
		.clock = &invocation->clock};
	return 0;
}

void administration_close(struct administration *administration)
{
	keyring_destroy(administration->keyring);
	administration->keyring = NULL;
	data_directory_close(&administration->directory);
}

void delivery_init(struct delivery *delivery, const struct invocation *invocation)
{
	*delivery = (struct delivery){.path = options_text(&invocation->options, "password-out")};
}

void delivery_finish(struct delivery *delivery)
{
	memory_wipe(delivery->secret, sizeof(delivery->secret));
}

static int write_secret(const char *path, const char *secret)
{
	size_t length = strlen(secret);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool written;

	if (fd < 0)
		return errno == EEXIST ? ERROR_EXISTS : ERROR_IO;
	/* Without a line feed: what a form takes from the file is the password. */
	written = write(fd, secret, length) == (ssize_t)length && !fsync(fd);
	if (close(fd) || !written) {
		(void)unlink(path);
		return ERROR_IO;
	}
	return 0;
}

int delivery_take(void *context, const char *name, const char *secret)
{
	struct delivery *delivery = context;
	int error;

	(void)name;
	if (!secret) {
		if (delivery->written)
			(void)unlink(delivery->path);
		return 0;
	}
	if (!delivery->path) {
		memcpy(delivery->secret, secret, sizeof(delivery->secret));
		return 0;
	}
	error = write_secret(delivery->path, secret);
	delivery->written = !error;
	return error;
}

int command_output_end(struct invocation *invocation, struct output *output)
{
	int error = output_end(output);

	if (error)
		fault_set(&invocation->fault, "the output can't be written: %s", error_text(error));
	return error;
}

bool listen_is_local(const char *address)
{
	return !strncmp(address, "127.", 4) || !strncmp(address, "[::1]:", 6) ||
	       !strncmp(address, "unix:", 5);
}

static void stop_signals(sigset_t *ret_set)
{
	(void)sigemptyset(ret_set);
	(void)sigaddset(ret_set, SIGTERM);
	(void)sigaddset(ret_set, SIGINT);
}

void command_prepare_process(void)
{
	const struct rlimit none = {0, 0};
	sigset_t set;

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	stop_signals(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int command_serve(const struct running *running, struct fault *fault)
{
	const struct timespec tick = {.tv_nsec = TICK_MS * 1000000L};
	struct authority *authority = running->authority;
	sigset_t set;
	int error = authority_start(authority, running->listen, running->listen_count, fault);

	if (!error && running->ready)
		error = running->ready(running->context);
	stop_signals(&set);
	if (!error) {
		while (sigtimedwait(&set, NULL, &tick) < 0)
			authority_tick(authority);
		LOG_EVENT(authority->log, LOG_LEVEL_INFO, "stopping", {0});
	}
	authority_stop(authority, DRAIN_MS);
	return error;
}
