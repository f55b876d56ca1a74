# Finds LLVM and MLIR 22 and declares the helpers of compiler/ (the only folder
# that may use them).
#
# Two ways of linking. FUSILLI_SHARED_LLVM=OFF (what users install): the named
# static archives with every symbol hidden; Debian's CMake targets of MLIR list
# the shared libLLVM as a dependency, so archives are collected here by file
# name and that dependency is dropped. FUSILLI_SHARED_LLVM=ON (development):
# libMLIR and libLLVM.
find_package(MLIR REQUIRED CONFIG HINTS /usr/lib/llvm-22/lib/cmake/mlir)
if(NOT LLVM_VERSION_MAJOR EQUAL 22)
  message(FATAL_ERROR "found LLVM ${LLVM_PACKAGE_VERSION}, need 22: "
    "install libmlir-22-dev and llvm-22-dev, or set MLIR_DIR")
endif()
find_program(FUSILLI_MLIR_TBLGEN NAMES mlir-tblgen
  HINTS ${LLVM_TOOLS_BINARY_DIR} NO_DEFAULT_PATH REQUIRED)

# Headers and definitions only.
add_library(fusilli_mlir_headers INTERFACE)
target_include_directories(fusilli_mlir_headers SYSTEM INTERFACE
  ${LLVM_INCLUDE_DIRS} ${MLIR_INCLUDE_DIRS})
separate_arguments(FUSILLI_LLVM_DEFINITIONS NATIVE_COMMAND "${LLVM_DEFINITIONS}")
target_compile_definitions(fusilli_mlir_headers INTERFACE ${FUSILLI_LLVM_DEFINITIONS})
add_library(fusilli::mlir_headers ALIAS fusilli_mlir_headers)

# One precompiled header for all MLIR-heavy libraries.
add_library(fusilli_mlir_pch STATIC ${PROJECT_SOURCE_DIR}/compiler/Pch/Pch.cpp)
target_include_directories(fusilli_mlir_pch PRIVATE
  ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include ${PROJECT_BINARY_DIR})
target_link_libraries(fusilli_mlir_pch PUBLIC fusilli::mlir_headers)
target_precompile_headers(fusilli_mlir_pch PRIVATE
  ${PROJECT_SOURCE_DIR}/compiler/Pch/Pch.h)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # Without its time stamp the compiler cache can reuse the header.
  target_compile_options(fusilli_mlir_pch PUBLIC
    "SHELL:-Xclang -fno-pch-timestamp")
endif()

# fusilli_add_mlir_library(NAME x HDRS ... SRCS ... DEPS ...)
#   As fusilli_add_library, with the headers of MLIR and the precompiled header.
#   Libraries of MLIR are linked once, into the final program: see below.
function(fusilli_add_mlir_library)
  cmake_parse_arguments(ARG "" "NAME" "HDRS;SRCS;DEPS" ${ARGN})
  fusilli_add_library(NAME ${ARG_NAME} HDRS ${ARG_HDRS} SRCS ${ARG_SRCS}
    DEPS ${ARG_DEPS} fusilli_mlir_pch)
  target_precompile_headers(fusilli_${ARG_NAME} REUSE_FROM fusilli_mlir_pch)
endfunction()

# fusilli_tablegen(<target> SOURCE X.td [OUTPUT X.h.inc -gen-op-decls]...)
#   Runs mlir-tblgen; the outputs lie in the build folder at the path of the
#   current folder, and every library that lists <target> in DEPS may include
#   them as "compiler/.../X.h.inc".
function(fusilli_tablegen target)
  cmake_parse_arguments(ARG "" "SOURCE" "OUTPUT" ${ARGN})
  set(outputs)
  while(ARG_OUTPUT)
    list(POP_FRONT ARG_OUTPUT out generator)
    set(path ${CMAKE_CURRENT_BINARY_DIR}/${out})
    set(extra)
    if(generator MATCHES "(.*)\\|(.*)")
      set(generator ${CMAKE_MATCH_1})
      set(extra ${CMAKE_MATCH_2})
    endif()
    add_custom_command(OUTPUT ${path}
      COMMAND ${FUSILLI_MLIR_TBLGEN} ${generator} ${extra}
              ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SOURCE}
              -I ${PROJECT_SOURCE_DIR} -I ${MLIR_INCLUDE_DIRS}
              --write-if-changed -o ${path} -d ${path}.d
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SOURCE}
      DEPFILE ${path}.d
      COMMENT "mlir-tblgen ${out}" VERBATIM)
    list(APPEND outputs ${path})
  endwhile()
  add_custom_target(fusilli_${target}_gen DEPENDS ${outputs})
  add_library(fusilli_${target} INTERFACE)
  add_dependencies(fusilli_${target} fusilli_${target}_gen)
  add_library(fusilli::${target} ALIAS fusilli_${target})
