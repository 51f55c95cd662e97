-- SPDX-License-Identifier: Apache-2.0
-- Clients that show who they are by a signed assertion.

-- A JWK Set of public keys, or ''.
ALTER TABLE client ADD COLUMN jwks TEXT NOT NULL DEFAULT '';

-- The assertions that were used and have not ended: SHA-256 of the client and the
-- jti, which counts once whatever else the assertion says. So the key is no
-- time-ordered one; a row is there for an hour or so, which keeps the table small.
CREATE TABLE client_assertion (
	id BLOB NOT NULL PRIMARY KEY CHECK (length(id) = 32),
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX client_assertion_by_expiry ON client_assertion (expires_at);
