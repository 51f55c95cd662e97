/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that wants to see the client's certificate; and what fork() does to TLS. */
#include "peer_tls.h"

#include <signal.h>
#include <sys/wait.h>

struct scene {
	struct tls_peer peer;
	struct certified client;
	struct certificate_files files;
};

static int make_scene(void **state)
{
	struct scene *scene = calloc(1, sizeof(*scene));

	if (!scene)
		return -1;
	tls_peer_init(&scene->peer);
	scene->client = tls_peer_certify(&scene->peer, "a client");
	scene->files = certificate_files();
	certificate_write(&scene->files, &scene->client, NULL);
	assert_int_equal(X509_STORE_add_cert(SSL_CTX_get_cert_store(scene->peer.settings),
				 scene->peer.ca.certificate),
		1);
	SSL_CTX_set_verify(
		scene->peer.settings, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	*state = scene;
	return 0;
}

static int end_scene(void **state)
{
	struct scene *scene = *state;

	certified_finish(&scene->client);
	certificate_files_remove(&scene->files);
	tls_peer_finish(&scene->peer);
	free(scene);
	return 0;
}

/* One POST; a failure may not have been sent, nor waited for. */
static int ask(struct scene *scene, const struct http_client_options *options, struct fault *fault)
{
	struct http_client_options with = *options;
	struct http_client *client;
	struct http_reply reply;
	char url[64];
	const struct http_call call = {.method = "POST", .url = url};
	int error;

	with.ca_file = scene->peer.files.certificates;
	client = peer_client(&with);
	peer_start(&scene->peer.peer, tls_peer_play);
	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", scene->peer.peer.port);
	fault->text[0] = '\0';
	error = http_client_call(client, &call, &reply, fault);
	if (!error) {
		assert_string_equal(reply.body.data, "ok");
		http_reply_finish(&reply);
	} else {
		if (http_client_sent(client))
			fail_msg("sent: %d %s", error, fault->text);
	}
	http_client_destroy(client);
	/* A client that could not read its own certificate has not connected. */
	if (error) {
		(void)shutdown(scene->peer.peer.listener, SHUT_RDWR);
	}
	peer_end(&scene->peer.peer);
	return error;
}

static void expect_shown(struct scene *scene, const struct http_client_options *options)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct fault fault;

	for (size_t i = 0; i < 2; i++) {
		(void)SSL_CTX_set_min_proto_version(scene->peer.settings, versions[i]);
		(void)SSL_CTX_set_max_proto_version(scene->peer.settings, versions[i]);
		if (ask(scene, options, &fault))
			fail_msg("%s", fault.text);
		assert_string_equal(scene->peer.shown, "a client");
	}
}

static void expect_refused(
	struct scene *scene, const struct http_client_options *options, const char *word)
{
	static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
	struct fault fault;

	for (size_t i = 0; i < 2; i++) {
		int error;

		(void)SSL_CTX_set_min_proto_version(scene->peer.settings, versions[i]);
		(void)SSL_CTX_set_max_proto_version(scene->peer.settings, versions[i]);
		error = ask(scene, options, &fault);
		if (error != ERROR_REFUSED || !strstr(fault.text, word))
			fail_msg("%d (%s), expected \"%s\"", error, fault.text, word);
	}
}

static void test_shown(void **state)
{
	struct scene *scene = *state;
	const struct http_client_options apart = {.certificate_file = scene->files.certificates,
		.certificate_key_file = scene->files.key};
	const struct http_client_options together = {.certificate_file = scene->files.certificates};
	FILE *file;

	expect_shown(scene, &apart);
	file = fopen(scene->files.certificates, "ae");
	assert_non_null(file);
	assert_int_equal(
		PEM_write_PrivateKey(file, scene->client.key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(file), 0);
	expect_shown(scene, &together);
}

static void test_none(void **state)
{
	expect_refused(*state, &(struct http_client_options){.ca_file = NULL}, "alert");
}

static void test_of_another_issuer(void **state)
{
	struct scene *scene = *state;
	const struct http_client_options options = {.certificate_file = scene->files.certificates,
		.certificate_key_file = scene->files.key};
	struct certified other = certificate_make((struct certificate_plan){.name = "other"});

	certificate_write(&scene->files, &other, NULL);
	certified_finish(&other);
	expect_refused(scene, &options, "alert");
}

static void test_that_can_not_be_used(void **state)
{
	struct scene *scene = *state;
	struct http_client_options options = {.certificate_file = scene->files.certificates,
		.certificate_key_file = "/nonexistent/key.pem"};
	struct certified other = certificate_make((struct certificate_plan){.name = "other"});
	FILE *file;

	expect_refused(scene, &options, "/nonexistent/key.pem");
	options.certificate_file = "/nonexistent/certificate.pem";
	options.certificate_key_file = scene->files.key;
	expect_refused(scene, &options, "/nonexistent/certificate.pem");
	options.certificate_file = scene->files.certificates;
	/* Another's key. */
	file = certificate_open_file(scene->files.key, 0600);
	assert_int_equal(PEM_write_PrivateKey(file, other.key, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fclose(file), 0);
	expect_refused(scene, &options, "key");
	/* One under a passphrase: nobody is asked for it. */
	file = certificate_open_file(scene->files.key, 0600);
	assert_int_equal(PEM_write_PrivateKey(file, scene->client.key, EVP_aes_128_cbc(),
				 (const unsigned char *)"secret", 6, NULL, NULL),
		1);
	assert_int_equal(fclose(file), 0);
	expect_refused(scene, &options, "key");
	certified_finish(&other);
}

static void expect_served(struct scene *scene, struct http_client *client)
{
	char url[64];
	const struct http_call call = {.method = "GET", .url = url};
	struct http_reply reply;
	struct fault fault = {""};

	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/", scene->peer.peer.port);
	if (http_client_call(client, &call, &reply, &fault))
		fail_msg("%s", fault.text);
	http_reply_finish(&reply);
}

/* Were the child to end TLS in an orderly way, the parent's connection would have ended. */
static void test_fork(void **state)
{
	struct scene *scene = *state;
	const struct http_client_options options = {.ca_file = scene->peer.files.certificates};
	struct http_client *client = peer_client(&options);
	int status = -1;
	pid_t child;

	SSL_CTX_set_verify(scene->peer.settings, SSL_VERIFY_NONE, NULL);
	peer_start(&scene->peer.peer, tls_peer_play);
	expect_served(scene, client);
	child = fork();
	if (!child) {
		http_client_forget(client);
		/* What the peer's thread has is lost in a child, as valgrind would say of one
		 * that just ends. */
		(void)execl("/bin/true", "true", NULL);
		_exit(1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	expect_served(scene, client);
	http_client_destroy(client);
	peer_end(&scene->peer.peer);
	/* All on the one connection that the peer takes. */
	assert_int_equal(atomic_load(&scene->peer.peer.requests), 2);
}

#define SCENE_TEST(body) cmocka_unit_test_setup_teardown(body, make_scene, end_scene)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SCENE_TEST(test_shown),
		SCENE_TEST(test_none),
		SCENE_TEST(test_of_another_issuer),
		SCENE_TEST(test_that_can_not_be_used),
		SCENE_TEST(test_fork),
	};

	/* The peer writes to connections that the client has ended. */
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("http_client_certificate", tests, NULL, NULL);
}
