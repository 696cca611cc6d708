#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# run.sh SOURCE_DIR BUILD_DIR - can others use what is installed?
#
# Installs into a temporary prefix, moves the tree elsewhere, and builds and runs
# programs against it by find_package, pkg-config (shared and static) and
# add_subdirectory, in C and C++.
set -euo pipefail

source_dir=$(realpath "$1")
build_dir=$(realpath "$2")
here=$source_dir/tests/install
cc=${CC:-cc}
cxx=${CXX:-c++}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
prefix=$tmp/moved/here

fail()
{
	echo "FAIL: $*" >&2
	exit 1
}

# quietly COMMAND...: its output only if it fails
quietly()
{
	"$@" >"$tmp/log" 2>&1 || {
		cat "$tmp/log" >&2
		fail "$*"
	}
}

# wants TEXT COMMAND...: the command's output has a line with that text
wants()
{
	local text=$1

	shift
	"$@" >"$tmp/log" 2>&1
	grep -qF -- "$text" "$tmp/log" || fail "no \"$text\" in: $*"
}

install_and_move()
{
	mkdir -p "$tmp/moved"
	quietly cmake --install "$build_dir" --prefix "$tmp/installed"
	mv "$tmp/installed" "$prefix"
	! grep -rIlF -e "$tmp/installed" -e "$source_dir" -e "$build_dir" "$prefix" ||
		fail "installed files name the place where they were built"
	libdir=$(dirname "$(find "$prefix" -name libworkq.so)")
	export LD_LIBRARY_PATH=$libdir PKG_CONFIG_PATH=$libdir/pkgconfig
}

check_library()
{
	local so=$libdir/libworkq.so

	wants 'soname: [libworkq.so.0]' readelf -d "$so"
	wants 'NODELETE' readelf -d "$so"
	[ "$(readlink "$so")" = libworkq.so.0 ] || fail "libworkq.so does not lead to libworkq.so.0"
	"$source_dir/tools/check-exports.py" "$so" "$libdir/libworkq.a"
}

check_headers()
{
	local header strict=(-pedantic -Wall -Wextra -Werror -I"$prefix/include" -fsyntax-only)

	for header in "$prefix"/include/workq/*.h; do
		header=workq/$(basename "$header")
		printf '#include <%s>\n' "$header" "$header" >"$tmp/alone.c"
		echo 'int not_empty;' >>"$tmp/alone.c"
		quietly "$cc" -std=c11 "${strict[@]}" "$tmp/alone.c"
		quietly "$cxx" -std=c++17 "${strict[@]}" -x c++ "$tmp/alone.c"
	done
}

with_find_package()
{
	quietly cmake -S "$here/find_package" -B "$tmp/find_package" -DCMAKE_C_COMPILER="$cc" \
		-DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release
	quietly cmake --build "$tmp/find_package"
	wants 'consumer: ok' "$tmp/find_package/with_workq"
	wants 'consumer: ok' "$tmp/find_package/with_workq_static"
}

with_pkg_config()
{
	# shellcheck disable=SC2046 # several arguments
	quietly "$cc" -o "$tmp/shared" "$here/consumer.c" "$here/own_flush.c" \
		$(pkg-config --cflags --libs libworkq)
	wants 'libworkq.so.0' readelf -d "$tmp/shared"
	wants 'consumer: ok' "$tmp/shared"

	# shellcheck disable=SC2046
	quietly "$cc" -static -o "$tmp/static" "$here/consumer.c" "$here/own_flush.c" \
		$(pkg-config --static --cflags --libs libworkq)
	wants 'consumer: ok' env -u LD_LIBRARY_PATH "$tmp/static"
}

with_add_subdirectory()
{
	quietly cmake -S "$here/add_subdirectory" -B "$tmp/add_subdirectory" \
		-DLIBWORKQ_SOURCE_DIR="$source_dir" -DCMAKE_C_COMPILER="$cc" \
		-DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_BUILD_TYPE=Release
	quietly cmake --build "$tmp/add_subdirectory"
	wants 'consumer: ok' "$tmp/add_subdirectory/with_subdirectory"
}

for step in install_and_move check_library check_headers with_find_package with_pkg_config \
	with_add_subdirectory; do
	echo "install: $step"
	"$step"
done
echo "install: ok"
