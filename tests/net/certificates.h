/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys made for a test, and the files that a server reads. */
#ifndef TESTS_NET_CERTIFICATES_H
#define TESTS_NET_CERTIFICATES_H

#include "wire.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

enum { DAY_S = 86400 };

/* What a certificate is like; zeroed: P-256, for 127.0.0.1 and localhost, self-signed,
 * from yesterday for 30 days. */
struct certificate_plan {
	const char *alternative_name;
	const char *extended_usage; /* NULL: none */
	long valid_from_s;	    /* both 0: as above */
	long valid_to_s;
	bool is_ca;
	EVP_PKEY *key; /* NULL: a new one */
	const char *name;
	X509 *issuer; /* NULL: itself */
	EVP_PKEY *issuer_key;
};

struct certified {
	X509 *certificate;
	EVP_PKEY *key;
};

static inline void certificate_add(X509 *certificate, X509 *issuer, int kind, const char *value)
{
	X509V3_CTX context;
	X509_EXTENSION *extension;

	X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

static inline struct certified certificate_make(struct certificate_plan plan)
{
	static int serial;
	struct certified made = {X509_new(), plan.key ? plan.key : EVP_EC_gen("P-256")};
	X509 *issuer = plan.issuer ? plan.issuer : made.certificate;
	EVP_PKEY *signer = plan.issuer_key ? plan.issuer_key : made.key;
	X509_NAME *name = X509_NAME_new();
	const char *common = plan.name ? plan.name : "server";

	if (!plan.valid_from_s && !plan.valid_to_s) {
		plan.valid_from_s = -DAY_S;
		plan.valid_to_s = 30L * DAY_S;
	}
	if (plan.key)
		(void)EVP_PKEY_up_ref(plan.key);
	assert_non_null(made.key);
	assert_int_equal(X509_set_version(made.certificate, X509_VERSION_3), 1);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), ++serial);
	(void)X509_NAME_add_entry_by_txt(
		name, "CN", MBSTRING_ASC, (const unsigned char *)common, -1, -1, 0);
	(void)X509_set_subject_name(made.certificate, name);
	(void)X509_set_issuer_name(
		made.certificate, plan.issuer ? X509_get_subject_name(plan.issuer) : name);
	X509_NAME_free(name);
	(void)X509_gmtime_adj(X509_getm_notBefore(made.certificate), plan.valid_from_s);
	(void)X509_gmtime_adj(X509_getm_notAfter(made.certificate), plan.valid_to_s);
	(void)X509_set_pubkey(made.certificate, made.key);
	certificate_add(made.certificate, issuer, NID_basic_constraints,
		plan.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	certificate_add(made.certificate, issuer, NID_subject_alt_name,
		plan.alternative_name ? plan.alternative_name : "DNS:localhost,IP:127.0.0.1");
	if (plan.extended_usage)
		certificate_add(made.certificate, issuer, NID_ext_key_usage, plan.extended_usage);
	assert_true(X509_sign(made.certificate, signer,
			    EVP_PKEY_get_base_id(signer) == EVP_PKEY_ED25519 ? NULL
									     : EVP_sha256()) > 0);
	return made;
}

static inline void certified_finish(struct certified *made)
{
	X509_free(made->certificate);
	EVP_PKEY_free(made->key);
}

/* The names of a server's two files in a folder of their own. */
struct certificate_files {
	char folder[32];
	char certificates[64];
	char key[64];
};

static inline struct certificate_files certificate_files(void)
{
	struct certificate_files files = {.folder = "/tmp/adit-tls-XXXXXX"};

	assert_non_null(mkdtemp(files.folder));
	(void)snprintf(files.certificates, sizeof(files.certificates), "%s/cert.pem", files.folder);
	(void)snprintf(files.key, sizeof(files.key), "%s/key.pem", files.folder);
	return files;
}

static inline void certificate_files_remove(const struct certificate_files *files)
{
	(void)unlink(files->certificates);
	(void)unlink(files->key);
	(void)rmdir(files->folder);
}

static inline FILE *certificate_open_file(const char *path, int mode)
{
	FILE *file;

	(void)unlink(path);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fchmod(fileno(file), (mode_t)mode), 0);
	return file;
}

/* `chain` (may be NULL) comes behind it. */
static inline void certificate_write(
	const struct certificate_files *files, const struct certified *made, X509 *chain)
{
	FILE *file = certificate_open_file(files->certificates, 0644);

	assert_int_equal(PEM_write_X509(file, made->certificate), 1);
	if (chain)
		assert_int_equal(PEM_write_X509(file, chain), 1);
	assert_int_equal(fclose(file), 0);
	file = certificate_open_file(files->key, 0600);
	assert_int_equal(PEM_write_PrivateKey(file, made->key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(file), 0);
}

#endif
