/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { READ_SIZE = 16384 };

static struct rlimit core_limit_before;
static _Atomic(struct adit_client *) watched;
static volatile sig_atomic_t caught;

/* A file that is opened later must not get the number of a standard stream. What stands in
 * for one can't be read, or written. */
static void open_standard_descriptors(void)
{
	static const int flags[] = {O_WRONLY, O_RDONLY, O_RDONLY};

	for (int descriptor = 0; descriptor <= STDERR_FILENO; descriptor++)
		if (fcntl(descriptor, F_GETFD) < 0 && errno == EBADF &&
			open("/dev/null", flags[descriptor]) != descriptor)
			_exit(EXIT_OTHER);
}

void process_prepare(void)
{
	struct rlimit none;

	open_standard_descriptors();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (getrlimit(RLIMIT_CORE, &core_limit_before))
		return;
	none = core_limit_before;
	none.rlim_cur = 0;
	(void)setrlimit(RLIMIT_CORE, &none);
}

void process_restore(void)
{
	(void)signal(SIGPIPE, SIG_DFL);
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)setrlimit(RLIMIT_CORE, &core_limit_before);
}

static void on_signal(int number)
{
	int kept = errno;
	struct adit_client *client = watched;

	caught = number;
	if (client)
		adit_client_cancel(client);
	errno = kept;
}

void signals_watch(struct adit_client *client)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = on_signal};
	struct sigaction before;

	watched = client;
	if (!client)
		return;
	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		/* nohup(1) and the shell's background jobs ignore some of them. */
		if (!sigaction(numbers[i], NULL, &before) && before.sa_handler != SIG_IGN)
			(void)sigaction(numbers[i], &action, NULL);
	if (caught)
		adit_client_cancel(client);
}

int signals_caught(void)
{
	return caught;
}

static int read_into(int descriptor, size_t max, struct buf *buf)
{
	ssize_t got;

	do {
		int error = buf_reserve(buf, READ_SIZE);

		if (error)
			return error;
		do
			got = read(descriptor, buf->data + buf->len, READ_SIZE);
		while (got < 0 && errno == EINTR && !caught);
		if (got < 0)
			return ERROR_IO;
		buf->len += (size_t)got;
		if (buf->len > max)
			return ERROR_LIMIT;
	} while (got > 0);
	buf->data[buf->len] = '\0';
	return 0;
}

int read_all(int descriptor, size_t max, struct buf *ret_buf)
{
	struct buf buf;
	int error;

	buf_init(&buf, max + 2 * READ_SIZE);
	error = read_into(descriptor, max, &buf);
	if (error)
		buf_finish(&buf);
	else
		*ret_buf = buf;
	return error;
}

int read_file(const char *path, size_t max, struct buf *ret_buf)
{
	int descriptor;
	int error;

	if (path[0] == '-' && !path[1])
		return read_all(STDIN_FILENO, max, ret_buf);
	descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (descriptor < 0)
		return ERROR_IO;
	error = read_all(descriptor, max, ret_buf);
	(void)close(descriptor);
	return error;
}
