/* SPDX-License-Identifier: MIT */
/*
 * rcu.c - a configuration that is replaced while threads read it, without a lock.
 *
 * Readers never wait, and never see half of a configuration or a freed one: the
 * old one is freed by an rcu_work inside it, when nobody can look at it any more.
 * Needs liburcu; the readers here use its flavour "bp". Prints:
 *	configurations: 100
 *	readers saw half of one: 0
 *	freed: 100
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <urcu/urcu-bp.h>
#include <workq/workqueue.h>

enum {
	NR_READERS = 2,
	NR_CONFIGS = 100,
};

struct config {
	unsigned int port;
	unsigned int port_again; /* equal to port in one that is whole */
	struct rcu_work rwork;
};

static struct config *current; /* published by urcu_bp_xchg_pointer() */
static atomic_uint nr_freed, nr_wrong;
static atomic_bool is_over;

static void free_config(struct work_struct *work)
{
	struct config *config = from_work(config, work, rwork.work);

	free(config);
	atomic_fetch_add(&nr_freed, 1);
}

static struct config *make_config(unsigned int port)
{
	struct config *config = malloc(sizeof(*config));

	if (!config) {
		perror("malloc");
		exit(EXIT_FAILURE);
	}
	config->port = port;
	config->port_again = port;
	INIT_RCU_WORK(&config->rwork, free_config);
	return config;
}

/* The old one may still be read; it goes when all who might have seen it are through. */
static void publish(struct workqueue_struct *wq, struct config *config)
{
	struct config *old = urcu_bp_xchg_pointer(&current, config);

	if (old)
		queue_rcu_work(wq, &old->rwork);
}

static void *read_config(void *unused)
{
	const struct config *config;

	(void)unused;
	while (!atomic_load(&is_over)) {
		urcu_bp_read_lock();
		config = urcu_bp_dereference(current);
		if (config->port != config->port_again)
			atomic_fetch_add(&nr_wrong, 1);
		urcu_bp_read_unlock();
	}
	return NULL;
}

int main(void)
{
	struct workqueue_struct *wq = alloc_workqueue("configs", WQ_UNBOUND, 0);
	pthread_t reader[NR_READERS];

	if (!wq) {
		perror("alloc_workqueue");
		return EXIT_FAILURE;
	}
	publish(wq, make_config(1));
	for (int i = 0; i < NR_READERS; i++)
		if (pthread_create(&reader[i], NULL, read_config, NULL))
			return EXIT_FAILURE;
	for (unsigned int port = 2; port <= NR_CONFIGS; port++)
		publish(wq, make_config(port));
	atomic_store(&is_over, true);
	for (int i = 0; i < NR_READERS; i++)
		pthread_join(reader[i], NULL);

	publish(wq, NULL);
	destroy_workqueue(wq); /* waits for grace periods too */
	printf("configurations: %d\n", NR_CONFIGS);
	printf("readers saw half of one: %u\n", atomic_load(&nr_wrong));
	printf("freed: %u\n", atomic_load(&nr_freed));
	return EXIT_SUCCESS;
}
