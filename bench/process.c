/* SPDX-License-Identifier: Apache-2.0 */
#include "process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void fail(const char *what)
{
	(void)fprintf(stderr, "bench-client: %s\n", what);
	exit(1);
}

int64_t now_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void read_password(char ret_password[PASSWORD_MAX])
{
	if (!fgets(ret_password, PASSWORD_MAX, stdin))
		fail("no password on stdin");
	ret_password[strcspn(ret_password, "\n")] = '\0';
}

void put_memory(void)
{
	char line[256];
	FILE *file = fopen("/proc/self/smaps_rollup", "re");
	long private_dirty = 0;
	long rss = 0;

	if (!file)
		fail("no /proc/self/smaps_rollup");
	while (fgets(line, sizeof(line), file)) {
		if (!strncmp(line, "Private_Dirty:", 14))
			private_dirty = strtol(line + 14, NULL, 10);
		if (!strncmp(line, "Rss:", 4))
			rss = strtol(line + 4, NULL, 10);
	}
	(void)fclose(file);
	(void)printf(",\"rss_kib\":%ld,\"private_dirty_kib\":%ld}\n", rss, private_dirty);
}
