/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a new secret goes: a file of its own, or the output, once.
 */
#include "authority/command/command.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_OVERLAP_S = 7 * 86400 };

const struct option_spec command_rotate_options[] = {
	{"overlap", "TIME", "how long the old secret still works (7d; 0: not at all)", false,
		false},
	{"expires", "DATE", "when the new secret ends, such as 2027-03-31, or never", false, false},
	COMMAND_OPTION_PASSWORD_OUT,
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

void delivery_init(struct delivery *delivery, const struct invocation *invocation)
{
	*delivery = (struct delivery){.path = options_text(&invocation->options, "password-out")};
}

int delivery_finish(struct delivery *delivery, int error, struct fault *fault)
{
	memory_wipe(delivery->secret, sizeof(delivery->secret));
	if (!error || !delivery->reason)
		return error;
	fault_set(fault, "--password-out %s can't be made: %s; nothing was changed", delivery->path,
		strerror(delivery->reason));
	return error;
}

const char *delivery_shown(const struct delivery *delivery)
{
	return delivery && !delivery->path && *delivery->secret ? delivery->secret : NULL;
}

int delivery_output_end(
	struct invocation *invocation, const struct delivery *delivery, struct output *output)
{
	int error = command_output_end(invocation, output);

	if (!error || !delivery)
		return error;
	if (delivery->written)
		fault_set(&invocation->fault,
			"\"%s\" was stored and its secret is in %s, but the output can't be "
			"written",
			delivery->name, delivery->path);
	else if (delivery_shown(delivery))
		fault_set(&invocation->fault,
			"\"%s\" was stored, but its new secret can't be written to stdout and is "
			"lost; make another by aditd %s %s --overlap 0, which ends all older ones",
			delivery->name, invocation->verb->noun,
			!strcmp(invocation->verb->noun, "client") ? "rotate-secret" : "rotate");
	else
		return command_changed(invocation, error);
	return error;
}

static int write_secret(const char *path, const char *secret, int *ret_reason)
{
	size_t length = strlen(secret);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool written;

	if (fd < 0) {
		*ret_reason = errno;
		return ERROR_INVALID; /* another path would do */
	}
	/* Without a line feed: what a form takes from the file is the password. */
	errno = ENOSPC; /* a short write leaves it */
	written = write(fd, secret, length) == (ssize_t)length && !fsync(fd);
	if (!written)
		*ret_reason = errno;
	if (close(fd) || !written) {
		(void)unlink(path);
		return ERROR_IO;
	}
	return 0;
}

int delivery_take(void *context, const char *name, const char *secret)
{
	struct delivery *delivery = context;
	int error = text_copy(delivery->name, sizeof(delivery->name), name);

	if (error)
		return error;
	if (!secret) {
		if (delivery->written)
			(void)unlink(delivery->path);
		return 0;
	}
	if (!delivery->path) {
		memcpy(delivery->secret, secret, sizeof(delivery->secret));
		return 0;
	}
	error = write_secret(delivery->path, secret, &delivery->reason);
	delivery->written = !error;
	return error;
}

int rotation_init(struct admin_rotation *rotation, struct delivery *delivery,
	const struct invocation *invocation, struct fault *fault)
{
	const struct options *options = &invocation->options;
	const char *expires = options_text(options, "expires");

	*rotation = (struct admin_rotation){
		.name = options->positional[0], .deliver = delivery_take, .context = delivery};
	delivery_init(delivery, invocation);
	if (options_duration(options, "overlap", DEFAULT_OVERLAP_S, &rotation->overlap_s, fault))
		return ERROR_INVALID;
	rotation->never = expires && !strcmp(expires, "never");
	if (rotation->never)
		return 0;
	return options_date(options, "expires", &rotation->expires_at, fault);
}
