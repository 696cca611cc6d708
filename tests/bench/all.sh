#!/bin/sh
# SPDX-License-Identifier: MIT
#
# all.sh BUILD_DIR - does one command measure everything, and draw it?
set -eu

build=${1:?usage: $0 BUILD_DIR}
run_all=$(dirname "$0")/../../bench/run-all
bench=$build/bench/workq-bench

fail()
{
	echo "FAIL: $*" >&2
	exit 1
}

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

want=0
command -v gnuplot >/dev/null || want=1
status=0
"$run_all" "$build" "$out" --quick >"$out/log" 2>&1 || status=$?
[ "$status" -eq "$want" ] || fail "run-all: exit $status, not $want: $(cat "$out/log")"

# Whatever --help lists has left results; plot measures nothing.
for command in $("$bench" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	[ "$command" = plot ] || grep -q "\"command\":\"$command\"" "$out/results.json" ||
		fail "run-all leaves out $command"
done
[ "$want" -eq 1 ] || grep -q '<img' "$out/index.html" || fail "the page shows nothing"

status=0
"$run_all" "$build" "$out" --slow >"$out/log" 2>&1 || status=$?
[ "$status" -eq 2 ] || fail "run-all --slow: exit $status, not 2"

echo "bench: OK"
