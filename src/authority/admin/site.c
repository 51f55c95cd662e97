/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/admin.h"

#include "oauth/site.h"

#include <string.h>

int admin_site_add(const struct admin *admin, const char *id, const char *name, struct fault *fault)
{
	int error;

	if (!site_id_valid(id, strlen(id))) {
		fault_set(fault,
			"\"%.128s\" is no site id; use 1 to 64 lower-case letters, digits and "
			"hyphens, not beginning with a hyphen",
			id);
		return ERROR_INVALID;
	}
	error = name ? admin_check_text("site's name", name, STORE_LABEL_SIZE - 1, fault) : 0;
	if (error)
		return error;
	return admin_change_fault(
		store_site_add(admin->store, id, name ? name : ""), "site", id, fault);
}

int admin_site_get(
	const struct admin *admin, const char *id, struct store_site *ret_site, struct fault *fault)
{
	return admin_read_fault(store_site_get(admin->store, id, ret_site), "site", id, fault);
}

int admin_site_set_enabled(
	const struct admin *admin, const char *id, bool enabled, struct fault *fault)
{
	return admin_change_fault(
		store_site_set_enabled(admin->store, id, enabled), "site", id, fault);
}
