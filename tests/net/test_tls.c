/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a TLS server: which are taken, what is said of the others, and of those. */
#include "certificates.h"

#include "net/tls.h"

#include <time.h>

static struct certificate_files files;

static int create(struct tls_server **ret_server, struct fault *fault)
{
	const struct tls_files names = {files.certificates, files.key};

	fault->text[0] = '\0';
	return tls_server_create(&names, ret_server, fault);
}

static void expect_refused(const char *words)
{
	struct tls_server *server = NULL;
	struct fault fault;
	int error = create(&server, &fault);

	if (error != ERROR_INVALID || !strstr(fault.text, words))
		fail_msg("%d \"%s\", expected \"%s\"", error, fault.text, words);
	assert_non_null(strstr(fault.text, files.folder));
	assert_null(server);
}

/* What is told of the certificate that the files hold. */
static unsigned concerns_at(const char *host, int64_t now_s)
{
	struct tls_server *server = NULL;
	struct tls_state state;
	struct fault fault;

	if (create(&server, &fault))
		fail_msg("%s", fault.text);
	tls_server_state(server, host, now_s, &state);
	assert_true(state.not_before < state.not_after);
	tls_server_destroy(server);
	return state.concerns;
}

static unsigned concerns(const char *host)
{
	return concerns_at(host, (int64_t)time(NULL));
}

static void write_plan(struct certificate_plan plan)
{
	struct certified made = certificate_make(plan);

	certificate_write(&files, &made, NULL);
	certified_finish(&made);
}

static void write_text(const char *path, const char *text, int mode)
{
	FILE *file = certificate_open_file(path, mode);

	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* "-----BEGIN EC PRIVATE KEY-----"; `passphrase` may be NULL. */
static void append_traditional(const char *path, EVP_PKEY *key, unsigned char *passphrase)
{
	BIO *bio = BIO_new_file(path, "a");

	assert_non_null(bio);
	assert_int_equal(PEM_write_bio_PrivateKey_traditional(bio, key,
				 passphrase ? EVP_aes_128_cbc() : NULL, passphrase,
				 passphrase ? 6 : 0, NULL, NULL),
		1);
	BIO_free(bio);
}

static void test_keys_that_are_taken(void **state)
{
	EVP_PKEY *keys[] = {EVP_EC_gen("P-256"), EVP_EC_gen("P-384"), EVP_EC_gen("P-521"),
		EVP_RSA_gen(2048), EVP_PKEY_Q_keygen(NULL, NULL, "ED25519")};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		write_plan((struct certificate_plan){.key = keys[i]});
		assert_int_equal(concerns("localhost"), 0);
		EVP_PKEY_free(keys[i]);
	}
}

static void test_keys_that_are_refused(void **state)
{
	EVP_PKEY *keys[] = {EVP_RSA_gen(1024), EVP_EC_gen("secp256k1"), EVP_EC_gen("P-224")};
	static const char *const words[] = {
		"has 1024 bits; at least 2048", "of a kind", "of a kind"};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		write_plan((struct certificate_plan){.key = keys[i]});
		expect_refused(words[i]);
		EVP_PKEY_free(keys[i]);
	}
}

