-- SPDX-License-Identifier: Apache-2.0
-- A client that an operator keeps from a Service User.
ALTER TABLE access_grant ADD COLUMN disabled_at INTEGER NOT NULL DEFAULT 0;
