/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/attempts.h"

#include "authority/attempt_keys.h"
#include "authority/attempt_windows.h"
#include "base/error.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
	WAYS = 8, /* places that one key may take */
};

struct pair {
	uint64_t key;
	uint64_t account;
	int64_t failed_at[ATTEMPTS_PER_PAIR];
	uint64_t fingerprint; /* of what failed last */
	int64_t fingerprint_at;
	bool repeated;
	int64_t consecutive; /* of the account's, those that came from here */
};

struct account {
	uint64_t key;
	int64_t failed_at[ATTEMPTS_PER_ACCOUNT];
	int64_t consecutive;
};

struct source {
	uint64_t key;
	struct unit units[ATTEMPTS_PER_SOURCE];
};

struct network {
	uint64_t key;
	struct unit units[ATTEMPTS_PER_NETWORK];
};

struct trusted {
	uint64_t key;
	int64_t succeeded_at_s;
	int64_t stored_at_s;
};

/* Entries that begin with their key, 0: free. */
struct table {
	unsigned char *entries;
	size_t size; /* of one */
	size_t sets;
	/* The lowest of a set is forgotten first. */
	int64_t (*rank)(const void *entry, int64_t now_ms);
};

struct attempts {
	pthread_mutex_t lock;
	struct attempt_key key;
	size_t per_account;
	size_t per_pair;
	struct table pairs;
	struct table accounts;
	struct table sources;
	struct table networks;
	struct table trusted;
};

/* --- tables -------------------------------------------------------------- */

static int64_t pair_rank(const void *entry, int64_t now_ms)
{
	const struct pair *pair = entry;

	return times_rank(pair->failed_at, ATTEMPTS_PER_PAIR, 0, now_ms);
}

static int64_t account_rank(const void *entry, int64_t now_ms)
{
	const struct account *account = entry;

	return times_rank(account->failed_at, ATTEMPTS_PER_ACCOUNT, account->consecutive, now_ms);
}

static int64_t source_rank(const void *entry, int64_t now_ms)
{
	return units_rank(((const struct source *)entry)->units, ATTEMPTS_PER_SOURCE, now_ms);
}

static int64_t network_rank(const void *entry, int64_t now_ms)
{
	return units_rank(((const struct network *)entry)->units, ATTEMPTS_PER_NETWORK, now_ms);
}

static int64_t trusted_rank(const void *entry, int64_t now_ms)
{
	(void)now_ms;
	return ((const struct trusted *)entry)->succeeded_at_s;
}

static int table_init(struct table *table, size_t entries, size_t size,
	int64_t (*rank)(const void *entry, int64_t now_ms))
{
	*table = (struct table){.size = size, .sets = entries / WAYS, .rank = rank};
	table->entries = calloc(entries, size);
	return table->entries ? 0 : ERROR_MEMORY;
}

static uint64_t key_of(const void *entry)
{
	uint64_t key;

	memcpy(&key, entry, sizeof(key));
	return key;
}

static void *entry_at(const struct table *table, size_t index)
{
	return table->entries + index * table->size;
}

/* Keys are MACs, so that nobody can choose some that fall together. */
static void *table_find(const struct table *table, uint64_t key)
{
	size_t first = key % table->sets * WAYS;

	for (size_t i = first; i < first + WAYS; i++)
		if (key_of(entry_at(table, i)) == key)
			return entry_at(table, i);
	return NULL;
}

/* The key's entry; where it has none, zeroes in the place of the quietest. */
static void *table_claim(const struct table *table, uint64_t key, int64_t now_ms)
{
	size_t first = key % table->sets * WAYS;
	unsigned char *quietest = entry_at(table, first);
	void *found = table_find(table, key);

	if (found)
		return found;
	for (size_t i = first; i < first + WAYS; i++) {
		if (table->rank(entry_at(table, i), now_ms) < table->rank(quietest, now_ms))
			quietest = entry_at(table, i);
		if (!key_of(entry_at(table, i))) {
			quietest = entry_at(table, i);
			break;
		}
	}
	memset(quietest, 0, table->size);
	memcpy(quietest, &key, sizeof(key));
	return quietest;
}

