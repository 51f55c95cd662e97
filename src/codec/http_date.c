/* SPDX-License-Identifier: Apache-2.0 */
/* IMF-fixdate (RFC 9110, 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT". */
#include "codec/http_date.h"

#include "base/error.h"

#include <stdbool.h>
#include <string.h>

static const char form[] = "www, dd mmm dddd dd:dd:dd GMT";
static const char weekdays[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

enum {
	DAY_AT = 5,
	MONTH_AT = 8,
	YEAR_AT = 12,
	HOUR_AT = 17,
	MINUTE_AT = 20,
	SECOND_AT = 23,
	YEAR_MIN = 1970,
	DAY_S = 86400,
};

/* The number of the three letters among `names`, from 1 on; 0: not there. */
static int find_name(const char *names, const char *name)
{
	for (int i = 0; names[i]; i += 3)
		if (!memcmp(names + i, name, 3))
			return i / 3 + 1;
	return 0;
}

static bool has_form(const char *text)
{
	if (strlen(text) != sizeof(form) - 1)
		return false;
	for (size_t i = 0; form[i]; i++) {
		bool letter = form[i] == 'w' || form[i] == 'm';

		if (form[i] == 'd' && (text[i] < '0' || text[i] > '9'))
			return false;
		if (form[i] != 'd' && !letter && text[i] != form[i])
			return false;
	}
	return true;
}

static int number(const char *digits, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++)
		value = value * 10 + (digits[i] - '0');
	return value;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int days_in(int month, int year)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 to the date. */
static int64_t days_to(int year, int month, int day)
{
	int before = year - 1;
	int64_t days = (int64_t)before * 365 + before / 4 - before / 100 + before / 400 - 719162;

	for (int i = 1; i < month; i++)
		days += days_in(i, year);
	return days + day - 1;
}

int http_date_parse(const char *text, int64_t *ret_seconds)
{
	int year;
	int month;
	int day;
	int hour;
	int minute;
	int second;

	if (!has_form(text) || !find_name(weekdays, text))
		return ERROR_INVALID;
	month = find_name(months, text + MONTH_AT);
	year = number(text + YEAR_AT, 4);
	day = number(text + DAY_AT, 2);
	hour = number(text + HOUR_AT, 2);
	minute = number(text + MINUTE_AT, 2);
	second = number(text + SECOND_AT, 2);
	if (!month || year < YEAR_MIN || day < 1 || day > days_in(month, year))
		return ERROR_INVALID;
	if (hour > 23 || minute > 59 || second > 60)
		return ERROR_INVALID;
	*ret_seconds = days_to(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second;
	return 0;
}
