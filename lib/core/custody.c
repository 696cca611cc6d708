/* SPDX-License-Identifier: MIT */
/*
 * custody.c - does an item give its thread back as it got it? (contracts in custody.h)
 */
#include "core/custody.h"

#ifdef WORKQ_DEBUG

#include "base/options.h"
#include "base/report.h"
#include "base/symbol.h"
#include "base/told.h"
#include "core/worker.h"

static const struct {
	unsigned int what;
	const char *name;
} names[] = {
	{ WQ_SET_SIGNALS, "signal mask" },      { WQ_SET_NICE, "nice value" },
	{ WQ_SET_POLICY, "scheduling policy" }, { WQ_SET_CANCEL, "cancellation" },
	{ WQ_SET_NAME, "thread name" },         { WQ_SET_LOCALE, "locale" },
};

static void report(unsigned int changed, uintptr_t function)
{
	static struct wq_told told; /* A: reported */
	struct wq_msg msg;
	char name[96];
	size_t i;

	if (!wq_told_is_first(&told, function))
		return;
	wq_symbol_name(function, name, sizeof(name));
	wq_msg_warning(&msg, "a work function leaves its thread changed: ");
	wq_msg_text(&msg, name);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(changed & names[i].what))
			continue;
		wq_msg_text(&msg, ", ");
		wq_msg_text(&msg, names[i].name);
	}
	wq_msg_send(&msg);
}

void wq_custody_begin(struct wq_custody *custody)
{
	if (!wq_options.check_items)
		return;
	wq_cpus_see(&custody->sight);
	wq_settings_get(&custody->before);
}

void wq_custody_end(const struct wq_custody *custody, uintptr_t function)
{
	struct wq_settings after;
	unsigned int changed;

	if (!wq_options.check_items)
		return;
	wq_settings_get(&after);
	changed = wq_settings_compare(&custody->before, &after);
	/* whoever it was sees to it that they are right in the end */
	if (changed & WQ_SET_CPUS && wq_cpus_is_by_others(&custody->sight, &after.cpus))
		changed &= ~(unsigned int)WQ_SET_CPUS;
	if (changed)
		wq_settings_restore(&custody->before, changed);
	/* CPUs are not reported: others change them, too, and not all that is seen */
	changed &= ~(unsigned int)WQ_SET_CPUS;
	if (changed)
		report(changed, function);
}

#endif /* WORKQ_DEBUG */
