#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh DIR: runs the programs in DIR, the examples' build directory, and checks
# their output: the small ones' against NAME.out beside this script, debounce's
# against what happens to files made here, treehash's against what find, sort and
# sha256sum say about trees made here.
#
# Exit status 1 if a check failed. What cannot be checked here is said to be skipped.
set -u

here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "${1:?usage: run.sh DIR}" && pwd) || exit 2
treehash=$bin/treehash
deadline_s=180
failures=0

# Readable for others, since some checks run as nobody.
tmp=$(mktemp -d) || exit 2
chmod 755 "$tmp"
trap 'chmod -R u+rwx "$tmp"; rm -rf "$tmp"' EXIT

# -------------------------------------------------------------------- helpers

result() { # result STATUS NAME
	if [ "$1" -eq 0 ]; then
		echo "ok      $2"
	else
		echo "FAILED  $2"
		failures=$((failures + 1))
	fi
}

skip() { # skip NAME WHY
	echo "skipped $1: $2"
}

same() { # same EXPECTED GOT: quiet if equal
	cmp "$1" "$2" >&2 || { diff "$1" "$2" | head -n 20 >&2; return 1; }
}

# expect_status STATUS COMMAND...: its output goes to $tmp/out and $tmp/err
expect_status() {
	local expected=$1 status

	shift
	"$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	[ "$status" -eq "$expected" ] && return
	echo "status $status instead of $expected: $*" >&2
	cat "$tmp/err" >&2
	return 1
}

expect_line() { # expect_line PATTERN FILE
	grep -qE -e "$1" "$2" || { echo "no line like \"$1\" in:"; cat "$2"; } >&2
	grep -qE -e "$1" "$2"
}

# poll COMMAND...: until it succeeds, or fails for $deadline_s
poll() {
	local end=$((SECONDS + deadline_s))

	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.02
	done
}

has_ended() { # has_ended PID
	! kill -0 "$1" 2>/dev/null
}

reference() { # reference DIR: what treehash DIR should print
	find "$1" -type f -print0 | sort -z | xargs -0 -r sha256sum
}

# --------------------------------------------------------- the small examples

check_small() { # check_small NAME
	expect_status 0 "$bin/$1" && same "$here/$1.out" "$tmp/out" && [ ! -s "$tmp/err" ]
}

# A slower device needs another delay, and nothing else.
check_slower_device() {
	sed 's/60 ms/90 ms/' "$here/thermal.out" >"$tmp/expected" &&
		expect_status 0 "$bin/thermal" -a 80 -d 90 && same "$tmp/expected" "$tmp/out"
}

# -------------------------------------------------------------- the file watcher

# start_debounce ARGUMENT...: its process is $watcher, its output $tmp/watched
start_debounce() {
	: >"$tmp/watched" # at once, unlike the background process: not to see an earlier one's
	env --default-signal=INT "$bin/debounce" "$@" >"$tmp/watched" 2>"$tmp/err" &
	watcher=$!
	poll grep -qx watching "$tmp/watched" && return
	echo "debounce did not start" >&2
	kill -KILL "$watcher"
	return 1
}

