-- SPDX-License-Identifier: Apache-2.0
-- Since when each key has been published.

-- 0: no server has shown it yet. What there is was published as it was made.
ALTER TABLE authority_key ADD COLUMN published_at INTEGER NOT NULL DEFAULT 0;
UPDATE authority_key SET published_at = created_at;
