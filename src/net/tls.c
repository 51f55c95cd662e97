/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS by OpenSSL, and the only user of it in net/. The socket is read and written
 * by a BIO of our own: it raises no SIGPIPE, and knows whether the socket was
 * empty or OpenSSL merely wants another turn.
 */
#include "net/tls.h"

#include "net/tls_file.h"
#include "net/tls_socket.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	CHAIN_MAX = 16, /* certificates in a file */
	RSA_BITS_MIN = 2048,
	SOON_S = 14 * 86400,
};

/* What the files hold. */
struct material {
	X509 *leaf;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
};

struct tls_server {
	char *certificates;
	char *key;
	BIO_METHOD *method;
	pthread_mutex_t lock; /* of which context it is */
	SSL_CTX *context;
};

struct tls_session {
	SSL *ssl;
	struct tls_socket socket;
	bool shaken;
	bool failed;
	bool ended;	    /* close_notify was tried */
	bool wants_write;   /* what the last call waits for */
	bool write_pending; /* a record is on its way in part */
};

/* --- the files ------------------------------------------------------------- */

static void material_finish(struct material *material)
{
	X509_free(material->leaf);
	sk_X509_pop_free(material->chain, X509_free);
	EVP_PKEY_free(material->key);
	*material = (struct material){0};
}

/* Why OpenSSL's last call failed; static. */
static const char *openssl_reason(void)
{
	unsigned long code = ERR_peek_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	return reason ? reason : "unknown reason";
}

/* Nobody is there to be asked. */
static int give_no_passphrase(char *bytes, int size, int writing, void *context)
{
	bool *asked = context;

	(void)bytes;
	(void)size;
	(void)writing;
	if (asked)
		*asked = true;
	return -1;
}

/* The first one is the server's. */
static int parse_certificates(
	struct material *material, BIO *bio, const char *path, struct fault *fault)
{
	X509 *certificate;
	int count = 0;

	ERR_clear_error();
	while (count <= CHAIN_MAX &&
		(certificate = PEM_read_bio_X509(bio, NULL, give_no_passphrase, NULL))) {
		count = sk_X509_push(material->chain, certificate);
		if (!count) {
			X509_free(certificate);
			return ERROR_MEMORY;
		}
	}
	if (count > CHAIN_MAX)
		fault_set(fault, "%s holds more than %d certificates", path, CHAIN_MAX);
	else if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		fault_set(fault, "certificate %d in %s is damaged", count + 1, path);
	else if (!count)
		fault_set(fault,
			"%s holds no certificate in PEM form; it must hold the server's own, then "
			"its chain",
			path);
	else
		material->leaf = sk_X509_shift(material->chain);
	return material->leaf ? 0 : ERROR_INVALID;
}

static int read_certificates(struct material *material, const char *path, struct fault *fault)
{
	struct secret file = {0};
	int error = tls_file_read(&file, path, SECRET_ANYBODY, fault);
	BIO *bio;

	if (error)
		return error;
	bio = BIO_new_mem_buf(file.bytes, (int)file.length);
	material->chain = sk_X509_new_null();
	error = ERROR_MEMORY;
	if (bio && material->chain)
		error = parse_certificates(material, bio, path, fault);
	BIO_free(bio);
	secret_finish(&file);
	return error;
}

static int read_key(struct material *material, const char *path, struct fault *fault)
{
	struct secret file = {0};
	bool asked = false;
	int error = tls_file_read(&file, path, SECRET_OWNER_AND_GROUP, fault);
	BIO *bio;

	if (error)
		return error;
	bio = BIO_new_mem_buf(file.bytes, (int)file.length);
	if (bio)
		material->key = PEM_read_bio_PrivateKey(bio, NULL, give_no_passphrase, &asked);
	BIO_free(bio);
	secret_finish(&file);
	if (material->key)
		return 0;
	if (!bio)
		return ERROR_MEMORY;
	if (asked)
		fault_set(fault,
			"the key in %s is encrypted, and nobody is there to be asked; decrypt it "
			"(openssl pkey)",
			path);
	else
		fault_set(fault, "%s holds no private key in PEM form", path);
	return ERROR_INVALID;
}

