/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the functions of <adit/client.h> and <adit/guard.h> return, and the version.
 * Both include it.
 */
#ifndef ADIT_ERROR_H
#define ADIT_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define ADIT_PUBLIC __attribute__((visibility("default")))
#else
#define ADIT_PUBLIC
#endif

/* The version of the library that is running: "0.1.0". Static. Thread-safe. */
ADIT_PUBLIC const char *adit_version(void);

/* What a function returns that did not do what it was asked for; 0 is done. */
enum adit_error {
	ADIT_ERROR_MEMORY = -1,	     /* no memory */
	ADIT_ERROR_INVALID = -2,     /* an argument or option is wrong */
	ADIT_ERROR_UNAVAILABLE = -9, /* the authority, or what the library needs, does not answer */
	ADIT_ERROR_TIMEOUT = -10,    /* the time given for it has passed */
	ADIT_ERROR_CREDENTIALS = -20, /* the authority refused the credentials; they are not tried
					 again until they change */
	ADIT_ERROR_STORAGE = -21,     /* the storage can't be read, written or opened */
	ADIT_ERROR_WAIT = -22,	      /* told to wait: by the authority, by back-off or by pacing */
	ADIT_ERROR_TRUST = -23,	      /* TLS is not trusted, the issuer is another, or an ID token
					 is not the authority's */
	ADIT_ERROR_PERSON = -24,      /* only a person can go on: by signing in, or by entering
					 credentials */
	ADIT_ERROR_PROTOCOL = -25,    /* an answer that the standards do not allow */
	ADIT_ERROR_DENIED = -26,      /* the authority or the person refused, for another reason
					 than the credentials (RFC 6749, 4.1.2.1, 5.2) */
	ADIT_ERROR_CANCELLED = -27,   /* adit_client_cancel() */
};

/* Not done yet: what adit_client_step() returns meanwhile. */
#define ADIT_AGAIN 1

#ifdef __cplusplus
}
#endif

#endif
