/* SPDX-License-Identifier: Apache-2.0 */
#include "authority/command/command.h"

#include <stdio.h>

static const struct option_spec specs[] = {
	{"plan", NULL, "say what would be done, and change nothing", false, false},
	{"backup", "FILE", "write the backup to this new file (into the data directory)", false,
		false},
	{"no-backup", NULL, "make no backup before", false, false},
	COMMAND_OPTION_JSON,
	COMMAND_OPTIONS_COMMON,
	{0},
};

static void print_plan_json(struct output *output, const struct data_plan *plan)
{
	struct json_writer *writer = &output->writer;

	json_write_object(writer, NULL);
	json_write_number(writer, "schema", plan->schema);
	json_write_number(writer, "target", STORE_SCHEMA_VERSION);
	json_write_array(writer, "pending");
	for (int64_t i = plan->schema + 1; i <= STORE_SCHEMA_VERSION; i++) {
		const struct store_migration *migration = store_migration_get(i);

		json_write_object(writer, NULL);
		json_write_number(writer, "schema", migration->version);
		json_write_text(writer, "name", migration->name);
		json_write_text(writer, "does", migration->does);
		json_write_object_end(writer);
	}
	json_write_array_end(writer);
	json_write_number(writer, "database_bytes", plan->database_bytes);
	json_write_number(writer, "needed_bytes", plan->needed_bytes);
	json_write_number(writer, "free_bytes", plan->free_bytes);
	json_write_boolean(writer, "server_running", plan->served);
	json_write_object_end(writer);
}

static int print_pending(struct invocation *invocation, const struct data_plan *plan)
{
	struct output output;

	output_begin(&output, false, true);
	for (int64_t i = plan->schema + 1; i <= STORE_SCHEMA_VERSION; i++) {
		const struct store_migration *migration = store_migration_get(i);

		output_row(&output, (const struct output_field[]){
					    output_number("schema", migration->version),
					    output_text("name", migration->name),
					    output_text("does", migration->does),
					    {0},
				    });
	}
	return command_output_end(invocation, &output);
}

static int print_plan(struct invocation *invocation, const struct data_plan *plan)
{
	struct output output;
	bool pending = plan->schema < STORE_SCHEMA_VERSION;
	int error = 0;

	if (options_flag(&invocation->options, "json")) {
		output_begin(&output, true, false);
		print_plan_json(&output, plan);
		return command_output_end(invocation, &output);
	}
	if (pending)
		error = print_pending(invocation, plan);
	if (error)
		return error;
	output_begin(&output, false, false);
	output_row(&output,
		(const struct output_field[]){
			output_number("schema", plan->schema),
			output_number("target", STORE_SCHEMA_VERSION),
			output_number("database_bytes", plan->database_bytes),
			output_number("needed_bytes", plan->needed_bytes),
			output_number("free_bytes", plan->free_bytes),
			output_text("server_running", plan->served ? "yes" : "no"),
			output_text("next", !pending	   ? "nothing is pending"
					    : plan->served ? "stop the server; aditd migrate"
							   : "aditd migrate"),
			{0},
		});
	return command_output_end(invocation, &output);
}

static int run_plan(struct invocation *invocation)
{
	struct data_plan plan;
	int error = data_directory_plan(invocation_data(invocation), &plan, &invocation->fault);

	return error ? error : print_plan(invocation, &plan);
}

static int run_upgrade(struct invocation *invocation)
{
	const struct data_upgrade upgrade = {
		.path = invocation_data(invocation),
		.backup = options_text(&invocation->options, "backup"),
		.no_backup = options_flag(&invocation->options, "no-backup"),
		.clock = &invocation->clock,
	};
	struct data_upgraded upgraded;
	struct output output;
	int error;

	if (upgrade.backup && upgrade.no_backup) {
		fault_set(&invocation->fault, "--backup and --no-backup exclude each other");
		return ERROR_INVALID;
	}
	error = data_directory_upgrade(&upgrade, &upgraded, &invocation->fault);
	if (error)
		return error;
	output_begin(&output, options_flag(&invocation->options, "json"), false);
	output_row(&output, (const struct output_field[]){
				    output_number("schema_before", upgraded.from),
				    output_number("schema", STORE_SCHEMA_VERSION),
				    output_text("backup", upgraded.backup),
				    output_text("next", upgraded.from == STORE_SCHEMA_VERSION
								? "nothing was pending"
								: "aditd serve"),
				    {0},
			    });
	return command_changed(invocation, command_output_end(invocation, &output));
}

static int run(struct invocation *invocation)
{
	return options_flag(&invocation->options, "plan") ? run_plan(invocation)
							  : run_upgrade(invocation);
}

const struct verb migrate_verbs[] = {
	{.name = "migrate",
		.arguments = "",
		.summary = "bring the data of an older version to this one",
		.specs = specs,
		.run = run},
	{0},
};
