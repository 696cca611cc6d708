/* SPDX-License-Identifier: MIT */
/*
 * test_worker_desc.c - what a worker is busy with: set_worker_desc(),
 * workq_worker_comm(), print_worker_info() (S).
 */
#include "support/api.h"
#include "support/shown.h"

/* An item that tells its thread, describes itself if it has a text, and waits. */
struct described {
	struct work_struct work;
	const char *text;
	struct gate go;
	atomic_int tid;
};

static void describe(struct work_struct *work)
{
	struct described *item = container_of(work, struct described, work);

	if (item->text)
		set_worker_desc("%s", item->text);
	atomic_store(&item->tid, (int)syscall(SYS_gettid));
	gate_wait(&item->go);
}

/* Started on the first CPU; returns the thread's id. */
static int described_start(struct described *item, const char *text, struct workqueue_struct *wq)
{
	INIT_WORK(&item->work, describe);
	item->text = text;
	gate_init(&item->go);
	atomic_init(&item->tid, 0);
	queue_work_on(allowed_cpu(0), wq, &item->work);
	wait_until(atomic_load(&item->tid));
	return atomic_load(&item->tid);
}

static void described_end(struct described *item)
{
	gate_open(&item->go);
	flush_work(&item->work);
}

/* The worker's name ends so; what comes before is its thread's name. */
static void check_comm(int tid, const char *end)
{
	char comm[96], path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/comm", tid);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(name, sizeof(name), f));
	fclose(f);
	name[strcspn(name, "\n")] = '\0';
	assert_true(workq_worker_comm(tid, comm, sizeof(comm)));
	assert_int_equal(strncmp(comm, name, strlen(name)), 0);
	assert_string_equal(comm + strlen(name), end);
}

/* S */
static void comm_has_the_queues_name_running_and_afterwards(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("named", WQ_PERCPU, 0);
	struct described item;
	int tid = described_start(&item, NULL, wq);

	check_comm(tid, "+named");
	described_end(&item);
	check_comm(tid, "-named");
	destroy_workqueue(wq);
}

/* S */
static void comm_has_the_description_running_and_afterwards(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("named", WQ_PERCPU, 0);
	struct described item;
	int tid = described_start(&item, "disk 7", wq);

	check_comm(tid, "+disk 7");
	described_end(&item);
	check_comm(tid, "-disk 7");
	destroy_workqueue(wq);
}

/* An item that sets none has its queue's name, whatever was set before it. */
/* S */
static void description_is_of_one_item_only(void **state)
{
	struct workqueue_struct *first = alloc_workqueue("first", WQ_PERCPU, 0);
	struct workqueue_struct *second = alloc_workqueue("second", WQ_PERCPU, 0);
	struct described item;
	int tid;

	described_start(&item, "of the first", first);
	described_end(&item);
	tid = described_start(&item, NULL, second);
	check_comm(tid, "+second");
	described_end(&item);
	check_comm(tid, "-second");
	destroy_workqueue(first);
	destroy_workqueue(second);
}

/* S */
static void comm_after_the_queue_was_destroyed_still_tells(void **state)
{
	static const char *const texts[] = { NULL, "described" };
	static const char *const ends[] = { "-destroyed", "-described" };

	for (int i = 0; i < 2; i++) {
		struct workqueue_struct *wq = alloc_workqueue("destroyed", WQ_PERCPU, 0);
		struct described item;
		int tid = described_start(&item, texts[i], wq);

		described_end(&item);
		destroy_workqueue(wq);
		check_comm(tid, ends[i]);
	}
}

/* S */
static void description_too_long_is_cut(void **state)
{
	static const char text[] = "0123456789012345678901234567890123456789";
	struct workqueue_struct *wq = alloc_workqueue("named", WQ_PERCPU, 0);
	struct described item;
	char end[WORKER_DESC_LEN + 1];
	int tid = described_start(&item, text, wq);

	snprintf(end, sizeof(end), "+%.*s", WORKER_DESC_LEN - 1, text);
	check_comm(tid, end);
	described_end(&item);
	destroy_workqueue(wq);
}

