/* SPDX-License-Identifier: Apache-2.0 */
/* Storage that ends with its client. Nobody else sees it, so that its locks are always free. */
#include "base/secret.h"
#include "client/storage_verbs.h"

#include <stdlib.h>
#include <string.h>

enum { PARTS_MAX = 4096 };

struct memory_part {
	struct memory_part *next;
	char account[STORAGE_ACCOUNT_SIZE];
	char part[STORAGE_PART_SIZE];
	struct buf bytes;
};

struct memory_storage {
	struct storage storage;
	struct memory_part *parts; /* an account's stand together */
	size_t count;
};

static struct memory_storage *of(struct storage *storage)
{
	return (struct memory_storage *)storage;
}

static void free_part(struct memory_part *part)
{
	buf_finish(&part->bytes);
	free(part);
}

static void memory_close(struct storage *storage)
{
	struct memory_storage *memory = of(storage);

	while (memory->parts) {
		struct memory_part *part = memory->parts;

		memory->parts = part->next;
		free_part(part);
	}
	free(memory);
}

/* Where the part hangs, or where a new one of the account is to. */
static struct memory_part **find(
	struct memory_storage *memory, const char *account, const char *part)
{
	struct memory_part **place = &memory->parts;
	struct memory_part **after = NULL;

	for (; *place; place = &(*place)->next) {
		if (strcmp((*place)->account, account) != 0)
			continue;
		if (!strcmp((*place)->part, part))
			return place;
		after = &(*place)->next;
	}
	return after ? after : place;
}

static bool is_it(const struct memory_part *found, const char *account, const char *part)
{
	return found && !strcmp(found->account, account) && !strcmp(found->part, part);
}

static int memory_read(struct storage *storage, const char *account, const char *part,
	struct buf *ret_bytes, struct fault *fault)
{
	const struct memory_part *found = *find(of(storage), account, part);
	struct buf copy;
	int error;

	(void)fault;
	if (!is_it(found, account, part))
		return ERROR_NOT_FOUND;
	buf_init(&copy, STORAGE_PART_MAX);
	error = buf_append(&copy, found->bytes.data, found->bytes.len);
	if (error)
		buf_finish(&copy);
	else
		*ret_bytes = copy;
	return error;
}

static int add_part(struct memory_storage *memory, const char *account, const char *part,
	const struct buf *bytes)
{
	struct memory_part **place = find(memory, account, part);
	struct memory_part *added;

	if (memory->count >= PARTS_MAX)
		return ERROR_LIMIT;
	added = calloc(1, sizeof(*added));
	if (!added)
		return ERROR_MEMORY;
	(void)text_copy(added->account, sizeof(added->account), account);
	(void)text_copy(added->part, sizeof(added->part), part);
	added->bytes = *bytes;
	added->next = *place;
	*place = added;
	memory->count++;
	return 0;
}

static int memory_write(struct storage *storage, const char *account, const char *part,
	const void *bytes, size_t length, struct fault *fault)
{
	struct memory_storage *memory = of(storage);
	struct memory_part *found = *find(memory, account, part);
	struct buf copy;
	int error;

	buf_init(&copy, STORAGE_PART_MAX);
	error = buf_append(&copy, bytes, length);
	if (!error && is_it(found, account, part)) {
		buf_finish(&found->bytes);
		found->bytes = copy;
		return 0;
	}
	if (!error)
		error = add_part(memory, account, part, &copy);
	if (error) {
		fault_set(fault, "no memory left to keep what was got");
		buf_finish(&copy);
	}
	return error;
}

static int memory_remove(
	struct storage *storage, const char *account, const char *part, struct fault *fault)
{
	struct memory_storage *memory = of(storage);
	struct memory_part **place = find(memory, account, part);
	struct memory_part *found = *place;

	(void)fault;
	if (!is_it(found, account, part))
		return 0;
	*place = found->next;
	memory->count--;
	free_part(found);
	return 0;
}

static int memory_list(
	struct storage *storage, storage_visitor visit, void *context, struct fault *fault)
{
	const struct memory_part *next;
	int result = 0;

	(void)fault;
	for (const struct memory_part *part = of(storage)->parts; part && !result; part = next) {
		/* It may be removed meanwhile. */
		struct memory_part names = *part;

		next = part->next;
		result = visit(context, names.account, names.part);
	}
	return result;
}

static void memory_describe(
	const struct storage *storage, struct storage_description *ret_description)
{
	(void)storage;
	*ret_description = (struct storage_description){.kind = "memory"};
}

static const struct storage_verbs memory_verbs = {
	.close = memory_close,
	.read = memory_read,
	.write = memory_write,
	.remove = memory_remove,
	.list = memory_list,
	.describe = memory_describe,
};

int storage_open_memory(struct storage **ret_storage, struct fault *fault)
{
	struct memory_storage *memory = calloc(1, sizeof(*memory));

	if (!memory) {
		fault_set(fault, "no memory left to keep tokens in");
		return ERROR_MEMORY;
	}
	memory->storage.verbs = &memory_verbs;
	*ret_storage = &memory->storage;
	return 0;
}