/* What clients generally take. */
static int check_key(const EVP_PKEY *key, const char *path, struct fault *fault)
{
	static const char *const curves[] = {"prime256v1", "secp384r1", "secp521r1"};
	int type = EVP_PKEY_get_base_id(key);
	char curve[64] = "";

	if (type == EVP_PKEY_RSA || type == EVP_PKEY_RSA_PSS) {
		if (EVP_PKEY_get_bits(key) >= RSA_BITS_MIN)
			return 0;
		fault_set(fault, "the RSA key in %s has %d bits; at least %d are needed", path,
			EVP_PKEY_get_bits(key), RSA_BITS_MIN);
		return ERROR_INVALID;
	}
	if (type == EVP_PKEY_ED25519)
		return 0;
	if (type == EVP_PKEY_EC && EVP_PKEY_get_group_name(key, curve, sizeof(curve), NULL) == 1)
		for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++)
			if (!strcmp(curve, curves[i]))
				return 0;
	fault_set(fault,
		"the key in %s is of a kind that clients don't take; use ECDSA (P-256, P-384, "
		"P-521), RSA or Ed25519",
		path);
	return ERROR_INVALID;
}

static int read_material(
	const struct tls_server *server, struct material *material, struct fault *fault)
{
	int error = read_certificates(material, server->certificates, fault);

	if (!error)
		error = read_key(material, server->key, fault);
	if (!error)
		error = check_key(material->key, server->key, fault);
	if (error)
		return error;
	if (X509_check_private_key(material->leaf, material->key) != 1) {
		fault_set(fault, "the key in %s is not that of the first certificate in %s",
			server->key, server->certificates);
		return ERROR_INVALID;
	}
	if (X509_check_purpose(material->leaf, X509_PURPOSE_SSL_SERVER, 0) != 1) {
		fault_set(fault,
			"the first certificate in %s is not for a server (its key usage says so)",
			server->certificates);
		return ERROR_INVALID;
	}
	return 0;
}

/* --- the context ------------------------------------------------------------ */

/* RFC 7301, 3.2: who offers protocols, and not ours, is refused. */
static int choose_protocol(SSL *ssl, const unsigned char **ret_name, unsigned char *ret_length,
	const unsigned char *offered, unsigned length, void *context)
{
	static const unsigned char ours[] = "\x08http/1.1";
	unsigned char *name = NULL;

	(void)ssl;
	(void)context;
	if (SSL_select_next_proto(&name, ret_length, ours, sizeof(ours) - 1, offered, length) !=
		OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*ret_name = name;
	return SSL_TLSEXT_ERR_OK;
}

/* Nothing is left to the system's openssl.cnf. */
static int set_rules(SSL_CTX *context)
{
	SSL_CTX_set_security_level(context, 2);
	(void)SSL_CTX_set_options(
		context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
				 SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	(void)SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	/* Without AUTO_RETRY a record that is no data is a turn of its own: a peer
	 * can't hold a loop by sending many. */
	(void)SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
	(void)SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
						SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
						SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
	if (SSL_CTX_set_num_tickets(context, 0) != 1 ||
		SSL_CTX_set_max_early_data(context, 0) != 1 ||
		SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
		SSL_CTX_set_max_proto_version(context, 0) != 1 ||
		SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
		SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
						  "TLS_CHACHA20_POLY1305_SHA256") != 1 ||
		SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") != 1)
		return ERROR_MEMORY;
	return 0;
}

static int make_context(const struct tls_server *server, SSL_CTX **ret_context, struct fault *fault)
{
	struct material material = {0};
	int error = read_material(server, &material, fault);
	SSL_CTX *context = error ? NULL : SSL_CTX_new(TLS_server_method());

	ERR_clear_error();
	if (!error)
		error = context ? set_rules(context) : ERROR_MEMORY;
	if (!error && (SSL_CTX_use_certificate(context, material.leaf) != 1 ||
			      SSL_CTX_set1_chain(context, material.chain) != 1 ||
			      SSL_CTX_use_PrivateKey(context, material.key) != 1)) {
		fault_set(fault, "%s can't be used: %s", server->certificates, openssl_reason());
		error = ERROR_INVALID;
	}
	if (error == ERROR_MEMORY)
		fault_set(fault, "%s can't be read: out of memory", server->certificates);
	material_finish(&material);
	ERR_clear_error();
	if (error)
		SSL_CTX_free(context);
	else
		*ret_context = context;
	return error;
}

/* --- the socket ------------------------------------------------------------- */

static int socket_read(BIO *bio, char *bytes, int size)
{
	struct tls_socket *socket = BIO_get_data(bio);
	ssize_t length = tls_socket_read(socket, bytes, (size_t)size);

	BIO_clear_retry_flags(bio);
	if (socket->is_blocked)
		BIO_set_retry_read(bio);
	return (int)length;
}

static int socket_write(BIO *bio, const char *bytes, int length)
{
	struct tls_socket *socket = BIO_get_data(bio);
	ssize_t sent = tls_socket_write(socket, bytes, (size_t)length);

	BIO_clear_retry_flags(bio);
	if (socket->is_blocked)
		BIO_set_retry_write(bio);
	return (int)sent;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
	const struct tls_socket *socket = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_FLUSH)
		return 1;
	return command == BIO_CTRL_EOF && socket->is_at_end;
}

static BIO_METHOD *make_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "socket");

	if (!method || BIO_meth_set_read(method, socket_read) != 1 ||
		BIO_meth_set_write(method, socket_write) != 1 ||
		BIO_meth_set_ctrl(method, socket_control) != 1) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