static struct units source_units(const struct attempts *attempts, uint64_t key)
{
	struct source *source = table_find(&attempts->sources, key);

	if (!source)
		return (struct units){0};
	return (struct units){source->units, ATTEMPTS_PER_SOURCE,
		attempts->per_account * ATTEMPTS_PER_SOURCE / ATTEMPTS_PER_ACCOUNT};
}

static struct units network_units(const struct attempts *attempts, uint64_t key)
{
	struct network *network = table_find(&attempts->networks, key);

	if (!network)
		return (struct units){0};
	return (struct units){network->units, ATTEMPTS_PER_NETWORK,
		attempts->per_account * ATTEMPTS_PER_NETWORK / ATTEMPTS_PER_ACCOUNT};
}

/* --- life ---------------------------------------------------------------- */

static int init_tables(struct attempts *attempts)
{
	int error =
		table_init(&attempts->pairs, ATTEMPTS_PAIRS_MAX, sizeof(struct pair), pair_rank);

	if (!error)
		error = table_init(&attempts->accounts, ATTEMPTS_ACCOUNTS_MAX,
			sizeof(struct account), account_rank);
	if (!error)
		error = table_init(&attempts->sources, ATTEMPTS_SOURCES_MAX, sizeof(struct source),
			source_rank);
	if (!error)
		error = table_init(&attempts->networks, ATTEMPTS_NETWORKS_MAX,
			sizeof(struct network), network_rank);
	if (!error)
		error = table_init(&attempts->trusted, ATTEMPTS_TRUSTED_MAX, sizeof(struct trusted),
			trusted_rank);
	return error;
}

int attempts_create(
	const struct secret *secret_key, int64_t per_account, struct attempts **ret_attempts)
{
	struct attempts *attempts = calloc(1, sizeof(*attempts));
	int error;

	if (!attempts)
		return ERROR_MEMORY;
	(void)pthread_mutex_init(&attempts->lock, NULL);
	attempts->per_account =
		per_account > ATTEMPTS_PER_ACCOUNT ? ATTEMPTS_PER_ACCOUNT : (size_t)per_account;
	attempts->per_pair = (attempts->per_account + 1) / 2;
	error = attempt_key_init(&attempts->key, secret_key);
	if (!error)
		error = init_tables(attempts);
	if (error)
		attempts_destroy(attempts);
	else
		*ret_attempts = attempts;
	return error;
}

void attempts_destroy(struct attempts *attempts)
{
	if (!attempts)
		return;
	free(attempts->pairs.entries);
	free(attempts->accounts.entries);
	free(attempts->sources.entries);
	free(attempts->networks.entries);
	free(attempts->trusted.entries);
	attempt_key_finish(&attempts->key);
	(void)pthread_mutex_destroy(&attempts->lock);
	free(attempts);
}

/* --- deciding and counting ----------------------------------------------- */

/* The failures to store, when they have come to another step. */
static void count_consecutive(struct account *account, int64_t difference, struct attempt *attempt)
{
	int64_t before = account->consecutive / ATTEMPTS_CONSECUTIVE_STEP;

	account->consecutive += difference;
	if (account->consecutive < 0)
		account->consecutive = 0;
	if (account->consecutive / ATTEMPTS_CONSECUTIVE_STEP == before)
		return;
	attempt->changed = true;
	attempt->failures = account->consecutive - account->consecutive % ATTEMPTS_CONSECUTIVE_STEP;
}

static bool is_trusted(const struct attempts *attempts, uint64_t key, int64_t now_ms)
{
	const struct trusted *trusted = table_find(&attempts->trusted, key);

	return trusted && now_ms / 1000 - trusted->succeeded_at_s < ATTEMPTS_TRUST_S;
}

