/* SPDX-License-Identifier: Apache-2.0 */
#include "client/report.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void report_init(struct report *report)
{
	*report = (struct report){.retry_after_s = -1};
}

/* U+0080 to U+009F are controls too. */
static bool is_control(const unsigned char *text)
{
	return *text < 0x20 || *text == 0x7f ||
	       (*text == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0);
}

void report_clean(char *text)
{
	for (; *text; text++) {
		if (!is_control((const unsigned char *)text))
			continue;
		if ((unsigned char)*text == 0xc2)
			*text++ = '?';
		*text = '?';
	}
}

static const char *usual_action(int code)
{
	switch (code) {
	case ADIT_ERROR_MEMORY:
		return "free memory, then try again";
	case ADIT_ERROR_TIMEOUT:
	case ADIT_ERROR_UNAVAILABLE:
		return "check the authority's URL and the network, and try again later";
	case ADIT_ERROR_TRUST:
		return "check the authority's URL; if its certificate is of an own CA, name that "
		       "CA's file";
	case ADIT_ERROR_PROTOCOL:
		return "check that the URL is that of an OpenID Connect authority, and tell its "
		       "operator";
	case ADIT_ERROR_INVALID:
		return "correct what the program says; its manual page tells what is allowed";
	case ADIT_ERROR_CREDENTIALS:
		return "enter the right credentials";
	case ADIT_ERROR_STORAGE:
		return "mend the storage directory, or name another";
	case ADIT_ERROR_WAIT:
		return "wait, then try again";
	case ADIT_ERROR_PERSON:
		return "sign in, or enter the credentials";
	case ADIT_ERROR_DENIED:
		return "ask the authority's operator what this client may do";
	case ADIT_ERROR_CANCELLED:
		return "try again when it suits";
	default:
		return "";
	}
}

void report_complete(struct report *report)
{
	if (!report->action[0])
		(void)report_action(report, "%s", usual_action(report->code));
}

int report_set(struct report *report, int code, const char *format, ...)
{
	va_list arguments;

	report_init(report);
	report->code = code;
	va_start(arguments, format);
	(void)vsnprintf(report->text, sizeof(report->text), format, arguments);
	va_end(arguments);
	report_clean(report->text);
	/* Wherever it was short of memory, there is one thing to do. */
	if (code == ADIT_ERROR_MEMORY)
		(void)report_action(report, "%s", usual_action(code));
	return code;
}

int report_action(struct report *report, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(report->action, sizeof(report->action), format, arguments);
	va_end(arguments);
	report_clean(report->action);
	return report->code;
}

bool report_is_passing(int code)
{
	return code == ADIT_ERROR_UNAVAILABLE || code == ADIT_ERROR_TIMEOUT ||
	       code == ADIT_ERROR_WAIT || code == ADIT_ERROR_PROTOCOL;
}

int report_code_of(int error)
{
	switch (error) {
	case 0:
		return 0;
	case ERROR_MEMORY:
		return ADIT_ERROR_MEMORY;
	case ERROR_TIMEOUT:
		return ADIT_ERROR_TIMEOUT;
	case ERROR_REFUSED:
		return ADIT_ERROR_TRUST;
	case ERROR_INVALID:
	case ERROR_LIMIT:
		return ADIT_ERROR_PROTOCOL;
	default:
		return ADIT_ERROR_UNAVAILABLE;
	}
}

int report_fault(struct report *report, int error, const struct fault *fault)
{
	int code = report_code_of(error);
	bool told = fault && fault->text[0];

	(void)report_set(report, code, "%s", told ? fault->text : error_text(error));
	return report_action(report, "%s", usual_action(code));
}

int report_storage(struct report *report, int error, const struct fault *fault)
{
	bool told = fault && fault->text[0];

	(void)report_set(report, error == ERROR_MEMORY ? ADIT_ERROR_MEMORY : ADIT_ERROR_STORAGE,
		"%s", told ? fault->text : error_text(error));
	return report_action(report, "%s",
		error == ERROR_MEMORY ? usual_action(ADIT_ERROR_MEMORY)
				      : "mend the storage directory, or name another");
}
