-- SPDX-License-Identifier: Apache-2.0
-- Which client a Service User was last used by, and from where.
-- Written once a minute at most; nothing that decides about a token reads it.

CREATE TABLE last_use (
	service_user_id TEXT NOT NULL REFERENCES service_user (id),
	client_id TEXT NOT NULL REFERENCES client (id),
	grant_type TEXT NOT NULL,
	first_used_at INTEGER NOT NULL,
	last_used_at INTEGER NOT NULL,
	PRIMARY KEY (service_user_id, client_id)
) STRICT, WITHOUT ROWID;

-- The last few of each.
CREATE TABLE last_use_source (
	service_user_id TEXT NOT NULL,
	client_id TEXT NOT NULL,
	source TEXT NOT NULL,
	first_used_at INTEGER NOT NULL,
	last_used_at INTEGER NOT NULL,
	PRIMARY KEY (service_user_id, client_id, source),
	FOREIGN KEY (service_user_id, client_id) REFERENCES last_use (service_user_id, client_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE service_user_credential ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE client_secret ADD COLUMN last_used_at INTEGER NOT NULL DEFAULT 0;
