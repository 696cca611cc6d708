# SPDX-License-Identifier: MIT
# Which of the pools that workq-bench compare knows are here.
#
# Sets peer_sources, peer_libraries and peer_includes. What is missing is left out:
# the program says so by itself.

set(peer_sources peers/workload.c peers/memory.c peers/workq.c peers/mutex.c)
set(peer_libraries)
set(peer_includes)

# add_peer(FOUND SOURCE LIBRARY...): if it was found.
macro(add_peer found source)
	if(${found})
		list(APPEND peer_sources peers/${source})
		list(APPEND peer_libraries ${ARGN})
	else()
		message(STATUS "workq-bench compare does without peers/${source}")
	endif()
endmacro()

pkg_check_modules(glib IMPORTED_TARGET glib-2.0)
pkg_check_modules(aprutil IMPORTED_TARGET apr-util-1 apr-1)
add_peer(glib_FOUND glib.c PkgConfig::glib)
add_peer(libuv_FOUND libuv.c)
add_peer(aprutil_FOUND apr.c PkgConfig::aprutil)

# With clang it would be another library: libomp.
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
	find_package(OpenMP COMPONENTS C)
endif()
add_peer(OpenMP_C_FOUND gomp.c OpenMP::OpenMP_C)
set_source_files_properties(peers/gomp.c PROPERTIES COMPILE_OPTIONS "${OpenMP_C_FLAGS}")

find_path(dispatch_headers dispatch/dispatch.h)
find_library(dispatch_library dispatch)
if(dispatch_headers AND dispatch_library)
	set(dispatch_found ON)
	list(APPEND peer_includes ${dispatch_headers})
endif()
add_peer(dispatch_found dispatch.c ${dispatch_library})

include(CheckLanguage)
check_language(CXX)
if(CMAKE_CXX_COMPILER)
	enable_language(CXX)
	pkg_check_modules(tbb IMPORTED_TARGET tbb>=2021.6)
	find_path(asio_headers boost/asio/thread_pool.hpp)
	find_path(taskflow_headers taskflow/taskflow.hpp)
	foreach(headers asio_headers taskflow_headers)
		if(${headers})
			list(APPEND peer_includes ${${headers}})
		endif()
	endforeach()
endif()
add_peer(tbb_FOUND onetbb.cpp PkgConfig::tbb)
add_peer(asio_headers asio.cpp)
add_peer(taskflow_headers taskflow.cpp)
