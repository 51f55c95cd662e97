/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes metrics in Prometheus' text exposition format, version 0.0.4. Not thread-safe.
 */
#ifndef CODEC_EXPOSITION_H
#define CODEC_EXPOSITION_H

#include "base/buf.h"
#include "base/histogram.h"

#include <stdint.h>

#define EXPOSITION_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum { EXPOSITION_LABELS_MAX = 3 };

/* A metric with all its samples; the texts are static. */
struct exposition_family {
	const char *name;
	const char *type;			       /* "counter", "gauge" or "histogram" */
	const char *help;			       /* one line */
	const char *labels[EXPOSITION_LABELS_MAX + 1]; /* names, NULL at the end */
};

struct exposition {
	struct buf *buf; /* whose buf_status() says how it went */
	const struct exposition_family *family;
};

/* Writes HELP and TYPE; the samples that follow are this family's. */
void exposition_begin(struct exposition *exposition, const struct exposition_family *family);

/* The values of the family's labels, in their order, NULL at the end. A value may be any
 * UTF-8. */
#define EXPOSITION_LABELS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define EXPOSITION_NO_LABELS ((const char *const[]){NULL})

void exposition_count(struct exposition *exposition, const char *const *labels, uint64_t value);
void exposition_number(struct exposition *exposition, const char *const *labels, int64_t value);
void exposition_seconds(struct exposition *exposition, const char *const *labels, double seconds);

/* _bucket, _sum and _count of a histogram. */
void exposition_histogram(struct exposition *exposition, const char *const *labels,
	const struct histogram_sum *histogram);

#endif
