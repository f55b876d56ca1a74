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
    One stride per logical dimension, in elements. A dimension of stride 0 is
    broadcast: stored once. Apart from those and from dimensions of extent 1,
    which may have any stride, the elements are dense and do not overlap: by
    ascending stride, each stride is the product of the extents before it.

    A contiguous tensor with the last dimension innermost carries no encoding.

    ```mlir
    // channels-last: logical dims N, C, H, W
    tensor<2x64x56x56xf32, #fusilli.layout<strides = [200704, 1, 3584, 64]>>
    ```
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$strides);
  let assemblyFormat = "`<` `strides` `=` `[` $strides `]` `>`";
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
