/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lets one allocation of what is tested fail: for programs that are linked with its sources,
 * this and `short_of_memory_args` of meson.build. Of each thread its own.
 */
#ifndef SHORT_OF_MEMORY_H
#define SHORT_OF_MEMORY_H

#include <stdbool.h>

/* So many allocations succeed and the next one fails, all after it succeed. Negative: none
 * fails. */
void memory_fail_at(long count);

/* Whether it has come to that. */
bool memory_has_failed(void);

#endif
