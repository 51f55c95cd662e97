/* SPDX-License-Identifier: Apache-2.0 */
/* Whom the client trusts: a peer whose certificate is made for each case. */
#include "wire.h"

#include "net/http_client.h"

#include <dlfcn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>

enum { DAY_S = 86400 };

struct peer {
	const char *alternative_name; /* of the certificate */
	long valid_from_s;	      /* from now */
	long valid_to_s;
	int highest_version; /* 0: any */
	int listener;
	EVP_PKEY *key;
	X509 *certificate;
};

/* Folders of certificates that libcurl has read: as it is built, the system's by itself. */
static int folders_trusted;

__attribute__((visibility("default"))) int X509_STORE_load_path(X509_STORE *store, const char *path)
{
	__typeof__(X509_STORE_load_path) *next;
	void *symbol = dlsym(RTLD_NEXT, "X509_STORE_load_path");

	folders_trusted++;
	memcpy(&next, &symbol, sizeof(symbol));
	return next(store, path);
}

static void make_certificate(struct peer *peer)
{
	X509 *certificate = X509_new();
	X509_NAME *name = X509_NAME_new();
	X509_EXTENSION *extension =
		X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, peer->alternative_name);

	peer->key = EVP_EC_gen("P-256");
	assert_non_null(peer->key);
	assert_non_null(extension);
	assert_int_equal(X509_set_version(certificate, X509_VERSION_3), 1);
	assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				 (const unsigned char *)"peer", -1, -1, 0),
		1);
	assert_int_equal(X509_set_subject_name(certificate, name), 1);
	assert_int_equal(X509_set_issuer_name(certificate, name), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(certificate), peer->valid_from_s);
	(void)X509_gmtime_adj(X509_getm_notAfter(certificate), peer->valid_to_s);
	assert_int_equal(X509_set_pubkey(certificate, peer->key), 1);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	assert_true(X509_sign(certificate, peer->key, EVP_sha256()) > 0);
	X509_EXTENSION_free(extension);
	X509_NAME_free(name);
	peer->certificate = certificate;
}

static void write_certificate(const struct peer *peer, char *path)
{
	int fd = mkstemp(path);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	assert_non_null(file);
	assert_int_equal(PEM_write_X509(file, peer->certificate), 1);
	assert_int_equal(fclose(file), 0);
}

