/* SPDX-License-Identifier: Apache-2.0 */
/* The audit as a verb uses it: one entry, on disk before it goes on. */
#include "authority/audit.h"

#include "codec/json_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Who signed in at first, whatever sudo made of them since; -1: nobody did, or the kernel
 * does not say. */
static int64_t login_uid(void)
{
	char text[16] = "";
	int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	unsigned long uid = length > 0 ? strtoul(text, NULL, 10) : UINT32_MAX;

	if (fd >= 0)
		(void)close(fd);
	return uid < UINT32_MAX ? (int64_t)uid : -1;
}

int audit_members_append_actor(struct buf *members)
{
	struct json_writer writer = {.buf = members, .comma = members->len > 0};
	int64_t login = login_uid();

	json_write_number(&writer, "uid", (int64_t)getuid());
	if (login >= 0)
		json_write_number(&writer, "login_uid", login);
	return json_writer_status(&writer);
}

static int append(const struct audit_now *now, struct audit_chain *chain, const struct buf *batch)
{
	struct store_audit_head head;
	size_t used;
	int error = audit_chain_append(chain, batch, 0, &used);

	if (!error)
		error = audit_chain_sync(chain);
	if (error || now->in_commit)
		return error;
	audit_chain_head(chain, &head);
	return store_audit_head_put_now(now->store, &head);
}

static bool has_files(const struct audit_chain *chain)
{
	struct audit_files files = {0};
	bool some = !audit_files_list(chain->directory, &files) && files.count;

	audit_files_finish(&files);
	return some;
}

int audit_record_batch_now(
	const struct audit_now *now, const struct buf *batch, struct fault *fault)
{
	struct store_audit_head head = {0};
	const struct audit_chain_options options = {
		.data_directory = now->data_directory,
		.secret_key = now->secret_key,
		.clock = now->clock,
		.head = &head,
	};
	struct audit_chain chain;
	int error = store_audit_head_get(now->store, &head);

	if (error && error != ERROR_NOT_FOUND)
		return error;
	error = audit_chain_open(&chain, &options, fault);
	if (error)
		return error;
	if (now->restored && !has_files(&chain)) {
		chain.last = (struct audit_line){0};
		error = store_audit_head_forget(now->store);
	}
	if (!error)
		error = append(now, &chain, batch);
	if (error)
		fault_set(fault, "the audit in %s/audit can't be written: %s", now->data_directory,
			error == ERROR_IO ? strerror(errno) : error_text(error));
	audit_chain_close(&chain);
	return error;
}

int audit_record_now(
	const struct audit_now *now, const char *members, size_t length, struct fault *fault)
{
	struct buf batch;
	int error;

	buf_init(&batch, AUDIT_LINE_MAX + 64);
	error = audit_batch_add(&batch, clock_now_s(now->clock), members, length);
	if (!error)
		error = audit_record_batch_now(now, &batch, fault);
	buf_finish(&batch);
	return error;
}
