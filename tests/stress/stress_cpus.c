/* SPDX-License-Identifier: MIT */
/*
 * stress_cpus.c - CPUs come and go while everybody queues, arms, cancels, flushes and waits.
 *
 * The machine is played (support/cpus_stand_in.h): one thread takes CPUs away and gives them
 * back, lifts all pins as the system does, and restricts all threads as taskset does. When all
 * is quiet, what was accepted must have run or been taken back (A4); an item never runs twice
 * at once (B3); rows keep their order (B8, B9); and with all CPUs back, each one's workers are
 * bound to it (P2).
 */
#include "support/cpus_stand_in.h"
#include "support/stress.h"

enum kind {
	PERCPU,
	HIGHPRI,
	BH,
	INTENSIVE,
	RESCUED, /* WQ_MEM_RECLAIM */
	UNBOUND,
	STRICT, /* each CPU a pod */
	NR_KINDS,
};

enum {
	PER_QUEUE = 6,
	NR_ITEMS = NR_KINDS * PER_QUEUE,
	ROWS = 2,
	ROW_ITEMS = 32,
	IDS = 6, /* CPUs asked for; those not there stand for others */
	MAX_CPUS = 64,
	DEADLINE_S = 60,
};

struct item {
	struct delayed_work dwork;
	enum kind kind;
	atomic_int inside;
	atomic_long queued;    /* the call said so */
	atomic_long uncertain; /* of these: it may have met a cancel_delayed_work_sync() */
	atomic_long taken;     /* cancel said true */
	atomic_long runs;
};

static struct workqueue_struct *queue[NR_KINDS], *row_queue[ROWS];
static struct item item[NR_ITEMS];
static int cpu_id[MAX_CPUS], nr_cpus;
static atomic_int users; /* threads that are not done using the queues */
static atomic_long changes;

/* ------------------------------------------------------------ what items do */

static void act(struct item *own, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 64);

	if (dice < 8)
		atomic_fetch_add(&own->queued, queue_work(queue[own->kind], &own->dwork.work));
	else if (dice < 10 && own->kind != BH)
		usleep(rng_below(rng, 100));
	else if (dice < 12)
		sched_yield();
}

static void run_item(struct work_struct *work)
{
	struct item *own = container_of(to_delayed_work(work), struct item, dwork);
	long run = atomic_fetch_add(&own->runs, 1);
	struct rng rng = rng_of(1000 + own->kind, (int)run);

	law(atomic_fetch_add(&own->inside, 1) == 0, "an item of queue %d, twice at once",
	    own->kind);
	act(own, &rng);
	atomic_fetch_sub(&own->inside, 1);
}

/* --------------------------------------------------------- what threads do */

static int any_cpu(struct rng *rng)
{
	return rng_below(rng, 2) ? WORK_CPU_UNBOUND : (int)rng_below(rng, IDS);
}

/* False: it was idle and is queued now; or it is being cancelled, and is not. */
static void modify(struct item *any, int cpu, unsigned long delay)
{
	if (mod_delayed_work_on(cpu, queue[any->kind], &any->dwork, delay))
		return;
	atomic_fetch_add(&any->queued, 1);
	atomic_fetch_add(&any->uncertain, 1);
}

static void queue_any(struct item *any, struct rng *rng)
{
	struct workqueue_struct *wq = queue[any->kind];
	unsigned int dice = rng_below(rng, 8), delay = rng_below(rng, 4);
	int cpu = any_cpu(rng);

	if (dice < 4)
		atomic_fetch_add(&any->queued, queue_work_on(cpu, wq, &any->dwork.work));
	else if (dice < 6)
		atomic_fetch_add(&any->queued, queue_delayed_work_on(cpu, wq, &any->dwork, delay));
	else if ((any - item) % PER_QUEUE == 0)
		modify(any, cpu, delay);
}

static long return_itself(void *arg)
{
	return (long)(intptr_t)arg;
}

static atomic_long nr_each;

static void count_each(struct work_struct *work)
{
	(void)work;
	atomic_fetch_add(&nr_each, 1);
}

static void wait_for_any(struct item *any, struct rng *rng)
{
	unsigned int dice = rng_below(rng, 32);

	if (dice < 16)
		flush_delayed_work(&any->dwork);
	else if (dice < 28)
		flush_workqueue(queue[any->kind]);
	else if (dice < 31)
		law(work_on_cpu((int)rng_below(rng, IDS), return_itself, (void *)77) == 77, "");
	else
		schedule_on_each_cpu(count_each);
}

