/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of aditd: a table of nouns and verbs, one file a noun.
 */
#ifndef AUTHORITY_COMMAND_COMMAND_H
#define AUTHORITY_COMMAND_COMMAND_H

#include "authority/admin.h"
#include "authority/context.h"
#include "authority/data_directory.h"
#include "authority/options.h"
#include "authority/output.h"
#include "authority/reminder.h"
#include "authority/respond.h"

/* The contract's exit codes. */
enum exit_code {
	EXIT_DONE = 0,
	EXIT_OTHER = 1,
	EXIT_USAGE = 2,
	EXIT_STORAGE = 5,
};

#define COMMAND_DEFAULT_DATA "/var/lib/adit"
#define COMMAND_DEFAULT_CONFIG "/etc/adit/aditd.conf"
#define COMMAND_DEFAULT_LISTEN "127.0.0.1:8480"

/* Options that every verb has. */
#define COMMAND_OPTIONS_COMMON                                                                     \
	{"data", "DIR", "the data directory (" COMMAND_DEFAULT_DATA ")", false, true},             \
		{"config", "FILE", "the configuration file (" COMMAND_DEFAULT_CONFIG ")", false,   \
			false},                                                                    \
		{"clock", "FILE",                                                                  \
			"read the time from this file, in every process: for tests only", false,   \
			false},                                                                    \
	{                                                                                          \
		"help", NULL, "print this and exit", false, false                                  \
	}
#define COMMAND_OPTION_JSON                                                                        \
	{                                                                                          \
		"json", NULL, "print JSON", false, false                                           \
	}
#define COMMAND_OPTION_PASSWORD_OUT                                                                \
	{                                                                                          \
		"password-out", "FILE",                                                            \
			"write the secret to this new file (0600) instead of stdout", false, false \
	}

struct administration;

struct invocation {
	const struct verb *verb;
	struct options options;
	struct clock clock;
	struct fault fault;
	char made[STORE_USERNAME_SIZE]; /* what was made, where the arguments do not name it */
	/* Who may do what from now on, where the arguments do not say: what the change's entries
	 * name. Borrowed, while the change is made. */
	const struct store_service_user *granted;
	size_t granted_count;
	enum exit_code exit_code; /* of a failure whose error does not tell; EXIT_DONE: it does */
};

struct verb {
	const char *noun; /* NULL for init, serve, dev */
	const char *name;
	const char *arguments; /* positional ones, for the help */
	const char *summary;
	const struct option_spec *specs;
	size_t least; /* positional arguments */
	size_t most;
	/* One of the two: 0 or an error, with the fault set. `administer` gets the
	 * opened data directory. */
	int (*run)(struct invocation *invocation);
	int (*administer)(
		struct invocation *invocation, const struct administration *administration);
};

/* Each ends with a verb whose name is NULL. */
extern const struct verb init_verbs[];
extern const struct verb serve_verbs[];
extern const struct verb dev_verbs[];
extern const struct verb site_verbs[];
extern const struct verb grant_verbs[];
extern const struct verb resource_verbs[];
extern const struct verb service_user_verbs[];
extern const struct verb client_verbs[];
extern const struct verb key_verbs[];
extern const struct verb backup_verbs[];
extern const struct verb audit_verbs[];
extern const struct verb explain_verbs[];
extern const struct verb migrate_verbs[];

/* The options that may stand in the configuration file: those of serve. */
extern const struct option_spec serve_options[];
/* Those of a verb that has no option of its own, and of one that makes a new secret. */
extern const struct option_spec command_plain_options[];
extern const struct option_spec command_rotate_options[];

/* Opens the data directory and the keys for a verb; closes them. */
struct administration {
	struct data_directory directory;
	struct keyring *keyring;
	struct admin admin;
};
int administration_open(struct invocation *invocation, struct administration *administration);
void administration_close(struct administration *administration);

/* The audit's entries of a verb: one before the first change is committed, without which
 * it is not, more where that does not name all who were granted something, and one of how
 * the verb ended. A verb that changes nothing leaves none. */
struct change {
	struct invocation *invocation;
	const struct administration *administration;
	char correlation_id[CORRELATION_ID_LENGTH + 1];
	bool begun;
	int failed; /* why the first entry could not be written */
	struct fault fault;
};
void change_watch(struct change *change, struct invocation *invocation,
	const struct administration *administration);
/* `error` is how the verb ended. Returns that, or what went wrong with the entry; then the
 * fault is set. */
int change_end(struct change *change, int error);
/* For a verb that changes nothing in the store, and is to be recorded all the same. */
int change_record(struct invocation *invocation, const struct administration *administration);

/* The path that --data names. */
const char *invocation_data(const struct invocation *invocation);

/* Where a new secret goes: --password-out's file, or kept to be printed. */
struct delivery {
	const char *path; /* NULL: stdout */
	bool written;
	char name[STORE_USERNAME_SIZE]; /* whose */
	int reason;			/* errno of the file that could not be made; 0: none */
	char secret[GENERATED_PASSWORD_SIZE];
};
void delivery_init(struct delivery *delivery, const struct invocation *invocation);
/* Wipes the secret. Gives `error` back, with the fault naming the file where it was
 * the file's. */