endfunction()

# The archives that the compiler may need; what is not referenced is not linked.
set(FUSILLI_MLIR_ROOTS
  MLIRAffineDialect MLIRAffineTransforms MLIRAffineUtils MLIRAffineToStandard
  MLIRAMXDialect MLIRAMXTransforms
  MLIRArithDialect MLIRArithToLLVM MLIRArithTransforms MLIRArithUtils
  MLIRArithValueBoundsOpInterfaceImpl
  MLIRBufferizationDialect MLIRBufferizationTransforms
  MLIRBuiltinToLLVMIRTranslation MLIRControlFlowDialect MLIRControlFlowToLLVM
  MLIRConvertToLLVMPass MLIRFuncDialect MLIRFuncToLLVM MLIRFuncTransforms
  MLIRIndexDialect MLIRIndexToLLVM MLIRLinalgDialect MLIRLinalgTransforms
  MLIRLinalgUtils MLIRLLVMCommonConversion MLIRLLVMDialect
  MLIRLLVMIRTransforms MLIRLLVMToLLVMIRTranslation MLIRMathDialect
  MLIRMathToLLVM MLIRMathTransforms MLIRMemRefDialect MLIRMemRefToLLVM
  MLIRMemRefTransforms MLIRMemRefUtils MLIROptLib MLIRParser MLIRPass
  MLIRReconcileUnrealizedCasts MLIRSCFDialect MLIRSCFToControlFlow
  MLIRSCFTransforms MLIRSCFUtils MLIRTargetLLVMIRExport MLIRTensorDialect
  MLIRTensorTransforms MLIRTransforms MLIRUBDialect MLIRUBToLLVM
  MLIRVectorDialect MLIRVectorToLLVM MLIRVectorToLLVMPass MLIRVectorToSCF
  MLIRVectorTransforms MLIRX86VectorDialect MLIRX86VectorTransforms)
set(FUSILLI_LLVM_COMPONENTS
  Analysis AsmPrinter BitReader BitWriter CodeGen Core InstCombine IRReader
  Object Passes ScalarOpts SelectionDAG Support Target TargetParser
  TransformUtils Vectorize X86AsmParser X86CodeGen X86Desc X86Info)

# Collects the files of `roots` and of all that they need, without libLLVM.
function(fusilli_collect_archives out_var)
  set(pending ${ARGN})
  set(seen)
  set(files)
  while(pending)
    list(POP_FRONT pending lib)
    if(lib IN_LIST seen OR lib MATCHES "^(LLVM|MLIR)$")
      continue()
    endif()
    list(APPEND seen ${lib})
    if(lib MATCHES "LINK_ONLY:(.*)>")
      list(APPEND pending ${CMAKE_MATCH_1})
    elseif(lib MATCHES "^(LLVM|MLIR)" AND TARGET ${lib})
      get_target_property(kind ${lib} TYPE)
      if(kind STREQUAL "STATIC_LIBRARY")
        get_target_property(file ${lib} LOCATION)
        list(APPEND files ${file})
      endif()
      get_target_property(deps ${lib} INTERFACE_LINK_LIBRARIES)
      if(deps)
        list(APPEND pending ${deps})
      endif()
    else()
      list(APPEND files ${lib})
    endif()
  endwhile()
  set(${out_var} ${files} PARENT_SCOPE)
endfunction()

add_library(fusilli_mlir_libs INTERFACE)
add_library(fusilli::mlir_libs ALIAS fusilli_mlir_libs)
if(FUSILLI_SHARED_LLVM)
  # Registration of fusilli-opt's driver is not part of libMLIR.
  target_link_libraries(fusilli_mlir_libs INTERFACE
    ${LLVM_LIBRARY_DIR}/libMLIR.so ${LLVM_LIBRARY_DIR}/libLLVM.so)
  target_link_options(fusilli_mlir_libs INTERFACE
    "-Wl,-rpath,${LLVM_LIBRARY_DIR}")
else()
  list(TRANSFORM FUSILLI_LLVM_COMPONENTS PREPEND LLVM
    OUTPUT_VARIABLE FUSILLI_LLVM_ROOTS)
  fusilli_collect_archives(FUSILLI_MLIR_FILES
    ${FUSILLI_MLIR_ROOTS} ${FUSILLI_LLVM_ROOTS})
  target_link_libraries(fusilli_mlir_libs INTERFACE
    -Wl,--start-group ${FUSILLI_MLIR_FILES} -Wl,--end-group)
  target_link_options(fusilli_mlir_libs INTERFACE
    -Wl,--gc-sections -Wl,--as-needed)
endif()
