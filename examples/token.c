/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least there is: a token, as a header field for a request.
 *
 *	example_token https://login.example.com/identity plans file:/run/secrets/plans
 *
 *	cc token.c $(pkg-config --cflags --libs libadit)
 */
#include <adit/client.h>

#include <stdio.h>

int main(int argc, char **argv)
{
	struct adit_client *client = NULL;
	struct adit_token *token = NULL;
	int failed;

	if (argc != 4) {
		(void)fprintf(stderr, "usage: %s AUTHORITY USERNAME SOURCE\n", argv[0]);
		return 2;
	}
	failed = adit_client_open(argv[1], "external.customer", &client) ||
		 adit_client_credentials_from(client, argv[2], argv[3]) ||
		 adit_token_get(client, 60, &token);
	if (failed)
		(void)fprintf(stderr, "%s\n", adit_client_text());
	else
		(void)printf("Authorization: %s\n", adit_token_header(token));
	adit_token_release(token);
	adit_client_close(client);
	return failed;
}
