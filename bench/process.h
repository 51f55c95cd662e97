/* SPDX-License-Identifier: Apache-2.0 */
/* What bench-client and bench-iddawc share: programs that get one token. */
#ifndef BENCH_PROCESS_H
#define BENCH_PROCESS_H

#include <stdint.h>

enum { PASSWORD_MAX = 1024, NS_PER_US = 1000 };

/* Ends the program. */
void fail(const char *what) __attribute__((noreturn));

int64_t now_ns(void);

/* The password, which is the one line of stdin. */
void read_password(char ret_password[PASSWORD_MAX]);

/* The end of the line of JSON: what one more such process would cost, and what it has in all. */
void put_memory(void);

#endif
