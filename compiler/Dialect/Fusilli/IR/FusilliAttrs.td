// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attributes of the dialect: the layout encoding of tensor types, and the modes.
#ifndef FUSILLI_ATTRS
#define FUSILLI_ATTRS

include "compiler/Dialect/Fusilli/IR/FusilliDialect.td"
include "compiler/Dialect/Fusilli/IR/FusilliEnums.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/TensorEncoding.td"

def Fusilli_LayoutAttr : AttrDef<FusilliDialect, "Layout",
    [DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = "layout";
  let summary = "where the elements of a logical tensor lie in memory";
  let description = [{
    One stride per logical dimension, in elements, at least 0. A dimension of
    stride 0 is broadcast: stored once; one of extent 1 may have any stride. A
    tensor is dense if by ascending stride, leaving aside those, each stride is the
    product of the extents before it; any other is a view, with gaps or with
    elements that overlap. The elements of an op's result do not overlap, and what
    lies between them is not written.

    The extent of a dimension listed in `dynamic` is known at run time only; the
    type has a representative one. All dynamic dimensions of one representative
    extent, in all tensors of a module, have one extent at run time: they are one
    symbol. The order of dimensions in memory stays that of the strides, and the
    elements dense. A tensor with dynamic dimensions has no broadcast ones.

    A contiguous tensor with the last dimension innermost and no dynamic dimension
    carries no encoding.

    ```mlir
    // channels-last: logical dims N, C, H, W
    tensor<2x64x56x56xf32, #fusilli.layout<strides = [200704, 1, 3584, 64]>>
    // any number of rows
    tensor<16x64xf32, #fusilli.layout<strides = [64, 1], dynamic = [0]>>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$strides,
                        OptionalArrayRefParameter<"int64_t">:$dynamic);
  let assemblyFormat = [{
    `<` `strides` `=` `[` $strides `]` (`,` `dynamic` `=` `[` $dynamic^ `]`)? `>`
  }];
  let builders = [AttrBuilder<(ins "::llvm::ArrayRef<int64_t>":$strides), [{
    return $_get($_ctxt, strides, ::llvm::ArrayRef<int64_t>());
  }]>];
}

def Fusilli_ScheduleAttr : AttrDef<FusilliDialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "how code generation makes one kernel";
  let description = [{
    The decision that `select-schedules` takes for a kernel and that
    `emit-kernels` follows; data, so that it can be printed, edited and
    enumerated. The strategy gives the other fields their meaning; a field that
    it does not use is left out.

    * `workgroup`: positions of the iteration space that one workgroup computes
    * `tile`: the register tile
    * `cache`: blocks of m, n and k that stay in a cache
    * `lanes`, `unroll`: elements of a vector, vectors of a step
    * `packing`: of each operand of a contraction, where the inner loop reads it
    * `inner`: the inner product
    * `split`: parts that the reduced dims are cut into, combined in order
    * `inline`: so little work that it runs on the calling thread

    ```mlir
    #fusilli.schedule<matmul, workgroup = [516, 128], tile = [6, 64], lanes = 16,
                      packing = [none, in_kernel], inner = "f32">
    ```
  }];
  let parameters = (ins StringRefParameter<>:$strategy,
      OptionalArrayRefParameter<"int64_t">:$workgroup,
      OptionalArrayRefParameter<"int64_t">:$tile,
      OptionalArrayRefParameter<"int64_t">:$cache,
      DefaultValuedParameter<"int64_t", "1">:$lanes,
      DefaultValuedParameter<"int64_t", "1">:$unroll,
      OptionalArrayRefParameter<"::fusilli::ir::OperandPacking">:$packing,
      OptionalParameter<"::mlir::StringAttr">:$inner,
      DefaultValuedParameter<"int64_t", "1">:$split,
      DefaultValuedParameter<"bool", "false">:$isInline);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

def Fusilli_PointwiseModeAttr
    : EnumAttr<FusilliDialect, Fusilli_PointwiseMode, "pointwise_mode"> {
  let assemblyFormat = "$value";
}
def Fusilli_ReductionModeAttr
    : EnumAttr<FusilliDialect, Fusilli_ReductionMode, "reduction_mode"> {
  let assemblyFormat = "$value";
}

#endif // FUSILLI_ATTRS
