/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/admin.h"

int admin_grant_set_enabled(const struct admin *admin, const char *username, const char *client_id,
	bool enabled, struct fault *fault)
{
	struct store_service_user user;
	struct store_client client;
	int error = admin_read_fault(store_service_user_get(admin->store, username, &user),
		"service-user", username, fault);

	if (!error)
		error = admin_read_fault(store_client_get(admin->store, client_id, &client),
			"client", client_id, fault);
	if (error)
		return error;
	error = store_access_grant_set_enabled(admin->store, username, client_id, enabled);
	if (error != ERROR_NOT_FOUND)
		return admin_change_fault(error, "grant", username, fault);
	fault_set(fault,
		"the client \"%.64s\" has no grant of \"%.256s\"; aditd grant list shows those "
		"there are",
		client_id, username);
	return error;
}
