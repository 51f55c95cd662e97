/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client side of Adit: keeps an access token fresh, at any OpenID Connect
 * authority, for software that has a user name and password (a Service User's), a
 * client secret or key, or a person who signs in in a browser.
 *
 *	struct adit_client *client;
 *	struct adit_token *token;
 *
 *	if (adit_client_open("https://login.example.com/identity", "external.customer", &client) ||
 *		adit_client_credentials_from(client, "plans", "file:/run/secrets/plans") ||
 *		adit_token_get(client, 60, &token))
 *		die(adit_client_text());
 *	send_request("Authorization", adit_token_header(token));
 *	adit_token_release(token);
 *
 * Calling adit_token_get() before every request is the whole of its use: while the
 * token is fresh it does no I/O. A client may be shared by threads, unless a
 * function says otherwise; one that does I/O is waited for by the others. Texts given
 * to the library are copied. The library never logs by itself, never exits, starts
 * no thread, sets no signal handler and changes no environment; libcurl, which it
 * loads when it first needs the network, resolves names in a thread of its own, and
 * so does the desktop's keyring (GLib) where it is used.
 *
 * After fork() the child may go on using its copy of a client. No function may be
 * called from a signal handler, but for adit_client_cancel().
 *
 * Every structure begins with its size, which the caller sets to sizeof, and is
 * otherwise zeroed before it is filled in, so that members can be added later.
 */
#ifndef ADIT_CLIENT_H
#define ADIT_CLIENT_H

#include <adit/error.h>

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct adit_client; /* opaque; shared by threads */
struct adit_token;  /* opaque; never changes; counted */

/* --- opening, options, hooks -------------------------------------------------- */

/* Makes a client of the application `client_id` at `authority`, the URL that its
 * discovery document names as `issuer`, one slash at the end apart (OpenID Connect
 * Discovery, 4.3): https, or http on loopback. Does no I/O.
 * 0; ADIT_ERROR_INVALID, ADIT_ERROR_MEMORY. The caller closes it. */
ADIT_PUBLIC int adit_client_open(
	const char *authority, const char *client_id, struct adit_client **ret_client);

/* Ends a client that no thread uses any more. Tokens that are held stay valid.
 * Accepts NULL. Revokes nothing: see adit_client_logout(). */
ADIT_PUBLIC void adit_client_close(struct adit_client *client);

/* Where tokens and credentials are kept between runs. */
enum adit_storage {
	ADIT_STORAGE_MEMORY,	/* nowhere: the standard */
	ADIT_STORAGE_FILES,	/* in files, sealed under the key of `storage_key` */
	ADIT_STORAGE_PLAINTEXT, /* in files, readable to whoever can read the files */
};

struct adit_client_options {
	size_t size; /* sizeof(struct adit_client_options) */

	/* The scope to ask for (RFC 6749, 3.3). NULL: none is sent by the unattended
	 * flows, which means all that the client may have; the attended flows ask for
	 * "openid" and, where the authority lists it, "offline_access". */
	const char *scope;

	/* Which of several accounts at this authority: a name of the application's own,
	 * or the Service User's name. NULL: the only one there is. */
	const char *account;

	/* RFC 8707: the API that the token is for. NULL: not sent. */
	const char *resource;

	/* Milliseconds: to connect (0: 5,000), for one request in all (0: 15,000), for a
	 * whole call of this library (0: 60,000), for a person to sign in (0: 300,000). */
	int connect_timeout_ms;
	int request_timeout_ms;
	int call_timeout_ms;
	int person_timeout_ms;

	/* PEM files: certificates to trust in place of the system's; a client's own
	 * certificate and its key (RFC 8446, 4.4.2). NULL: the system's; none. */
	const char *ca_file;
	const char *certificate_file;
	const char *certificate_key_file;

	/* "http://HOST:PORT" for https requests. NULL: as the environment says
	 * (https_proxy, no_proxy); "": none. Never used for loopback. */
	const char *proxy;

	enum adit_storage storage;

	/* NULL: $XDG_STATE_HOME/adit, else ~/.local/state/adit. Made with mode 0700 where
	 * it is absent. */
	const char *storage_directory;

	/* Where the key that seals the files is: "keyring", "systemd:NAME", "file:PATH".
	 * NULL: what the directory was made with; for a new one the systemd credential
	 * `adit.key` where there is one, else the desktop's keyring where it answers, else
	 * the file `key` in the directory. */
	const char *storage_key;

	/* The key of private_key_jwt (RFC 7523, 2.2): a PEM file (PKCS#8; EC P-256, RSA or
	 * Ed25519), and its kid, or NULL. */
	const char *assertion_key_file;
	const char *assertion_kid;

	/* The `aud` of its assertions. NULL: the issuer, as the revision of RFC 7523 has it.
	 * Some authorities take nothing but their token endpoint's URL. */
	const char *assertion_audience;

	/* Whether adit_token_get() may have a person sign in when nothing else is left. */
	int allow_browser;

	/* Where the loopback redirect listens (RFC 8252, 7.3): 0: any free port. And its
	 * path; NULL: "/callback". The redirect URI is http://127.0.0.1:PORT/PATH. */
	int redirect_port;
	const char *redirect_path;

	/* Seconds by which an ID token's times may be off, 0 to 60. */
	int leeway_s;

	/* The API's limits per subject, for adit_client_pace(): requests in 10 s, in a
	 * minute and in 4 hours. 0: 20, 60, 1,200; -1: no limit. */
	int requests_per_10_s;
	int requests_per_minute;
	int requests_per_4_h;
};

/* Once at most, before the first call that does I/O.
 * 0; ADIT_ERROR_INVALID: a wrong size or value, or too late; ADIT_ERROR_MEMORY. */
ADIT_PUBLIC int adit_client_set_options(
	struct adit_client *client, const struct adit_client_options *options);

/* RFC 8628, 3.2. Borrowed during the call. */
struct adit_device_code {
	size_t size;
	const char *user_code;
	const char *verification_uri;
	const char *verification_uri_complete; /* or NULL */
	int expires_in_s;
};

/* Called on the thread that uses the client, and not with a lock held. A NULL member:
 * the library has no such thing. */
struct adit_client_hooks {
	size_t size; /* sizeof(struct adit_client_hooks) */
	void *context;

	/* Shows `url` in a browser: 0, or non-zero where it can't, which ends the login
	 * with ADIT_ERROR_PERSON. NULL: xdg-open is run. */
	int (*open_url)(void *context, const char *url);

	/* Shows a person where to enter which code: 0, or non-zero. NULL: the device flow
	 * is ADIT_ERROR_PERSON. */
	int (*show_code)(void *context, const struct adit_device_code *code);

	/* Asks a person for a secret: writes it, with a NUL, into `size` bytes; 0, or
	 * non-zero where nobody answers. NULL: "tty:" asks on the terminal. */
	int (*ask_secret)(void *context, const char *prompt, char *ret_secret, size_t size);

	/* One line of what happens, for a developer; holds no secret. */
	void (*log)(void *context, const char *text);

	/* Milliseconds: the wall clock (Unix time), and a clock that only goes forward,
	 * also while the machine sleeps. For tests. NULL: the system's. */
	void (*clock)(void *context, int64_t *ret_wall_ms, int64_t *ret_monotonic_ms);
};

/* As adit_client_set_options(). */
ADIT_PUBLIC int adit_client_set_hooks(
	struct adit_client *client, const struct adit_client_hooks *hooks);

/* --- errors ------------------------------------------------------------------- */

struct adit_client_error {
	size_t size;		 /* sizeof(struct adit_client_error); set by the caller */
	int code;		 /* an enum adit_error, or 0 */
	int http_status;	 /* of the answer, or 0: there was none */
	int64_t retry_after_s;	 /* when to try again; -1: not said */
	char oauth_error[64];	 /* the authority's `error`, or "" (RFC 6749, 5.2) */
	char correlation_id[64]; /* what the authority's operator finds it by, or "" */
	char text[1024];	 /* what happened, one line */
	char action[256];	 /* what to do about it, one line */
};

/* What went wrong in the calling thread's last call of this library that failed,
 * adit_client_open() included. Thread-safe. 0 or ADIT_ERROR_INVALID. */
ADIT_PUBLIC int adit_client_last_error(struct adit_client_error *ret_error);

/* The same as one line, what happened and what to do. Valid until the thread's next call. */
ADIT_PUBLIC const char *adit_client_text(void);

/* --- credentials (unattended) --------------------------------------------------- */

/* The credentials that tokens are got with when nobody is there: for the password
 * grant (RFC 6749, 4.3) a user name and its password; with a NULL `username` the
 * client's own secret, for client_credentials (4.4), which with a NULL secret means
 * options.assertion_key_file. Nothing is sent. They are kept with the storage once
 * adit_client_credentials_verify() or the first token has shown that they are right;
 * until then those stored before stay.
 * 0; ADIT_ERROR_CREDENTIALS: a generated password with a typing error (its checksum
 * is wrong); ADIT_ERROR_INVALID, ADIT_ERROR_MEMORY. */
ADIT_PUBLIC int adit_client_credentials_set(
	struct adit_client *client, const char *username, const char *secret);

/* The same, with the secret read from `source`, one line feed at its end apart, 1,024
 * bytes at most: "tty:" (asked for on the terminal, without echo), "fd:N",
 * "file:PATH" (this user's or root's, and nobody else's to read), "systemd:NAME" (a
 * credential of the service), "exec:PROGRAM" (what an askpass program prints; run
 * without a shell, 60 s at most). "tty:" and "exec:" are not for several threads at once.
 * Also ADIT_ERROR_STORAGE: it can't be read; ADIT_ERROR_PERSON: nobody answers. */
ADIT_PUBLIC int adit_client_credentials_from(
	struct adit_client *client, const char *username, const char *source);

/* Asks the authority for a token with the credentials by exactly one grant, and keeps
 * both. With credentials stored before, these are replaced after that.
 * 0; ADIT_ERROR_CREDENTIALS: refused, now or before; the others. */
ADIT_PUBLIC int adit_client_credentials_verify(struct adit_client *client);

/* Removes the account's credentials and tokens from the storage and the client. Revokes
 * nothing. 0 or ADIT_ERROR_STORAGE. */
ADIT_PUBLIC int adit_client_credentials_forget(struct adit_client *client);

/* --- flows -------------------------------------------------------------------- */

/* Fetches and checks the authority's discovery document; the other calls do so by
 * themselves. 0; ADIT_ERROR_TRUST: the issuer is another (both are shown, and where
 * they differ); ADIT_ERROR_PROTOCOL, ADIT_ERROR_UNAVAILABLE, ADIT_ERROR_TIMEOUT. */
ADIT_PUBLIC int adit_client_discover(struct adit_client *client);

enum adit_flow {
	ADIT_FLOW_BROWSER = 1, /* authorization code, PKCE S256, loopback redirect (RFC 8252) */
	ADIT_FLOW_DEVICE,      /* a code entered on another device (RFC 8628) */
};

/* Has a person sign in, and keeps the tokens. 0; ADIT_ERROR_PERSON: nobody did, in
 * time; ADIT_ERROR_DENIED: the person or the authority said no; the others. */
ADIT_PUBLIC int adit_client_login(struct adit_client *client, enum adit_flow flow);

/* Revokes the refresh token at the authority (RFC 7009) and forgets the tokens; the
 * credentials stay. Forgets also where the revocation fails, and then says so.
 * 0; ADIT_ERROR_UNAVAILABLE, ADIT_ERROR_STORAGE … */
ADIT_PUBLIC int adit_client_logout(struct adit_client *client);

/* --- tokens ------------------------------------------------------------------- */

/* A token with at least `min_ttl_s` seconds to live (0: one that is alive): from
 * memory, else from the storage, else by the refresh token, else by the credentials,
 * else by a person if options.allow_browser. Of all threads and all processes that
 * share the storage one asks the authority, and the others get what it got. While the
 * authority does not answer, or has said to wait, a token that is still alive is given
 * even where it lives shorter than `min_ttl_s`. The caller releases the token.
 * 0; any enum adit_error. */
ADIT_PUBLIC int adit_token_get(
	struct adit_client *client, int min_ttl_s, struct adit_token **ret_token);

/* The API answered 401 to it: it is not given out again. Where another thread or
 * process has a newer token already, nothing else happens. 0 or ADIT_ERROR_STORAGE. */
ADIT_PUBLIC int adit_token_reject(struct adit_client *client, const struct adit_token *token);

/* "Bearer …", the Authorization field's value (RFC 6750, 2.1). Valid as long as the token. */
ADIT_PUBLIC const char *adit_token_header(const struct adit_token *token);

/* The token itself, "Bearer" or what the authority called its type, and the scope it
 * has, or NULL where the authority did not say and none was asked for. */
ADIT_PUBLIC const char *adit_token_value(const struct adit_token *token);
ADIT_PUBLIC const char *adit_token_type(const struct adit_token *token);
ADIT_PUBLIC const char *adit_token_scope(const struct adit_token *token);

/* Seconds that it has to live, by a clock that nobody sets; 0: it has expired.
 * And when it expires, Unix time by the authority's clock. */
ADIT_PUBLIC int64_t adit_token_ttl(const struct adit_token *token);
ADIT_PUBLIC int64_t adit_token_expires_at(const struct adit_token *token);

/* A claim of the ID token that came with the login, whose signature was verified, or
 * else of the access token where that is a JWT, which is then not verified: for showing
 * who is signed in, never for deciding. `name` may be a path: "adit.site". Its text, or
 * its JSON where it is no text; NULL: there is none. Valid as long as the token. */
ADIT_PUBLIC const char *adit_token_claim(const struct adit_token *token, const char *name);

/* Another owner of the same token. Each owner releases. Accept NULL. */
ADIT_PUBLIC struct adit_token *adit_token_retain(struct adit_token *token);
ADIT_PUBLIC void adit_token_release(struct adit_token *token);

/* --- calling the API ------------------------------------------------------------ */

/* Waits for one's turn under the API's limits, which all processes of this host that
 * share the storage and the account share, and takes it.
 * 0; ADIT_ERROR_WAIT: it would take longer than `timeout_ms`, and no turn was taken
 * (retry_after_s says how long); ADIT_ERROR_CANCELLED. */
ADIT_PUBLIC int adit_client_pace(struct adit_client *client, int timeout_ms);

/* What the API said: `status` 429 or 503 with Retry-After makes all turns wait so long. */
ADIT_PUBLIC int adit_client_pace_answer(
	struct adit_client *client, int status, int64_t retry_after_s);

struct adit_call {
	size_t size;
	const char *method;	  /* "GET" where NULL */
	const char *url;	  /* https, or http on loopback */
	const char *content_type; /* of the body; NULL: application/json where there is a body */
	const void *body;
	size_t body_length;
	size_t answer_max; /* bytes; 0: 16 MiB */
};

struct adit_answer {
	size_t size;
	int status;
	const char *content_type; /* or "" */
	const char *body;	  /* NUL after it */
	size_t body_length;
	int64_t retry_after_s; /* -1: not said */
};

/* One request to the API, paced, with a token; after a 401 once more with a new one.
 * Never follows a redirect. 0 with any status; the errors of adit_token_get() and
 * adit_client_pace(). The caller frees the answer. */
ADIT_PUBLIC int adit_client_call(
	struct adit_client *client, const struct adit_call *call, struct adit_answer **ret_answer);
ADIT_PUBLIC void adit_answer_free(struct adit_answer *answer);

/* --- without blocking ----------------------------------------------------------- */

enum adit_operation {
	ADIT_OPERATION_TOKEN = 1, /* what adit_token_get() would do I/O for; argument: min_ttl_s */
	ADIT_OPERATION_LOGIN,	  /* argument: an enum adit_flow */
	ADIT_OPERATION_DISCOVER,
	ADIT_OPERATION_VERIFY,
	ADIT_OPERATION_LOGOUT,
};

/* Begins it; adit_client_step() goes on. After that has returned 0, adit_token_get()
 * gives the token without I/O. One at a time: until it has ended, what does I/O with the
 * same client is ADIT_ERROR_INVALID in the thread that steps. 0; ADIT_ERROR_INVALID: one is
 * under way. */
ADIT_PUBLIC int adit_client_start(
	struct adit_client *client, enum adit_operation operation, int argument);

/* What to wait for before the next step: `fd` readable (poll(2): `events` is POLLIN;
 * the same descriptor until the operation ends), or `timeout_ms` passed. */
struct adit_wait {
	size_t size;
	int fd;
	short events;
	int timeout_ms; /* 0 or more */
};

/* Does what can be done without waiting for the network, for a person or for another
 * process; it may wait for a disk. 0: it has ended; ADIT_AGAIN: `ret_wait` is set; else
 * how it failed. Not for two threads at once. */
ADIT_PUBLIC int adit_client_step(struct adit_client *client, struct adit_wait *ret_wait);

/* Has what is under way in any thread end with ADIT_ERROR_CANCELLED. May be called from
 * any thread and from a signal handler. */
ADIT_PUBLIC void adit_client_cancel(struct adit_client *client);

/* --- looking ------------------------------------------------------------------- */

/* How things stand, as one JSON object, for a person who is asked for help: authority,
 * client, account, storage and its key, token and when it ends, skew of the clocks,
 * breaker, back-off, turns left, versions. No secret. No network. The caller frees it
 * with adit_text_free(). */
ADIT_PUBLIC int adit_client_diagnose(struct adit_client *client, char **ret_text);

/* Every account in a storage directory (NULL: the standard one), whatever its authority,
 * as a JSON array of such objects. 0; ADIT_ERROR_STORAGE … */
ADIT_PUBLIC int adit_accounts(const struct adit_client_options *options, char **ret_text);

/* Verifies a JWT's signature by the authority's keys, its issuer and its times, and gives
 * its claims as a JSON object. The token itself is sent nowhere.
 * 0; ADIT_ERROR_TRUST: not the authority's; ADIT_ERROR_INVALID: no JWT. */
ADIT_PUBLIC int adit_client_token_verify(
	struct adit_client *client, const char *text, char **ret_claims);

ADIT_PUBLIC void adit_text_free(char *text); /* accepts NULL */

#ifdef __cplusplus
}
#endif

#endif
