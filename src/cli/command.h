/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of adit: a table, one file a command.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/buf.h"
#include "base/error.h"
#include "cli/options.h"

#include <adit/client.h>
#include <stdbool.h>
#include <stddef.h>

/* What scripts rely on; docs/man/adit.1 lists them. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_OTHER = 1,
	EXIT_USAGE = 2,
	EXIT_CREDENTIALS = 3, /* refused */
	EXIT_UNREACHABLE = 4,
	EXIT_STORAGE = 5,
	EXIT_WAIT = 6, /* told to wait */
	EXIT_TRUST = 7,
	EXIT_PERSON = 8, /* a person is needed */
	EXIT_SIGNALLED = 128,
};

enum { COMMAND_OUTPUT_MAX = 64 * 1024 * 1024 };

struct invocation {
	const struct command *command;
	struct options options;
	struct fault fault;
	bool json;
};

struct command {
	const char *noun; /* NULL: there is none */
	const char *name;
	const char *arguments; /* positional ones, for the help */
	const char *summary;
	const char *page;		   /* of the manual */
	const struct option_spec *options; /* its own */
	bool uses_client;		   /* it has the options of a client too */
	int command_at;			   /* as options_parse() has it */
	size_t least;			   /* positional arguments */
	size_t most;
	int (*run)(struct invocation *invocation); /* gives the exit code; has complained */
};

extern const struct command login_command;
extern const struct command logout_command;
extern const struct command service_set_command;
extern const struct command service_verify_command;
extern const struct command service_rotate_command;
extern const struct command service_forget_command;
extern const struct command token_command;
extern const struct command run_command;
extern const struct command call_command;
extern const struct command decode_command;
extern const struct command status_command;

/* The options of every command, and of those with a client. */
extern const struct option_spec plain_options[];
extern const struct option_spec client_options[];

/* --- what went wrong: two lines on stderr at most, or an object with --json -------- */

/* Wrong usage, as invocation->fault says; and so without one. Both give EXIT_USAGE. */
int complain_of_usage(const struct invocation *invocation);
int complain_usage(struct invocation *invocation, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* What happened and what to do about it; NULL: nothing is known. Gives `code` back. */
int complain(const struct invocation *invocation, enum exit_code code, const char *text,
	const char *action);

/* What the library's last call in this thread said, which returned `error`. Gives the
 * exit code; where a signal ended it, only that. */
int complain_of_library(const struct invocation *invocation, int error);

/* --- what is shown ---------------------------------------------------------------- */

/* Writes what has been gathered to stdout, all of it, and finishes the buf: EXIT_DONE,
 * or what it has complained of. */
int show(const struct invocation *invocation, struct buf *buf);

/* Appends a text that others made: nothing in it that a terminal would obey. */
void show_clean(struct buf *buf, const char *text);
/* The same for JSON without white space but spaces, which stays what it was. */
void show_clean_json(struct buf *buf, const char *json, size_t length);

/* Whether that descriptor is a terminal; and one that shows colours, which nobody asked
 * not to (https://no-color.org). */
bool is_terminal(int descriptor);
bool has_colour(int descriptor);

/* --- the process ------------------------------------------------------------------ */

/* Standard descriptors that are open, no core file, no end by SIGPIPE. */
void process_prepare(void);
/* For a child, between fork() and exec: what process_prepare() changed is as it was. */
void process_restore(void);

/* SIGINT, SIGTERM, SIGHUP and SIGQUIT cancel what this client does; NULL: no client's.
 * Reads end with EINTR. */
void signals_watch(struct adit_client *client);
/* The signal that came, or 0. */
int signals_caught(void);

/* All of a descriptor or a file, at most `max` bytes: 0, or ERROR_IO with errno,
 * ERROR_LIMIT, ERROR_MEMORY. A path of "-" is stdin. The caller finishes the buf. */
int read_all(int descriptor, size_t max, struct buf *ret_buf);
int read_file(const char *path, size_t max, struct buf *ret_buf);

/* --- a client ----------------------------------------------------------------------- */

/* Which account it is where the options do not say. */
enum session_kind {
	SESSION_STORED, /* the one that is stored for the authority */
	SESSION_PERSON, /* that of the client `adit` */
	SESSION_SERVICE /* that of the client `external.customer` */
};

enum { SESSION_TEXT_SIZE = 512 };

struct session {
	struct adit_client *client;
	struct adit_client_options options;
	char client_id[SESSION_TEXT_SIZE];
	char account[SESSION_TEXT_SIZE];
	char username[SESSION_TEXT_SIZE]; /* of the credentials that are stored; "": none is known
					   */
	bool has_credentials; /* there are some, which the authority has taken; looked up only */
};

/* Fills in options that concern the storage alone, or all that the command line has.
 * 0, or ERROR_INVALID with the fault. */
int session_options(struct invocation *invocation, struct adit_client_options *ret_options);

/* Opens a client of `authority` as the options say. `account` is used where --account is
 * not given; may be NULL. `hooks` may be NULL. EXIT_DONE, or what it has complained of;
 * session_close() either way. */
struct session_request {
	const char *authority;
	enum session_kind kind;
	const char *account;
	const struct adit_client_hooks *hooks;
	bool keeps_nothing; /* no storage is needed */
	bool looks_up;	    /* what is stored is to be known, also where it is clear which */
};
int session_open(struct invocation *invocation, const struct session_request *request,
	struct session *session);
void session_close(struct session *session);

#endif
