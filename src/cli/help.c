/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include "codec/json_writer.h"

#include <string.h>

enum {
	SUMMARY_COLUMN = 42,
	HELP_COLUMN = 32,
};

static void pad(struct buf *buf, size_t begun_at, size_t column)
{
	size_t width = buf->len - begun_at;

	(void)buf_printf(buf, "%*s", width < column ? (int)(column - width) : 1, "");
}

static void append_name(struct buf *buf, const struct command *command)
{
	(void)buf_printf(buf, "adit %s%s%s%s%s", command->noun ? command->noun : "",
		command->noun ? " " : "", command->name, *command->arguments ? " " : "",
		command->arguments);
}

static void append_options(struct buf *buf, const struct option_spec *spec)
{
	for (; spec && spec->name; spec++) {
		size_t begun_at = buf->len;

		if (spec->letter)
			(void)buf_printf(buf, "  -%c, --%s", spec->letter, spec->name);
		else
			(void)buf_printf(buf, "      --%s", spec->name);
		(void)buf_printf(
			buf, "%s%s", spec->value ? " " : "", spec->value ? spec->value : "");
		pad(buf, begun_at, HELP_COLUMN);
		(void)buf_printf(buf, "%s\n", spec->help);
	}
}

int help_command(const struct invocation *invocation, const struct command *command)
{
	struct buf buf;

	buf_init(&buf, COMMAND_OUTPUT_MAX);
	append_name(&buf, command);
	(void)buf_printf(&buf, " [options]: %s\n\n", command->summary);
	append_options(&buf, command->options);
	if (command->uses_client)
		append_options(&buf, client_options);
	append_options(&buf, plain_options);
	(void)buf_printf(&buf, "\nman %s has more.\n", command->page);
	return show(invocation, &buf);
}

static void write_options(struct json_writer *writer, const struct option_spec *spec)
{
	static const char *const kinds[] = {"text", "file", "directory", "program"};

	for (; spec && spec->name; spec++) {
		char letter[2] = {spec->letter, '\0'};

		json_write_object(writer, NULL);
		json_write_text(writer, "name", spec->name);
		json_write_text(writer, "letter", spec->letter ? letter : NULL);
		json_write_text(writer, "value", spec->value);
		json_write_text(writer, "kind", spec->value ? kinds[spec->kind] : NULL);
		json_write_text(writer, "help", spec->help);
		json_write_object_end(writer);
	}
}

static void write_command(struct json_writer *writer, const struct command *command)
{
	json_write_object(writer, NULL);
	json_write_text(writer, "noun", command->noun);
	json_write_text(writer, "name", command->name);
	json_write_text(writer, "arguments", command->arguments);
	json_write_text(writer, "summary", command->summary);
	json_write_text(writer, "page", command->page);
	json_write_array(writer, "options");
	write_options(writer, command->options);
	json_write_array_end(writer);
	json_write_boolean(writer, "uses_client", command->uses_client);
	json_write_object_end(writer);
}

static void write_all(struct buf *buf, const struct command *const *commands)
{
	struct json_writer writer;

	json_writer_init(&writer, buf);
	json_write_object(&writer, NULL);
	json_write_array(&writer, "commands");
	for (; *commands; commands++)
		write_command(&writer, *commands);
	json_write_array_end(&writer);
	json_write_array(&writer, "client_options");
	write_options(&writer, client_options);
	json_write_array_end(&writer);
	json_write_array(&writer, "plain_options");
	write_options(&writer, plain_options);
	json_write_array_end(&writer);
	json_write_object_end(&writer);
	(void)buf_append_char(buf, '\n');
}

int help_all(const struct invocation *invocation, const struct command *const *commands,
	const char *noun)
{
	struct buf buf;

	buf_init(&buf, COMMAND_OUTPUT_MAX);
	if (invocation->json) {
		write_all(&buf, commands);
		return show(invocation, &buf);
	}
	(void)buf_append_text(&buf,
		"adit " ADIT_VERSION ", tokens for APIs behind an OpenID Connect "
		"authority\n\n");
	for (; *commands; commands++) {
		size_t begun_at = buf.len;

		if (noun && (!(*commands)->noun || strcmp((*commands)->noun, noun) != 0))
			continue;
		(void)buf_append_text(&buf, "  ");
		append_name(&buf, *commands);
		pad(&buf, begun_at, SUMMARY_COLUMN);
		(void)buf_printf(&buf, "%s\n", (*commands)->summary);
	}
	(void)buf_append_text(&buf,
		"\nadit help COMMAND shows the options of a command. URL is the "
		"authority's address.\n");
	return show(invocation, &buf);
}

int help_version(const struct invocation *invocation)
{
	struct buf buf;

	buf_init(&buf, COMMAND_OUTPUT_MAX);
	(void)buf_append_text(&buf, "adit " ADIT_VERSION);
	if (strcmp(adit_version(), ADIT_VERSION) != 0)
		(void)buf_printf(&buf, " (libadit %s)", adit_version());
	(void)buf_append_char(&buf, '\n');
	return show(invocation, &buf);
}
