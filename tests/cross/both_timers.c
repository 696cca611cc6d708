/* SPDX-License-Identifier: MIT */
/*
 * both_timers.c - compiled only: POSIX's timer_delete() and this library's, in one program.
 *
 * Where TIMER_ABSTIME is not defined, POSIX wants no timers of <time.h>.
 */
#include <workq/timer.h>

int delete_both(struct timer_list *timer);

int delete_both(struct timer_list *timer)
{
#ifdef TIMER_ABSTIME
	timer_t posix = 0;

	if (timer_delete(posix))
		return -1;
#endif
	return timer_delete(timer);
}
