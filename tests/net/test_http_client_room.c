/* SPDX-License-Identifier: Apache-2.0 */
/* The client where the kernel has no room to wait for its sockets. */
#include "peer.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>

/* The kernel has no room to wait for a socket. */
static bool no_room;

int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);
int __real_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event);

int __wrap_epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	if (!no_room || what != EPOLL_CTL_ADD)
		return __real_epoll_ctl(epoll, what, fd, event);
	errno = ENOSPC;
	return -1;
}

/* Answers whatever comes, on one connection. */
static void *play_one_connection(void *context)
{
	struct peer *peer = context;
	int fd = accept(peer->listener, NULL, NULL);

	while (peer_read_head(peer, fd))
		peer_say(fd, PEER_OK);
	(void)close(fd);
	return NULL;
}

static void *play_two_connections(void *context)
{
	(void)play_one_connection(context);
	return play_one_connection(context);
}

/* A shortage that has passed is no reason to fail for ever. */
static void test_no_room_to_wait(void **state)
{
	struct peer peer = {.says = NULL};
	struct http_client *client = peer_client(NULL);
	char url[64];
	const struct http_call call = {.method = "GET", .url = url};
	struct http_reply reply;
	struct fault fault = {""};

	(void)state;
	peer_start(&peer, play_two_connections);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", peer.port);
	no_room = true;
	assert_int_equal(http_client_call(client, &call, &reply, &fault), ERROR_UNAVAILABLE);
	assert_non_null(strstr(fault.text, "can't be waited for"));
	no_room = false;
	if (http_client_call(client, &call, &reply, &fault))
		fail_msg("%s", fault.text);
	assert_string_equal(reply.body.data, "ok");
	http_reply_finish(&reply);
	http_client_destroy(client);
	peer_end(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_room_to_wait),
	};

	/* The peer writes to connections that the client has ended. */
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("http_client_room", tests, NULL, NULL);
}
