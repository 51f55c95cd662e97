/* SPDX-License-Identifier: Apache-2.0 */
/* The file of turns, with anything in it: a turn comes in time, or none does. */
#include "client/pace.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { NOW_MS = 1000000, LIMIT_MS = 3600000, TURNS = 50 };

static int open_again(void *context, int *ret_fd, struct fault *fault)
{
	const int *fd = context;
	char path[64];

	(void)fault;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", *fd);
	*ret_fd = open(path, O_RDWR | O_CLOEXEC);
	return *ret_fd < 0 ? ERROR_IO : 0;
}

static void use(struct pace *pace)
{
	struct pace_turn turn = {0};
	int left[PACE_WINDOWS];
	bool stands;
	int error = 0;

	for (int i = 0; i < TURNS && !error; i++) {
		error = pace_take(pace, NOW_MS, LIMIT_MS, &turn, NULL);
		if (!error && (turn.at_ms < NOW_MS || turn.at_ms > NOW_MS + LIMIT_MS))
			abort();
	}
	if (error && error != ERROR_BUSY && error != ERROR_VERSION)
		abort();
	if (pace_left(pace, NOW_MS, left, NULL) == 0)
		for (int i = 0; i < PACE_WINDOWS; i++)
			if (left[i] < 0 || left[i] > 1200)
				abort();
	if (!error && (pace_look(pace, &turn, &stands, NULL) || !stands))
		abort();
	pace_give_back(pace, &turn);
	if (!pace_hold(pace, NOW_MS, 10, NULL) && !pace_take(pace, NOW_MS, 0, &turn, NULL))
		abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	int fd = memfd_create("pace", MFD_CLOEXEC);
	const struct pace_options options = {
		.boot_id = "a boot", .open_file = open_again, .context = &fd};
	struct pace *pace = NULL;

	if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size) ||
		pace_create(&options, &pace))
		abort();
	use(pace);
	pace_destroy(pace);
	(void)close(fd);
	return 0;
}
