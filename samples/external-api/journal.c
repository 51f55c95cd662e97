/* SPDX-License-Identifier: Apache-2.0 */
#include "journal.h"

#include "base/clock.h"

#include <stdbool.h>
#include <string.h>

void journal_init(struct journal *journal, int fd)
{
	*journal = (struct journal){.log = {.fd = fd, .least = LOG_LEVEL_INFO}};
	(void)pthread_mutex_init(&journal->mutex, NULL);
}

void journal_finish(struct journal *journal)
{
	(void)pthread_mutex_destroy(&journal->mutex);
}

static void without_digits(const char *text, char ret_text[JOURNAL_TEXT_SIZE])
{
	size_t length = 0;

	for (; *text && length + 1 < JOURNAL_TEXT_SIZE; text++)
		if (*text < '0' || *text > '9')
			ret_text[length++] = *text;
	ret_text[length] = '\0';
}

static bool is_news(struct journal *journal, const char *text)
{
	char reason[JOURNAL_TEXT_SIZE];
	int64_t now_ms = clock_monotonic_ms();
	bool news;

	without_digits(text, reason);
	(void)pthread_mutex_lock(&journal->mutex);
	news = strcmp(reason, journal->last) != 0 ||
	       now_ms - journal->last_at_ms >= JOURNAL_PAUSE_MS;
	if (news) {
		memcpy(journal->last, reason, sizeof(reason));
		journal->last_at_ms = now_ms;
	}
	(void)pthread_mutex_unlock(&journal->mutex);
	return news;
}

void journal_keys(struct journal *journal, const char *text)
{
	if (*text && is_news(journal, text))
		LOG_EVENT(&journal->log, LOG_LEVEL_WARNING, "keys_unavailable",
			log_text("reason", text));
}
