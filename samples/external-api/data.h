/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API's data: sites, their plans, and the plans' holes. Lists are written as
 * JSON. Thread-safe.
 */
#ifndef DATA_H
#define DATA_H

#include "base/buf.h"
#include "base/error.h"

struct data;

/* Opens the file, or makes it and fills it with two sites where there is none;
 * NULL: in memory. 0; ERROR_IO: it can't be opened or written; ERROR_INVALID: it is
 * something else; ERROR_VERSION: of a later version; ERROR_MEMORY. */
int data_open(const char *path, struct data **ret_data, struct fault *fault);
void data_close(struct data *data); /* accepts NULL */

/* Each appends a JSON array (data_plan: an object). 0; ERROR_NOT_FOUND: no such
 * site or plan; ERROR_UNAVAILABLE: the database can't be read; the buf's errors. */

/* The sites that `allowed` lets through. */
struct data_filter {
	bool (*allowed)(void *context, const char *site);
	void *context;
};
int data_sites(struct data *data, const struct data_filter *filter, struct buf *buf);
int data_plans(struct data *data, const char *site, struct buf *buf);
int data_plan(struct data *data, const char *site, const char *plan, struct buf *buf);
int data_holes(struct data *data, const char *site, const char *plan, struct buf *buf);

#endif