# end_debounce STATUS [SIGNAL]
end_debounce() {
	local status

	[ $# -lt 2 ] || kill "-$2" "$watcher"
	poll has_ended "$watcher" || kill -KILL "$watcher"
	wait "$watcher"
	status=$?
	[ "$status" -eq "$1" ] || echo "debounce: status $status instead of $1" >&2
	[ "$status" -eq "$1" ]
}

is_stopped() { # is_stopped PID
	[ "$(sed 's/.*) //; s/ .*//' "/proc/$1/stat")" = T ]
}

# burst DIR NAME...: twenty writes to each. The watcher is stopped meanwhile, and so
# gets all events at once: a slow machine makes no quiet period in the middle.
burst() {
	local dir=$1 i name

	shift
	kill -STOP "$watcher" && poll is_stopped "$watcher" || return
	for i in {1..20}; do
		for name in "$@"; do
			echo "$i" >>"$dir/$name" || return
		done
	done
	kill -CONT "$watcher"
}

acted() { # acted LINE
	poll grep -qxF -e "$1" "$tmp/watched" && return
	echo "debounce never said: $1" >&2
	return 1
}

check_debounce() { # one action per burst; what comes right before the end is not lost
	mkdir "$tmp/watch" && : >"$tmp/new" && start_debounce "$tmp/watch" || return
	burst "$tmp/watch" a b c && acted 'rebuild 1: a b c' && burst "$tmp/watch" c d &&
		acted 'rebuild 2: c d' && mv "$tmp/new" "$tmp/watch/new"
	end_debounce 0 INT && [ ! -s "$tmp/err" ] &&
		printf '%s\n' watching 'rebuild 1: a b c' 'rebuild 2: c d' 'rebuild 3: new' \
			>"$tmp/expected" && same "$tmp/expected" "$tmp/watched"
}

# Writes for longer than the quiet period, with less than it in between. A busy
# machine may make a quiet period of its own: then once more, with a longer one.
check_debounce_postpones() {
	local try i

	for try in {1..10}; do
		start_debounce "$tmp/watch" $((300 * try)) || return
		for i in {1..12}; do
			echo "$try $i" >>"$tmp/watch/long"
			sleep 0.05
		done
		end_debounce 0 TERM || return
		[ "$(grep -c '^rebuild' "$tmp/watched")" -eq 1 ] && return
	done
	return 1
}

check_debounce_file() { # also when another file takes its place; others do not count
	: >"$tmp/other" && : >"$tmp/one" && : >"$tmp/watch/one" &&
		start_debounce "$tmp/watch/one" 60000 || return
	mv "$tmp/other" "$tmp/one" "$tmp/watch"
	end_debounce 0 TERM && printf '%s\n' watching 'rebuild 1: one' >"$tmp/expected" &&
		same "$tmp/expected" "$tmp/watched"
}

check_debounce_errors() {
	mkdir "$tmp/gone" && start_debounce "$tmp/gone" || return
	rmdir "$tmp/gone"
	end_debounce 1 && expect_line '^debounce: the watched directory is gone$' "$tmp/err" &&
		expect_status 1 "$bin/debounce" "$tmp/gone/file" &&
		expect_status 2 "$bin/debounce" && expect_status 2 "$bin/debounce" "$tmp" 0
}

# ----------------------------------------------------------------- the output

odd_dirs=(a a/b a/b/c a/b/c/d 'a ' -dash $'new\nline dir' é.d a.b)
odd_names=(plain 'two words' ' ' -n --help '*' $'new\nline' "back\\slash" $'carriage\rreturn'
	$'tab\there' $'bell\a' "\\" $'\n' é ß 日本語 $'not utf-8 \xff\xfe' Z z _ .hidden
	"quote'\"" "\$(date)" '%s%n' "$(printf '%0255d' 0)")

make_odd_tree() { # make_odd_tree DIR
	local dir name

	mkdir -p "$1/empty" && cd "$1" || return
	for dir in . "${odd_dirs[@]}"; do
		mkdir -p "./$dir" || return
		for name in "${odd_names[@]}"; do
			printf '%s in %s' "$name" "$dir" >"./$dir/$name" || return
		done
	done
	: >nothing && head -c 131072 /dev/zero >one-buffer &&
		head -c 131073 /dev/zero >one-buffer-and-one &&
		head -c 9000000 /dev/zero | tr '\0' x >big && mkfifo fifo && ln -s plain link &&
		ln -s nowhere dangling && ln -s a link-to-dir && ln -s . loop
}

make_wide_tree() { # make_wide_tree DIR: 2000 small files
	local i j

	for i in {1..40}; do
		mkdir -p "$1/$i/sub" || return
		for j in {1..25}; do
			echo "$i $j" >"$1/$i/$j" && echo "$j" >"$1/$i/sub/$j" || return
		done
	done
}

# check_equal DIR [OPTION]...: also in its exit status
check_equal() {
	local dir=$1

	shift
	reference "$dir" >"$tmp/expected" && expect_status 0 "$treehash" "$@" -- "$dir" &&
		same "$tmp/expected" "$tmp/out" && [ ! -s "$tmp/err" ]
}

check_locales() { # the order is the locale's
	local locale

	for locale in $(locale -a | grep -iE '^(C|POSIX|C\.utf|..._..\.utf|.._..\.utf)' | head -n 6); do
		LC_ALL=$locale check_equal "$tmp/odd" || return
	done
}

check_relative() { # paths are printed as DIR was given
	local dir

	cd "$tmp/odd" || return
	for dir in . ./ a a/ a// ../odd a/../a; do
		check_equal "$dir" || return
	done
}

check_single_file() {
	check_equal "$tmp/odd/plain" && [ -s "$tmp/out" ] &&
		check_equal "$tmp/odd/a/"$'new\nline' && [ -s "$tmp/out" ]
}

check_links() { # only "LINK/" is followed
	check_equal "$tmp/odd/link-to-dir" && [ ! -s "$tmp/out" ] &&
		check_equal "$tmp/odd/link" && [ ! -s "$tmp/out" ] &&
		check_equal "$tmp/odd/link-to-dir/" && [ -s "$tmp/out" ]
}

check_no_files() {
	check_equal "$tmp/odd/empty" && [ ! -s "$tmp/out" ] && check_equal "$tmp/odd/fifo"
}

# A directory deeper than a path can be long: find sees the files at the
# bottom, but neither sha256sum nor treehash can open them.
check_deep() {
	local name i

	name=$(printf '%0250d' 0)
	mkdir "$tmp/deep" && (
		cd "$tmp/deep" || exit
		for i in {1..20}; do
			echo "$i" >file && mkdir "$name" && cd -P "$name" || exit
		done
	) || return
	reference "$tmp/deep" >"$tmp/expected" 2>/dev/null
	expect_status 1 "$treehash" "$tmp/deep" && same "$tmp/expected" "$tmp/out" &&
		expect_line 'File name too long' "$tmp/err"
}

# ----------------------------------------------------------------- the errors

as_nobody() {
	if [ "$(id -u)" -eq 0 ]; then
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	else
		"$@"
	fi
}

check_unreadable() {
	local tree=$tmp/unreadable

	mkdir -p "$tree/closed" "$tree/open" && echo 1 >"$tree/secret" && echo 2 >"$tree/open/file" &&
		echo 3 >"$tree/closed/file" && chmod 000 "$tree/secret" "$tree/closed" || return
	as_nobody find "$tree" -type f -print0 2>/dev/null | LC_ALL=C sort -z |
		as_nobody xargs -0 -r sha256sum >"$tmp/expected" 2>/dev/null
	LC_ALL=C expect_status 1 as_nobody "$treehash" "$tree" && same "$tmp/expected" "$tmp/out" &&
		expect_line "^treehash: $tree/secret: Permission denied$" "$tmp/err" &&
		expect_line "^treehash: $tree/closed: Permission denied$" "$tmp/err" &&
		expect_line '^treehash: 2 files or directories' "$tmp/err"
}

check_missing() {
	LC_ALL=C expect_status 1 "$treehash" "$tmp/missing" && [ ! -s "$tmp/out" ] &&
		expect_line "^treehash: $tmp/missing: No such file or directory$" "$tmp/err" &&
		expect_status 1 "$treehash" "$tmp/odd/plain/" && expect_status 1 "$treehash" ''
}

check_write_error() { # a full disk, when it shows at once and at the end; no output at all
	expect_status 1 to_full_disk "$tmp/odd" && expect_line '^treehash: write error: ' "$tmp/err" &&
		expect_status 1 to_full_disk "$tmp/odd/plain" && expect_status 1 to_full_disk --help &&
		expect_status 1 to_closed_stdout "$tmp/odd" &&
		expect_line '^treehash: write error: ' "$tmp/err"
}

to_full_disk() {
	"$treehash" "$@" >/dev/full
}

to_closed_stdout() {
	"$treehash" "$@" >&-
}

check_usage() {
	local arg

	for arg in -j0 -j257 -jx -j -j1x --max-active= --no-such-option -x; do
		expect_status 2 "$treehash" "$arg" "$tmp/odd" || return
		[ ! -s "$tmp/out" ] && [ -s "$tmp/err" ] || return
	done
	expect_status 2 "$treehash" && expect_line 'DIR is missing' "$tmp/err" &&
		expect_status 2 "$treehash" "$tmp" "$tmp" && [ ! -s "$tmp/out" ]
}

check_help() {
	expect_status 0 "$treehash" --help && expect_line '^Usage: treehash' "$tmp/out" &&
		expect_status 0 "$treehash" --version && expect_line '^treehash \(libworkq [0-9.]+' "$tmp/out"
}

# --------------------------------------------------- Ctrl-C, and the terminal

has_open() { # has_open PID FILE
	readlink "/proc/$1/fd/"* 2>/dev/null | grep -qxF "$2"
}

# A sparse file that takes minutes to hash: once it is open, the program is
# in the middle of its work, and with -j1 everything behind it is pending.
check_sigint() { # check_sigint N
	local pid status

	# a shell without job control lets its background processes ignore SIGINT
	env --default-signal=INT "$treehash" -j"$1" "$tmp/huge" >"$tmp/out" 2>"$tmp/err" &
	pid=$!
	poll has_open "$pid" "$tmp/huge/0/sparse" || echo "sparse file not opened" >&2
	kill -INT "$pid"
	poll has_ended "$pid" || kill -KILL "$pid"
	wait "$pid"
	status=$?
	[ "$status" -eq 130 ] || echo "status $status" >&2
	[ "$status" -eq 130 ] && [ ! -s "$tmp/out" ] && [ "$(wc -l <"$tmp/err")" -eq 1 ] &&
		expect_line '^treehash: interrupted: [0-9]+ of [0-9]+ files done$' "$tmp/err"
}

check_terminal() { # the bar is drawn on a terminal only, and erased at the end
	TERM=xterm script -qec "'$treehash' '$tmp/odd' >'$tmp/out'" /dev/null \
		</dev/null >"$tmp/terminal" || return
	reference "$tmp/odd" >"$tmp/expected"
	same "$tmp/expected" "$tmp/out" && expect_line 'files, .*B/s' "$tmp/terminal" &&
		[ "$(tail -c 4 "$tmp/terminal")" = $'\r\033[K' ] &&
		TERM=xterm script -qec "'$treehash' -q '$tmp/odd' >'$tmp/out'" /dev/null \
			</dev/null >"$tmp/terminal" && [ ! -s "$tmp/terminal" ]
}

# ----------------------------------------------------------------------------

small=(hello embed ordered cancel parallel delayed periodic kthread thermal thermal_poll bh freeze
	affinity)
if [ -x "$bin/rcu" ]; then
	small+=(rcu)
else
	skip rcu "not built"
fi
for name in "${small[@]}"; do
	check_small "$name"
	result $? "$name"
done
check_slower_device
result $? "thermal: a slower device"
check_debounce
result $? "debounce: one action per burst"
check_debounce_postpones
result $? "debounce: each event postpones it"
check_debounce_file
result $? "debounce: a single file"
check_debounce_errors
result $? "debounce: errors"

if [ ! -x "$treehash" ]; then
	skip treehash "not built"
	exit $((failures > 0))
fi

(make_odd_tree "$tmp/odd") && make_wide_tree "$tmp/wide"
result $? "treehash: trees to test with"

export LC_ALL=C
check_equal "$tmp/odd"
result $? "treehash: odd names and files"
for nr in 1 3 256; do
	check_equal "$tmp/wide" -j "$nr"
	result $? "treehash: 2000 files, -j $nr"
done
unset LC_ALL
check_locales
result $? "treehash: order of other locales"
export LC_ALL=C
(check_relative)
result $? "treehash: forms of DIR"
check_single_file
result $? "treehash: DIR is a file"
check_links
result $? "treehash: DIR is a symbolic link"
check_no_files
result $? "treehash: no files"
check_deep
result $? "treehash: paths too long to open"
if as_nobody "$treehash" --version >/dev/null 2>&1; then
	check_unreadable
	result $? "treehash: unreadable file and directory"
else
	skip "treehash: unreadable file and directory" "no other user may run $treehash"
fi
check_missing
result $? "treehash: missing DIR"
check_write_error
result $? "treehash: output cannot be written"
check_usage
result $? "treehash: bad usage"
check_help
result $? "treehash: --help and --version"

mkdir -p "$tmp/huge/0" && cp -r "$tmp/wide" "$tmp/huge/wide"
if truncate -s 1T "$tmp/huge/0/sparse" 2>/dev/null; then
	for nr in 1 2 16; do
		check_sigint "$nr"
		result $? "treehash: SIGINT, -j $nr"
	done
else
	skip "treehash: SIGINT" "no sparse files here"
fi
if command -v script >/dev/null; then
	check_terminal
	result $? "treehash: progress bar on a terminal"
else
	skip "treehash: progress bar on a terminal" "script(1) is not installed"
fi

exit $((failures > 0))
