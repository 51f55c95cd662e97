/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pace.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum {
	/* Twice what a window can have: so many turns may lie ahead and become void. */
	RING = 2 * PACE_REQUESTS_MAX,
	BOOT_ID_SIZE = 40,
	LOCK_TRIES = 500,
	LOCK_EVERY_NS = 1000000,
	LOCK_LATER_MS = 500, /* when to try again: its holder was stopped */
};

/* No turn lies farther ahead: the longest window and the longest hold. */
#define AHEAD_MAX_MS ((int64_t)2 * PACE_HOLD_MAX_S * 1000 + 60000)

const int64_t pace_window_ms[PACE_WINDOWS] = {10000, 60000, 14400000};

static const char magic[8] = {'a', 'd', 'i', 't', 'p', 'a', 'c', 'e'};

/* How the file begins; RING times follow, turn N at N % RING. In the host's own byte order:
 * it is of no use to another host. */
struct head {
	char magic[8];
	uint64_t version;
	char boot_id[BOOT_ID_SIZE];
	uint64_t generation;
	uint64_t total; /* turns so far; the next one's number */
	int64_t last_ms;
	int64_t hold_until_ms;
};

struct pace {
	pthread_mutex_t mutex;
	uint64_t requests[PACE_WINDOWS]; /* 0: no limit */
	char boot_id[BOOT_ID_SIZE];
	int (*open_file)(void *context, int *ret_fd, struct fault *fault);
	void *context;
	struct head head; /* of memory */
	int64_t *ring;	  /* of memory */
};

/* What is open while the lock is held. */
struct table {
	struct pace *pace;
	int fd; /* -1: memory */
	struct head head;
};

int pace_create(const struct pace_options *options, struct pace **ret_pace)
{
	static const int standard[PACE_WINDOWS] = {20, 60, 1200};
	struct pace *pace;

	for (int i = 0; i < PACE_WINDOWS; i++)
		if (options->requests[i] < -1)
			return ERROR_INVALID;
	if (strlen(options->boot_id) >= BOOT_ID_SIZE)
		return ERROR_INVALID;
	pace = calloc(1, sizeof(*pace));
	if (!pace)
		return ERROR_MEMORY;
	for (int i = 0; i < PACE_WINDOWS; i++) {
		int requests = options->requests[i] ? options->requests[i] : standard[i];

		if (requests > PACE_REQUESTS_MAX)
			requests = PACE_REQUESTS_MAX;
		pace->requests[i] = requests > 0 ? (uint64_t)requests : 0;
	}
	memcpy(pace->boot_id, options->boot_id, strlen(options->boot_id));
	pace->open_file = options->open_file;
	pace->context = options->context;
	if (!pace->open_file)
		pace->ring = calloc(RING, sizeof(*pace->ring));
	if ((!pace->open_file && !pace->ring) || pthread_mutex_init(&pace->mutex, NULL)) {
		free(pace->ring);
		free(pace);
		return ERROR_MEMORY;
	}
	*ret_pace = pace;
	return 0;
}

void pace_destroy(struct pace *pace)
{
	if (!pace)
		return;
	(void)pthread_mutex_destroy(&pace->mutex);
	free(pace->ring);
	free(pace);
}

void pace_notice_fork(struct pace *pace)
{
	(void)pthread_mutex_init(&pace->mutex, NULL);
}

static off_t place_of(uint64_t number)
{
	return (off_t)(sizeof(struct head) + number % RING * sizeof(int64_t));
}

static bool read_at(const struct table *table, uint64_t number, int64_t *ret_ms)
{
	if (table->fd < 0) {
		*ret_ms = table->pace->ring[number % RING];
		return true;
	}
	return pread(table->fd, ret_ms, sizeof(*ret_ms), place_of(number)) == sizeof(*ret_ms) &&
	       *ret_ms >= 0 && *ret_ms <= table->head.last_ms;
}

/* The turn before the head, so that a process that ends in between has taken none. */
static int write_turn(struct table *table, int64_t at_ms)
{
	if (table->fd < 0) {
		table->pace->ring[table->head.total % RING] = at_ms;
		return 0;
	}
	if (pwrite(table->fd, &at_ms, sizeof(at_ms), place_of(table->head.total)) != sizeof(at_ms))
		return ERROR_IO;
	return 0;
}

