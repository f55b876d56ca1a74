# Installs the project into a folder of its own, builds the consumer against the
# installed package and against the build tree, and runs it. Variables: BUILD,
# SOURCE, WORK, CXX, COMPILER (a compiler library, or empty for the installed
# one).
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output
    ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed (${result}): ${ARGN}\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/prefix)
set(ENV{FUSILLI_CACHE_DIR} ${WORK}/cache)
foreach(tree prefix build)
  set(root ${WORK}/prefix)
  if(tree STREQUAL build)
    set(root ${BUILD})
  endif()
  run(${CMAKE_COMMAND} -G Ninja -S ${SOURCE} -B ${WORK}/${tree}-consumer
    -DCMAKE_CXX_COMPILER=${CXX} -DCMAKE_BUILD_TYPE=Release
    "-DCMAKE_CXX_FLAGS=${FLAGS}" -DCMAKE_PREFIX_PATH=${root})
  run(${CMAKE_COMMAND} --build ${WORK}/${tree}-consumer)
  set(consumer ${WORK}/${tree}-consumer/consumer)
  if(COMPILER)
    set(ENV{FUSILLI_COMPILER_LIB} ${COMPILER})
  else()
    unset(ENV{FUSILLI_COMPILER_LIB})
  endif()
  run(${consumer} make ${WORK}/sum.artifact)
  # No compiler: an artifact needs none.
  set(ENV{FUSILLI_COMPILER_LIB} ${WORK}/no-such-library)
  run(${consumer} run ${WORK}/sum.artifact)
  run(${WORK}/${tree}-consumer/compat_consumer)
endforeach()
file(REMOVE_RECURSE ${WORK})
