# SPDX-License-Identifier: MIT
# What every target of this project is compiled and linked with.
#
# Set per target, never globally: a project that adds this one as a
# subdirectory keeps its own flags.

set(workq_warnings
	-Wall -Wextra -Wshadow -Wundef -Wvla -Wpointer-arith -Wwrite-strings
	-Wformat=2 -Wimplicit-fallthrough -Wmissing-declarations
	-Wdouble-promotion -Wredundant-decls)
set(workq_c_warnings
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition)

# Link a sanitizer's run-time library into programs, not into libworkq.so: clang
# has no shared one by default, so that undefined symbols are normal there.
set(workq_sanitized OFF)
if(WORKQ_SANITIZE OR CMAKE_C_FLAGS MATCHES "-fsanitize=")
	set(workq_sanitized ON)
endif()

# workq_target_defaults(TARGET): language level, warnings, sanitizers, coverage.
function(workq_target_defaults target)
	# gnu11, not c11: the library needs asm, __thread and __attribute__.
	set_target_properties(${target} PROPERTIES
		C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS ON
		CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS ON)
	target_compile_definitions(${target} PRIVATE _GNU_SOURCE)
	target_compile_options(${target} PRIVATE -pthread ${workq_warnings}
		"$<$<COMPILE_LANGUAGE:C>:${workq_c_warnings}>")
	if(WORKQ_WERROR)
		target_compile_options(${target} PRIVATE -Werror)
	endif()
	if(WORKQ_SANITIZE)
		target_compile_options(${target} PRIVATE -fsanitize=${WORKQ_SANITIZE}
			-fno-sanitize-recover=all -fno-omit-frame-pointer)
		target_link_options(${target} PRIVATE -fsanitize=${WORKQ_SANITIZE})
	endif()
	if(WORKQ_COVERAGE)
		target_compile_options(${target} PRIVATE --coverage -fprofile-update=atomic)
		target_link_options(${target} PRIVATE --coverage)
	endif()
endfunction()

# What distributions compile their libraries with; not those builds that look for faults themselves,
# or count what is executed. tools/check-hardening.py looks whether it is there.
set(workq_hardened OFF)
if(WORKQ_HARDENING AND NOT WORKQ_DEBUG AND NOT WORKQ_COVERAGE AND NOT workq_sanitized)
	set(workq_hardened ON)
	include(CheckCCompilerFlag)
	foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection)
		string(MAKE_C_IDENTIFIER "workq_has${flag}" known)
		check_c_compiler_flag("${flag} -Werror" ${known})
		if(${known})
			list(APPEND workq_hardening_flags ${flag})
		endif()
	endforeach()
endif()

# workq_target_harden(TARGET): of what users get.
function(workq_target_harden target)
	if(NOT workq_hardened)
		return()
	endif()
	target_compile_options(${target} PRIVATE ${workq_hardening_flags})
	# It needs optimisation; who sets it already, Debian's packages for one, knows better.
	if(NOT CMAKE_C_FLAGS MATCHES "_FORTIFY_SOURCE")
		target_compile_definitions(${target} PRIVATE
			$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:_FORTIFY_SOURCE=2>)
	endif()
	get_target_property(type ${target} TYPE)
	if(type STREQUAL SHARED_LIBRARY)
		target_link_options(${target} PRIVATE
			-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,separate-code)
	endif()
endfunction()
