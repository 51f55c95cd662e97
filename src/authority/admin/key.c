/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/admin.h"

#include "base/buf.h"

#include <string.h>

enum {
	/* The longest life of what a key has signed or sealed, and a day. */
	SIGNING_KEEP_S = 2 * 86400,
	SEALING_KEEP_S = 31 * 86400,
};

static int check_alg(const struct admin_key_rotation *rotation, struct keyring_new_key *wanted,
	struct fault *fault)
{
	if (strcmp(rotation->purpose, "signing") != 0) {
		if (!rotation->alg)
			return 0;
		fault_set(fault, "a %s key has no algorithm to choose; leave --alg out",
			rotation->purpose);
		return ERROR_INVALID;
	}
	if (!jose_alg_parse(rotation->alg ? rotation->alg : "ES256", &wanted->alg))
		return 0;
	fault_set(fault, "\"%.128s\" is no algorithm of ours; use ES256, RS256 or EdDSA",
		rotation->alg);
	return ERROR_INVALID;
}

static void fault_key(int error, const struct admin_key_rotation *rotation, struct fault *fault)
{
	if (error == ERROR_LIMIT)
		fault_set(fault,
			"there are %d %s keys already; wait until a retired one is gone "
			"(aditd key list); nothing was changed",
			KEYRING_KEYS_MAX, rotation->purpose);
	else
		fault_set(fault, "the %s key can't be made: %s; nothing was changed; try again",
			rotation->purpose, error_text(error));
}

static int take_rotation(const struct admin_key_rotation *rotation,
	struct keyring_new_key *ret_wanted, struct fault *fault)
{
	struct keyring_new_key wanted = {.purpose = rotation->purpose};
	int error;

	if (!strcmp(rotation->purpose, "signing"))
		wanted.keep_s = SIGNING_KEEP_S;
	else if (!strcmp(rotation->purpose, "sealing"))
		wanted.keep_s = SEALING_KEEP_S;
	else if (strcmp(rotation->purpose, "pepper") != 0) {
		fault_set(fault,
			"\"%.128s\" is no purpose of a key; use signing, sealing or pepper",
			rotation->purpose);
		return ERROR_INVALID;
	}
	error = check_alg(rotation, &wanted, fault);
	if (!error)
		*ret_wanted = wanted;
	return error;
}

int admin_key_rotate(const struct admin *admin, const struct admin_key_rotation *rotation,
	char ret_kid[STORE_ID_SIZE], struct fault *fault)
{
	struct keyring_new_key wanted;
	char kid[STORE_ID_SIZE] = "";
	int error = take_rotation(rotation, &wanted, fault);

	if (error)
		return error;
	error = keyring_add(admin->keyring, &wanted, kid);
	/* It is stored once it has its name; the keyring reads the store again by itself. */
	if (error && !*kid) {
		fault_key(error, rotation, fault);
		return error;
	}
	memcpy(ret_kid, kid, sizeof(kid));
	return 0;
}

int admin_key_plan(const struct admin *admin, const struct admin_key_rotation *rotation,
	int (*each)(void *context, const struct store_key *key), void *context, struct fault *fault)
{
	struct keyring_new_key wanted;
	int error = take_rotation(rotation, &wanted, fault);

	if (error)
		return error;
	error = keyring_plan(admin->keyring, &wanted, each, context);
	if (error)
		fault_key(error, rotation, fault);
	return error;
}

static int fault_revocation(
	const struct admin *admin, const struct store_key *key, int error, struct fault *fault)
{
	int64_t count = 0;

	if (error == ERROR_REFUSED && !store_pepper_count(admin->store, key->kid, &count))
		fault_set(fault,
			"the pepper %s is needed by %lld passwords and secrets, which would be "
			"lost; rotate those",
			key->kid, (long long)count);
	else if (error == ERROR_NOT_FOUND)
		fault_set(fault, "the key %s is gone already", key->kid);
	else
		fault_set(fault, "the key %s can't be revoked: %s; nothing was changed; try again",
			key->kid, error_text(error));
	return error;
}

int admin_key_revoke(const struct admin *admin, const char *kid, struct fault *fault)
{
	struct keyring_new_key like = {.first = true};
	struct store_key key;
	int error = admin_key_get(admin, kid, &key, fault);

	if (error)
		return error;
	like.purpose = key.purpose;
	if (!strcmp(key.purpose, "signing"))
		error = jose_alg_parse(key.alg, &like.alg);
	if (!error)
		error = keyring_revoke(admin->keyring, kid, &like);
	return error ? fault_revocation(admin, &key, error, fault) : 0;
}

struct search {
	const char *kid;
	struct store_key *ret_key;
};

static int take_if_wanted(void *context, const struct store_key *key)
{
	struct search *search = context;

	if (strcmp(key->kid, search->kid) != 0)
		return 0;
	*search->ret_key = *key;
	return 1;
}

int admin_key_get(
	const struct admin *admin, const char *kid, struct store_key *ret_key, struct fault *fault)
{
	struct search search = {.kid = kid, .ret_key = ret_key};
	int found = store_key_list(admin->store, take_if_wanted, &search);

	if (found == 1)
		return 0;
	return admin_read_fault(found ? found : ERROR_NOT_FOUND, "key", kid, fault);
}
