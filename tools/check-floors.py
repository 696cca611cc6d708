#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check-floors.py [LIB]: is every line of the library in a room where it may stand?

 - A floor includes itself and the floors named before it, by "floor/room.h".
 - Only base/atomic.h spells atomics and memory orders.
 - Only the doors of base (os, park, lock, report, settings) call libc for threads, time,
   memory or the operating system; everything else asks the doors.
"""
import pathlib
import re
import sys

from c_source import Faults, code_only, files_below, line_of, without_comments

FLOORS = ["base", "core", "watch", "ops"]
ATOMICS_ROOM = "base/atomic.h"
DOORS = {f"base/{room}{suffix}" for room in ("os", "park", "lock", "report", "ring", "roster", "settings")
         for suffix in (".c", ".h")}

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(["<])([^">]+)[">]', re.MULTILINE)
ATOMICS = re.compile(
    r"\b(__ATOMIC_\w+|memory_order\w*|__atomic_\w+|__sync_\w+|_Atomic|atomic_\w+"
    r"|__builtin_ia32_[lms]fence|_mm_[lms]fence)\b")
DOOR_HEADERS = re.compile(
    r"(pthread|threads|semaphore|sched|time|unistd|fcntl|poll|signal|malloc|dirent)\.h$"
    r"|sys/(?!types\.h|cdefs\.h)\w+\.h$|linux/.*|asm/.*")
ANY_USE = re.compile(r"\b(pthread_\w+|sem_(?:init|wait|post|timedwait|destroy)|SYS_\w+|__NR_\w+)\b")
CALLS = """
    malloc calloc realloc reallocarray free aligned_alloc posix_memalign memalign valloc strdup
    strndup asprintf vasprintf mmap munmap mprotect madvise
    clock_gettime clock_nanosleep gettimeofday time nanosleep usleep sleep alarm setitimer
    timer_create timer_settime timerfd_create timerfd_settime
    syscall futex membarrier fork vfork _Fork clone execve waitpid
    sched_getcpu sched_yield sched_getaffinity sched_setaffinity sched_setscheduler
    setpriority getpriority nice prctl gettid getpid kill tgkill raise signal sigaction
    sigprocmask sigfillset sigemptyset
    open openat creat close read write pread pwrite readv writev lseek ioctl fcntl poll ppoll
    select epoll_create1 epoll_ctl epoll_wait eventfd pipe pipe2 dup
    fopen fclose fread fwrite fgets fputs puts printf fprintf vprintf vfprintf perror
    opendir readdir closedir sysconf get_nprocs
    thrd_create thrd_join mtx_init mtx_lock mtx_unlock cnd_init cnd_wait cnd_signal
    dlopen dlsym dladdr getenv secure_getenv setenv putenv
    abort exit _exit quick_exit assert perf_event_open
""".split()
CALL = re.compile(r"(?<![\w.])(?<!->)(" + "|".join(CALLS) + r")\s*\(")


def check_include(name, quote, included, complain):
    if quote == "<":
        if DOOR_HEADERS.match(included) and name not in DOORS:
            complain(f"<{included}> is for the doors of lib/base only")
        if included in ("stdatomic.h",) and name != ATOMICS_ROOM:
            complain(f"<{included}> is for {ATOMICS_ROOM} only")
        return
    floor, target = name.split("/")[0], included.split("/")[0]
    if target not in FLOORS or len(included.split("/")) != 2:
        complain(f'"{included}" is no room: include "floor/room.h"')
    elif FLOORS.index(target) > FLOORS.index(floor):
        complain(f"{floor} must not include \"{included}\": {target} is a floor above it")


def check_words(name, text, complain_at):
    if name != ATOMICS_ROOM:
        for match in ATOMICS.finditer(text):
            complain_at(match.start(), f"{match[1]}: only {ATOMICS_ROOM} spells atomics")
    if name not in DOORS:
        for pattern in (ANY_USE, CALL):
            for match in pattern.finditer(text):
                complain_at(match.start(), f"{match[1]}: only the doors of lib/base may call it")


def check_file(lib, path, faults):
    name = path.relative_to(lib).as_posix()
    if name.count("/") != 1 or name.split("/")[0] not in FLOORS:
        faults.add(path, 1, "not on a floor: lib/ holds " + ", ".join(FLOORS) + " and nothing else")
        return
    text = path.read_text()

    def complain_at(position, message):
        faults.add(path, line_of(text, position), message)

    for match in INCLUDE.finditer(without_comments(text)):
        check_include(name, match[1], match[2], lambda message: complain_at(match.start(2), message))
    check_words(name, code_only(text), complain_at)


def main():
    lib = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "lib")
    faults = Faults()
    files = files_below(lib)
    for path in files:
        check_file(lib, path, faults)
    faults.exit(f"floors: {len(files)} files")


if __name__ == "__main__":
    main()
