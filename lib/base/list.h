/* SPDX-License-Identifier: MIT */
/*
 * list.h - circular doubly linked lists, the links inside the objects.
 *
 * A node that is on no list has prev == NULL, or a note there: wq_list_is_on() tells, and it is
 * how the core knows that an item is filed. No locks: the caller excludes others.
 */
#ifndef WQ_BASE_LIST_H
#define WQ_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* The links of struct work_struct are declared as void pointers; hence may_alias. */
struct wq_list {
	struct wq_list *next;
	struct wq_list *prev;
} __attribute__((may_alias));

#define wq_list_entry(node, type, member) ((type *)((char *)(node)-offsetof(type, member)))

static inline void wq_list_init(struct wq_list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool wq_list_is_empty(const struct wq_list *head)
{
	return head->next == head;
}

/* Of a node that is on no list: prev is a note, of something aligned to 4, and this bit. */
#define WQ_LIST_NOTE 2ul

static inline bool wq_list_is_on(const struct wq_list *node)
{
	return node->prev && !((unsigned long)node->prev & WQ_LIST_NOTE);
}

static inline void wq_list_note(struct wq_list *node, const void *note)
{
	node->prev = (struct wq_list *)((unsigned long)note | WQ_LIST_NOTE);
}

static inline void *wq_list_take_note(struct wq_list *node)
{
	void *note = (void *)((unsigned long)node->prev & ~WQ_LIST_NOTE);

	node->prev = NULL;
	return note;
}

static inline void wq_list_insert(struct wq_list *node, struct wq_list *prev, struct wq_list *next)
{
	node->next = next;
	node->prev = prev;
	prev->next = node;
	next->prev = node;
}

static inline void wq_list_add_head(struct wq_list *node, struct wq_list *head)
{
	wq_list_insert(node, head, head->next);
}

static inline void wq_list_add_tail(struct wq_list *node, struct wq_list *head)
{
	wq_list_insert(node, head->prev, head);
}

static inline void wq_list_del(struct wq_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->prev = NULL;
}

/*
 * A node on a list of marked nodes: which of two lists it is on can be told
 * without looking further. The mark is bit 0 of prev; heads have none.
 */
#define WQ_LIST_MARK 1ul

static inline bool wq_list_is_marked(const struct wq_list *node)
{
	return (unsigned long)node->prev & WQ_LIST_MARK;
}

static inline struct wq_list *wq_list_with_mark(const struct wq_list *node, unsigned long mark)
{
	return (struct wq_list *)(((unsigned long)node & ~WQ_LIST_MARK) | mark);
}

static inline void wq_list_add_tail_marked(struct wq_list *node, struct wq_list *head)
{
	wq_list_add_tail(node, head);
	node->prev = wq_list_with_mark(node->prev, WQ_LIST_MARK);
}

/* Off a list of either kind. */
static inline void wq_list_del_marked(struct wq_list *node)
{
	struct wq_list *prev = wq_list_with_mark(node->prev, 0), *next = node->next;

	prev->next = next;
	next->prev = wq_list_with_mark(prev, (unsigned long)next->prev & WQ_LIST_MARK);
	node->prev = NULL;
}

#define wq_list_for_each(node, head)                                                               \
	for ((node) = (head)->next; (node) != (head); (node) = (node)->next)

/* The same when the loop may take the node off. */
#define wq_list_for_each_safe(node, tmp, head)                                                     \
	for ((node) = (head)->next, (tmp) = (node)->next; (node) != (head);                        \
	     (node) = (tmp), (tmp) = (node)->next)

#endif /* WQ_BASE_LIST_H */
