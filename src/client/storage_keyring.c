/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libsecret is called by declarations of our own, since it is neither linked nor needed to
 * build: they are of its stable interface (libsecret 0.18 and later, GLib 2.32 and later).
 * Each call runs GLib's asynchronous functions in a main context that nobody else has, until
 * they are done or the time is over; the service's proxy is this call's own too.
 */
#include "client/storage_keyring.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	/* After the time is over: for calls to notice that they were cancelled. */
	CANCEL_MS = 300,
	/* secret-service.h, secret-schema.h, secret-collection.h */
	OPEN_SESSION = 1 << 1,
	SEARCH_LOAD_SECRETS = 1 << 3,
	COLLECTION_NONE = 0,
	SCHEMA_NONE = 0,
	ATTRIBUTE_STRING = 0,
	ATTRIBUTES_MAX = 32,
	TEXT_MAX = 256,
	ITERATIONS_MAX = 1000,
};

struct glib_error {
	uint32_t domain;
	int code;
	char *message;
};

struct glib_list {
	void *data;
	struct glib_list *next;
	struct glib_list *previous;
};

/* secret-schema.h: the one structure of libsecret that its users fill in. */
struct secret_schema {
	const char *name;
	int flags;
	struct {
		const char *name;
		int type;
	} attributes[ATTRIBUTES_MAX];
	int reserved;
	void *reserved_pointers[7];
};

typedef void (*ready_function)(void *source, void *result, void *context);

struct keyring_calls {
	void *(*context_new)(void);
	void (*context_push)(void *context);
	void (*context_pop)(void *context);
	void (*context_unref)(void *context);
	int (*context_iteration)(void *context, int may_block);
	void *(*timeout_new)(unsigned milliseconds);
	void (*source_set)(void *source, int (*function)(void *data), void *data, void *notify);
	unsigned (*source_attach)(void *source, void *context);
	void (*source_destroy)(void *source);
	void (*source_unref)(void *source);
	void *(*cancellable_new)(void);
	void (*cancel)(void *cancellable);
	void *(*object_ref)(void *object);
	void (*object_unref)(void *object);
	void (*error_free)(struct glib_error *error);
	void (*list_free)(struct glib_list *list);
	void *(*table_new)(void *hash, void *equal);
	int (*table_insert)(void *table, const void *key, const void *value);
	void (*table_unref)(void *table);
	void *hash;
	void *equal;
	size_t (*service_type)(void);
	void (*service_open)(size_t type, const char *bus_name, int flags, void *cancellable,
		ready_function ready, void *data);
	void *(*service_open_end)(void *result, struct glib_error **error);
	void (*search)(void *service, const struct secret_schema *schema, void *attributes,
		int flags, void *cancellable, ready_function ready, void *data);
	struct glib_list *(*search_end)(void *service, void *result, struct glib_error **error);
	int (*item_is_locked)(void *item);
	void *(*item_secret)(void *item);
	void *(*value_new)(const char *text, ssize_t length, const char *type);
	const char *(*value_get)(void *value, size_t *length);
	void (*value_unref)(void *value);
	void (*alias)(void *service, const char *name, int flags, void *cancellable,
		ready_function ready, void *data);
	void *(*alias_end)(void *result, struct glib_error **error);
	int (*collection_is_locked)(void *collection);
	void (*store)(void *service, const struct secret_schema *schema, void *attributes,
		const char *collection, const char *label, void *value, void *cancellable,
		ready_function ready, void *data);
	int (*store_end)(void *service, void *result, struct glib_error **error);
	void (*clear)(void *service, const struct secret_schema *schema, void *attributes,
		void *cancellable, ready_function ready, void *data);
	int (*clear_end)(void *service, void *result, struct glib_error **error);
};

static const struct secret_schema schema = {.name = "org.adit.storage",
	.flags = SCHEMA_NONE,
	.attributes = {{"directory", ATTRIBUTE_STRING}}};

#define SYMBOL(name, member)                                                                       \
	{                                                                                          \
		name, offsetof(struct keyring_calls, member)                                       \
	}