static int write_head(struct table *table)
{
	if (table->fd < 0) {
		table->pace->head = table->head;
		return 0;
	}
	if (pwrite(table->fd, &table->head, sizeof(table->head), 0) != sizeof(table->head))
		return ERROR_IO;
	return 0;
}

static void empty(struct table *table)
{
	/* Turns of before do not stand. */
	uint64_t generation = table->head.generation + 1;

	table->head = (struct head){
		.version = PACE_FORMAT_VERSION, .generation = generation ? generation : 1};
	memcpy(table->head.magic, magic, sizeof(magic));
	memcpy(table->head.boot_id, table->pace->boot_id, BOOT_ID_SIZE);
}

/* ERROR_BUSY: somebody was stopped while he had it. */
static int lock_file(int fd)
{
	const struct timespec pause = {.tv_nsec = LOCK_EVERY_NS};

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return ERROR_IO;
		(void)nanosleep(&pause, NULL);
	}
	return ERROR_BUSY;
}

static int read_head(struct table *table, int64_t now_ms)
{
	struct head *head = &table->head;

	if (table->fd < 0)
		*head = table->pace->head;
	else if (pread(table->fd, head, sizeof(*head), 0) != sizeof(*head))
		*head = (struct head){0};
	if (memcmp(head->magic, magic, sizeof(magic)) != 0)
		*head = (struct head){0};
	else if (head->version > PACE_FORMAT_VERSION)
		return ERROR_VERSION;
	if (head->version != PACE_FORMAT_VERSION ||
		memcmp(head->boot_id, table->pace->boot_id, BOOT_ID_SIZE) != 0 ||
		head->last_ms > now_ms + AHEAD_MAX_MS || head->last_ms < 0 ||
		head->hold_until_ms > now_ms + AHEAD_MAX_MS || head->hold_until_ms < 0)
		empty(table);
	return 0;
}

static void close_table(struct table *table)
{
	/* Said explicitly: a child that was forked meanwhile has the descriptor too. */
	if (table->fd >= 0) {
		(void)flock(table->fd, LOCK_UN);
		(void)close(table->fd);
	}
	(void)pthread_mutex_unlock(&table->pace->mutex);
}

static int open_table(
	struct pace *pace, int64_t now_ms, struct table *ret_table, struct fault *fault)
{
	struct table table = {.pace = pace, .fd = -1};
	int error = 0;

	(void)pthread_mutex_lock(&pace->mutex);
	if (pace->open_file)
		error = pace->open_file(pace->context, &table.fd, fault);
	if (error) {
		(void)pthread_mutex_unlock(&pace->mutex);
		return error;
	}
	if (table.fd >= 0)
		error = lock_file(table.fd);
	if (!error)
		error = read_head(&table, now_ms);
	if (error == ERROR_VERSION)
		fault_set(fault,
			"the file of turns was made by a newer version; update this program");
	else if (error == ERROR_IO)
		fault_set(fault, "the file of turns can't be locked: %s", strerror(errno));
	else if (error)
		fault_set(fault, "the file of turns is held by a process that was stopped");
	if (error)
		close_table(&table);
	else
		*ret_table = table;
	return error;
}

static int io_fault(int error, struct fault *fault)
{
	if (error)
		fault_set(fault, "the file of turns can't be written: %s", strerror(errno));
	return error;
}

/* When the `count`-th last turn was; false: there were not so many, or none is there to be
 * read, which counts as damage. */
static bool nth_last(struct table *table, uint64_t count, int64_t *ret_ms)
{
	if (!count || table->head.total < count)
		return false;
	if (read_at(table, table->head.total - count, ret_ms))
		return true;
	empty(table);
	return false;
}

static int64_t earliest(struct table *table, int64_t now_ms)
{
	const struct pace *pace = table->pace;
	int64_t at_ms = now_ms;
	int64_t before_ms;

	if (at_ms < table->head.hold_until_ms)
		at_ms = table->head.hold_until_ms;
	if (table->head.total && at_ms < table->head.last_ms)
		at_ms = table->head.last_ms;
	for (int i = 0; i < PACE_WINDOWS; i++)
		if (nth_last(table, pace->requests[i], &before_ms) &&
			at_ms < before_ms + pace_window_ms[i] + PACE_MARGIN_MS)
			at_ms = before_ms + pace_window_ms[i] + PACE_MARGIN_MS;
	return at_ms;
}

