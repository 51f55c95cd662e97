/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON that holds secrets: they are taken out of the text before jansson sees
 * it, which leaves copies of all that it reads in memory that it frees.
 */
#ifndef CODEC_JSON_SECRET_H
#define CODEC_JSON_SECRET_H

#include "codec/json.h"

/* A member of the object at the top whose value is a secret text. */
struct json_secret {
	const char *name;
	size_t max; /* bytes of the text */
	char *text; /* set: owned by the caller; NULL where the member is absent or no text */
};

/* As json_parse(), with the secrets' texts taken out: in the document they are "". A secret
 * is made of visible ASCII characters (RFC 6749, A.12: VSCHAR without the space). A member
 * of the object at the top must not have an escape in its name.
 * The caller frees the document, and each secret by json_secret_finish(). */
int json_parse_secrets(const char *text, size_t length, size_t max, struct json_secret *secrets,
	size_t count, struct json **ret_document);

/* Wipes and frees. */
void json_secret_finish(struct json_secret *secret);

/* The same for the text alone, once it was taken over. Accepts NULL. */
void secret_text_free(char *text);

#endif