static const struct {
	const char *name;
	size_t offset;
} symbols[] = {
	SYMBOL("g_main_context_new", context_new),
	SYMBOL("g_main_context_push_thread_default", context_push),
	SYMBOL("g_main_context_pop_thread_default", context_pop),
	SYMBOL("g_main_context_unref", context_unref),
	SYMBOL("g_main_context_iteration", context_iteration),
	SYMBOL("g_timeout_source_new", timeout_new),
	SYMBOL("g_source_set_callback", source_set),
	SYMBOL("g_source_attach", source_attach),
	SYMBOL("g_source_destroy", source_destroy),
	SYMBOL("g_source_unref", source_unref),
	SYMBOL("g_cancellable_new", cancellable_new),
	SYMBOL("g_cancellable_cancel", cancel),
	SYMBOL("g_object_ref", object_ref),
	SYMBOL("g_object_unref", object_unref),
	SYMBOL("g_error_free", error_free),
	SYMBOL("g_list_free", list_free),
	SYMBOL("g_hash_table_new", table_new),
	SYMBOL("g_hash_table_insert", table_insert),
	SYMBOL("g_hash_table_unref", table_unref),
	SYMBOL("g_str_hash", hash),
	SYMBOL("g_str_equal", equal),
	SYMBOL("secret_service_get_type", service_type),
	SYMBOL("secret_service_open", service_open),
	SYMBOL("secret_service_open_finish", service_open_end),
	SYMBOL("secret_service_search", search),
	SYMBOL("secret_service_search_finish", search_end),
	SYMBOL("secret_item_get_locked", item_is_locked),
	SYMBOL("secret_item_get_secret", item_secret),
	SYMBOL("secret_value_new", value_new),
	SYMBOL("secret_value_get", value_get),
	SYMBOL("secret_value_unref", value_unref),
	SYMBOL("secret_collection_for_alias", alias),
	SYMBOL("secret_collection_for_alias_finish", alias_end),
	SYMBOL("secret_collection_get_locked", collection_is_locked),
	SYMBOL("secret_service_store", store),
	SYMBOL("secret_service_store_finish", store_end),
	SYMBOL("secret_service_clear", clear),
	SYMBOL("secret_service_clear_finish", clear_end),
};

/* One use of the keyring. */
struct keyring {
	struct keyring_calls calls;
	struct fault *fault;
	void *context;
	void *cancellable;
	void *give_up; /* sources of time-outs */
	void *abandon;
	void *attributes;
	void *service;
	void *result; /* of the call that is under way */
	bool is_over;
	bool is_abandoned;
};

static const char remedy[] = "use another key of the storage (\"file:PATH\", \"systemd:NAME\")";

/* --- loading ----------------------------------------------------------------------- */

/* Without one, GLib would start a bus. */
static bool has_bus(void)
{
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	char path[4096];

	if (address && *address)
		return true;
	if (!runtime || *runtime != '/' || strlen(runtime) > sizeof(path) - sizeof("/bus"))
		return false;
	(void)snprintf(path, sizeof(path), "%s/bus", runtime);
	return !access(path, F_OK);
}

