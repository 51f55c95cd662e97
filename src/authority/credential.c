/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/credential.h"

#include "base/buf.h"
#include "base/random.h"

#include <string.h>

/* Keeps the MACs of users and clients apart. */
static const char *mac_label(enum generated_password_kind kind)
{
	return kind == GENERATED_SERVICE_USER_PASSWORD ? "adit-su-1" : "adit-cs-1";
}

static int compute_mac(const struct secret *pepper, const struct credential_check *check,
	unsigned char mac[CRYPTO_SHA256_SIZE])
{
	const char *label = mac_label(check->kind);
	const struct crypto_part parts[] = {
		{label, strlen(label)},
		{check->owner_id, strlen(check->owner_id) + 1},
		{check->secret, strlen(check->secret)},
	};

	return crypto_hmac_sha256(pepper, parts, sizeof(parts) / sizeof(parts[0]), mac);
}

int credential_make(struct keyring *keyring, const struct clock *clock,
	enum generated_password_kind kind, const char *owner_id,
	char ret_secret[GENERATED_PASSWORD_SIZE], struct store_credential *ret_credential)
{
	struct keyring_snapshot *snapshot = keyring_acquire(keyring);
	const struct keyring_key *pepper = keyring_pepper(snapshot, clock_now_s(clock));
	struct store_credential credential = {.created_at = clock_now_s(clock)};
	struct credential_check made = {.kind = kind, .owner_id = owner_id, .secret = ret_secret};
	int error = pepper ? 0 : ERROR_NOT_FOUND;

	if (!error)
		error = generated_password_make(kind, ret_secret);
	if (!error)
		error = compute_mac(&pepper->bytes, &made, credential.mac);
	if (!error)
		error = text_copy(
			credential.pepper_kid, sizeof(credential.pepper_kid), pepper->kid);
	if (!error)
		error = random_alphanumeric(credential.id, KEYRING_KID_LENGTH);
	keyring_release(snapshot);
	if (!error)
		*ret_credential = credential;
	return error;
}

static bool lives(const struct store_credential *credential, int64_t now_s)
{
	return !credential->expires_at || credential->expires_at > now_s;
}

const struct store_credential *credential_imported(
	const struct store_credential *credentials, size_t count, int64_t now_s)
{
	for (size_t i = 0; i < count; i++)
		if (*credentials[i].password_hash && lives(&credentials[i], now_s))
			return &credentials[i];
	return NULL;
}

/* One MAC, compared; against nothing where there is no index-th credential. */
static int check_one(const struct keyring_snapshot *snapshot, const struct credential_check *check,
	size_t index, bool *ret_right)
{
	static const struct store_credential none;
	bool exists = index < check->count && !*check->credentials[index].password_hash;
	const struct store_credential *credential = exists ? &check->credentials[index] : &none;
	const struct keyring_key *pepper =
		exists ? keyring_find_pepper(snapshot, credential->pepper_kid)
		       : keyring_pepper(snapshot, check->now_s);
	unsigned char mac[CRYPTO_SHA256_SIZE];
	int error;
	bool equal;

	if (!pepper)
		return ERROR_NOT_FOUND;
	error = compute_mac(&pepper->bytes, check, mac);
	if (error)
		return error;
	equal = memory_equal(mac, credential->mac, sizeof(mac));
	memory_wipe(mac, sizeof(mac));
	*ret_right = equal && exists && lives(credential, check->now_s);
	return 0;
}

int credential_verify(const struct keyring_snapshot *snapshot, const struct credential_check *check,
	const struct store_credential **ret_match)
{
	const struct store_credential *match = NULL;

	if (!generated_password_has_form(check->kind, check->secret, strlen(check->secret)))
		return ERROR_REFUSED;
	for (size_t i = 0; i < STORE_CREDENTIALS_MAX; i++) {
		bool right = false;
		int error = check_one(snapshot, check, i, &right);

		if (error)
			return error;
		if (right)
			match = &check->credentials[i];
	}
	if (match && ret_match)
		*ret_match = match;
	return match ? 0 : ERROR_REFUSED;
}

void credential_renew(struct store *store, const struct keyring_snapshot *snapshot,
	const struct credential_check *check, const struct store_credential *match)
{
	const struct keyring_key *pepper = keyring_pepper(snapshot, check->now_s);
	struct store_credential renewed = *match;

	if (!pepper || !strcmp(pepper->kid, match->pepper_kid))
		return;
	if (compute_mac(&pepper->bytes, check, renewed.mac) ||
		text_copy(renewed.pepper_kid, sizeof(renewed.pepper_kid), pepper->kid))
		return;
	(void)store_credential_move(store,
		check->kind == GENERATED_SERVICE_USER_PASSWORD ? STORE_OWNER_SERVICE_USER
							       : STORE_OWNER_CLIENT,
		match->pepper_kid, &renewed, NULL, NULL);
	memory_wipe(&renewed, sizeof(renewed));
}