/* The very same once more, as some clients send it by themselves. */
static bool is_repeat(struct pair *pair, uint64_t fingerprint, int64_t now_ms)
{
	if (!pair || pair->fingerprint != fingerprint || pair->repeated ||
		now_ms - pair->fingerprint_at >= ATTEMPTS_REPEAT_MS)
		return false;
	pair->repeated = true;
	return true;
}

struct limits_met {
	enum attempt_verdict verdict;
	int64_t wait_ms;
};

static struct limits_met check_pair(
	const struct attempts *attempts, const struct attempt *attempt, int64_t now_ms)
{
	const struct pair *pair = table_find(&attempts->pairs, attempt->pair);
	int64_t wait_ms = pair && attempt->source ? times_wait(pair->failed_at, ATTEMPTS_PER_PAIR,
							    attempts->per_pair, now_ms)
						  : 0;

	return (struct limits_met){wait_ms ? ATTEMPT_OVER_PAIR : ATTEMPT_MAY, wait_ms};
}

static struct limits_met check_account(
	const struct attempts *attempts, const struct attempt *attempt, int64_t now_ms)
{
	const struct account *account = table_find(&attempts->accounts, attempt->account);
	int64_t wait_ms;

	if (!account)
		return (struct limits_met){ATTEMPT_MAY, 0};
	if (attempt->chosen && account->consecutive >= ATTEMPTS_CONSECUTIVE)
		return (struct limits_met){
			ATTEMPT_OVER_CONSECUTIVE, (int64_t)ATTEMPTS_CONSECUTIVE_WAIT_S * 1000};
	wait_ms =
		times_wait(account->failed_at, ATTEMPTS_PER_ACCOUNT, attempts->per_account, now_ms);
	return (struct limits_met){wait_ms ? ATTEMPT_OVER_ACCOUNT : ATTEMPT_MAY, wait_ms};
}

static struct limits_met check_source(
	const struct attempts *attempts, const struct attempt *attempt, int64_t now_ms)
{
	struct units source = source_units(attempts, attempt->source);
	struct units network = network_units(attempts, attempt->network);
	uint32_t account = (uint32_t)attempt->account;
	int64_t wait_ms = units_wait(&source, account, attempts->per_pair, now_ms);
	int64_t network_wait_ms = units_wait(&network, account, attempts->per_pair, now_ms);

	if (network_wait_ms > wait_ms)
		wait_ms = network_wait_ms;
	return (struct limits_met){wait_ms ? ATTEMPT_OVER_SOURCE : ATTEMPT_MAY, wait_ms};
}

static struct limits_met check(
	const struct attempts *attempts, const struct attempt *attempt, int64_t now_ms)
{
	struct limits_met met = check_pair(attempts, attempt, now_ms);

	if (met.verdict || (attempt->source && is_trusted(attempts, attempt->pair, now_ms)))
		return met;
	met = check_account(attempts, attempt, now_ms);
	return met.verdict ? met : check_source(attempts, attempt, now_ms);
}

/* What is exempt from a full limit is not counted there: it would take the place of
 * another, and give it away once it was right. */
static void count_units(const struct units *units, const struct attempts *attempts,
	const struct attempt *attempt, int64_t now_ms, struct attempt_unit *ret_counted)
{
	uint32_t account = (uint32_t)attempt->account;

	*ret_counted = (struct attempt_unit){0};
	if (units_wait(units, account, attempts->per_pair, now_ms))
		return;
	ret_counted->counted = true;
	ret_counted->before_ms = units_add(units, account, attempts->per_pair, now_ms);
}

static void count_source(const struct attempts *attempts, struct attempt *attempt, int64_t now_ms)
{
	struct units units;

	if (!attempt->source)
		return;
	(void)table_claim(&attempts->sources, attempt->source, now_ms);
	units = source_units(attempts, attempt->source);
	count_units(&units, attempts, attempt, now_ms, &attempt->in_source);
	if (!attempt->network)
		return;
	(void)table_claim(&attempts->networks, attempt->network, now_ms);
	units = network_units(attempts, attempt->network);
	count_units(&units, attempts, attempt, now_ms, &attempt->in_network);
}

