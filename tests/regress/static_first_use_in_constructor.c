/* SPDX-License-Identifier: MIT */
/*
 * static_first_use_in_constructor.c - the library's first use by a program's constructor.
 *
 * The library notes at load time which CPUs the process may use. In a program that is
 * linked statically, an early constructor of the program comes before that: the first
 * queue found no CPU allowed, looked for one to stand in for the others, and read
 * behind the end of its table. The first use now notes the CPUs if nobody has. Linked
 * with the shared library no program can be that early, so no other test was.
 */
#include "support/api.h"

static struct item early_item;
static bool early_answer;

__attribute__((constructor(101))) static void use_early(void)
{
	item_init(&early_item);
	early_answer = schedule_work(&early_item.work);
	flush_work(&early_item.work);
}

static void queue_work_in_constructor_runs_the_item(void **state)
{
	assert_true(early_answer);
	assert_int_equal(item_runs(&early_item), 1);
}

/* O1 */
static void queue_work_on_after_use_in_constructor_knows_all_cpus(void **state)
{
	struct item item;

	item_init(&item);
	for (int i = 0; i < nr_allowed_cpus(); i++) {
		assert_true(queue_work_on(allowed_cpu(i), system_percpu_wq, &item.work));
		flush_work(&item.work);
		assert_int_equal(atomic_load(&item.cpu), allowed_cpu(i));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(queue_work_in_constructor_runs_the_item),
		api_test(queue_work_on_after_use_in_constructor_knows_all_cpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
