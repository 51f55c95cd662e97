/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a part of the suite on an engine; the arguments name both. */
#include "place.h"
#include "suite.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
	const struct suite_engine *const engines[] = {&memory_engine, &file_engine};

	for (size_t i = 0; argc == 3 && i < sizeof(engines) / sizeof(engines[0]); i++)
		if (strcmp(argv[1], engines[i]->name) == 0)
			return suite_run(engines[i], argv[2]);
	(void)fprintf(stderr,
		"usage: %s memory|file authority|administration|imported|last_use|token\n",
		argv[0]);
	return 2;
}
