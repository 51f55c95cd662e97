/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first flow of bench-client with Debian's libiddawc, which is loaded as it is installed:
 * its header's package does not go with the libcurl that this project is built with.
 *
 *	bench-iddawc first AUTHORITY USERNAME <PASSWORD
 */
#include "process.h"

#include <dlfcn.h>
#include <stdio.h>

/* Of iddawc.h 1.1; struct _i_session's size only the header tells, and none is near this. */
enum {
	I_SESSION_MAX = 65536,
	I_OK = 0,
	I_PASSWORD = 0x1000,
	I_AUTH_NONE = 0,
	I_OPT_SCOPE = 2,
	I_OPT_CLIENT_ID = 8,
	I_OPT_CONFIG_ENDPOINT = 14,
	I_OPT_ACCESS_TOKEN = 24,
	I_OPT_TOKEN_METHOD = 29,
	I_OPT_USERNAME = 33,
	I_OPT_USER_PASSWORD = 34,
};

static void *find(void *library, const char *name)
{
	void *found = dlsym(library, name);

	if (!found)
		fail(name);
	return found;
}

/* POSIX lets a function's address be had from dlsym() so. */
#define FIND(pointer, library, name) (*(void **)&(pointer) = find(library, name))

static void first_with_iddawc(const char *authority, const char *username, const char *password)
{
	static char session[I_SESSION_MAX];
	char url[512];
	void *library = dlopen("libiddawc.so.1.1", RTLD_NOW);
	int (*global_init)(void);
	int (*on_session)(void *);
	int (*get_config)(void *);
	int (*run_request)(void *);
	int (*set_int)(void *, int, unsigned int);
	int (*set_text)(void *, int, const char *);
	int (*set_type)(void *, unsigned int);
	const char *(*get_text)(void *, int);

	if (!library)
		fail("there is no libiddawc");
	FIND(global_init, library, "i_global_init");
	FIND(on_session, library, "i_init_session");
	FIND(get_config, library, "i_get_openid_config");
	FIND(run_request, library, "i_run_token_request");
	FIND(set_int, library, "i_set_int_parameter");
	FIND(set_text, library, "i_set_str_parameter");
	FIND(set_type, library, "i_set_response_type");
	FIND(get_text, library, "i_get_str_parameter");
	(void)snprintf(url, sizeof(url), "%s/.well-known/openid-configuration", authority);
	if (global_init() || on_session(session) || set_text(session, I_OPT_CONFIG_ENDPOINT, url) ||
		set_text(session, I_OPT_CLIENT_ID, "external.customer") ||
		set_int(session, I_OPT_TOKEN_METHOD, I_AUTH_NONE))
		fail("iddawc: options");
	if (get_config(session))
		fail("iddawc: discovery");
	if (set_type(session, I_PASSWORD) ||
		set_text(session, I_OPT_SCOPE, "cosmos offline_access") ||
		set_text(session, I_OPT_USERNAME, username) ||
		set_text(session, I_OPT_USER_PASSWORD, password) || run_request(session))
		fail("iddawc: password grant");
	if (!get_text(session, I_OPT_ACCESS_TOKEN))
		fail("iddawc: no token");
}

int main(int argc, char **argv)
{
	int64_t began_ns = now_ns();
	char password[PASSWORD_MAX];

	if (argc != 4)
		fail("bench-iddawc first AUTHORITY USERNAME <PASSWORD");
	read_password(password);
	first_with_iddawc(argv[2], argv[3], password);
	(void)printf("{\"us\":%lld", (long long)(now_ns() - began_ns) / NS_PER_US);
	put_memory();
	return 0;
}
