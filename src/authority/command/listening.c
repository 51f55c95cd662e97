/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

#include "base/systemd.h"

#include <stdio.h>
#include <string.h>

static bool is_confidential(const struct invocation *invocation)
{
	return options_flag(&invocation->options, "behind-proxy") ||
	       options_flag(&invocation->options, "tls-cert");
}

/* `place`: who named the address. */
static int check_reach(const struct invocation *invocation, const char *place, const char *address,
	struct fault *fault)
{
	if (is_confidential(invocation) || listen_is_local(address))
		return 0;
	fault_set(fault,
		"%s %.128s would take passwords over plain HTTP; give --tls-cert and --tls-key, or "
		"put a TLS proxy in front and say --behind-proxy, or listen on loopback",
		place, address);
	return ERROR_INVALID;
}

static int check_listen(const struct invocation *invocation, size_t index, struct fault *fault)
{
	const char *address = options_each(&invocation->options, "listen", index);
	char place[OPTION_PLACE_SIZE];

	options_place(&invocation->options, "listen", index, place);
	if (listen_has_form(address))
		return check_reach(invocation, place, address, fault);
	fault_set(fault,
		"%s %.120s: give a numeric address with its port, such as 127.0.0.1:8480 or "
		"[::1]:8480, or unix: and a path of at most 107 bytes",
		place, address);
	return ERROR_INVALID;
}

static int take_passed(struct listening *listening, struct invocation *invocation)
{
	struct fault *fault = &invocation->fault;
	size_t count = 0;
	int error = systemd_sockets(&count, fault);

	if (!error && count > LISTENING_MAX) {
		fault_set(fault, "systemd passed %zu sockets; at most %d are taken", count,
			LISTENING_MAX);
		error = ERROR_INVALID;
	}
	for (size_t i = 0; !error && i < count; i++) {
		int fd = SYSTEMD_FIRST_SOCKET + (int)i;
		char *name = listening->passed[i].name;

		if (http_listen_address(fd, name)) {
			fault_set(fault,
				"descriptor %d, which systemd passed, is no listening stream "
				"socket "
				"with an address: set ListenStream=, and Accept=no",
				fd);
			return ERROR_INVALID;
		}
		(void)snprintf(listening->passed[i].target, sizeof(listening->passed[i].target),
			"fd:%d", fd);
		listening->names[i] = name;
		listening->targets[i] = listening->passed[i].target;
		listening->count = i + 1;
		error = check_reach(invocation, "systemd's socket", name, fault);
	}
	return error;
}

int listening_take(struct listening *listening, struct invocation *invocation)
{
	const char *address;
	int error = take_passed(listening, invocation);

	for (size_t i = 0; !error && (address = options_each(&invocation->options, "listen", i));
		i++) {
		if (listening->count == LISTENING_MAX) {
			fault_set(&invocation->fault,
				"--listen is given too often; at most %d times", LISTENING_MAX);
			return ERROR_INVALID;
		}
		error = check_listen(invocation, i, &invocation->fault);
		listening->names[listening->count] = address;
		listening->targets[listening->count++] = address;
	}
	if (!error && !listening->count) {
		listening->names[0] = COMMAND_DEFAULT_LISTEN;
		listening->targets[0] = COMMAND_DEFAULT_LISTEN;
		listening->count = 1;
	}
	return error;
}

bool listening_is_unix(const struct listening *listening)
{
	for (size_t i = 0; i < listening->count; i++)
		if (strncmp(listening->names[i], "unix:", 5) != 0)
			return false;
	return true;
}
