/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program of a person's desktop: signs in by the browser the first time, and from then on
 * by what is kept, sealed under the desktop's keyring or a key file.
 *
 *	example_desktop AUTHORITY CLIENT_ID [STORAGE-DIRECTORY]
 */
#include <adit/client.h>

#include <stdio.h>

static int has_token(struct adit_client *client, struct adit_token **ret_token)
{
	int error = adit_token_get(client, 60, ret_token);

	if (error != ADIT_ERROR_PERSON)
		return error;
	(void)printf("Your browser opens, for you to sign in.\n");
	(void)fflush(stdout);
	error = adit_client_login(client, ADIT_FLOW_BROWSER);
	return error ? error : adit_token_get(client, 60, ret_token);
}

int main(int argc, char **argv)
{
	const struct adit_client_options options = {
		.size = sizeof(options),
		.storage = ADIT_STORAGE_FILES,
		.storage_directory = argc > 3 ? argv[3] : NULL,
	};
	struct adit_client *client = NULL;
	struct adit_token *token = NULL;
	const char *name;
	int failed;

	if (argc != 3 && argc != 4) {
		(void)fprintf(stderr, "usage: %s AUTHORITY CLIENT_ID [DIRECTORY]\n", argv[0]);
		return 2;
	}
	failed = adit_client_open(argv[1], argv[2], &client) ||
		 adit_client_set_options(client, &options) || has_token(client, &token);
	if (failed) {
		(void)fprintf(stderr, "%s\n", adit_client_text());
	} else {
		name = adit_token_claim(token, "name");
		if (!name)
			name = adit_token_claim(token, "sub");
		(void)printf("Signed in as %s.\n", name ? name : "somebody");
	}
	adit_token_release(token);
	adit_client_close(client);
	return failed;
}
