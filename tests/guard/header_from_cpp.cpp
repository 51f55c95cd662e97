// SPDX-License-Identifier: Apache-2.0
// A program in C++ takes the public header and the library as they are.
#include <adit/guard.h>

#include <cstdio>

int main()
{
	adit_guard_options options = {};
	adit_guard_decision decision = {};
	adit_guard_error error;
	adit_guard *guard = nullptr;

	options.size = sizeof(options);
	options.authority = "https://login.example.com/identity";
	options.audience = "external-api";
	decision.size = sizeof(decision);
	int opened = adit_guard_open(&options, &guard, &error);
	adit_guard_request request = {};
	request.size = sizeof(request);
	request.method = "GET";
	int status = opened ? 0 : adit_guard_check(guard, &request, &decision);
	adit_guard_close(guard);
	std::printf("1..1\n%s 1 - C++ uses libadit %s\n", status == 401 ? "ok" : "not ok",
		adit_version());
	return status == 401 ? 0 : 1;
}
