/* SPDX-License-Identifier: Apache-2.0 */
/* Where a test's database file lies: a directory of its own under /tmp. */
#ifndef TESTS_STORE_PLACE_H
#define TESTS_STORE_PLACE_H

#include "store/store.h"

struct place {
	char directory[64];
	char path[80];
};

void place_make(struct place *place);
/* With all that lies in it. */
void place_remove(const struct place *place);
/* Fails the test where it can't. */
struct store *place_open(const struct place *place, const struct clock *clock);

extern const struct suite_engine memory_engine;
extern const struct suite_engine file_engine;

#endif