/* --- the server -------------------------------------------------------------- */

int tls_server_create(
	const struct tls_files *files, struct tls_server **ret_server, struct fault *fault)
{
	struct tls_server *server = calloc(1, sizeof(*server));
	int error = ERROR_MEMORY;

	fault_set(fault, "out of memory");
	if (!server)
		return ERROR_MEMORY;
	(void)pthread_mutex_init(&server->lock, NULL);
	server->certificates = strdup(files->certificates);
	server->key = strdup(files->key);
	server->method = make_method();
	if (server->certificates && server->key && server->method)
		error = make_context(server, &server->context, fault);
	if (error)
		tls_server_destroy(server);
	else
		*ret_server = server;
	return error;
}

void tls_server_destroy(struct tls_server *server)
{
	if (!server)
		return;
	SSL_CTX_free(server->context);
	BIO_meth_free(server->method);
	free(server->certificates);
	free(server->key);
	(void)pthread_mutex_destroy(&server->lock);
	free(server);
}

static int64_t seconds_of(const ASN1_TIME *time)
{
	struct tm parts = {0};

	return ASN1_TIME_to_tm(time, &parts) == 1 ? (int64_t)timegm(&parts) : 0;
}

/* To be freed. */
static SSL_CTX *context_of(struct tls_server *server)
{
	SSL_CTX *context;

	(void)pthread_mutex_lock(&server->lock);
	context = server->context;
	(void)SSL_CTX_up_ref(context);
	(void)pthread_mutex_unlock(&server->lock);
	return context;
}

static bool issued(X509 *issuer, X509 *subject)
{
	return X509_check_issued(issuer, subject) == X509_V_OK &&
	       X509_verify(subject, X509_get0_pubkey(issuer)) == 1;
}

static unsigned chain_concerns(X509 *leaf, STACK_OF(X509) * chain)
{
	int count = sk_X509_num(chain);
	X509 *below = leaf;

	if (count <= 0)
		return issued(leaf, leaf) ? 0 : TLS_NO_CHAIN;
	for (int i = 0; i < count; i++) {
		if (!issued(sk_X509_value(chain, i), below))
			return TLS_CHAIN_ORDER;
		below = sk_X509_value(chain, i);
	}
	return 0;
}

static struct tls_state state_of(SSL_CTX *context, const char *host, int64_t now_s)
{
	X509 *leaf = SSL_CTX_get0_certificate(context);
	STACK_OF(X509) *chain = NULL;
	struct tls_state state = {
		.not_before = seconds_of(X509_get0_notBefore(leaf)),
		.not_after = seconds_of(X509_get0_notAfter(leaf)),
	};

	if (state.not_after < now_s)
		state.concerns |= TLS_EXPIRED;
	else if (state.not_after - now_s <= SOON_S)
		state.concerns |= TLS_EXPIRES_SOON;
	if (state.not_before > now_s)
		state.concerns |= TLS_NOT_YET_VALID;
	(void)SSL_CTX_get0_chain_certs(context, &chain);
	state.concerns |= chain_concerns(leaf, chain);
	if (host && X509_check_host(leaf, host, 0, 0, NULL) != 1 &&
		X509_check_ip_asc(leaf, host, 0) != 1)
		state.concerns |= TLS_OTHER_NAME;
	ERR_clear_error();
	return state;
}

void tls_server_state(
	struct tls_server *server, const char *host, int64_t now_s, struct tls_state *ret_state)
{
	SSL_CTX *context = context_of(server);

	*ret_state = state_of(context, host, now_s);
	SSL_CTX_free(context);
}

