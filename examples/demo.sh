#!/bin/bash
# SPDX-License-Identifier: MIT
# demo.sh DIR: shows what libworkq does, with the programs of the build directory DIR.
#
# Runs hello, thermal, rcu, bh, freeze and affinity, then treehash on two trees of this
# machine beside sha256sum, whose output it must equal byte for byte, then a short
# benchmark of queueing.
# Exit status 1 if an output differs.
set -u -o pipefail

build=$(cd "${1:?usage: demo.sh DIR}" && pwd) || exit 2
treehash=$build/examples/treehash
bench=$build/bench/workq-bench
max_mib=1536 # of files: some ten seconds for sha256sum on one CPU
equal=true

# One order for sort and treehash, and a point in the times.
export LC_ALL=C
TIMEFORMAT='%R %U %S'

tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

heading() {
	if [ -t 1 ]; then
		printf '\n\033[1m== %s\033[0m\n' "$1"
	else
		printf '\n== %s\n' "$1"
	fi
}

first_cpu() { # the first of the CPUs we may use
	taskset -pc $$ | sed 's/.*: *//; s/[-,].*//'
}

size_mib() { # size_mib DIR
	du -sm "$1" 2>/dev/null | cut -f1
}

larger_tree() { # the largest that fits $max_mib
	local dir size best=0 largest=

	for dir in /usr/lib /usr/share /usr/lib/*-linux-gnu /usr/bin; do
		if [ ! -d "$dir" ] || [ -L "$dir" ]; then
			continue
		fi
		size=$(size_mib "$dir")
		if [ "$size" -le "$max_mib" ] && [ "$size" -gt "$best" ]; then
			best=$size
			largest=$dir
		fi
	done
	echo "$largest"
}

read_once() { # read_once DIR: so that each program finds the files in memory
	find "$1" -type f -print0 | xargs -0 -r cat >/dev/null 2>&1
}

# timed NAME COMMAND...: output to $tmp/NAME, times to $tmp/NAME.time. An exit
# status that tells of unreadable files is as good as 0.
timed() {
	local name=$1 status

	shift
	{ time "$@" >"$tmp/$name" 2>&3 3>&-; } 3>&2 2>"$tmp/$name.time"
	status=$?
	case $status in
	0 | 1 | 123) ;;
	*)
		echo "$1 ended with status $status" >&2
		equal=false
		;;
	esac
}

with_sha256sum() { # with_sha256sum DIR
	find "$1" -type f -print0 | sort -z | xargs -0 -r sha256sum
}

compare() { # compare NAME
	cmp "$tmp/sha256sum" "$tmp/$1" && return
	echo "$1: the output differs from sha256sum's" >&2
	equal=false
}

row() { # row WHAT CPUS NAME
	awk -v what="$1" -v cpus="$2" '{
		printf "  %-10s %-7s %6.2f s %6.2f s\n", what, cpus, $1, $2 + $3
	}' "$tmp/$3.time"
}

show_treehash() { # show_treehash DIR
	local cpu nr_cpus

	cpu=$(first_cpu)
	nr_cpus=$(nproc)
	heading "treehash $1 ($(size_mib "$1") MiB)"

	export -f with_sha256sum
	read_once "$1"
	timed sha256sum taskset -c "$cpu" bash -o pipefail -c 'with_sha256sum "$1"' bash "$1"
	read_once "$1"
	timed one-cpu taskset -c "$cpu" "$treehash" -j 1 "$1"
	read_once "$1"
	timed all-cpus "$treehash" "$1"
	compare one-cpu
	compare all-cpus

	echo "$(wc -l <"$tmp/sha256sum") files, the first two:"
	head -n 2 "$tmp/all-cpus"
	echo
	printf '  %-18s %8s %8s\n' "" time "CPU time"
	row sha256sum "1 CPU" sha256sum
	row treehash "1 CPU" one-cpu
	row treehash "$nr_cpus CPUs" all-cpus
}

heading "hello"
"$build/examples/hello" || equal=false

heading "thermal: a device that answers after 50 ms, and one that takes 80"
"$build/examples/thermal" || equal=false
"$build/examples/thermal" -a 80 -d 90 || equal=false

heading "bh: a serial port; a byte is an interrupt"
"$build/examples/bh" || equal=false

heading "freeze: checkpoints of accounts while money is moved"
"$build/examples/freeze" || equal=false

heading "affinity: where the items of an unbound queue run"
"$build/examples/affinity" || equal=false

if [ -x "$build/examples/rcu" ]; then
	heading "rcu: a configuration replaced while it is read"
	"$build/examples/rcu" || equal=false
fi

if [ -x "$treehash" ]; then
	for tree in /usr/include "$(larger_tree)"; do
		[ -d "$tree" ] && show_treehash "$tree"
	done
	echo
	echo "(\"sha256sum\" is find | sort -z | xargs -0 sha256sum. On one CPU the difference is"
	echo "that of the SHA-256 in coreutils and in OpenSSL, and of starting processes.)"
else
	echo "demo: treehash is not built: it needs OpenSSL (libssl-dev)" >&2
	equal=false
fi

if [ -x "$bench" ]; then
	heading "workq-bench queue, chain"
	"$bench" queue --runs 5 || equal=false
	"$bench" chain --runs 5 || equal=false
fi

echo
if ! "$equal"; then
	echo "demo: FAILED"
	exit 1
fi
echo "demo: all outputs equal"
