/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of external-api.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

struct options {
	const char *listen;
	const char *authority;
	const char *audience;
	const char *scope; /* "" for none */
	const char *data;  /* NULL: in memory */
	const char *clock; /* NULL: the system's */
};

/* 0: go on; 1: --help or --version was served; -1: wrong, said on stderr. */
int options_parse(int count, char **arguments, struct options *ret_options);

#endif
