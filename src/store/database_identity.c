/* SPDX-License-Identifier: Apache-2.0 */
#include "store/database_identity.h"

#include "store/store.h"

int database_identity_none(const struct engine_options *options, struct fault *fault)
{
	fault_set(fault, "%s is not an Adit database; name another path", options->path);
	return ERROR_INVALID;
}

/* An empty database passes where one may be created: another process, or this
 * one before it was killed, has made the file and not yet written to it. */
int database_identity_check(const struct database_identity *identity,
	const struct engine_options *options, struct fault *fault)
{
	if (identity->pages && identity->application_id != DATABASE_APPLICATION_ID)
		return database_identity_none(options, fault);
	if (!identity->pages && !options->create) {
		fault_set(fault, "%s is empty; create the authority first", options->path);
		return ERROR_INVALID;
	}
	if (identity->version > STORE_SCHEMA_VERSION) {
		fault_set(fault,
			"%s was written by a newer Adit (schema %lld, this one knows %d); "
			"use that version",
			options->path, (long long)identity->version, STORE_SCHEMA_VERSION);
		return ERROR_VERSION;
	}
	return 0;
}
