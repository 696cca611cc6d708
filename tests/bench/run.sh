#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh BUILD_DIR - does workq-bench work?
#
# Every subcommand runs with tiny counts on every kind of queue, its JSON is
# read back, and wrong command lines are refused. Speed is not looked at.
set -eu

build=${1:?usage: $0 BUILD_DIR}
bench=$build/bench/workq-bench
here=$(dirname "$0")
commands="queue chain flush wake timer lateness scope"
tiny="--quick --runs 2 --items 20"

fail()
{
	echo "FAIL: $*" >&2
	exit 1
}

# expect STATUS ARGUMENTS...: what it writes lands in $output
expect()
{
	want=$1
	shift
	status=0
	output=$("$bench" "$@" 2>&1) || status=$?
	[ "$status" -eq "$want" ] || fail "workq-bench $*: exit $status, not $want: $output"
}

# refused ARGUMENTS...: exit 2 and one line that says why
refused()
{
	expect 2 "$@"
	case $output in
	"workq-bench"*": "*) ;;
	*) fail "workq-bench $*: no message: $output" ;;
	esac
}

check_json()
{
	"$bench" "$@" --json | python3 "$here/check_json.py" || fail "workq-bench $* --json"
}

[ -x "$bench" ] || fail "$bench is missing"

for command in $commands; do
	expect 0 "$command" --help
	# shellcheck disable=SC2086 # $tiny is several arguments
	for flags in percpu unbound highpri ordered; do
		expect 0 "$command" $tiny --flags "$flags"
		check_json "$command" $tiny --flags "$flags"
	done
done

check_json queue --quick --runs 2
check_json queue --quick --runs 2 --items 7 --producers 3
check_json queue --quick --runs 2 --items 50 --max-active 1
check_json chain --quick --runs 2 --items 50 --producers 3
check_json wake --quick --runs 2 --items 3 --pause 50
check_json timer --quick --runs 2 --pending 1
check_json timer --quick --runs 2 --pending 10,30 --items 40
check_json lateness --quick --runs 2 --load
check_json scope --quick --runs 2 --items 5 --producers 3
check_json lateness --quick --runs 2 --pending 1 --items 1 --span 1

picture=$(mktemp)
trap 'rm -f "$picture"' EXIT
if command -v gnuplot >/dev/null; then
	expect 0 lateness --quick --runs 2 --load --svg "$picture"
	grep -q '<svg' "$picture" || fail "lateness --svg: that is no picture"
else
	expect 1 lateness --quick --runs 2 --svg "$picture"
fi

expect 0 --help
for command in $commands; do
	case $output in
	*"  $command "*) ;;
	*) fail "--help does not name $command" ;;
	esac
done
expect 0 --version

refused
refused no-such-command
refused queue --no-such-option
refused queue too-many
refused queue --runs 0
refused queue --runs many
refused queue --items -1
refused queue --items 12k
refused queue --flags purple
refused queue --cpu 8191
refused queue --max-active 2049
refused queue --flags ordered --max-active 2
refused flush --producers 2
refused wake --pause 0
refused wake --pending 1
refused timer --pending 0
refused timer --pending 1,
refused timer --pending 1,2,3,4,5,6,7,8,9
refused timer --svg picture
refused lateness --span 0

echo "bench: OK"
