/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time that mean the same to another process, after a restart and after a reboot.
 * Within one boot only CLOCK_BOOTTIME counts, which nobody sets. Across boots the wall clock
 * does, corrected by what the authority's Date fields said (RFC 9110, 6.6.1). Where that can't
 * be right, a moment of the past counts as long ago: a token is then asked for anew, never
 * trusted.
 */
#ifndef CLIENT_MOMENT_H
#define CLIENT_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MOMENT_BOOT_ID_SIZE = 40, /* a UUID (36) and a NUL */
};

/* Zeroed: no moment. */
struct moment {
	char boot_id[MOMENT_BOOT_ID_SIZE]; /* "": the boot is not known */
	int64_t boot_ms;		   /* CLOCK_BOOTTIME */
	int64_t unix_ms;		   /* by the authority's clock, where its skew was known */
};

/* As struct adit_client_hooks.clock. */
typedef void (*client_clock_hook)(void *context, int64_t *ret_wall_ms, int64_t *ret_monotonic_ms);

/* Not thread-safe. A copy is as good. */
struct client_clock {
	client_clock_hook hook; /* NULL: the system's clocks */
	void *context;
	char boot_id[MOMENT_BOOT_ID_SIZE];
	bool skew_known;
	int64_t skew_ms;      /* the authority's clock less this host's */
	struct moment anchor; /* where the skew was learnt */
};

/* Reads the boot id. Where there is none, each process is a boot of its own. */
void client_clock_init(struct client_clock *clock, client_clock_hook hook, void *context);

/* The Date field of an answer whose request was sent at `sent_boot_ms`
 * (client_clock_boot_ms()), told at once when the answer is there. Not of an answer that may
 * come from a cache. Whether it was believed: it is not when it is malformed, or the answer
 * took longer than a minute. */
bool client_clock_learn(struct client_clock *clock, const char *date, int64_t sent_boot_ms);

/* What was learnt before, by another process. What is known already stays. */
void client_clock_restore(struct client_clock *clock, int64_t skew_ms, const struct moment *anchor);

/* CLOCK_BOOTTIME, for deadlines and for what is kept in memory. */
int64_t client_clock_boot_ms(const struct client_clock *clock);

/* Unix time by the authority's clock; by this host's where the skew is not known. */
int64_t client_clock_unix_ms(const struct client_clock *clock);

struct moment moment_now(const struct client_clock *clock);
struct moment moment_after(const struct client_clock *clock, int64_t ms);

/* As moment_after(), from another moment on; `moment` has to be set. */
struct moment moment_plus(const struct moment *moment, int64_t ms);

bool moment_is_set(const struct moment *moment);

/* How long ago a moment of the past is: 0 or more. INT64_MAX: not set, or by these clocks it
 * has not come yet, so that nobody knows. */
int64_t moment_since_ms(const struct client_clock *clock, const struct moment *moment);

/* How long it is until a moment that was at most `max_ms` ahead when it was made; 0: it has
 * passed, is not set, or lies farther ahead than it ever could. */
int64_t moment_until_ms(
	const struct client_clock *clock, const struct moment *moment, int64_t max_ms);

/* What is left of a lifetime that began at `began`; 0: nothing, or nobody knows. */
int64_t moment_left_ms(
	const struct client_clock *clock, const struct moment *began, int64_t lifetime_ms);

#endif