/* S */
static void comm_in_a_small_buffer_is_cut(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("named", WQ_PERCPU, 0);
	struct described item;
	char comm[8 + 1] = "........";
	int tid = described_start(&item, NULL, wq);

	assert_true(workq_worker_comm(tid, comm, 8));
	assert_string_equal(comm, "kworker");
	assert_true(workq_worker_comm(tid, comm, 0));
	assert_string_equal(comm, "kworker");
	described_end(&item);
	destroy_workqueue(wq);
}

static void comm_of_no_worker_is_false_and_empty(void **state)
{
	const int tids[] = { (int)syscall(SYS_gettid), 0, -1, 1 };
	char comm[32];

	for (size_t i = 0; i < sizeof(tids) / sizeof(tids[0]); i++) {
		memset(comm, 'x', sizeof(comm));
		assert_false(workq_worker_comm(tids[i], comm, sizeof(comm)));
		assert_string_equal(comm, "");
	}
	assert_false(workq_worker_comm(tids[0], NULL, 0));
}

static void set_worker_desc_outside_does_nothing(void **state)
{
	set_worker_desc("nobody %d", 7);
	set_worker_desc(NULL);
}

static atomic_int callback_tid;

static void describe_callback(struct timer_list *timer)
{
	set_worker_desc("a callback");
	atomic_store(&callback_tid, (int)syscall(SYS_gettid));
}

static void set_worker_desc_in_a_timers_callback_does_nothing(void **state)
{
	struct timer_list timer;
	char comm[96];

	timer_setup(&timer, describe_callback, 0);
	mod_timer(&timer, jiffies);
	wait_until(atomic_load(&callback_tid));
	timer_delete_sync(&timer);
	assert_true(workq_worker_comm(atomic_load(&callback_tid), comm, sizeof(comm)));
	assert_null(strstr(comm, "a callback"));
}

/* ------------------------------------------------------- print_worker_info */

static void worker_info_names_queue_function_and_description(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("named", WQ_PERCPU, 0);
	struct described item;
	int tid = described_start(&item, "disk 7", wq);

	shown_begin();
	print_worker_info("info: ", tid);
	assert_int_equal(atomic_load(&nr_shown), 1);
	assert_int_equal(strncmp(shown_line[0], "workq: info: Workqueue: named ", 30), 0);
	assert_true(shown(" (disk 7)"));
	described_end(&item);
	destroy_workqueue(wq);
}

static void worker_info_without_description_has_none(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("named", WQ_PERCPU, 0);
	struct described item;
	int tid = described_start(&item, NULL, wq);

	shown_begin();
	print_worker_info(NULL, tid);
	assert_int_equal(strncmp(shown_line[0], "workq: Workqueue: named ", 24), 0);
	assert_false(shown("("));
	described_end(&item);
	destroy_workqueue(wq);
}

static void worker_info_of_idle_worker_or_none_says_nothing(void **state)
{
	struct workqueue_struct *wq = alloc_workqueue("named", WQ_PERCPU, 0);
	struct described item;
	int tid = described_start(&item, "disk 7", wq);

	described_end(&item);
	shown_begin();
	print_worker_info("", tid);
	print_worker_info("", (int)syscall(SYS_gettid));
	print_worker_info("", 0);
	assert_int_equal(atomic_load(&nr_shown), 0);
	destroy_workqueue(wq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(comm_has_the_queues_name_running_and_afterwards),
		api_test(comm_has_the_description_running_and_afterwards),
		api_test(description_is_of_one_item_only),
		api_test(comm_after_the_queue_was_destroyed_still_tells),
		api_test(description_too_long_is_cut),
		api_test(comm_in_a_small_buffer_is_cut),
		api_test(comm_of_no_worker_is_false_and_empty),
		api_test(set_worker_desc_outside_does_nothing),
		api_test(set_worker_desc_in_a_timers_callback_does_nothing),
		api_test(worker_info_names_queue_function_and_description),
		api_test(worker_info_without_description_has_none),
		api_test(worker_info_of_idle_worker_or_none_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
