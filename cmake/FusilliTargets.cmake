# Functions that declare the project's targets.

# fusilli_add_library(NAME hal HDRS ... SRCS ... DEPS ...)
#   One static library per folder, fusilli_<NAME>, known as fusilli::<NAME>.
#   Include paths start at the repository root, so that an include line alone
#   shows the layer. DEPS are PUBLIC; list every direct dependency.
function(fusilli_add_library)
  cmake_parse_arguments(ARG "" "NAME" "HDRS;SRCS;DEPS" ${ARGN})
  set(target fusilli_${ARG_NAME})
  if(ARG_SRCS)
    add_library(${target} STATIC ${ARG_SRCS} ${ARG_HDRS})
    target_include_directories(${target} PUBLIC
      ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR})
    target_link_libraries(${target} PUBLIC ${ARG_DEPS})
  else()
    add_library(${target} INTERFACE)
    target_include_directories(${target} INTERFACE
      ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR})
    target_link_libraries(${target} INTERFACE ${ARG_DEPS})
  endif()
  add_library(fusilli::${ARG_NAME} ALIAS ${target})
endfunction()

# fusilli_add_test(NAME x SRCS ... DEPS ... [ARGS ...] [LABELS ...])
#   A GoogleTest program build/<preset>/bin/tests/<NAME>, run by CTest with a
#   cache directory of its own.
function(fusilli_add_test)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;DEPS;ARGS;LABELS" ${ARGN})
  if(NOT FUSILLI_BUILD_TESTS)
    return()
  endif()
  add_executable(${ARG_NAME} ${ARG_SRCS})
  set_target_properties(${ARG_NAME} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin/tests)
  target_include_directories(${ARG_NAME} PRIVATE
    ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main Threads::Threads)
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME} ${ARG_ARGS})
  set_tests_properties(${ARG_NAME} PROPERTIES
    ENVIRONMENT "FUSILLI_CACHE_DIR=${PROJECT_BINARY_DIR}/test-cache/${ARG_NAME}"
    LABELS "${ARG_LABELS}")
endfunction()

# fusilli_add_tool(NAME fusilli-run SRCS ... DEPS ...): a program in bin/.
function(fusilli_add_tool)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;DEPS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SRCS})
  target_include_directories(${ARG_NAME} PRIVATE
    ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR})
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPS})
  install(TARGETS ${ARG_NAME} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()

# fusilli_add_flatbuffer(NAME graph_def SCHEMA graph_def.fbs): generates
# <build>/<folder>/<schema>_generated.h; link fusilli::<NAME>_fbs to include it.
function(fusilli_add_flatbuffer)
  cmake_parse_arguments(ARG "" "NAME;SCHEMA" "" ${ARGN})
  get_filename_component(stem ${ARG_SCHEMA} NAME_WE)
  file(RELATIVE_PATH folder ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR})
  set(out ${PROJECT_BINARY_DIR}/${folder}/${stem}_generated.h)
  add_custom_command(OUTPUT ${out}
    COMMAND flatbuffers::flatc --cpp --cpp-std c++17 --scoped-enums --gen-object-api
            --reflect-names -o ${PROJECT_BINARY_DIR}/${folder}
            ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SCHEMA}
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SCHEMA}
    COMMENT "flatc ${ARG_SCHEMA}" VERBATIM)
  add_custom_target(fusilli_${ARG_NAME}_fbs_gen DEPENDS ${out})
  add_library(fusilli_${ARG_NAME}_fbs INTERFACE)
  add_dependencies(fusilli_${ARG_NAME}_fbs fusilli_${ARG_NAME}_fbs_gen)
  target_include_directories(fusilli_${ARG_NAME}_fbs SYSTEM INTERFACE ${PROJECT_BINARY_DIR})
  add_library(fusilli::${ARG_NAME}_fbs ALIAS fusilli_${ARG_NAME}_fbs)
endfunction()
