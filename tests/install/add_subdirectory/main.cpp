/* SPDX-License-Identifier: MIT */
/*
 * main.cpp - the API from C++17: items in objects, found again by from_work().
 */
#include <atomic>
#include <iostream>
#include <memory>
#include <vector>

#include <workq/workq.h>
#include <workq/workqueue.h>

namespace
{
std::atomic<int> sum;

struct job {
	work_struct work;
	int value;
};

void add(work_struct *work)
{
	job *self = nullptr;

	self = from_work(self, work, work);
	sum += self->value;
}
} // namespace

int main()
{
	std::vector<std::unique_ptr<job>> jobs;
	workqueue_struct *wq = alloc_workqueue("%s", WQ_UNBOUND, 0, "c++");

	if (!wq)
		return 1;
	for (int value = 1; value <= 100; value++) {
		jobs.push_back(std::make_unique<job>());
		jobs.back()->value = value;
		INIT_WORK(&jobs.back()->work, add);
		queue_work(wq, &jobs.back()->work);
	}
	flush_workqueue(wq);
	destroy_workqueue(wq);
	if (sum != 5050)
		return 2;
	std::cout << "consumer: ok in C++ with libworkq " << workq_version() << '\n';
	return 0;
}
