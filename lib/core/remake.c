/* SPDX-License-Identifier: MIT */
/*
 * remake.c - queues whose attributes or CPUs have changed are served anew (contracts in remake.h).
 */
#include "core/remake.h"

#include "core/layout.h"
#include "core/retire.h"
#include "core/wq.h"

int wq_remake_queue(struct workqueue_struct *wq)
{
	struct wq_layout layout;
	int err = wq_retire_start();

	wq_assert_held(&wq_config_lock);
	if (!err)
		err = wq_layout_make(wq, &layout);
	if (!err)
		wq_layout_install(wq, &layout);
	return err;
}

int wq_remake_all(bool (*is_concerned)(const struct workqueue_struct *wq))
{
	struct wq_list *node;
	int err = 0;

	wq_assert_held(&wq_config_lock);
	wq_list_for_each(node, &wq_all) {
		struct workqueue_struct *wq = wq_list_entry(node, struct workqueue_struct, node);

		if (!err && is_concerned(wq))
			err = wq_remake_queue(wq);
	}
	return err;
}
