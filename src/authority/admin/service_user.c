/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/admin.h"

#include "authority/attempts.h"
#include "base/buf.h"
#include "base/random.h"
#include "oauth/site.h"

#include <string.h>

enum {
	SUFFIX_LETTERS = 6,
	ID_RANDOM = 26,
};

static int check_role(const char *role, struct fault *fault)
{
	enum site_role parsed;

	if (!site_role_parse(role, &parsed) && parsed != SITE_ROLE_ADMIN)
		return 0;
	fault_set(fault, "\"%.128s\" is no role of a Service User; use read or write", role);
	return ERROR_INVALID;
}

static int choose_username(
	const struct admin_new_service_user *wanted, struct store_service_user *user)
{
	char suffix[SUFFIX_LETTERS + 1];
	struct buf name;
	int error;

	if (wanted->username)
		return text_copy(user->username, sizeof(user->username), wanted->username);
	error = random_text(suffix, SUFFIX_LETTERS, "abcdefghijklmnopqrstuvwxyz");
	buf_init_fixed(&name, user->username, sizeof(user->username));
	return error ? error : buf_printf(&name, "su-%s-%s", wanted->site, suffix);
}

int admin_service_user_compose(const struct admin *admin,
	const struct admin_new_service_user *wanted, struct store_service_user *ret_user)
{
	struct store_service_user user = {.created_at = clock_now_s(admin->clock)};
	int error = choose_username(wanted, &user);

	if (!error)
		error = text_copy(user.id, sizeof(user.id), "su_");
	if (!error)
		error = random_text(user.id + 3, ID_RANDOM, "0123456789abcdefghjkmnpqrstvwxyz");
	if (!error)
		error = text_copy(user.site, sizeof(user.site), wanted->site);
	if (!error)
		error = text_copy(user.role, sizeof(user.role), wanted->role);
	if (!error)
		error = text_copy(
			user.label, sizeof(user.label), wanted->label ? wanted->label : "");
	if (!error)
		*ret_user = user;
	return error;
}

int admin_service_user_check(
	const struct admin *admin, const struct admin_new_service_user *wanted, struct fault *fault)
{
	struct store_site site;
	int error = 0;

	if (wanted->username)
		error = admin_check_text(
			"user name", wanted->username, STORE_USERNAME_SIZE - 1, fault);
	if (!error && wanted->label)
		error = admin_check_text("label", wanted->label, STORE_LABEL_SIZE - 1, fault);
	if (!error)
		error = check_role(wanted->role, fault);
	if (!error)
		error = admin_check_expiry(admin, wanted->expires_at, fault);
	return error ? error : admin_site_get(admin, wanted->site, &site, fault);
}

int admin_service_user_add(const struct admin *admin, const struct admin_new_service_user *wanted,
	struct store_service_user *ret_user, struct fault *fault)
{
	struct store_service_user user = {0};
	char password[GENERATED_PASSWORD_SIZE];
	int error = admin_service_user_check(admin, wanted, fault);

	if (error)
		return error;
	error = admin_service_user_compose(admin, wanted, &user);
	if (!error)
		error = credential_make(admin->keyring, admin->clock,
			GENERATED_SERVICE_USER_PASSWORD, user.id, password, &user.credentials[0]);
	if (error) {
		fault_set(fault, "the Service User \"%s\" can't be made: %s; nothing was changed",
			user.username, error_text(error));
		return error;
	}
	user.credentials[0].expires_at = wanted->expires_at;
	user.credential_count = 1;
	error = wanted->deliver(wanted->context, user.username, password);
	memory_wipe(password, sizeof(password));
	if (error) {
		fault_set(fault, "the password of \"%s\" can't be handed over; nothing was changed",
			user.username);
		return error;
	}
	error = store_service_user_add(admin->store, &user);
	if (error)
		(void)wanted->deliver(wanted->context, user.username, NULL);
	else if (store_service_user_get(admin->store, user.username, ret_user))
		*ret_user = user; /* but for the time, which is the store's */
	return admin_change_fault(error, "service-user", user.username, fault);
}

int admin_service_user_get(const struct admin *admin, const char *username,
	struct store_service_user *ret_user, struct fault *fault)
{
	return admin_read_fault(store_service_user_get(admin->store, username, ret_user),
		"service-user", username, fault);
}

int admin_service_user_set_enabled(
	const struct admin *admin, const char *username, bool enabled, struct fault *fault)
{
	return admin_change_fault(store_service_user_set_enabled(admin->store, username, enabled),
		"service-user", username, fault);
}

int admin_service_user_unlock(const struct admin *admin, const struct secret *secret_key,
	const char *username, int64_t *ret_failures, struct fault *fault)
{
	struct store_service_user user;
	uint64_t account = 0;
	int error = admin_service_user_get(admin, username, &user, fault);

	if (error)
		return error;
	error = attempts_account(secret_key, user.id, &account);
	if (!error)
		error = store_account_unlock(admin->store, (int64_t)account, ret_failures);
	return admin_change_fault(error, "service-user", username, fault);
}

int admin_service_user_rotate(const struct admin *admin, const struct admin_rotation *rotation,
	struct store_service_user *ret_user, struct fault *fault)
{
	struct store_service_user user;
	struct store_credential credential;
	char password[GENERATED_PASSWORD_SIZE];
	int error = admin_service_user_get(admin, rotation->name, &user, fault);

	if (!error)
		error = admin_check_rotation(
			admin, rotation, user.credentials, user.credential_count, fault);
	if (error)
		return error;
	error = credential_make(admin->keyring, admin->clock, GENERATED_SERVICE_USER_PASSWORD,
		user.id, password, &credential);
	if (!error) {
		credential.expires_at = rotation->expires_at;
		error = rotation->deliver(rotation->context, user.username, password);
		memory_wipe(password, sizeof(password));
	}
	if (error) {
		fault_set(fault,
			"the new password of \"%s\" can't be made or handed over (%s); nothing was "
			"changed",
			user.username, error_text(error));
		return error;
	}
	error = store_service_user_rotate(
		admin->store, user.username, &credential, rotation->overlap_s);
	if (error) {
		(void)rotation->deliver(rotation->context, user.username, NULL);
	} else {
		admin_put_first(
			user.credentials, &user.credential_count, &credential, rotation->overlap_s);
		*ret_user = user;
	}
	return admin_change_fault(error, "service-user", user.username, fault);
}
