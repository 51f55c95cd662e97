-- SPDX-License-Identifier: Apache-2.0
-- Passwords that people chose, beside the generated ones.

-- A credential has a pepper and a MAC, or a hash that was imported; a Service User has at
-- most one of the latter.
ALTER TABLE service_user_credential ADD COLUMN password_hash TEXT CHECK (
	(password_hash IS NULL) = (pepper_kid <> '')
	AND length(password_hash) BETWEEN 1 AND 256);
CREATE UNIQUE INDEX service_user_credential_imported ON service_user_credential (owner_id)
	WHERE password_hash IS NOT NULL;
-- Whether a hash of another kind is left is a seek.
CREATE INDEX service_user_credential_hash ON service_user_credential (password_hash)
	WHERE password_hash IS NOT NULL;