int tls_server_reload(struct tls_server *server, int64_t now_s, struct fault *fault)
{
	SSL_CTX *context = NULL;
	SSL_CTX *old;
	int error = make_context(server, &context, fault);

	if (error)
		return error;
	if (state_of(context, NULL, now_s).concerns & (TLS_EXPIRED | TLS_NOT_YET_VALID)) {
		fault_set(fault, "the first certificate in %s is not valid now",
			server->certificates);
		SSL_CTX_free(context);
		return ERROR_INVALID;
	}
	(void)pthread_mutex_lock(&server->lock);
	old = server->context;
	server->context = context;
	(void)pthread_mutex_unlock(&server->lock);
	SSL_CTX_free(old);
	return 0;
}

/* --- a session --------------------------------------------------------------- */

int tls_session_create(struct tls_server *server, int fd, struct tls_session **ret_session)
{
	struct tls_session *session = calloc(1, sizeof(*session));
	SSL_CTX *context = context_of(server);
	BIO *bio = BIO_new(server->method);

	if (session)
		session->ssl = SSL_new(context);
	SSL_CTX_free(context);
	if (!session || !session->ssl || !bio) {
		BIO_free(bio);
		tls_session_destroy(session);
		ERR_clear_error();
		return ERROR_MEMORY;
	}
	session->socket.fd = fd;
	BIO_set_data(bio, &session->socket);
	BIO_set_init(bio, 1);
	SSL_set_bio(session->ssl, bio, bio);
	SSL_set_accept_state(session->ssl);
	*ret_session = session;
	return 0;
}

void tls_session_destroy(struct tls_session *session)
{
	if (!session)
		return;
	tls_end(session);
	SSL_free(session->ssl);
	free(session);
}

/* OpenSSL reads the errors of its thread: those of others must not be among them. */
static void begin_call(struct tls_session *session)
{
	ERR_clear_error();
	session->socket.is_blocked = false;
	session->wants_write = false;
}

/* What a failed call means: errno. */
static int failure_of(struct tls_session *session, int result)
{
	int kind = SSL_get_error(session->ssl, result);

	if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
		session->wants_write = kind == SSL_ERROR_WANT_WRITE;
		return session->socket.is_blocked ? EAGAIN : EINTR;
	}
	if (kind == SSL_ERROR_ZERO_RETURN)
		return 0;
	session->failed = true;
	return session->socket.is_at_end ? 0 : kind == SSL_ERROR_SYSCALL ? ECONNRESET : EPROTO;
}

int tls_handshake(struct tls_session *session, const char **ret_reason)
{
	int result;
	int failure;

	begin_call(session);
	result = SSL_do_handshake(session->ssl);
	if (result == 1) {
		session->shaken = true;
		return 0;
	}
	failure = failure_of(session, result);
	if (failure == EAGAIN || failure == EINTR)
		return ERROR_BUSY;
	*ret_reason = failure == EPROTO ? openssl_reason() : "the peer ended it";
	session->failed = true;
	return ERROR_REFUSED;
}

ssize_t tls_receive(struct tls_session *session, void *bytes, size_t size)
{
	size_t length = 0;
	int result;

	begin_call(session);
	result = SSL_read_ex(session->ssl, bytes, size, &length);
	if (result == 1)
		return (ssize_t)length;
	errno = failure_of(session, result);
	return errno ? -1 : 0;
}

ssize_t tls_transmit(struct tls_session *session, const void *bytes, size_t length)
{
	size_t sent = 0;
	int result;

	begin_call(session);
	result = SSL_write_ex(session->ssl, bytes, length, &sent);
	session->write_pending = result != 1;
	if (result == 1)
		return (ssize_t)sent;
	errno = failure_of(session, result);
	if (!errno)
		errno = EPIPE;
	return -1;
}

bool tls_is_blocked(const struct tls_session *session)
{
	return session->socket.is_blocked;
}

bool tls_wants_write(const struct tls_session *session)
{
	return session->wants_write;
}

/* What a reading of before this said does not count any more. */
void tls_wake(struct tls_session *session)
{
	session->socket.is_drained = false;
}

bool tls_has_more(const struct tls_session *session)
{
	return !session->socket.is_drained || SSL_has_pending(session->ssl) == 1;
}

void tls_end(struct tls_session *session)
{
	if (!session->shaken || session->failed || session->ended || session->write_pending)
		return;
	session->ended = true;
	begin_call(session);
	(void)SSL_shutdown(session->ssl);
	ERR_clear_error();
}
