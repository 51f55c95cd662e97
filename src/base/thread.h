/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/* Starts a thread with every signal blocked: the program's own threads handle them, and a
 * write over a file size limit is an error in it and not the end (SIGXFSZ). 0 or
 * ERROR_UNAVAILABLE; then there is no thread. The caller joins it. */
int thread_start(pthread_t *ret_thread, void *(*run)(void *context), void *context);

#endif
