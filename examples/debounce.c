/* SPDX-License-Identifier: MIT */
/*
 * debounce.c - act once when a burst of events is over: a file watcher.
 *
 *	usage: debounce PATH [QUIET_MS]
 *
 * Watches a directory, or a file, by inotify. Each event postpones the item by
 * mod_delayed_work(), so it runs when nothing has happened for QUIET_MS (100
 * if not given), and prints which files have changed. Ends at Ctrl-C; changes
 * not yet printed are printed then.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <workq/workqueue.h>

enum {
	EVENTS = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
		 IN_MOVED_TO,
};

static struct workqueue_struct *wq;
static unsigned long quiet = 100; /* in jiffies, that is, milliseconds */
static const char *only_name;     /* what is watched in the directory; NULL: everything */

struct change {
	struct change *next;
	char name[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct change *changes; /* under lock: each name once, the oldest first */

/* ------------------------------------------------------------ the reaction */

static struct change *take_changes(void)
{
	struct change *taken;

	pthread_mutex_lock(&lock);
	taken = changes;
	changes = NULL;
	pthread_mutex_unlock(&lock);
	return taken;
}

/* Here a real tool would compile something. What changes meanwhile leads to another run. */
static void run_rebuild(struct work_struct *work)
{
	static unsigned int nr_rebuilds; /* an item never runs twice at once */
	struct change *change, *next = take_changes();

	(void)work;
	if (!next)
		return;
	printf("rebuild %u:", ++nr_rebuilds);
	while ((change = next)) {
		next = change->next;
		printf(" %s", change->name);
		free(change);
	}
	puts("");
}

static DECLARE_DELAYED_WORK(rebuild, run_rebuild);

/* -------------------------------------------------------------- the events */

static void add_change_locked(const char *name)
{
	struct change **at = &changes;

	while (*at && strcmp((*at)->name, name) != 0)
		at = &(*at)->next;
	if (*at)
		return;
	*at = calloc(1, sizeof(**at) + strlen(name) + 1);
	if (*at)
		strcpy((*at)->name, name);
	else
		perror("debounce");
}

/* Return: can more events follow? */
static bool handle_event_locked(const struct inotify_event *event)
{
	const char *name = event->len ? event->name : ".";

	if (event->mask & IN_IGNORED) {
		fputs("debounce: the watched directory is gone\n", stderr);
		return false;
	}
	if (event->mask & IN_Q_OVERFLOW)
		name = "(more than the system could tell)";
	else if (only_name && strcmp(name, only_name) != 0)
		return true;
	add_change_locked(name);
	mod_delayed_work(wq, &rebuild, quiet); /* another quiet period from now on */
	return true;
}

/*
 * The lock is held for all events of a read(): what the system tells at once is
 * one change, even if this thread is stopped in the middle for longer than the
 * quiet period. Return: can more events follow?
 */
static bool handle_events(int inotify_fd)
{
	static char buffer[65536] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t size = read(inotify_fd, buffer, sizeof(buffer));
	const struct inotify_event *event;
	bool more = true;

	if (size < 0)
		return errno == EINTR || errno == EAGAIN;
	pthread_mutex_lock(&lock);
	for (ssize_t at = 0; at < size && more; at += (ssize_t)(sizeof(*event) + event->len)) {
		event = (const void *)(buffer + at);
		more = handle_event_locked(event);
	}
	pthread_mutex_unlock(&lock);
	return more;
}

/* Until a signal: true; or until there is nothing left to watch. */
static bool watch(int inotify_fd, int signal_fd)
{
	struct pollfd fds[] = {
		{ .fd = inotify_fd, .events = POLLIN },
		{ .fd = signal_fd, .events = POLLIN },
	};
	bool more = true;

	while (more && !fds[1].revents) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			more = false;
		else if (fds[0].revents)
			more = handle_events(inotify_fd);
	}
	return more;
}

/* ------------------------------------------------------------------- setup */

/*
 * A file is watched through its directory, since most editors do not write
 * into it but put another in its place.
 */
static const char *directory_of(char *path)
{
	char *slash = strrchr(path, '/');
	struct stat status;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		return path;
	only_name = slash ? slash + 1 : path;
	if (!slash)
		return ".";
	if (slash == path)
		return "/";
	*slash = '\0';
	return path;
}

static int open_inotify(char *path)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd >= 0 && inotify_add_watch(fd, directory_of(path), EVENTS | IN_ONLYDIR) < 0)
		return -1;
	return fd;
}

/* To be called while there is one thread: the library's have these signals blocked anyway. */
static int open_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	return signalfd(-1, &signals, SFD_CLOEXEC);
}

static bool parse_quiet(const char *text)
{
	char *end;

	quiet = strtoul(text, &end, 10);
	return !*end && quiet >= 1 && quiet <= 3600ul * HZ;
}

int main(int argc, char **argv)
{
	int inotify_fd, signal_fd;
	bool ok;

	if (argc < 2 || argc > 3 || (argc == 3 && !parse_quiet(argv[2]))) {
		fputs("usage: debounce PATH [QUIET_MS]\n", stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	signal_fd = open_signals();
	inotify_fd = open_inotify(argv[1]);
	wq = alloc_workqueue("debounce", WQ_PERCPU, 0);
	if (signal_fd < 0 || inotify_fd < 0 || !wq) {
		perror("debounce");
		return EXIT_FAILURE;
	}
	puts("watching");
	ok = watch(inotify_fd, signal_fd);

	flush_delayed_work(&rebuild); /* do not wait for the quiet period, and lose nothing */
	destroy_workqueue(wq);
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
