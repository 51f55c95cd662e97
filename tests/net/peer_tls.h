/* SPDX-License-Identifier: Apache-2.0 */
/* A peer of the HTTP client that speaks TLS, with an authority of its own that it has
 * certificates from. */
#ifndef TESTS_NET_PEER_TLS_H
#define TESTS_NET_PEER_TLS_H

#include "certificates.h"
#include "peer.h"

#define AUTHORITY_NAME "authority.example"

struct tls_peer {
	struct peer peer; /* first: a play is given it */
	struct certified ca;
	struct certified own; /* of AUTHORITY_NAME and 127.0.0.1 */
	SSL_CTX *settings;
	struct certificate_files files; /* `certificates`: what to trust */
	char shown[64];			/* the common name of the last client's certificate */
};

static inline struct certified tls_peer_certify(const struct tls_peer *peer, const char *name)
{
	return certificate_make((struct certificate_plan){.name = name,
		.alternative_name = "DNS:" AUTHORITY_NAME ",IP:127.0.0.1",
		.issuer = peer->ca.certificate,
		.issuer_key = peer->ca.key});
}

static inline void tls_peer_init(struct tls_peer *peer)
{
	*peer = (struct tls_peer){.files = certificate_files()};
	peer->ca = certificate_make((struct certificate_plan){.name = "ca", .is_ca = true});
	peer->own = tls_peer_certify(peer, "peer");
	certificate_write(&peer->files, &peer->ca, NULL);
	peer->settings = SSL_CTX_new(TLS_server_method());
	assert_non_null(peer->settings);
	assert_int_equal(SSL_CTX_use_certificate(peer->settings, peer->own.certificate), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(peer->settings, peer->own.key), 1);
}

static inline void tls_peer_finish(struct tls_peer *peer)
{
	SSL_CTX_free(peer->settings);
	certified_finish(&peer->ca);
	certified_finish(&peer->own);
	certificate_files_remove(&peer->files);
}

static inline bool tls_peer_read_head(SSL *tls)
{
	char text[4096] = "";
	int length = 0;

	while (!strstr(text, "\r\n\r\n")) {
		int got = SSL_read(tls, text + length, (int)sizeof(text) - 1 - length);

		if (got <= 0)
			return false;
		length += got;
		text[length] = '\0';
	}
	return true;
}

static inline void tls_peer_look(struct tls_peer *peer, SSL *tls)
{
	X509 *certificate = SSL_get1_peer_certificate(tls);

	peer->shown[0] = '\0';
	if (certificate)
		(void)X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName,
			peer->shown, sizeof(peer->shown));
	X509_free(certificate);
}

/* Answers all that comes on the next connection. */
static inline void *tls_peer_play(void *context)
{
	struct tls_peer *peer = context;
	int fd = accept(peer->peer.listener, NULL, NULL);
	SSL *tls = SSL_new(peer->settings);
	char bytes[256];

	if (tls && fd >= 0 && SSL_set_fd(tls, fd) == 1 && SSL_accept(tls) == 1) {
		tls_peer_look(peer, tls);
		while (tls_peer_read_head(tls)) {
			atomic_fetch_add(&peer->peer.requests, 1);
			(void)SSL_write(tls, PEER_OK, (int)strlen(PEER_OK));
		}
	}
	SSL_free(tls);
	ERR_clear_error();
	/* What is unread when it is closed resets the connection, and an alert is lost. */
	(void)shutdown(fd, SHUT_WR);
	while (fd >= 0 && wire_receive(fd, bytes, sizeof(bytes)) > 0)
		;
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

#endif