/* One connection, one answer. */
static void *play(void *context)
{
	static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
	const struct peer *peer = context;
	SSL_CTX *settings = SSL_CTX_new(TLS_server_method());
	SSL *tls = NULL;
	char bytes[2048];
	int fd = accept(peer->listener, NULL, NULL);

	/* Security level 0, or OpenSSL itself would refuse the old versions. */
	if (settings && SSL_CTX_set_cipher_list(settings, "DEFAULT:@SECLEVEL=0") == 1 &&
		SSL_CTX_set_max_proto_version(settings, peer->highest_version) == 1 &&
		SSL_CTX_use_certificate(settings, peer->certificate) == 1 &&
		SSL_CTX_use_PrivateKey(settings, peer->key) == 1)
		tls = SSL_new(settings);
	if (tls && fd >= 0 && SSL_set_fd(tls, fd) == 1 && SSL_accept(tls) == 1 &&
		SSL_read(tls, bytes, sizeof(bytes)) > 0 &&
		SSL_write(tls, reply, sizeof(reply) - 1) > 0)
		(void)SSL_shutdown(tls);
	SSL_free(tls);
	SSL_CTX_free(settings);
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

/* What a call to that peer gives; `host` stands in the URL. */
static int call(struct peer peer, const char *host, bool trusted, struct fault *fault)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char path[] = "/tmp/adit-ca-XXXXXX";
	socklen_t length = sizeof(address);
	struct http_client *client = NULL;
	struct http_reply reply = {0};
	pthread_t thread;
	char url[64];
	const struct http_call request = {.method = "GET", .url = url};
	int error;

	make_certificate(&peer);
	write_certificate(&peer, path);
	peer.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(peer.listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(peer.listener, 1), 0);
	assert_int_equal(getsockname(peer.listener, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(pthread_create(&thread, NULL, play, &peer), 0);
	(void)snprintf(url, sizeof(url), "https://%s:%u/", host, ntohs(address.sin_port));
	error = http_client_create(
		&(struct http_client_options){.ca_file = trusted ? path : NULL}, &client, fault);
	assert_int_equal(error, 0);
	fault->text[0] = '\0';
	error = http_client_call(client, &request, &reply, fault);
	if (!error)
		assert_string_equal(reply.body.data, "ok");
	http_reply_finish(&reply);
	http_client_destroy(client);
	(void)pthread_join(thread, NULL);
	(void)close(peer.listener);
	(void)unlink(path);
	X509_free(peer.certificate);
	EVP_PKEY_free(peer.key);
	return error;
}

static const struct peer good = {
	.alternative_name = "IP:127.0.0.1", .valid_from_s = -DAY_S, .valid_to_s = DAY_S};

static void expect(struct peer peer, bool trusted, int expected)
{
	struct fault fault;
	int error = call(peer, "127.0.0.1", trusted, &fault);

	if (error != expected)
		fail_msg("%d (%s), expected %d", error, fault.text, expected);
	if (error)
		assert_non_null(strstr(fault.text, "GET to https://127.0.0.1:"));
}

static void test_trusted(void **state)
{
	struct peer peer = good;

	(void)state;
	expect(peer, true, 0);
	peer.highest_version = TLS1_2_VERSION;
	expect(peer, true, 0);
}

static void test_unknown_issuer(void **state)
{
	(void)state;
	expect(good, false, ERROR_REFUSED);
}

/* "In place of the system's": a CA of the system's vouches for nobody then. */
static void test_no_other_issuer(void **state)
{
	(void)state;
	folders_trusted = 0;
	expect(good, false, ERROR_REFUSED);
	if (!folders_trusted)
		skip(); /* This libcurl reads no folder of the system's. */
	folders_trusted = 0;
	expect(good, true, 0);
	assert_int_equal(folders_trusted, 0);
}

static void test_other_name(void **state)
{
	struct peer peer = good;

	(void)state;
	peer.alternative_name = "IP:127.0.0.2";
	expect(peer, true, ERROR_REFUSED);
	peer.alternative_name = "DNS:localhost";
	expect(peer, true, ERROR_REFUSED);
}

static void test_out_of_its_time(void **state)
{
	struct peer peer = good;

	(void)state;
	peer.valid_to_s = -DAY_S / 2;
	expect(peer, true, ERROR_REFUSED);
	peer.valid_from_s = DAY_S / 2;
	peer.valid_to_s = DAY_S;
	expect(peer, true, ERROR_REFUSED);
}

static void test_old_versions(void **state)
{
	struct peer peer = good;

	(void)state;
	peer.highest_version = TLS1_1_VERSION;
	expect(peer, true, ERROR_REFUSED);
	peer.highest_version = TLS1_VERSION;
	expect(peer, true, ERROR_REFUSED);
}

static void test_trust_that_can_not_be_read(void **state)
{
	const struct http_client_options options = {.ca_file = "/nonexistent/ca.pem"};
	const struct http_call request = {.method = "GET", .url = "https://127.0.0.1:1/"};
	struct http_client *client = NULL;
	struct http_reply reply;
	struct fault fault;
	int error;

	(void)state;
	assert_int_equal(http_client_create(&options, &client, &fault), 0);
	error = http_client_call(client, &request, &reply, &fault);
	/* Nobody listens there, and libcurl may say that first. */
	assert_true(error == ERROR_REFUSED || error == ERROR_UNAVAILABLE);
	http_client_destroy(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trusted),
		cmocka_unit_test(test_unknown_issuer),
		cmocka_unit_test(test_no_other_issuer),
		cmocka_unit_test(test_other_name),
		cmocka_unit_test(test_out_of_its_time),
		cmocka_unit_test(test_old_versions),
		cmocka_unit_test(test_trust_that_can_not_be_read),
	};

	/* The peer writes to connections that the client has ended. */
	(void)signal(SIGPIPE, SIG_IGN);
	/* Not for what stays on this machine. */
	(void)setenv("https_proxy", "http://127.0.0.1:1", 1);
	return cmocka_run_group_tests_name("http_client_tls", tests, NULL, NULL);
}
