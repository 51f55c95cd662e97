// SPDX-License-Identifier: Apache-2.0
// A program in C++ takes the client's public header and the library as they are.
#include <adit/client.h>

#include <cstdio>

int main()
{
	adit_client *client = nullptr;
	adit_client_options options = {};
	adit_client_error error = {};
	adit_token *token = nullptr;

	options.size = sizeof(options);
	options.storage = ADIT_STORAGE_MEMORY;
	error.size = sizeof(error);
	int failed = adit_client_open("http://127.0.0.1:1/identity", "external.customer", &client);
	failed = failed || adit_client_set_options(client, &options);
	failed = failed || adit_client_credentials_set(client, "plans", "secret");
	// Nobody listens there.
	bool told = !failed && adit_token_get(client, 60, &token) == ADIT_ERROR_UNAVAILABLE &&
		    !adit_client_last_error(&error) && error.code == ADIT_ERROR_UNAVAILABLE;
	adit_token_release(token);
	adit_client_close(client);
	std::printf("1..1\n%s 1 - C++ uses libadit's client %s\n", told ? "ok" : "not ok",
		adit_version());
	return told ? 0 : 1;
}
