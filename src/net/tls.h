/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of TLS 1.2 and 1.3 (RFC 5246, RFC 8446; RFC 9325's
 * recommendations; ALPN: RFC 7301) on a non-blocking socket. No tickets and no
 * resumption, no early data, no renegotiation, no compression.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What a server shows its clients: a certificate with its key, which may be
 * replaced while it serves. Thread-safe. */
struct tls_server;

/* One connection: of one thread at a time. */
struct tls_session;

/* Both PEM: the server's certificate first, then the chain to the root; the key
 * unencrypted, and readable to nobody but its owner, who is this user or root,
 * and a group. */
struct tls_files {
	const char *certificates;
	const char *key;
};

/* What is worth a warning: bits. */
enum tls_concern {
	TLS_EXPIRED = 1 << 0,
	TLS_NOT_YET_VALID = 1 << 1,
	TLS_EXPIRES_SOON = 1 << 2, /* within 14 days */
	TLS_NO_CHAIN = 1 << 3,	   /* of another issuer, and no certificate of its is there */
	TLS_CHAIN_ORDER = 1 << 4,  /* one did not issue the one before it */
	TLS_OTHER_NAME = 1 << 5,   /* the certificate is not for that host */
};

struct tls_state {
	int64_t not_before; /* of the server's own certificate; Unix seconds */
	int64_t not_after;
	unsigned concerns;
};

/* Copies the names of the files and reads them. 0, ERROR_MEMORY, or ERROR_INVALID:
 * the fault names the file and what is wrong with it. */
int tls_server_create(
	const struct tls_files *files, struct tls_server **ret_server, struct fault *fault);
void tls_server_destroy(struct tls_server *server); /* after its sessions; accepts NULL */

/* Reads the files again: new sessions get what they hold now, those there are go
 * on. On an error, which also is a certificate that is not valid at `now_s`,
 * nothing changes. */
int tls_server_reload(struct tls_server *server, int64_t now_s, struct fault *fault);

/* How the certificate in use looks at `now_s`, to clients that ask for `host` (a
 * name or an address without brackets; NULL: not looked at). */
void tls_server_state(
	struct tls_server *server, const char *host, int64_t now_s, struct tls_state *ret_state);

/* `fd` stays the caller's and outlives the session. 0 or ERROR_MEMORY. */
int tls_session_create(struct tls_server *server, int fd, struct tls_session **ret_session);

/* Tells the peer of the end, if it was not told and can be at once; then frees.
 * Accepts NULL. */
void tls_session_destroy(struct tls_session *session);

/* Goes on with the handshake: 0 when it is done; ERROR_BUSY: it is not
 * (tls_is_blocked()); ERROR_REFUSED: it failed, and `ret_reason` (static) says why. */
int tls_handshake(struct tls_session *session, const char **ret_reason);

/* As recv() and send() on a non-blocking socket. EAGAIN: it waits for the socket,
 * EINTR: call again. After another error nothing more can be done. What could not
 * be sent must be sent again, the same bytes, maybe from another place. */
ssize_t tls_receive(struct tls_session *session, void *bytes, size_t size);
ssize_t tls_transmit(struct tls_session *session, const void *bytes, size_t length);

/* Of the last call: whether the socket was what it waits for, and not another turn; and
 * whether that is to be writable. */
bool tls_is_blocked(const struct tls_session *session);
bool tls_wants_write(const struct tls_session *session);

/* The socket was told to be readable. */
void tls_wake(struct tls_session *session);

/* Whether there may be bytes that the socket's readiness will not tell of again. */
bool tls_has_more(const struct tls_session *session);

/* Says that no more is sent (close_notify), if that can be done at once. */
void tls_end(struct tls_session *session);

#endif