static void test_key_file(void **state)
{
	struct certified made = certificate_make((struct certificate_plan){0});
	struct certified other = certificate_make((struct certificate_plan){0});
	unsigned char passphrase[] = "canary";
	FILE *file;

	(void)state;
	certificate_write(&files, &made, NULL);
	assert_int_equal(concerns(NULL), 0);
	assert_int_equal(chmod(files.key, 0640), 0);
	assert_int_equal(concerns(NULL), 0);
	assert_int_equal(chmod(files.key, 0644), 0);
	expect_refused("can be read by others");
	assert_int_equal(chmod(files.key, 0620), 0);
	expect_refused("can be read by others");
	assert_int_equal(unlink(files.key), 0);
	expect_refused("No such file");
	assert_int_equal(mkfifo(files.key, 0600), 0);
	expect_refused("it must be a file");
	write_text(files.key, "", 0600);
	expect_refused("holds no private key");
	write_text(
		files.key, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0600);
	expect_refused("holds no private key");
	file = certificate_open_file(files.key, 0600);
	assert_int_equal(PEM_write_X509(file, made.certificate), 1);
	assert_int_equal(fclose(file), 0);
	expect_refused("holds no private key");
	file = certificate_open_file(files.key, 0600);
	assert_int_equal(PEM_write_PKCS8PrivateKey(file, made.key, EVP_aes_128_cbc(),
				 (char *)passphrase, 6, NULL, NULL),
		1);
	assert_int_equal(fclose(file), 0);
	expect_refused("is encrypted");
	write_text(files.key, "", 0600);
	append_traditional(files.key, made.key, passphrase);
	expect_refused("is encrypted");
	file = certificate_open_file(files.key, 0600);
	assert_int_equal(PEM_write_PrivateKey(file, other.key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(file), 0);
	expect_refused("is not that of the first certificate");
	certified_finish(&made);
	certified_finish(&other);
}

/* As `openssl ecparam -genkey` writes it, with the parameters before the key. */
static void test_old_forms_of_keys(void **state)
{
	struct certified made = certificate_make((struct certificate_plan){0});

	(void)state;
	certificate_write(&files, &made, NULL);
	write_text(files.key,
		"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n",
		0600);
	append_traditional(files.key, made.key, NULL);
	assert_int_equal(concerns(NULL), 0);
	certified_finish(&made);
}

static void test_certificate_file(void **state)
{
	struct certified made = certificate_make((struct certificate_plan){0});
	FILE *file;

	(void)state;
	certificate_write(&files, &made, NULL);
	assert_int_equal(unlink(files.certificates), 0);
	expect_refused("No such file");
	write_text(files.certificates, "", 0644);
	expect_refused("holds no certificate");
	write_text(files.certificates, "-----BEGIN CERTIFICATE-----\nAAAA\n", 0644);
	expect_refused("certificate 1 in");
	file = certificate_open_file(files.certificates, 0644);
	assert_int_equal(PEM_write_X509(file, made.certificate), 1);
	assert_true(
		fputs("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	expect_refused("certificate 2 in");
	file = certificate_open_file(files.certificates, 0644);
	for (int i = 0; i < 17; i++)
		assert_int_equal(PEM_write_X509(file, made.certificate), 1);
	assert_int_equal(fclose(file), 0);
	expect_refused("more than 16 certificates");
	assert_int_equal(unlink(files.certificates), 0);
	assert_int_equal(mkdir(files.certificates, 0700), 0);
	expect_refused("is no regular file");
	assert_int_equal(rmdir(files.certificates), 0);
	file = certificate_open_file(files.certificates, 0644);
	assert_int_equal(ftruncate(fileno(file), 1 << 20), 0);
	assert_int_equal(fclose(file), 0);
	expect_refused("larger than 256 KiB");
	certified_finish(&made);
}

static void test_usage(void **state)
{
	(void)state;
	write_plan((struct certificate_plan){.extended_usage = "clientAuth"});
	expect_refused("is not for a server");
	write_plan((struct certificate_plan){.extended_usage = "clientAuth,serverAuth"});
	assert_int_equal(concerns(NULL), 0);
}

static void test_time(void **state)
{
	int64_t now_s = (int64_t)time(NULL);

	(void)state;
	write_plan((struct certificate_plan){.valid_from_s = -DAY_S, .valid_to_s = 15L * DAY_S});
	assert_int_equal(concerns_at(NULL, now_s), 0);
	assert_int_equal(concerns_at(NULL, now_s + 2L * DAY_S), TLS_EXPIRES_SOON);
	assert_int_equal(concerns_at(NULL, now_s + 16L * DAY_S), TLS_EXPIRED);
	assert_int_equal(concerns_at(NULL, now_s - 2L * DAY_S), TLS_NOT_YET_VALID);
}

static void test_name(void **state)
{
	(void)state;
	write_plan((struct certificate_plan){
		.alternative_name = "DNS:*.example.com,DNS:localhost,IP:::1"});
	assert_int_equal(concerns("www.example.com"), 0);
	assert_int_equal(concerns("LOCALHOST"), 0);
	assert_int_equal(concerns("::1"), 0);
	assert_int_equal(concerns(NULL), 0);
	assert_int_equal(concerns("a.www.example.com"), TLS_OTHER_NAME);
	assert_int_equal(concerns("example.org"), TLS_OTHER_NAME);
	assert_int_equal(concerns("127.0.0.1"), TLS_OTHER_NAME);
}

static void test_chain(void **state)
{
	struct certified root =
		certificate_make((struct certificate_plan){.name = "root", .is_ca = true});
	struct certified middle = certificate_make((struct certificate_plan){.name = "middle",
		.is_ca = true,
		.issuer = root.certificate,
		.issuer_key = root.key});
	struct certified leaf = certificate_make(
		(struct certificate_plan){.issuer = middle.certificate, .issuer_key = middle.key});

	(void)state;
	certificate_write(&files, &leaf, NULL);
	assert_int_equal(concerns(NULL), TLS_NO_CHAIN);
	certificate_write(&files, &leaf, middle.certificate);
	assert_int_equal(concerns(NULL), 0);
	certificate_write(&files, &leaf, root.certificate);
	assert_int_equal(concerns(NULL), TLS_CHAIN_ORDER);
	certified_finish(&root);
	certified_finish(&middle);
	certified_finish(&leaf);
}

static int64_t ends_at(struct tls_server *server)
{
	struct tls_state state;

	tls_server_state(server, NULL, (int64_t)time(NULL), &state);
	return state.not_after;
}

static void expect_kept(struct tls_server *server, const char *words)
{
	int64_t before = ends_at(server);
	struct fault fault = {""};

	assert_int_equal(tls_server_reload(server, (int64_t)time(NULL), &fault), ERROR_INVALID);
	if (!strstr(fault.text, words))
		fail_msg("\"%s\", expected \"%s\"", fault.text, words);
	assert_int_equal(ends_at(server), before);
}

static void test_reload(void **state)
{
	struct tls_server *server = NULL;
	struct fault fault;
	int64_t first;

	(void)state;
	write_plan((struct certificate_plan){.valid_from_s = -DAY_S, .valid_to_s = 20L * DAY_S});
	assert_int_equal(create(&server, &fault), 0);
	first = ends_at(server);
	write_plan((struct certificate_plan){.valid_from_s = -DAY_S, .valid_to_s = 40L * DAY_S});
	assert_int_equal(ends_at(server), first);
	assert_int_equal(tls_server_reload(server, (int64_t)time(NULL), &fault), 0);
	assert_true(ends_at(server) > first + 19L * DAY_S);
	write_plan((struct certificate_plan){.valid_from_s = -2L * DAY_S, .valid_to_s = -DAY_S});
	expect_kept(server, "is not valid now");
	write_plan((struct certificate_plan){.valid_from_s = DAY_S, .valid_to_s = 2L * DAY_S});
	expect_kept(server, "is not valid now");
	write_text(files.key, "", 0600);
	expect_kept(server, "holds no private key");
	assert_int_equal(unlink(files.certificates), 0);
	expect_kept(server, "No such file");
	tls_server_destroy(server);
}

static int make_files(void **state)
{
	(void)state;
	files = certificate_files();
	return 0;
}

static int remove_files(void **state)
{
	(void)state;
	certificate_files_remove(&files);
	return 0;
}

#define FILE_TEST(body) cmocka_unit_test_setup_teardown(body, make_files, remove_files)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILE_TEST(test_keys_that_are_taken),
		FILE_TEST(test_keys_that_are_refused),
		FILE_TEST(test_key_file),
		FILE_TEST(test_old_forms_of_keys),
		FILE_TEST(test_certificate_file),
		FILE_TEST(test_usage),
		FILE_TEST(test_time),
		FILE_TEST(test_name),
		FILE_TEST(test_chain),
		FILE_TEST(test_reload),
	};

	return cmocka_run_group_tests_name("tls", tests, NULL, NULL);
}
