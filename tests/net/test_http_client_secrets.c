/* SPDX-License-Identifier: Apache-2.0 */
/* What was sent is in this process's memory no more once a call has ended: the peer is
 * another process. */
#include "peer_tls.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { SECRET_SIZE = 24, MAPPING_MAX = 64 * 1024 * 1024 };

/* Made anew where it is wanted, so that the search does not find itself. */
static void make_secret(char ret_secret[SECRET_SIZE], char first)
{
	for (int i = 0; i < SECRET_SIZE - 1; i++)
		ret_secret[i] = (char)(first + (i * 7) % 26);
	ret_secret[SECRET_SIZE - 1] = '\0';
}

static size_t count_in(const char *bytes, size_t length, const char *secret)
{
	size_t count = 0;

	for (size_t i = 0; i + SECRET_SIZE <= length; i++)
		count += !memcmp(bytes + i, secret, SECRET_SIZE - 1);
	return count;
}

/* How often it is in what malloc() gave. */
static size_t count_secret(char first)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	/* Shared, so that it is no part of what is searched. */
	char *copy = mmap(NULL, MAPPING_MAX, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char secret[SECRET_SIZE];
	char line[1024];
	size_t count = 0;

	assert_non_null(maps);
	assert_true(memory >= 0);
	assert_true(copy != MAP_FAILED);
	make_secret(secret, first);
	while (fgets(line, sizeof(line), maps)) {
		char *rest;
		unsigned long from = strtoul(line, &rest, 16);
		unsigned long to = strtoul(rest + 1, &rest, 16);
		/* A stack has no name under valgrind. */
		bool is_stack = from <= (uintptr_t)line && (uintptr_t)line < to;
		bool is_heap = strstr(line, "[heap]") ||
			       (!is_stack && !strchr(line, '/') && !strchr(line, '['));
		ssize_t got;

		if (!is_heap || strncmp(rest, " rw", 3) != 0 || to - from > MAPPING_MAX)
			continue;
		got = pread(memory, copy, to - from, (off_t)from);
		count += got > 0 ? count_in(copy, (size_t)got, secret) : 0;
		memset(copy, 0, to - from);
	}
	(void)munmap(copy, MAPPING_MAX);
	memset(secret, 0, sizeof(secret));
	(void)fclose(maps);
	(void)close(memory);
	return count;
}

static pid_t fork_peer(struct tls_peer *peer, bool secure)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (secure) {
		(void)tls_peer_play(peer);
	} else {
		int fd = accept(peer->peer.listener, NULL, NULL);

		while (peer_read_head(&peer->peer, fd))
			peer_say(fd, PEER_OK);
	}
	_exit(0);
}

static void *play_nothing(void *context)
{
	return context;
}

/* What looks over each access keeps copies of its own. */
static bool is_watched(void)
{
	const char *preloaded = getenv("LD_PRELOAD");
#ifdef __SANITIZE_THREAD__
	return true;
#endif
	return preloaded && strstr(preloaded, "vgpreload");
}

static void expect_wiped(bool secure)
{
	char *field = malloc(256);
	char *body = malloc(SECRET_SIZE);
	const char *const fields[] = {field, NULL};
	char url[64];
	struct http_call call = {.method = "POST",
		.url = url,
		.fields = fields,
		.body = body,
		.body_length = SECRET_SIZE - 1};
	struct tls_peer peer;
	struct http_client *client;
	struct http_reply reply;
	struct fault fault = {""};
	pid_t pid;

	tls_peer_init(&peer);
	client = peer_client(&(struct http_client_options){.ca_file = peer.files.certificates});
	peer_start(&peer.peer, play_nothing);
	/* A child of several threads may wait for a lock that one of them had. */
	(void)pthread_join(peer.peer.thread, NULL);
	pid = fork_peer(&peer, secure);
	assert_true(pid > 0);
	(void)snprintf(
		url, sizeof(url), "%s://127.0.0.1:%u/", secure ? "https" : "http", peer.peer.port);
	make_secret(body, 'a');
	memcpy(field, "Authorization: Basic ", strlen("Authorization: Basic "));
	make_secret(field + strlen("Authorization: Basic "), 'A');
	/* The search finds what is there. */
	assert_int_equal(count_secret('a'), 1);
	assert_int_equal(count_secret('A'), 1);
	if (http_client_call(client, &call, &reply, &fault))
		fail_msg("%s", fault.text);
	http_reply_finish(&reply);
	assert_int_equal(count_secret('a'), 1);
	assert_int_equal(count_secret('A'), 1);
	http_client_destroy(client);
	assert_int_equal(count_secret('a'), 1);
	assert_int_equal(count_secret('A'), 1);
	memset(field, 0, 256);
	memset(body, 0, SECRET_SIZE);
	free(field);
	free(body);
	(void)waitpid(pid, NULL, 0);
	(void)close(peer.peer.listener);
	tls_peer_finish(&peer);
}

static void test_plain(void **state)
{
	(void)state;
	if (is_watched()) {
		print_message("# ThreadSanitizer and valgrind keep copies of memory\n");
		skip();
	}
	expect_wiped(false);
}

static void test_tls(void **state)
{
	(void)state;
	if (is_watched()) {
		print_message("# ThreadSanitizer and valgrind keep copies of memory\n");
		skip();
	}
	expect_wiped(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_tls),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("http_client_secrets", tests, NULL, NULL);
}