static void count_account(const struct attempts *attempts, struct account *account,
	struct attempt *attempt, int64_t now_ms)
{
	attempt->in_account = !times_wait(
		account->failed_at, ATTEMPTS_PER_ACCOUNT, attempts->per_account, now_ms);
	if (attempt->in_account)
		times_add(account->failed_at, ATTEMPTS_PER_ACCOUNT, now_ms);
	if (attempt->chosen)
		count_consecutive(account, 1, attempt);
}

static void count(const struct attempts *attempts, struct attempt *attempt, uint64_t fingerprint,
	int64_t now_ms)
{
	struct pair *pair = table_claim(&attempts->pairs, attempt->pair, now_ms);
	struct account *account = table_claim(&attempts->accounts, attempt->account, now_ms);

	pair->account = attempt->account;
	times_add(pair->failed_at, ATTEMPTS_PER_PAIR, now_ms);
	pair->consecutive += attempt->chosen;
	count_account(attempts, account, attempt, now_ms);
	count_source(attempts, attempt, now_ms);
	/* A third one within the time is a guess again, and no first one either. */
	if (pair->fingerprint != fingerprint ||
		now_ms - pair->fingerprint_at >= ATTEMPTS_REPEAT_MS) {
		pair->fingerprint = fingerprint;
		pair->fingerprint_at = now_ms;
		pair->repeated = false;
	}
	attempt->counted_at_ms = now_ms;
}

int attempts_take(struct attempts *attempts, const struct attempt_sent *sent, int64_t now_ms,
	struct attempt *attempt, enum attempt_verdict *ret_verdict, int64_t *ret_wait_s)
{
	struct limits_met met = {0};
	struct attempt_numbers numbers;
	struct attempt taken = {.chosen = sent->chosen};
	int error;

	*attempt = taken;
	*ret_verdict = ATTEMPT_MAY;
	*ret_wait_s = 0;
	if (!attempts->per_account)
		return 0;
	error = attempt_key_numbers(&attempts->key, sent, &numbers);
	if (error)
		return error;
	taken.pair = numbers.pair;
	taken.account = numbers.account;
	taken.source = numbers.source;
	taken.network = numbers.network;
	(void)pthread_mutex_lock(&attempts->lock);
	if (!is_repeat(table_find(&attempts->pairs, taken.pair), numbers.fingerprint, now_ms)) {
		met = check(attempts, &taken, now_ms);
		if (!met.verdict)
			count(attempts, &taken, numbers.fingerprint, now_ms);
	}
	(void)pthread_mutex_unlock(&attempts->lock);
	*attempt = taken;
	*ret_verdict = met.verdict;
	*ret_wait_s = (met.wait_ms + 999) / 1000;
	return 0;
}

/* Of the account and the sources; the pair is the caller's. */
static void take_back(struct attempts *attempts, struct attempt *attempt, int64_t consecutive)
{
	struct account *account = table_find(&attempts->accounts, attempt->account);
	struct units source = source_units(attempts, attempt->source);
	struct units network = network_units(attempts, attempt->network);

	if (account && attempt->in_account)
		times_remove(account->failed_at, ATTEMPTS_PER_ACCOUNT, attempt->counted_at_ms);
	if (account)
		count_consecutive(account, -consecutive, attempt);
	if (attempt->in_source.counted)
		units_remove(&source, (uint32_t)attempt->account, attempt->counted_at_ms,
			attempt->in_source.before_ms);
	if (attempt->in_network.counted)
		units_remove(&network, (uint32_t)attempt->account, attempt->counted_at_ms,
			attempt->in_network.before_ms);
}