static int load(struct keyring *keyring)
{
	/* Never unloaded: GLib has a thread, and can't be. */
	void *library = dlopen("libsecret-1.so.0", RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
	void *symbol = library;

	for (size_t i = 0; symbol && i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		symbol = dlsym(library, symbols[i].name);
		memcpy((char *)&keyring->calls + symbols[i].offset, &symbol, sizeof(symbol));
	}
	if (symbol)
		return 0;
	fault_set(keyring->fault,
		"the desktop's keyring can't be asked, libsecret is not there: install "
		"libsecret-1-0, or %s",
		remedy);
	return ERROR_UNAVAILABLE;
}

/* --- waiting ----------------------------------------------------------------------- */

static int on_give_up(void *data)
{
	struct keyring *keyring = data;

	keyring->is_over = true;
	keyring->calls.cancel(keyring->cancellable);
	return 0;
}

static int on_abandon(void *data)
{
	struct keyring *keyring = data;

	keyring->is_abandoned = true;
	return 0;
}

static void *start_timeout(struct keyring *keyring, unsigned ms, int (*function)(void *data))
{
	void *source = keyring->calls.timeout_new(ms);

	keyring->calls.source_set(source, function, keyring, NULL);
	(void)keyring->calls.source_attach(source, keyring->context);
	return source;
}

static void end_timeout(const struct keyring *keyring, void *source)
{
	keyring->calls.source_destroy(source);
	keyring->calls.source_unref(source);
}

static void on_ready(void *source, void *result, void *data)
{
	struct keyring *keyring = data;

	(void)source;
	keyring->result = keyring->calls.object_ref(result);
}

/* Until the call that was begun has ended: 0, or ERROR_TIMEOUT when it does not even notice
 * that it was cancelled. Nobody runs the context after that, so nothing comes late. */
static int wait_for(struct keyring *keyring)
{
	while (!keyring->result && !keyring->is_abandoned)
		(void)keyring->calls.context_iteration(keyring->context, 1);
	return keyring->result ? 0 : ERROR_TIMEOUT;
}

static void drop_result(struct keyring *keyring)
{
	if (keyring->result)
		keyring->calls.object_unref(keyring->result);
	keyring->result = NULL;
}

static int tell_silent(const struct keyring *keyring)
{
	fault_set(keyring->fault,
		"the desktop's keyring did not answer within %d s: see whether it waits for "
		"somebody to unlock it, or %s",
		KEYRING_MS_MAX / 1000, remedy);
	return ERROR_UNAVAILABLE;
}

static int tell_locked(const struct keyring *keyring)
{
	fault_set(keyring->fault,
		"the desktop's keyring is locked: unlock it, for example by signing in to the "
		"desktop, or %s",
		remedy);
	return ERROR_UNAVAILABLE;
}

/* What a call said that has ended, or has not. Frees the error. */
static int tell(const struct keyring *keyring, int waited, struct glib_error *error)
{
	char text[TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s", error && error->message ? error->message : "");
	if (error)
		keyring->calls.error_free(error);
	if (waited || keyring->is_over)
		return tell_silent(keyring);
	fault_set(keyring->fault, "the desktop's keyring does not work: %s: start it, or %s",
		*text ? text : "it said nothing", remedy);
	return ERROR_UNAVAILABLE;
}

/* --- beginning and ending ------------------------------------------------------------ */

static int open_service(struct keyring *keyring)
{
	struct keyring_calls *calls = &keyring->calls;
	struct glib_error *error = NULL;
	int waited;

	calls->service_open(
		calls->service_type(), NULL, OPEN_SESSION, keyring->cancellable, on_ready, keyring);
	waited = wait_for(keyring);
	if (!waited)
		keyring->service = calls->service_open_end(keyring->result, &error);
	drop_result(keyring);
	return keyring->service ? 0 : tell(keyring, waited, error);
}

static void finish(struct keyring *keyring)
{
	struct keyring_calls *calls = &keyring->calls;

	if (keyring->service)
		calls->object_unref(keyring->service);
	end_timeout(keyring, keyring->give_up);
	end_timeout(keyring, keyring->abandon);
	/* What proxies leave to be freed in their context. */
	for (int i = 0; i < ITERATIONS_MAX && calls->context_iteration(keyring->context, 0); i++)
		drop_result(keyring);
	drop_result(keyring);
	calls->context_pop(keyring->context);
	calls->table_unref(keyring->attributes);
	calls->object_unref(keyring->cancellable);
	calls->context_unref(keyring->context);
}

/* `directory` has to outlive it. */
static int init(struct keyring *keyring, const char *directory, struct fault *fault)
{
	struct keyring_calls *calls = &keyring->calls;
	int error;

	*keyring = (struct keyring){.fault = fault};
	if (!has_bus()) {
		fault_set(fault,
			"there is no desktop's keyring, since there is no session bus (D-Bus): %s",
			remedy);
		return ERROR_UNAVAILABLE;
	}
	error = load(keyring);
	if (error)
		return error;
	keyring->context = calls->context_new();
	calls->context_push(keyring->context);
	keyring->cancellable = calls->cancellable_new();
	keyring->give_up = start_timeout(keyring, KEYRING_MS_MAX, on_give_up);
	keyring->abandon = start_timeout(keyring, KEYRING_MS_MAX + CANCEL_MS, on_abandon);
	keyring->attributes = calls->table_new(calls->hash, calls->equal);
	(void)calls->table_insert(keyring->attributes, "directory", directory);
	error = open_service(keyring);
	if (error)
		finish(keyring);
	return error;
}

/* --- what is asked ------------------------------------------------------------------- */

static int take_item(const struct keyring *keyring, void *item, struct secret *ret_text)
{
	const struct keyring_calls *calls = &keyring->calls;
	size_t length = 0;
	const char *text;
	void *value;
	int error;

	if (calls->item_is_locked(item))
		return tell_locked(keyring);
	value = calls->item_secret(item);
	if (!value)
		return tell(keyring, 0, NULL);
	text = calls->value_get(value, &length);
	error = secret_init(ret_text, text, length);
	if (error)
		fault_set(keyring->fault, "no memory left to read the storage's key");
	calls->value_unref(value);
	return error;
}

/* Storing in a collection that is locked or absent would have a person asked; of one that is
 * locked nobody knows what is in it. */
static int check_collection(struct keyring *keyring)
{
	struct glib_error *said = NULL;
	void *collection = NULL;
	int error = 0;
	int waited;

	keyring->calls.alias(keyring->service, "default", COLLECTION_NONE, keyring->cancellable,
		on_ready, keyring);
	waited = wait_for(keyring);
	if (!waited)
		collection = keyring->calls.alias_end(keyring->result, &said);
	drop_result(keyring);
	if (waited || said)
		return tell(keyring, waited, said);
	if (!collection) {
		fault_set(keyring->fault,
			"the desktop's keyring has no default collection: make one, or %s", remedy);
		return ERROR_UNAVAILABLE;
	}
	if (keyring->calls.collection_is_locked(collection))
		error = tell_locked(keyring);
	keyring->calls.object_unref(collection);
	return error;
}

static int tell_none(struct keyring *keyring)
{
	int error = check_collection(keyring);

	return error ? error : ERROR_NOT_FOUND;
}

int storage_keyring_read(const char *directory, struct secret *ret_text, struct fault *fault)
{
	struct keyring keyring;
	struct glib_error *said = NULL;
	struct glib_list *items = NULL;
	int waited;
	int error = init(&keyring, directory, fault);

	if (error)
		return error;
	keyring.calls.search(keyring.service, &schema, keyring.attributes, SEARCH_LOAD_SECRETS,
		keyring.cancellable, on_ready, &keyring);
	waited = wait_for(&keyring);
	if (!waited)
		items = keyring.calls.search_end(keyring.service, keyring.result, &said);
	drop_result(&keyring);
	if (waited || said)
		error = tell(&keyring, waited, said);
	else
		error = items ? take_item(&keyring, items->data, ret_text) : tell_none(&keyring);
	for (const struct glib_list *item = items; item; item = item->next)
		keyring.calls.object_unref(item->data);
	keyring.calls.list_free(items);
	finish(&keyring);
	return error;
}

static int write_value(struct keyring *keyring, const char *label, const char *text)
{
	struct glib_error *said = NULL;
	void *value = keyring->calls.value_new(text, -1, "text/plain");
	int stored = 0;
	int waited;

	keyring->calls.store(keyring->service, &schema, keyring->attributes, "default", label,
		value, keyring->cancellable, on_ready, keyring);
	waited = wait_for(keyring);
	if (!waited)
		stored = keyring->calls.store_end(keyring->service, keyring->result, &said);
	drop_result(keyring);
	keyring->calls.value_unref(value);
	return stored ? 0 : tell(keyring, waited, said);
}

int storage_keyring_write(
	const char *directory, const char *label, const char *text, struct fault *fault)
{
	struct keyring keyring;
	int error = init(&keyring, directory, fault);

	if (error)
		return error;
	error = check_collection(&keyring);
	if (!error)
		error = write_value(&keyring, label, text);
	finish(&keyring);
	return error;
}

int storage_keyring_remove(const char *directory, struct fault *fault)
{
	struct keyring keyring;
	struct glib_error *said = NULL;
	int waited;
	int error = init(&keyring, directory, fault);

	if (error)
		return error;
	keyring.calls.clear(keyring.service, &schema, keyring.attributes, keyring.cancellable,
		on_ready, &keyring);
	waited = wait_for(&keyring);
	if (!waited)
		(void)keyring.calls.clear_end(keyring.service, keyring.result, &said);
	if (waited || said)
		error = tell(&keyring, waited, said);
	drop_result(&keyring);
	finish(&keyring);
	return error;
}
