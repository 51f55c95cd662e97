-- SPDX-License-Identifier: Apache-2.0
-- From where a Service User's password has been right, how often chosen passwords of an
-- account have been wrong in a row, and what an operator unlocked. Accounts and pairs are
-- numbers, 64 bits of a MAC under a key derived from the secret key: neither an address
-- nor a name that somebody typed is kept.
CREATE TABLE trusted_pair (
	pair INTEGER NOT NULL PRIMARY KEY,
	service_user_id TEXT NOT NULL REFERENCES service_user (id),
	succeeded_at INTEGER NOT NULL
) STRICT;
CREATE INDEX trusted_pair_by_user ON trusted_pair (service_user_id, succeeded_at);
CREATE INDEX trusted_pair_by_time ON trusted_pair (succeeded_at);

CREATE TABLE account_failures (
	account INTEGER NOT NULL PRIMARY KEY,
	failures INTEGER NOT NULL CHECK (failures > 0),
	changed_at INTEGER NOT NULL
) STRICT;

-- A running server forgets what it counts for those whose ordinal is new to it.
CREATE TABLE account_unlock (
	account INTEGER NOT NULL PRIMARY KEY,
	ordinal INTEGER NOT NULL UNIQUE
) STRICT;