void attempts_return(struct attempts *attempts, struct attempt *attempt)
{
	struct pair *pair;

	if (!attempt->counted_at_ms)
		return;
	(void)pthread_mutex_lock(&attempts->lock);
	pair = table_find(&attempts->pairs, attempt->pair);
	take_back(attempts, attempt, attempt->chosen);
	if (pair) {
		times_remove(pair->failed_at, ATTEMPTS_PER_PAIR, attempt->counted_at_ms);
		pair->consecutive -= attempt->chosen && pair->consecutive;
		/* What was not evaluated has not been sent yet. */
		pair->fingerprint = 0;
	}
	(void)pthread_mutex_unlock(&attempts->lock);
	attempt->counted_at_ms = 0;
}

/* Whether it is to be stored. */
static bool trust(const struct attempts *attempts, uint64_t key, int64_t now_ms)
{
	struct trusted *trusted = table_claim(&attempts->trusted, key, now_ms);
	int64_t now_s = now_ms / 1000;
	bool store = now_s - trusted->stored_at_s >= ATTEMPTS_STORE_S;

	trusted->succeeded_at_s = now_s;
	if (store)
		trusted->stored_at_s = now_s;
	return store;
}

int attempts_succeed(struct attempts *attempts, const struct attempt_sent *sent, int64_t now_ms,
	struct attempt *attempt, bool *ret_store)
{
	int error = attempt->pair ? 0 : attempt_key_pair(&attempts->key, sent, &attempt->pair);
	int64_t consecutive = attempt->chosen && attempt->counted_at_ms;
	struct pair *pair;
	bool store = false;

	if (error)
		return error;
	(void)pthread_mutex_lock(&attempts->lock);
	pair = table_find(&attempts->pairs, attempt->pair);
	if (pair) {
		attempt->account = pair->account;
		consecutive = pair->consecutive;
		/* Without a source the pair is everybody's: what repeats is not forgotten. */
		if (sent->source)
			memset(pair, 0, sizeof(*pair));
		pair->consecutive = 0;
	}
	if (pair || attempt->counted_at_ms)
		take_back(attempts, attempt, consecutive);
	if (sent->source)
		store = trust(attempts, attempt->pair, now_ms);
	(void)pthread_mutex_unlock(&attempts->lock);
	attempt->counted_at_ms = 0;
	*ret_store = store;
	return 0;
}

bool attempts_is_trusted(struct attempts *attempts, const struct attempt_sent *sent, int64_t now_ms)
{
	uint64_t key;
	bool trusted;

	if (!sent->source || attempt_key_pair(&attempts->key, sent, &key))
		return false;
	(void)pthread_mutex_lock(&attempts->lock);
	trusted = is_trusted(attempts, key, now_ms);
	(void)pthread_mutex_unlock(&attempts->lock);
	return trusted;
}

/* --- over a restart ------------------------------------------------------ */

void attempts_load_pair(struct attempts *attempts, uint64_t pair, int64_t succeeded_at_s)
{
	struct trusted *trusted;

	(void)pthread_mutex_lock(&attempts->lock);
	trusted = table_claim(&attempts->trusted, pair, 0);
	trusted->succeeded_at_s = succeeded_at_s;
	trusted->stored_at_s = succeeded_at_s;
	(void)pthread_mutex_unlock(&attempts->lock);
}

void attempts_load_failures(
	struct attempts *attempts, uint64_t account, int64_t failures, int64_t now_ms)
{
	(void)pthread_mutex_lock(&attempts->lock);
	((struct account *)table_claim(&attempts->accounts, account, now_ms))->consecutive =
		failures;
	(void)pthread_mutex_unlock(&attempts->lock);
}

void attempts_forget(struct attempts *attempts, uint64_t account)
{
	struct account *found;

	(void)pthread_mutex_lock(&attempts->lock);
	found = table_find(&attempts->accounts, account);
	if (found)
		memset(found, 0, sizeof(*found));
	for (size_t i = 0; i < ATTEMPTS_PAIRS_MAX; i++) {
		struct pair *pair = entry_at(&attempts->pairs, i);

		if (pair->account == account)
			memset(pair, 0, sizeof(*pair));
	}
	(void)pthread_mutex_unlock(&attempts->lock);
}
