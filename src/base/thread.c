/* SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"

#include "base/error.h"

#include <signal.h>

int thread_start(pthread_t *ret_thread, void *(*run)(void *context), void *context)
{
	sigset_t all;
	sigset_t before;
	int failed;

	(void)sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before))
		return ERROR_UNAVAILABLE;
	failed = pthread_create(ret_thread, NULL, run, context);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed ? ERROR_UNAVAILABLE : 0;
}
