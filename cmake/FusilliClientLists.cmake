# Part of the Fusilli project, under the Apache License v2.0 with LLVM
# Exceptions. See LICENSE for license information.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#
# The CMake functions that lists of clients' tests, samples and benchmarks call,
# so that such a folder can be added to this project unchanged. Our own lists
# use those of FusilliTargets.cmake.

# Programs <PREFIX>_<file stem>, one for each source, in bin/<folder>, each a test.
function(fusilli_add_client_programs folder)
  cmake_parse_arguments(ARG "" "PREFIX" "SRCS;DEPS" ${ARGN})
  foreach(source IN LISTS ARG_SRCS)
    get_filename_component(stem ${source} NAME_WE)
    set(name ${ARG_PREFIX}_${stem})
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${ARG_DEPS})
    fusilli_enable_clang_tidy(${name})
    set_target_properties(${name} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/${folder})
    add_test(NAME ${name} COMMAND ${name})
    set(environment FUSILLI_CACHE_DIR=/tmp)
    if(FUSILLI_ENABLE_LOGGING)
      list(APPEND environment FUSILLI_LOG_INFO=1 FUSILLI_LOG_FILE=stdout)
    endif()
    set_tests_properties(${name} PROPERTIES ENVIRONMENT "${environment}")
  endforeach()
endfunction()

# add_fusilli_tests(PREFIX p SRCS ... DEPS ...)
function(add_fusilli_tests)
  if(FUSILLI_BUILD_TESTS)
    fusilli_add_client_programs(tests ${ARGN})
  endif()
endfunction()

# add_fusilli_samples(PREFIX p SRCS ... DEPS ...)
function(add_fusilli_samples)
  if(FUSILLI_BUILD_TESTS)
    fusilli_add_client_programs(samples ${ARGN})
  endif()
endfunction()

# add_fusilli_lit_tests(SRCS ... DEPS ... TOOLS ...): programs that print, in
# bin/lit; the texts that such lists check are another compiler's, so nothing is
# run.
function(add_fusilli_lit_tests)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS;TOOLS" ${ARGN})
  if(NOT FUSILLI_BUILD_TESTS)
    return()
  endif()
  foreach(source IN LISTS ARG_SRCS)
    get_filename_component(stem ${source} NAME_WE)
    set(name fusilli_lit_tests_${stem})
    add_executable(${name} ${source})
    target_link_libraries(${name} PRIVATE ${ARG_DEPS})
    set_target_properties(${name} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/lit)
  endforeach()
endfunction()

# add_fusilli_benchmark(NAME n DRIVER target ARGS ...)
function(add_fusilli_benchmark)
  cmake_parse_arguments(ARG "" "NAME;DRIVER" "ARGS" ${ARGN})
  if(FUSILLI_BUILD_BENCHMARKS)
    set_target_properties(${ARG_DRIVER} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/benchmarks)
    add_test(NAME ${ARG_NAME} COMMAND ${ARG_DRIVER} ${ARG_ARGS})
    set_tests_properties(${ARG_NAME} PROPERTIES ENVIRONMENT FUSILLI_CACHE_DIR=/tmp)
  endif()
endfunction()

# fusilli_find_program(tool [more arguments of find_program])
#   Sets FUSILLI_EXTERNAL_<TOOL>, the path of `tool`, unless it is given.
function(fusilli_find_program tool)
  string(MAKE_C_IDENTIFIER "${tool}" name)
  string(TOUPPER "${name}" name)
  find_program(FUSILLI_EXTERNAL_${name} NAMES ${tool} ${ARGN})
  if(NOT FUSILLI_EXTERNAL_${name})
    message(FATAL_ERROR "${tool} was not found; set FUSILLI_EXTERNAL_${name}")
  endif()
endfunction()

function(fusilli_enable_clang_tidy target)
  if(FUSILLI_ENABLE_CLANG_TIDY)
    find_program(FUSILLI_CLANG_TIDY NAMES clang-tidy-22 clang-tidy REQUIRED)
    set_target_properties(${target} PROPERTIES CXX_CLANG_TIDY ${FUSILLI_CLANG_TIDY})
  endif()
endfunction()
