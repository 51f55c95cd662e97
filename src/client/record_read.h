/* SPDX-License-Identifier: Apache-2.0 */
/* Members of a record, read and written. The first error sticks, so that a chain of members is
 * checked once. */
#ifndef CLIENT_RECORD_READ_H
#define CLIENT_RECORD_READ_H

#include "client/record.h"
#include "codec/json_secret.h"
#include "codec/json_writer.h"

/* How long a text is as base64url. */
#define RECORD_ENCODED(length) (((length) + 2) / 3 * 4)

enum { RECORD_VERSION = 1, RECORD_JSON_MAX = STORAGE_PART_MAX };

struct record_reader {
	const struct json *object;
	const char *part; /* of messages */
	struct fault *fault;
	int error;
};

/* What is read: bytes of a storage, and the secrets that are to be taken out of it. */
struct record_source {
	const char *part;
	const char *text;
	size_t length;
	struct json_secret *secrets;
	size_t secret_count;
};

/* Parses, and checks the version. The caller frees the document and the secrets also after an
 * error. */
void record_reader_init(struct record_reader *reader, const struct record_source *source,
	struct json **ret_document, struct fault *fault);

/* An object in it: a reader whose members are all absent where there is none. */
struct record_reader record_reader_in(struct record_reader *reader, const char *name);

/* A member that is absent leaves what is there. */
void record_read_text(struct record_reader *reader, const char *name, size_t max, char **text);
/* A member that was taken out already: an error where it was no text. */
void record_read_secret(struct record_reader *reader, const struct json_secret *secret);
/* The same for one that was written by record_write_encoded(). */
void record_read_encoded(
	struct record_reader *reader, const struct json_secret *found, size_t max, char **text);
void record_read_fixed(struct record_reader *reader, const char *name, size_t size, char *text);
void record_read_generation(
	struct record_reader *reader, const char *name, char text[RECORD_GENERATION_SIZE]);
void record_read_number(
	struct record_reader *reader, const char *name, int64_t min, int64_t max, int64_t *number);
void record_read_int(struct record_reader *reader, const char *name, int max, int *number);
void record_read_boolean(struct record_reader *reader, const char *name, bool *boolean);
void record_read_moment(struct record_reader *reader, const char *name, struct moment *moment);

/* The number of the text among `words`, which end with NULL. */
void record_read_word(
	struct record_reader *reader, const char *name, const char *const *words, int *number);

/* What must be there. */
void record_require(struct record_reader *reader, const char *name, bool is_there);

/* Takes over an inner reader's error. */
void record_reader_join(struct record_reader *reader, const struct record_reader *inner);

/* A text, and how long it may be. */
struct record_text {
	const char *text; /* may be NULL */
	size_t max;
};

/* 0; ERROR_LIMIT or ERROR_INVALID: what would not be read again as it is. */
int record_check_texts(const struct record_text *texts, size_t count);

/* Whether it is one that json_parse_secrets() reads, or NULL. */
bool record_is_visible(const char *text);

void record_write_begin(struct json_writer *writer, struct buf *buf);
/* As base64url; NULL leaves it out. */
void record_write_encoded(struct json_writer *writer, const char *name, const char *text);
void record_write_moment(struct json_writer *writer, const char *name, const struct moment *moment);

/* Prints to the storage; reads from it. */
typedef int (*record_printer)(const void *record, struct buf *buf);
int record_store(struct storage *storage, const char *account, const char *part,
	record_printer print, const void *record, struct fault *fault);

#endif
