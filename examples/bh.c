/* SPDX-License-Identifier: MIT */
/*
 * bh.c - interrupt, bottom half, process context: a driver for a serial port.
 *
 * The interrupt is a signal handler: it takes one byte from the port, and may do
 * next to nothing else. The bottom half, an item of a WQ_BH queue, makes lines of
 * bytes; it may not sleep. What is done with a line may: that is an item of an
 * ordinary queue. No lock is needed: each fifo has one writer and one reader,
 * since no item runs twice at once, and queueing makes what was written before
 * visible to the item. The expected output is in tests/examples/bh.out.
 */
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>

#include <workq/workq.h>

enum {
	LINE_LEN = 64,
	NR_BYTES = 256, /* powers of two */
	NR_LINES = 8,
};

/* ------------------------------------------------------------- the driver */

struct line {
	char text[LINE_LEN];
	size_t len;
};

struct port {
	struct workqueue_struct *wq;
	struct work_struct receive; /* the bottom half */
	struct work_struct deliver;

	char bytes[NR_BYTES]; /* from the interrupt to the bottom half */
	atomic_uint bytes_put, bytes_got;
	struct line lines[NR_LINES]; /* from the bottom half to process context */
	atomic_uint lines_put, lines_got;

	atomic_uint nr_lost; /* bytes and lines that found a fifo full */
	unsigned int nr_delivered;
	unsigned int nr_expected;
	sem_t done;
};

static void port_interrupt(struct port *port, char byte)
{
	unsigned int put = atomic_load(&port->bytes_put);

	if (put - atomic_load(&port->bytes_got) == NR_BYTES) {
		atomic_fetch_add(&port->nr_lost, 1);
		return;
	}
	port->bytes[put % NR_BYTES] = byte;
	atomic_store(&port->bytes_put, put + 1);
	queue_work(system_bh_wq, &port->receive);
}

/* The line being made is the one behind those that wait. */
static void end_line(struct port *port)
{
	unsigned int put = atomic_load(&port->lines_put);

	if (put + 1 - atomic_load(&port->lines_got) == NR_LINES) {
		atomic_fetch_add(&port->nr_lost, 1);
		port->lines[put % NR_LINES].len = 0;
		return;
	}
	port->lines[(put + 1) % NR_LINES].len = 0;
	atomic_store(&port->lines_put, put + 1);
	queue_work(port->wq, &port->deliver);
}

static void receive_byte(struct port *port, char byte)
{
	struct line *line = &port->lines[atomic_load(&port->lines_put) % NR_LINES];

	if (byte == '\n')
		end_line(port);
	else if (line->len < LINE_LEN)
		line->text[line->len++] = byte;
	else
		atomic_fetch_add(&port->nr_lost, 1);
}

static void port_receive(struct work_struct *work)
{
	struct port *port = from_work(port, work, receive);
	unsigned int got = atomic_load(&port->bytes_got);

	while (got != atomic_load(&port->bytes_put)) {
		receive_byte(port, port->bytes[got % NR_BYTES]);
		atomic_store(&port->bytes_got, ++got);
	}
}

static void port_deliver(struct work_struct *work)
{
	struct port *port = from_work(port, work, deliver);
	unsigned int got = atomic_load(&port->lines_got);

	while (got != atomic_load(&port->lines_put)) {
		struct line *line = &port->lines[got % NR_LINES];

		printf("line %u: %.*s\n", ++port->nr_delivered, (int)line->len, line->text);
		atomic_store(&port->lines_got, ++got);
	}
	if (port->nr_delivered == port->nr_expected)
		sem_post(&port->done);
}

static int port_probe(struct port *port)
{
	INIT_WORK(&port->receive, port_receive);
	INIT_WORK(&port->deliver, port_deliver);
	port->wq = alloc_workqueue("port", WQ_PERCPU, 0);
	return port->wq && !sem_init(&port->done, 0, 0) ? 0 : -1;
}

/* From the interrupt's end to the other one: what queues goes first. */
static void port_remove(struct port *port)
{
	cancel_work_sync(&port->receive);
	cancel_work_sync(&port->deliver);
	destroy_workqueue(port->wq);
}

/* ------------------------------------------------------------ the machine */

static const char *wire = "an interrupt must be short,\n"
			  "a bottom half must not sleep,\n"
			  "an item in process context may take its time\n"
			  "and sleep.\n";

static struct port port = { .nr_expected = 4 };

/* The next byte arrives, until there is none. */
static void on_interrupt(int sig)
{
	(void)sig;
	if (*wire)
		port_interrupt(&port, *wire++);
}

static void set_interrupts(suseconds_t period_us)
{
	struct itimerval when = { .it_value.tv_usec = period_us, .it_interval.tv_usec = period_us };

	setitimer(ITIMER_REAL, &when, NULL);
}

int main(void)
{
	struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = SA_RESTART };

	if (port_probe(&port) || sigaction(SIGALRM, &action, NULL)) {
		perror("bh");
		return EXIT_FAILURE;
	}
	set_interrupts(1000);
	while (sem_wait(&port.done))
		; /* interrupted by an interrupt */
	set_interrupts(0);
	port_remove(&port);
	printf("lost: %u\n", atomic_load(&port.nr_lost));
	return EXIT_SUCCESS;
}