static void run_visitor(struct work_struct *work)
{
	atomic_fetch_add(&container_of(to_delayed_work(work), struct item, dwork)->runs, 1);
}

/* Made while nobody knows which CPUs there are. */
static void make_and_destroy(struct rng *rng)
{
	struct workqueue_struct *wq =
		rng_below(rng, 2) ? alloc_workqueue("visited", WQ_PERCPU, 0) :
				    alloc_workqueue("visited", WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	struct item visitor = { .kind = PERCPU };

	if (!wq)
		abort();
	INIT_DELAYED_WORK_ONSTACK(&visitor.dwork, run_visitor);
	law(queue_work_on((int)rng_below(rng, IDS), wq, &visitor.dwork.work), "a new item");
	destroy_workqueue(wq);
	law(atomic_load(&visitor.runs) == 1, "destroyed with an item left");
	destroy_delayed_work_on_stack(&visitor.dwork);
}

static void mix(int nth)
{
	struct rng rng = rng_of(1, nth);

	for (long i = 0; i < stress.ops; i++) {
		struct item *any = &item[rng_below(&rng, NR_ITEMS)];
		unsigned int dice = rng_below(&rng, 512);

		if (dice < 400)
			queue_any(any, &rng);
		else if (dice < 480)
			atomic_fetch_add(&any->taken, cancel_delayed_work(&any->dwork));
		else if (dice < 496)
			atomic_fetch_add(&any->taken, cancel_delayed_work_sync(&any->dwork));
		else if (dice < 511)
			wait_for_any(any, &rng);
		else
			make_and_destroy(&rng);
	}
}

/* ------------------------------------------------------------------------ rows */

struct in_row {
	struct work_struct work;
	int row;
	long number;
};

static atomic_long last_of_row[ROWS];

static void run_in_row(struct work_struct *work)
{
	struct in_row *own = container_of(work, struct in_row, work);

	law(atomic_exchange(&last_of_row[own->row], own->number) == own->number - 1,
	    "row %d is out of order at %ld", own->row, own->number);
}

/* All of a row for one CPU, that of a per-CPU queue with one active item or an ordered one. */
static void produce_in_order(int row)
{
	struct in_row in_row[ROW_ITEMS] = { 0 };

	for (int i = 0; i < ROW_ITEMS; i++) {
		INIT_WORK(&in_row[i].work, run_in_row);
		in_row[i].row = row;
	}
	for (long n = 1; n <= stress.ops; n++) {
		struct in_row *next = &in_row[n % ROW_ITEMS];

		flush_work(&next->work);
		next->number = n;
		law(queue_work_on(cpu_id[nr_cpus - 1], row_queue[row], &next->work), "not idle");
	}
	flush_workqueue(row_queue[row]);
	law(atomic_load(&last_of_row[row]) == stress.ops, "row %d is not through", row);
}

/* --------------------------------------------------------- what befalls the machine */

static void restrict_all(struct rng *rng)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < nr_cpus; i++)
		if (rng_below(rng, 2))
			CPU_SET(cpu_id[i], &set);
	if (CPU_COUNT(&set))
		set_cpus_of_all(&set);
}

static void change_machine(void)
{
	struct rng rng = rng_of(2, 0);

	while (atomic_load(&users)) {
		/* never the first one */
		int cpu = cpu_id[1 + rng_below(&rng, nr_cpus - 1)];
		unsigned int dice = rng_below(&rng, 16);

		if (dice < 6)
			cpu_leaves(cpu);
		else if (dice < 13)
			cpu_comes_back(cpu);
		else if (dice < 14)
			restrict_all(&rng);
		else
			system_lifts_pins();
		atomic_fetch_add(&changes, 1);
		usleep(rng_below(&rng, 4000));
	}
	for (int i = 0; i < nr_cpus; i++)
		cpu_comes_back(cpu_id[i]);
	system_lifts_pins();
}

/* ------------------------------------------------------------------------ the run */

static void judge_report(const char *line)
{
	if (strstr(line, "WARNING") || strstr(line, "BUG"))
		fault("%s", line);
}

static void apply_strict(struct workqueue_struct *wq)
{
	struct workqueue_attrs *attrs = alloc_workqueue_attrs();

	if (!attrs)
		abort();
	attrs->affn_scope = WQ_AFFN_CPU;
	attrs->affn_strict = true;
	if (apply_workqueue_attrs(wq, attrs))
		abort();
	free_workqueue_attrs(attrs);
}

