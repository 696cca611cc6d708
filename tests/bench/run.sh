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
commands="queue chain spawn flush wake cancel timer lateness scope mix replace scale memory"
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

# one_cpu ARGUMENTS...: the same for a process that may use only the first of its CPUs
one_cpu()
{
	cpu=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
	taskset -c "$cpu" "$bench" "$@" >/dev/null || fail "on one CPU: workq-bench $*"
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

# One CPU is enough, though some workloads need another.
for command in $commands; do
	one_cpu "$command" --quick --runs 2 --items 20
done

check_json queue --quick --runs 2
check_json queue --quick --runs 2 --items 7 --producers 1,3,5
check_json queue --quick --runs 2 --items 50 --max-active 1
check_json chain --quick --runs 2 --items 50 --producers 3
check_json spawn --quick --runs 2 --items 1 --depth 1
check_json mix --quick --runs 2 --seed 7 --producers 3
check_json cancel --quick --runs 2 --items 3
check_json wake --quick --runs 2 --items 3 --pause 50
check_json timer --quick --runs 2 --pending 1
check_json timer --quick --runs 2 --pending 10,30 --items 40
check_json lateness --quick --runs 2 --load
check_json scope --quick --runs 2 --items 5 --producers 3
check_json lateness --quick --runs 2 --pending 1 --items 1 --span 1
check_json replace --quick --runs 2 --items 5 --source sampled
for axis in producers queues items timers; do
	check_json scale --quick --runs 2 --items 50 --axis "$axis"
done
check_json scale --quick --runs 2 --axis items --limit 1000

# All that were found, each with all its workloads; that every task ran once it checks itself.
# shellcheck disable=SC2086 # $tiny is several arguments
expect 0 compare $tiny
for peer in libworkq-unbound mutex-pool; do
	case $output in
	*"spray-1, $peer "*) ;;
	*) fail "compare leaves out $peer: $output" ;;
	esac
done
check_json compare --quick --runs 2 --items 200
check_json compare --quick --runs 2 --peers MUTEX-POOL --workloads spray-2,memory --items 5

# Pictures. What compare writes is made from others' lines: it may know no other library here.
drawn=$(mktemp -d)
trap 'rm -rf "$drawn"' EXIT
for command in "queue --producers 1,2" flush timer "lateness --load"; do
	# shellcheck disable=SC2086 # options, too
	"$bench" $command --quick --runs 2 --json >>"$drawn/results.json"
done
grep '"flush-same-cpu"' "$drawn/results.json" | sed 's/"command":"flush"/"command":"compare"/' >"$drawn/one"
sed 's/"libworkq"/"Ours \& '"'"'theirs'"'"' <b>"/' "$drawn/one" >"$drawn/two"
if command -v gnuplot >/dev/null; then
	expect 0 plot "$drawn/results.json" "$drawn/one" "$drawn/two" --out "$drawn/out"
	for picture in bursts producers timers flush lateness compare compare-flush-same-cpu; do
		grep -q '</svg>' "$drawn/out/$picture.svg" || fail "plot: $picture.svg is no picture"
		grep -q "\"$picture.svg\"" "$drawn/out/index.html" || fail "plot: the page lacks $picture"
	done
	grep -q 'Ours &amp; .theirs. &lt;b&gt;' "$drawn/out/index.html" || fail "plot: no escapes"
	[ "$(grep -c '<tr><td>' "$drawn/out/index.html")" = \
		"$(cat "$drawn/results.json" "$drawn/one" "$drawn/two" | wc -l)" ] || fail "plot: rows"
	# The last of several results with one name counts.
	expect 0 plot "$drawn/one" "$drawn/one" --out "$drawn/out"
	[ "$(grep -c '<tr><td>' "$drawn/out/index.html")" = 1 ] || fail "plot: a result twice"
else
	expect 1 plot "$drawn/results.json" --out "$drawn/out"
fi
expect 1 plot "$drawn/no-such-file" --out "$drawn/out"
expect 1 plot "$0" --out "$drawn/out"
expect 1 plot /dev/null --out "$drawn/out"
expect 1 plot "$drawn/one" --out "$drawn/one"

expect 0 compare --help
expect 0 --help
for command in $commands compare plot; do
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
refused spawn --depth 0
refused spawn --depth 25
refused spawn --fresh air
refused mix --seed 0
refused mix --producers 1,2
refused cancel --pending 1
refused wake --pause 0
refused wake --pending 1
refused timer --pending 0
refused timer --pending 1,
refused timer --pending 1,2,3,4,5,6,7,8,9,10,11,12,13
refused queue --producers 1,
refused queue --producers 1,0
refused chain --producers 1,2
refused plot
refused plot "$drawn/one"
refused plot --out "$drawn/out"
refused plot --runs 3 "$drawn/one" --out "$drawn/out"
refused lateness --span 0
refused replace --source guessed
refused compare --peers no-such-peer
refused compare --peers mutex-pool,
refused compare --workloads chain,no-such-workload
refused scale --axis height
refused scale --limit 0

echo "bench: OK"
