#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run.sh - do the models of the core still say what docs/models says? The quick ones. And are the
# functions there that they stand for?
set -eu

here=$(cd "$(dirname "$0")" && pwd)
models=$(cd "$here/../../docs/models" && pwd)

"$here/cited.py"

if ! command -v spin >/dev/null; then
	echo "FAIL: spin is not installed: ./dev setup installs it (Debian: apt-get install spin)" >&2
	exit 1
fi
nice "$models/check.sh" quick
