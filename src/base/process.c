/* SPDX-License-Identifier: Apache-2.0 */
#include "base/process.h"

#include "base/error.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
	STAT_SIZE = 1024,
	/* proc(5): fields of /proc/self/stat after the name in brackets, from 0. */
	FIELD_THREADS = 17,
	FIELD_START = 19,
	FIELD_VIRTUAL = 20,
	FIELD_RESIDENT = 21,
	FIELDS = 22,
};

/* What follows the name, which may hold anything: up to the last bracket. */
static int read_stat(int64_t ret_fields[FIELDS])
{
	char text[STAT_SIZE];
	const char *at;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	char *end;

	if (fd >= 0)
		(void)close(fd);
	if (length <= 0)
		return ERROR_IO;
	text[length] = '\0';
	at = strrchr(text, ')');
	if (!at || strlen(at) < 4)
		return ERROR_IO;
	at += 3; /* ") S" */
	ret_fields[0] = 0;
	for (int i = 1; i < FIELDS; i++) {
		ret_fields[i] = strtoll(at, &end, 10);
		if (end == at)
			return ERROR_IO;
		at = end;
	}
	return 0;
}

static int count_descriptors(int64_t *ret_count)
{
	DIR *folder = opendir("/proc/self/fd");
	int64_t count = 0;

	if (!folder)
		return ERROR_IO;
	while (readdir(folder))
		count++;
	(void)closedir(folder);
	/* Neither "." and ".." nor the folder itself. */
	*ret_count = count - 3;
	return 0;
}

static double seconds_of(clockid_t clock)
{
	struct timespec time = {0};

	(void)clock_gettime(clock, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int process_read(struct process_figures *ret_figures)
{
	struct process_figures figures = {.cpu_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID)};
	int64_t fields[FIELDS];
	struct rlimit limit;
	int error = read_stat(fields);

	if (!error)
		error = count_descriptors(&figures.descriptors);
	if (!error && getrlimit(RLIMIT_NOFILE, &limit))
		error = ERROR_IO;
	if (error)
		return error;
	figures.threads = fields[FIELD_THREADS];
	figures.virtual_bytes = fields[FIELD_VIRTUAL];
	figures.resident_bytes = fields[FIELD_RESIDENT] * sysconf(_SC_PAGESIZE);
	figures.descriptors_max =
		limit.rlim_cur == RLIM_INFINITY ? INT64_MAX : (int64_t)limit.rlim_cur;
	figures.started_at_s = seconds_of(CLOCK_REALTIME) - seconds_of(CLOCK_BOOTTIME) +
			       (double)fields[FIELD_START] / (double)sysconf(_SC_CLK_TCK);
	*ret_figures = figures;
	return 0;
}
