-- SPDX-License-Identifier: Apache-2.0
-- Times are Unix seconds; 0 is "not". A second engine has this text with its own
-- words for STRICT, WITHOUT ROWID, INTEGER (64 bits), BLOB and the triggers.

-- Goes up with every write that a cache must see.
CREATE TABLE change (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	counter INTEGER NOT NULL
) STRICT;
INSERT INTO change (one, counter) VALUES (1, 1);

CREATE TABLE authority (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	issuer TEXT NOT NULL CHECK (issuer <> ''),
	epoch INTEGER NOT NULL CHECK (epoch >= 1),
	created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE authority_key (
	kid TEXT NOT NULL PRIMARY KEY CHECK (kid <> ''),
	purpose TEXT NOT NULL CHECK (purpose IN ('signing', 'sealing', 'pepper')),
	alg TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	activates_at INTEGER NOT NULL,
	retires_at INTEGER NOT NULL,
	gone_at INTEGER NOT NULL,
	sealed BLOB NOT NULL CHECK (length(sealed) BETWEEN 1 AND 4096)
) STRICT;

CREATE TABLE resource (
	id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
	alg TEXT NOT NULL CHECK (alg IN ('ES256', 'RS256'))
) STRICT;

CREATE TABLE scope (
	name TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
	resource_id TEXT REFERENCES resource (id)
) STRICT;

CREATE TABLE site (
	id TEXT NOT NULL PRIMARY KEY CHECK (length(id) BETWEEN 1 AND 64),
	name TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	disabled_at INTEGER NOT NULL
) STRICT;

-- Exactly one site, for ever; never the role admin.
CREATE TABLE service_user (
	id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
	username TEXT NOT NULL UNIQUE CHECK (username <> ''),
	site_id TEXT NOT NULL REFERENCES site (id),
	role TEXT NOT NULL CHECK (role IN ('read', 'write')),
	label TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	disabled_at INTEGER NOT NULL
) STRICT;
CREATE INDEX service_user_by_site ON service_user (site_id);
CREATE TRIGGER service_user_site_is_immutable BEFORE UPDATE OF site_id ON service_user
WHEN new.site_id <> old.site_id
BEGIN
	SELECT RAISE(ABORT, 'a Service User never changes its site');
END;

-- ordinal counts an owner's credentials, so that "the newest" holds within one
-- second and when the clock is set back.
CREATE TABLE service_user_credential (
	id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
	owner_id TEXT NOT NULL REFERENCES service_user (id),
	ordinal INTEGER NOT NULL,
	pepper_kid TEXT NOT NULL,
	mac BLOB NOT NULL CHECK (length(mac) = 32),
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	UNIQUE (owner_id, ordinal)
) STRICT;

CREATE TABLE client (
	id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
	type TEXT NOT NULL CHECK (type IN ('public', 'confidential', 'native', 'web', 'device')),
	grants TEXT NOT NULL,
	scopes TEXT NOT NULL,
	default_scopes TEXT NOT NULL,
	redirect_uris TEXT NOT NULL,
	service_user_id TEXT REFERENCES service_user (id),
	resource_id TEXT REFERENCES resource (id),
	access_ttl_s INTEGER NOT NULL CHECK (access_ttl_s >= 0),
	created_at INTEGER NOT NULL,
	disabled_at INTEGER NOT NULL
) STRICT;

CREATE TABLE client_secret (
	id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
	owner_id TEXT NOT NULL REFERENCES client (id),
	ordinal INTEGER NOT NULL,
	pepper_kid TEXT NOT NULL,
	mac BLOB NOT NULL CHECK (length(mac) = 32),
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	UNIQUE (owner_id, ordinal)
) STRICT;

CREATE TABLE access_grant (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	service_user_id TEXT NOT NULL REFERENCES service_user (id),
	client_id TEXT NOT NULL REFERENCES client (id),
	generation INTEGER NOT NULL CHECK (generation >= 1),
	created_at INTEGER NOT NULL,
	UNIQUE (service_user_id, client_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX access_grant_by_client ON access_grant (client_id);

-- One row for each refresh token family that was ever redeemed. The id is
-- time-ordered, so new rows go to the tree's end. No foreign key: the statement
-- that inserts reads the grant itself, and a family may outlive it.
CREATE TABLE family (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 16),
	grant_id BLOB NOT NULL,
	seq INTEGER NOT NULL,
	rotated_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	revoked_at INTEGER,
	reason TEXT CHECK (reason IN ('replay', 'state_lost', 'revoked'))
) STRICT, WITHOUT ROWID;
CREATE INDEX family_by_expiry ON family (expires_at);
