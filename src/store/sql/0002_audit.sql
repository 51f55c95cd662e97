-- SPDX-License-Identifier: Apache-2.0
-- The head of the audit chain.

-- The last entry of the audit that is known to be on disk: where the files end before
-- it, their tail was cut off.
CREATE TABLE audit_head (
	one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
	seq INTEGER NOT NULL CHECK (seq >= 1),
	mac BLOB NOT NULL CHECK (length(mac) = 32),
	file TEXT NOT NULL CHECK (file <> '')
) STRICT;
