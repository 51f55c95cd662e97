/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this process costs its machine, as the kernel tells it (proc(5)). Thread-safe.
 */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stdint.h>

struct process_figures {
	double cpu_s; /* user and system, of all threads */
	int64_t virtual_bytes;
	int64_t resident_bytes;
	int64_t descriptors; /* open */
	int64_t descriptors_max;
	int64_t threads;
	double started_at_s; /* Unix time by the machine's clock */
};

/* 0 or ERROR_IO. */
int process_read(struct process_figures *ret_figures);

#endif
