# Installs libfusilli with its headers, and the package that finds it: from the
# install tree under <libdir>/cmake/fusilli, from the build tree under
# lib/cmake/fusilli.
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/fusilli)
set(build_package_dir ${PROJECT_BINARY_DIR}/lib/cmake/fusilli)

install(TARGETS libfusilli fusilli_compat EXPORT FusilliTargets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
  INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_SOURCE_DIR}/include/fusilli.h
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/fusilli
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE
  DESTINATION ${CMAKE_INSTALL_DATADIR}/licenses/fusilli)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/FusilliConfig.cmake.in
  ${build_package_dir}/FusilliConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(
  ${build_package_dir}/FusilliConfigVersion.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${build_package_dir}/FusilliConfig.cmake
  ${build_package_dir}/FusilliConfigVersion.cmake DESTINATION ${package_dir})
install(EXPORT FusilliTargets NAMESPACE fusilli:: DESTINATION ${package_dir})
export(EXPORT FusilliTargets NAMESPACE fusilli::
  FILE ${build_package_dir}/FusilliTargets.cmake)
