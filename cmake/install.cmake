# SPDX-License-Identifier: MIT
# What "cmake --install" puts where: headers, libraries, a CMake package, a .pc
# file; docs/ adds the man pages. Everything finds the rest relative to itself,
# so that the installed tree can be moved.
include(CMakePackageConfigHelpers)

set(workq_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/workq)

install(DIRECTORY include/workq TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_BINARY_DIR}/include/workq/version.h
	DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/workq)

install(TARGETS ${workq_libraries} EXPORT workqTargets
	INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT workqTargets NAMESPACE workq:: DESTINATION ${workq_cmake_dir})

configure_package_config_file(cmake/workqConfig.cmake.in workqConfig.cmake
	INSTALL_DESTINATION ${workq_cmake_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(workqConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/workqConfig.cmake
	${CMAKE_CURRENT_BINARY_DIR}/workqConfigVersion.cmake DESTINATION ${workq_cmake_dir})

# The prefix as seen from the .pc file; an absolute one if libdir is absolute.
set(workq_pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" OR IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
	set(workq_pc_prefix ${CMAKE_INSTALL_PREFIX})
	set(workq_pc_libdir ${CMAKE_INSTALL_FULL_LIBDIR})
	set(workq_pc_includedir ${CMAKE_INSTALL_FULL_INCLUDEDIR})
else()
	file(RELATIVE_PATH workq_pc_up /prefix/${workq_pc_dir} /prefix)
	string(REGEX REPLACE "/$" "" workq_pc_up "${workq_pc_up}")
	set(workq_pc_prefix "\${pcfiledir}/${workq_pc_up}")
	set(workq_pc_libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
	set(workq_pc_includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()
configure_file(cmake/libworkq.pc.in libworkq.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/libworkq.pc DESTINATION ${workq_pc_dir})