static void make_queues(void)
{
	queue[PERCPU] = alloc_workqueue("percpu", WQ_PERCPU, 0);
	queue[HIGHPRI] = alloc_workqueue("highpri", WQ_PERCPU | WQ_HIGHPRI, 3);
	queue[BH] = alloc_workqueue("bh", WQ_PERCPU | WQ_BH, 0);
	queue[INTENSIVE] = alloc_workqueue("intensive", WQ_PERCPU | WQ_CPU_INTENSIVE, 0);
	queue[RESCUED] = alloc_workqueue("rescued", WQ_PERCPU | WQ_MEM_RECLAIM, 0);
	queue[UNBOUND] = alloc_workqueue("unbound", WQ_UNBOUND, 4);
	queue[STRICT] = alloc_workqueue("strict", WQ_UNBOUND, 0);
	apply_strict(queue[STRICT]);
	row_queue[0] = alloc_ordered_workqueue("ordered", 0);
	row_queue[1] = alloc_workqueue("one", WQ_PERCPU, 1);
	for (int i = 0; i < NR_ITEMS; i++) {
		INIT_DELAYED_WORK(&item[i].dwork, run_item);
		item[i].kind = i / PER_QUEUE;
	}
}

static void run_what_is_left(void)
{
	for (int i = 0; i < NR_ITEMS; i++)
		flush_delayed_work(&item[i].dwork);
	for (int kind = 0; kind < NR_KINDS; kind++)
		drain_workqueue(queue[kind]);
}

static void check_item(int nr)
{
	struct item *own = &item[nr];
	long lost = own->queued - own->runs - own->taken;
	law(lost >= 0 && lost <= own->uncertain,
	    "item %d of queue %d: queued %ld, ran %ld, taken back %ld", nr, own->kind, own->queued,
	    own->runs, own->taken);
	law(!own->inside && !work_busy(&own->dwork.work), "item %d is not idle", nr);
}

static long is_pinned_to(void *cpu)
{
	cpu_set_t set;

	return !sched_getaffinity(0, sizeof(set), &set) && CPU_COUNT(&set) == 1 &&
	       CPU_ISSET((int)(intptr_t)cpu, &set);
}

static void lift_again(int *nr_tries)
{
	usleep(100);
	if (++*nr_tries % 1000 == 0)
		system_lifts_pins();
}

/*
 * All CPUs are back; that is noticed while there is something to do. The end of a restriction
 * may be overlooked if it comes just as the library looks: so it is said again.
 */
static void check_pins(void)
{
	time_t end = time(NULL) + DEADLINE_S;
	int nr_tries = 0;

	for (int i = 0; i < nr_cpus; i++) {
		while (!work_on_cpu(cpu_id[i], is_pinned_to, (void *)(intptr_t)cpu_id[i]) &&
		       time(NULL) < end)
			lift_again(&nr_tries);
		law(time(NULL) < end, "CPU %d has a worker that is not bound to it", cpu_id[i]);
	}
}

/* The first changes the machine, two produce rows; the rest use the queues. */
static void *any_role(void *nth)
{
	int role = (int)(intptr_t)nth;

	if (role == 0) {
		change_machine();
		return NULL;
	}
	if (role <= ROWS)
		produce_in_order(role - 1);
	else
		mix(role);
	atomic_fetch_sub(&users, 1);
	return NULL;
}

static void name_cpus(void)
{
	for (int cpu = 0; cpu < MAX_CPUS; cpu++)
		if (cpu_is_present(cpu))
			cpu_id[nr_cpus++] = cpu;
}

int main(int argc, char **argv)
{
	stress_begin("stress_cpus", argc, argv, 200000, 3);
	if (cpus_begin())
		name_cpus();
	if (nr_cpus < 2) {
		printf("stress_cpus: fewer than two CPUs, nothing is tested\n");
		return 0;
	}
	setenv("WORKQ_CPU_WATCH_MS", "1", 1);
	workq_set_report_fn(judge_report);
	make_queues();
	atomic_store(&users, stress.threads + ROWS);
	stress_threads(stress.threads + ROWS + 1, any_role);
	run_what_is_left();
	for (int i = 0; i < NR_ITEMS; i++)
		check_item(i);
	check_pins();
	for (int kind = 0; kind < NR_KINDS; kind++)
		destroy_workqueue(queue[kind]);
	for (int i = 0; i < ROWS; i++)
		destroy_workqueue(row_queue[i]);
	printf("%ld changes of the machine\n", atomic_load(&changes));
	return stress_end();
}
