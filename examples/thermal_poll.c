/* SPDX-License-Identifier: MIT */
/*
 * thermal_poll.c - a delayed work that polls a chip until all is well again.
 *
 * The chip raises one interrupt when it becomes too hot, and none when it has
 * cooled down. So the interrupt is switched off, and a delayed work looks at
 * the chip's flag: while it is set it tells whoever wants to know, and arms
 * itself again; when it is clear it switches the interrupt on. Removing the
 * driver cancels it wherever it is. The expected output is in
 * tests/examples/thermal_poll.out.
 */
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <workq/workqueue.h>

enum {
	POLL_MS = 20,
	FOREVER = -1,
};

/* ------------------------------------------------------ the simulated chip */

struct chip {
	int nr_hot; /* how many looks at the flag will find it set */
	bool interrupt_on;
};

/* Return: is it too hot? */
static bool chip_read_flag(struct chip *chip)
{
	if (chip->nr_hot > 0)
		chip->nr_hot--;
	else if (chip->nr_hot == 0)
		return false;
	return true;
}

/* -------------------------------------------------------------- the driver */

struct thermal {
	struct delayed_work poll;
	struct chip chip;
	int nr_polls;
	void (*notify)(struct thermal *thermal, bool hot);
};

static void thermal_poll(struct work_struct *work)
{
	struct thermal *thermal = from_work(thermal, work, poll.work);
	bool hot = chip_read_flag(&thermal->chip);

	thermal->nr_polls++;
	thermal->chip.interrupt_on = !hot;
	thermal->notify(thermal, hot);
	if (hot) /* refused while thermal_remove() waits for this run */
		schedule_delayed_work(&thermal->poll, msecs_to_jiffies(POLL_MS));
}

static void thermal_interrupt(struct thermal *thermal)
{
	thermal->chip.interrupt_on = false;
	schedule_delayed_work(&thermal->poll, 0);
}

static void thermal_probe(struct thermal *thermal)
{
	INIT_DELAYED_WORK(&thermal->poll, thermal_poll);
	thermal->chip.interrupt_on = true;
}

static void thermal_remove(struct thermal *thermal)
{
	thermal->chip.interrupt_on = false;
	cancel_delayed_work_sync(&thermal->poll);
}

/* ------------------------------------------------------------- the machine */

static sem_t event;

static void wait_for_event(void)
{
	while (sem_wait(&event))
		; /* a signal */
}

static void print_state(struct thermal *thermal, bool hot)
{
	printf("poll %d: %s\n", thermal->nr_polls, hot ? "too hot" : "normal");
	if (!hot)
		sem_post(&event);
}

static void cool_down(struct thermal *thermal)
{
	puts("the chip is hot for three polls:");
	thermal->notify = print_state;
	thermal->chip.nr_hot = 3;
	thermal_interrupt(thermal);
	wait_for_event();
	printf("interrupt on: %s\n", thermal->chip.interrupt_on ? "yes" : "no");
}

static void announce_third_poll(struct thermal *thermal, bool hot)
{
	(void)hot;
	if (thermal->nr_polls == 3)
		sem_post(&event);
}

static void remove_while_hot(struct thermal *thermal)
{
	int nr_polls;

	puts("the chip stays hot, and the driver goes:");
	thermal->notify = announce_third_poll;
	thermal->chip.nr_hot = FOREVER;
	thermal->nr_polls = 0;
	thermal_interrupt(thermal);
	wait_for_event();

	thermal_remove(thermal);
	nr_polls = thermal->nr_polls;
	usleep(5 * POLL_MS * 1000);
	printf("polls afterwards: %d\n", thermal->nr_polls - nr_polls);
}

int main(void)
{
	static struct thermal thermal;

	if (sem_init(&event, 0, 0)) {
		perror("sem_init");
		return EXIT_FAILURE;
	}
	thermal_probe(&thermal);
	cool_down(&thermal);
	remove_while_hot(&thermal);
	return EXIT_SUCCESS;
}