/* Whether half of the ring lies ahead already. */
static bool is_full(struct table *table, int64_t now_ms)
{
	int64_t at_ms;

	return nth_last(table, PACE_REQUESTS_MAX, &at_ms) && at_ms > now_ms;
}

int pace_take(struct pace *pace, int64_t now_ms, int64_t limit_ms, struct pace_turn *ret_turn,
	struct fault *fault)
{
	struct table table;
	int error = open_table(pace, now_ms, &table, fault);
	int64_t at_ms;

	if (error == ERROR_BUSY)
		ret_turn->at_ms = now_ms + LOCK_LATER_MS;
	if (error)
		return error;
	at_ms = earliest(&table, now_ms);
	if (at_ms - now_ms > limit_ms || at_ms - now_ms > AHEAD_MAX_MS || is_full(&table, now_ms)) {
		ret_turn->at_ms = at_ms;
		error = ERROR_BUSY;
		goto done;
	}
	error = io_fault(write_turn(&table, at_ms), fault);
	if (error)
		goto done;
	table.head.last_ms = at_ms;
	table.head.total++;
	error = io_fault(write_head(&table), fault);
	if (!error)
		*ret_turn = (struct pace_turn){.at_ms = at_ms,
			.number = table.head.total - 1,
			.generation = table.head.generation};
done:
	close_table(&table);
	return error;
}

int pace_look(
	struct pace *pace, const struct pace_turn *turn, bool *ret_stands, struct fault *fault)
{
	struct table table;
	int error = open_table(pace, turn->at_ms, &table, fault);

	if (error)
		return error;
	*ret_stands = table.head.generation == turn->generation && turn->number < table.head.total;
	close_table(&table);
	return 0;
}

void pace_give_back(struct pace *pace, const struct pace_turn *turn)
{
	struct table table;
	int64_t before_ms = 0;

	if (open_table(pace, turn->at_ms, &table, NULL))
		return;
	if (table.head.generation == turn->generation && table.head.total == turn->number + 1) {
		(void)nth_last(&table, 2, &before_ms);
		/* Not where that found damage. */
		if (table.head.total == turn->number + 1) {
			table.head.total--;
			table.head.last_ms = before_ms;
			(void)write_head(&table);
		}
	}
	close_table(&table);
}

/* How many turns are later than that; those farther back than PACE_REQUESTS_MAX do not
 * matter. The times only go up. */
static uint64_t count_after(struct table *table, int64_t ms)
{
	uint64_t low = 0;
	uint64_t high =
		table->head.total < PACE_REQUESTS_MAX ? table->head.total : PACE_REQUESTS_MAX;

	while (low < high) {
		uint64_t middle = low + (high - low + 1) / 2;
		int64_t at_ms;

		if (!nth_last(table, middle, &at_ms))
			return 0;
		if (at_ms > ms)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

int pace_hold(struct pace *pace, int64_t now_ms, int64_t seconds, struct fault *fault)
{
	struct table table;
	int error = open_table(pace, now_ms, &table, fault);
	int64_t until_ms;

	if (error)
		return error;
	if (seconds < 0)
		seconds = 0;
	until_ms = now_ms + (seconds < PACE_HOLD_MAX_S ? seconds : PACE_HOLD_MAX_S) * 1000;
	table.head.total -= count_after(&table, now_ms);
	if (!nth_last(&table, 1, &table.head.last_ms))
		table.head.last_ms = 0;
	table.head.generation++;
	if (table.head.hold_until_ms < until_ms)
		table.head.hold_until_ms = until_ms;
	error = io_fault(write_head(&table), fault);
	close_table(&table);
	return error;
}

int pace_left(struct pace *pace, int64_t now_ms, int ret_left[PACE_WINDOWS], struct fault *fault)
{
	struct table table;
	int error = open_table(pace, now_ms, &table, fault);

	if (error)
		return error;
	for (int i = 0; i < PACE_WINDOWS; i++) {
		uint64_t used = count_after(&table, now_ms - pace_window_ms[i] - PACE_MARGIN_MS);

		ret_left[i] = -1;
		if (pace->requests[i])
			ret_left[i] =
				used < pace->requests[i] ? (int)(pace->requests[i] - used) : 0;
		if (ret_left[i] > 0 && table.head.hold_until_ms > now_ms)
			ret_left[i] = 0;
	}
	close_table(&table);
	return 0;
}
