// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes of CPU code generation.

#ifndef COMPILER_CODEGEN_CPU_CPUPASSES
#define COMPILER_CODEGEN_CPU_CPUPASSES

include "mlir/Pass/PassBase.td"

def ExpandMath : Pass<"fusilli-expand-math"> {
  let summary = "Replace elementary functions by straight-line code";
  let description = [{
    Rewrites the ops of the math dialect that are no machine instruction (exp,
    log, erf, sin, ...) on f16, bf16, f32, f64 and vectors of them into arith and
    vector ops, with the error bounds stated in MathExpansion.h. Kernels come out
    of scheduling without such ops; this pass is for code made otherwise, and
    for tests.

    ```mlir
    %y = math.rsqrt %x : vector<8xf32>
    // becomes
    %one = arith.constant dense<1.0> : vector<8xf32>
    %root = math.sqrt %x : vector<8xf32>
    %y = arith.divf %one, %root : vector<8xf32>
    ```
  }];
  let options = [Option<"avx512", "avx512", "bool", "false",
                        "May use AVX-512 (scalef on whole registers)">,
  ];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::math::MathDialect",
                           "mlir::vector::VectorDialect",
                           "mlir::x86vector::X86VectorDialect"];
  let statistics = [Statistic<"numExpanded", "functions", "Functions expanded">,
  ];
}

def SelectSchedules : Pass<"fusilli-select-schedules", "mlir::ModuleOp"> {
  let summary = "Decide how each kernel is made";
  let description = [{
    Reads every `func.func` with the unit attribute `fusilli.kernel` into a
    model and asks the strategies in their order. The first that matches sets
    `fusilli.schedule`; `fusilli.declined` lists the earlier ones with their
    reasons. A kernel that has a schedule keeps it.

    ```mlir
    func.func private @k(...) attributes {fusilli.kernel,
        fusilli.schedule = #fusilli.schedule<matmul, workgroup = [516, 128],
            tile = [6, 64], lanes = 16, packing = [none, in_kernel],
            inner = "multiply-add">}
    ```
  }];
  let options = [Option<"targetName", "target", "std::string", "\"host\"",
                        "CPU level to schedule for">,
                 Option<"forced", "force-strategy", "std::string", "\"\"",
                        "Ask this strategy alone">,
  ];
  let dependentDialects = ["::fusilli::ir::FusilliDialect"];
  let statistics = [Statistic<"numKernels", "kernels", "Kernels scheduled">, ];
}

def EmitKernels : Pass<"fusilli-emit-kernels", "mlir::ModuleOp"> {
  let summary = "Turn linalg kernels into vector code on flat buffers";
  let description = [{
    Replaces every kernel, a DAG of linalg ops on tensors with a
    `fusilli.schedule`, by a function on flat memrefs:

    ```mlir
    func.func private @k(%x: tensor<8x4xf32>) -> tensor<8x4xf32>
    // becomes
    func.func private @k(%x: memref<32xf32>, %r: memref<32xf32>,
                         %local: memref<0xi8>, %begin: index, %end: index) -> i32
    ```

    The new function runs workgroups [begin, end). Symbolic extents are index
    arguments after the buffers. Its attributes say how many workgroups there are
    (`fusilli.workgroup_count`, a map of the symbols where it depends on them),
    the scratch it wants (`fusilli.local_memory`), and its cost.
  }];
  let options = [Option<"targetName", "target", "std::string", "\"host\"",
                        "CPU level to emit for">,
  ];
  let dependentDialects = ["mlir::arith::ArithDialect",
                           "mlir::func::FuncDialect", "mlir::math::MathDialect",
                           "mlir::memref::MemRefDialect",
                           "mlir::scf::SCFDialect",
                           "mlir::vector::VectorDialect",
                           "mlir::x86vector::X86VectorDialect",
                           "mlir::LLVM::LLVMDialect"];
  let statistics = [Statistic<"numKernels", "kernels", "Kernels emitted">, ];
}

def ConvertKernelsToLLVM
    : Pass<"fusilli-convert-kernels-to-llvm", "mlir::ModuleOp"> {
  let summary = "Lower scheduled kernels to the LLVM dialect";
  let description = [{
    One merged conversion of vector, scf, arith, memref and func to the LLVM
    dialect. Every kernel `@k` becomes `@k.body` with bare pointers and an entry
    `@k` of the executable ABI (unit attribute `fusilli.entry`), which loads the
    binding pointers and calls the body.
  }];
  let dependentDialects = ["mlir::cf::ControlFlowDialect",
                           "mlir::LLVM::LLVMDialect"];
}

#endif // COMPILER_CODEGEN_CPU_CPUPASSES
