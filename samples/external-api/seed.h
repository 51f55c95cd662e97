/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a new database is made of: the tables, and two sites with plausible plans.
 */
#ifndef SEED_H
#define SEED_H

enum { SEED_VERSION = 1 }; /* the database's user_version */

extern const char seed_sql[];

#endif
