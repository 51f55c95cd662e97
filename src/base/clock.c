/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int64_t read_ns(clockid_t id)
{
	struct timespec now;

	if (clock_gettime(id, &now))
		return 0;
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void clock_init(struct clock *clock)
{
	atomic_init(&clock->set_ms, 0);
	clock->file = NULL;
}

static int parse_digits(const char *text, int64_t *ret_ms)
{
	const volatile char *digits = text;
	int64_t value = 0;

	for (int i = 0; i < CLOCK_FILE_DIGITS; i++) {
		char c = digits[i];

		if (c < '0' || c > '9' || value > INT64_MAX / 10 - 9)
			return ERROR_INVALID;
		value = value * 10 + (c - '0');
	}
	*ret_ms = value;
	return 0;
}

static const char *map_clock_file(const char *path)
{
	struct stat status;
	void *mapped = MAP_FAILED;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (!fstat(fd, &status) && status.st_size >= CLOCK_FILE_DIGITS)
		mapped = mmap(NULL, CLOCK_FILE_DIGITS, PROT_READ, MAP_SHARED, fd, 0);
	(void)close(fd);
	return mapped == MAP_FAILED ? NULL : mapped;
}

int clock_init_file(struct clock *clock, const char *path, struct fault *fault)
{
	int64_t now_ms;
	const char *mapped = map_clock_file(path);

	if (!mapped) {
		fault_set(fault, "clock file %s: it can't be read, or is shorter than %d digits",
			path, CLOCK_FILE_DIGITS);
		return ERROR_IO;
	}
	if (parse_digits(mapped, &now_ms)) {
		fault_set(fault, "clock file %s: it must begin with %d digits (Unix time in ms)",
			path, CLOCK_FILE_DIGITS);
		(void)munmap((void *)(uintptr_t)mapped, CLOCK_FILE_DIGITS);
		return ERROR_INVALID;
	}
	clock_init(clock);
	clock->file = mapped;
	return 0;
}

void clock_finish(struct clock *clock)
{
	if (!clock || !clock->file)
		return;
	(void)munmap((void *)(uintptr_t)clock->file, CLOCK_FILE_DIGITS);
	clock->file = NULL;
}

void clock_set_ms(struct clock *clock, int64_t now_ms)
{
	atomic_store(&clock->set_ms, now_ms);
}

int64_t clock_now_ms(const struct clock *clock)
{
	int64_t now_ms = clock ? atomic_load(&clock->set_ms) : 0;

	if (now_ms)
		return now_ms;
	if (clock && clock->file && !parse_digits(clock->file, &now_ms))
		return now_ms;
	return read_ns(CLOCK_REALTIME) / 1000000;
}

int64_t clock_now_s(const struct clock *clock)
{
	return clock_now_ms(clock) / 1000;
}

int64_t clock_monotonic_ms(void)
{
	return read_ns(CLOCK_MONOTONIC) / 1000000;
}

int64_t clock_monotonic_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

int64_t clock_boottime_ms(void)
{
	return read_ns(CLOCK_BOOTTIME) / 1000000;
}

int64_t clock_thread_cpu_ns(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}