int delivery_finish(struct delivery *delivery, int error, struct fault *fault);
/* The secret to be printed, or NULL where it went to a file or there is none. */
const char *delivery_shown(const struct delivery *delivery);
/* Ends an output that shows the secret (`delivery` NULL: there is none): where it can't
 * be written the fault says that the secret is lost and how to get another, or in which
 * file it is. */
int delivery_output_end(
	struct invocation *invocation, const struct delivery *delivery, struct output *output);
int delivery_take(void *context, const char *name, const char *secret);

/* What command_rotate_options say, delivered to `delivery`. 0 or ERROR_INVALID. */
int rotation_init(struct admin_rotation *rotation, struct delivery *delivery,
	const struct invocation *invocation, struct fault *fault);

enum { COMMAND_NOTE_ROOM = 32 };
/* The field "expires_at" of a list of passwords or secrets: when the newest ends, and for
 * people a note, kept in `note`, where one ends soon. */
struct output_field command_expiry(const struct store_credential *list, size_t count, int64_t now_s,
	char note[REMINDER_TEXT_SIZE + COMMAND_NOTE_ROOM]);
/* A part of the output: each with its times. `name` is static. */
void command_print_credentials(struct output *output, const char *name,
	const struct store_credential *list, size_t count, int64_t now_s);
/* Parts of the output: the clients that use a Service User, and from where. The store's error. */
int command_print_uses(struct output *output, struct store *store, const char *user_id);

/* Ends the output; sets the fault where it can't be written. */
int command_output_end(struct invocation *invocation, struct output *output);
/* Ends a verb that has changed something and then showed it, with showing's `error`:
 * the fault says that it was done. */
int command_changed(struct invocation *invocation, int error);
/* Ends a list that the store gave, with the store's `error`: sets the fault. */
int command_list_end(struct invocation *invocation, struct output *output, int error);

/* Runs a started authority until SIGTERM or SIGINT. `ready` is called once, `reload` at
 * each SIGHUP, `tick` four times a second, `stopping` once at the end; all but `ready` may be NULL.
 */
struct running {
	struct authority *authority;
	const char *const *listen;
	size_t listen_count;
	int (*ready)(void *context);
	void (*reload)(void *context);
	void (*tick)(void *context);
	void (*stopping)(void *context);
	void *context;
};
int command_serve(const struct running *running, struct fault *fault);
/* No core files and no debugger: every verb has keys or secrets in its memory. */
void command_leave_no_core(void);
/* To be called before any thread is made: signals are held for command_serve(), SIGHUP
 * too where it is to be taken as `reload`. */
void command_prepare_process(bool reloads);

/* Where to listen: the sockets that systemd passed, then --listen; the default where there
 * is neither. */
enum { LISTENING_MAX = 16 };
struct listening {
	const char *names[LISTENING_MAX];   /* as http_server_address() has them, but for ports */
	const char *targets[LISTENING_MAX]; /* as http_server_options.listen has them */
	size_t count;
	struct {
		char name[HTTP_ADDRESS_SIZE];
		char target[16];
	} passed[LISTENING_MAX];
};
/* 0, or ERROR_INVALID with the fault: also where plain HTTP would go beyond loopback. */
int listening_take(struct listening *listening, struct invocation *invocation);
/* Whether Unix sockets are all there is. */
bool listening_is_unix(const struct listening *listening);

/* Telling systemd how the authority does: that it is ready, and as long as it goes on. */
struct supervision {
	struct authority *authority;
	const char *issuer;
	int64_t watchdog_ms; /* 0: none */
	int64_t watchdog_due_ms;
	int64_t status_due_ms;
	bool is_told; /* somebody listens */
	bool was_ready;
};
void supervision_init(struct supervision *supervision, struct authority *authority);
void supervision_ready(struct supervision *supervision);
void supervision_reloading(void);
void supervision_tick(struct supervision *supervision);
void supervision_stopping(void);

/* The certificate that --tls-cert and --tls-key name, and what is told of it. */
struct certificate {
	struct tls_server *tls; /* NULL: none is given */
	const char *path;
	const struct log *log;
	const struct clock *clock;
	const char *host; /* that clients ask for; NULL: not known */
	int64_t told_at;
};
/* 0, or an error with the fault. Closed in any case. */
int certificate_open(struct certificate *certificate, struct invocation *invocation);
void certificate_close(struct certificate *certificate);
/* Warns of what is wrong with it, now, or once a day. */
void certificate_tell(struct certificate *certificate);
void certificate_tell_daily(struct certificate *certificate);
/* Reads the files again; the log says how it went. */
void certificate_reload(struct certificate *certificate);

/* Whether it is a numeric address with a port, or "unix:" and a path that fits. */
bool listen_has_form(const char *address);
/* "127.0.0.1:8480", "[::1]:8480" or "unix:…": what plain HTTP may be spoken on. */
bool listen_is_local(const char *address);

#endif
