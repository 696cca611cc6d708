# SPDX-License-Identifier: MIT
# musl in place of glibc: Debian's musl-tools. It has no C++ library.
#
# Nor has musl-gcc the headers of the system: those of the machine, which depend on no libc, are
# made known to it by links, behind its own.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER musl-gcc)
set(CMAKE_CXX_COMPILER CMAKE_CXX_COMPILER-NOTFOUND)
set(workq_system_headers ${CMAKE_BINARY_DIR}/system-headers)
file(MAKE_DIRECTORY ${workq_system_headers})
foreach(folder linux asm-generic x86_64-linux-gnu/asm)
	cmake_path(GET folder FILENAME name)
	file(CREATE_LINK /usr/include/${folder} ${workq_system_headers}/${name} SYMBOLIC)
endforeach()
set(CMAKE_C_FLAGS_INIT "-idirafter ${workq_system_headers}")
