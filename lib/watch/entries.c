/* SPDX-License-Identifier: MIT */
/*
 * entries.c - what was seen under a lock, to be told when it is free again
 * (contracts in entries.h).
 */
#include "watch/entries.h"

#include <stdio.h>
#include <string.h>

#include "base/os.h"
#include "base/report.h"
#include "base/symbol.h"

#define NS_PER_S  1000000000ull
/* Longer names are cut: a entry must fit in a line. */
#define NAME_SIZE 96
#define TEXT_SIZE 160

/* One more item with the function of the last one: that one counts it. */
static bool repeats_last(const struct wq_entries *entries, const struct wq_entry *entry)
{
	const struct wq_entry *last;

	if (!entries->nr)
		return false;
	last = &entries->entry[entries->nr - 1];
	return entry->kind == WQ_ENTRY_ITEMS && last->kind == WQ_ENTRY_ITEMS &&
	       last->func == entry->func;
}

void wq_entries_add(struct wq_entries *entries, struct wq_entry entry)
{
	if (repeats_last(entries, &entry))
		entries->entry[entries->nr - 1].nr++;
	else if (entries->nr < WQ_MAX_ENTRIES)
		entries->entry[entries->nr++] = entry;
	else if (entry.kind != WQ_ENTRY_WAITER)
		entries->nr_omitted++;
}

static void put_run(const struct wq_entry *entry, const char *name, uint64_t now, char *text)
{
	/* somebody else may have dated it meanwhile */
	uint64_t age = now > entry->since_ns ? now - entry->since_ns : 0;

	snprintf(text, TEXT_SIZE, "%u:%s for %llus", entry->tid, name,
		 (unsigned long long)(age / NS_PER_S));
}

static void put_items(const struct wq_entry *entry, const char *name, char *text)
{
	if (entry->nr > 1)
		snprintf(text, TEXT_SIZE, "%u*%s", entry->nr, name);
	else
		snprintf(text, TEXT_SIZE, "%s", name);
}

static void put(const struct wq_entry *entry, uint64_t now, char *text)
{
	char name[NAME_SIZE] = "";

	if (entry->func)
		wq_symbol_name((uintptr_t)entry->func, name, sizeof(name));
	switch (entry->kind) {
	case WQ_ENTRY_RUN:
		put_run(entry, name, now, text);
		break;
	case WQ_ENTRY_ITEMS:
		put_items(entry, name, text);
		break;
	case WQ_ENTRY_WAITER:
		snprintf(text, TEXT_SIZE, "BAR(%u)", entry->tid);
		break;
	default: /* WQ_ENTRY_IDLE */
		snprintf(text, TEXT_SIZE, "%u", entry->tid);
		break;
	}
}

static const char *separator_before(const struct wq_entry *entry)
{
	return entry->kind == WQ_ENTRY_RUN || entry->kind == WQ_ENTRY_ITEMS ? ", " : " ";
}

static bool fits(const struct wq_msg *msg, const char *separator, const char *text)
{
	return msg->len + strlen(separator) + strlen(text) + 2 < sizeof(msg->text);
}

void wq_entries_report(const struct wq_entries *entries, const char *head, uint64_t now)
{
	char text[TEXT_SIZE];
	const char *separator = " ";
	struct wq_msg msg;
	unsigned int i;

	if (!entries->nr)
		return;
	wq_msg_info(&msg, head);
	for (i = 0; i < entries->nr; i++) {
		put(&entries->entry[i], now, text);
		if (i)
			separator = separator_before(&entries->entry[i]);
		if (!fits(&msg, separator, text)) {
			wq_msg_send(&msg);
			wq_msg_info(&msg, head);
			separator = " ";
		}
		wq_msg_text(&msg, separator);
		wq_msg_text(&msg, text);
	}
	if (entries->nr_omitted) {
		snprintf(text, sizeof(text), ", and %u more", entries->nr_omitted);
		wq_msg_text(&msg, text);
	}
	wq_msg_send(&msg);
}
