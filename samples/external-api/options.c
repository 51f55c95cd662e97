/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <adit/guard.h>

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static const char help[] =
	"usage: external-api --authority URL [options]\n"
	"\n"
	"A small API of drill-and-blast plans behind Adit's guard.\n"
	"\n"
	"  --authority URL     the identity server, as its discovery document calls itself\n"
	"  --audience NAME     this API's name at the authority (default external-api)\n"
	"  --scope SCOPE       the scope a token must have (default cosmos; '' for none)\n"
	"  --listen ADDR:PORT  where to serve; port 0 takes a free one (default 127.0.0.1:8490)\n"
	"  --data FILE         SQLite file, made and filled with two sites where it is missing\n"
	"                      (default: in memory)\n"
	"  --clock FILE        for tests: read the time from this file\n"
	"  --help, --version\n";

enum option_key {
	KEY_AUTHORITY = 256,
	KEY_AUDIENCE,
	KEY_SCOPE,
	KEY_LISTEN,
	KEY_DATA,
	KEY_CLOCK,
	KEY_HELP,
	KEY_VERSION,
};

static const struct option known[] = {
	{"authority", required_argument, NULL, KEY_AUTHORITY},
	{"audience", required_argument, NULL, KEY_AUDIENCE},
	{"scope", required_argument, NULL, KEY_SCOPE},
	{"listen", required_argument, NULL, KEY_LISTEN},
	{"data", required_argument, NULL, KEY_DATA},
	{"clock", required_argument, NULL, KEY_CLOCK},
	{"help", no_argument, NULL, KEY_HELP},
	{"version", no_argument, NULL, KEY_VERSION},
	{NULL, 0, NULL, 0},
};

static void set_option(int key, struct options *options)
{
	if (key == KEY_AUTHORITY)
		options->authority = optarg;
	else if (key == KEY_AUDIENCE)
		options->audience = optarg;
	else if (key == KEY_SCOPE)
		options->scope = optarg;
	else if (key == KEY_LISTEN)
		options->listen = optarg;
	else if (key == KEY_DATA)
		options->data = optarg;
	else if (key == KEY_CLOCK)
		options->clock = optarg;
}

static int refuse(const char *what, const char *text)
{
	(void)fprintf(stderr, "external-api: %s%s; see external-api --help\n", what, text);
	return -1;
}

int options_parse(int count, char **arguments, struct options *ret_options)
{
	struct options options = {
		.listen = "127.0.0.1:8490", .audience = "external-api", .scope = "cosmos"};
	int key;

	opterr = 0;
	while ((key = getopt_long(count, arguments, "+:", known, NULL)) != -1) {
		if (key == '?')
			return refuse("unknown option ", arguments[optind - 1]);
		if (key == ':')
			return refuse("a value is missing after ", arguments[optind - 1]);
		if (key == KEY_HELP || key == KEY_VERSION) {
			(void)printf("%s%s", key == KEY_HELP ? help : "external-api ",
				key == KEY_HELP ? "" : adit_version());
			(void)printf("%s", key == KEY_HELP ? "" : "\n");
			return 1;
		}
		set_option(key, &options);
	}
	if (optind < count)
		return refuse("unexpected argument ", arguments[optind]);
	if (!options.authority)
		return refuse("--authority URL is missing", "");
	if (options.data && !*options.data)
		return refuse("--data needs the name of a file", "");
	*ret_options = options;
	return 0;
}
