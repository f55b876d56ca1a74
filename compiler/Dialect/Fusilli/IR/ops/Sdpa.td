// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scaled dot-product attention.
#ifndef FUSILLI_OPS_SDPA
#define FUSILLI_OPS_SDPA

include "compiler/Dialect/Fusilli/IR/FusilliBase.td"

def Fusilli_SdpaOp : Fusilli_Op<"sdpa",
    [DeclareOpInterfaceMethods<Fusilli_SymbolicDimsInterface>]> {
  let summary = "scaled dot-product attention";
  let description = [{
    `S[i,j] = scale * sum_d Q[i,d] * K[j,d] (+ MASK[i,j])`, `O[i,e] = sum_j
    softmax_j(S[i,:])[j] * V[j,e]`, for each batch and each head of Q; zeros where
    all of `S[i,:]` is -infinity. Logical dimensions are `batch, heads, sequence,
    head dim`. Query head `h` uses head `h / (Hq / Hk)` of K and `h / (Hq / Hv)` of
    V. A mask is added, or if i1 keeps what is true; its extents are those of S or
    1. With `causal` row `i` sees columns `j <= i` only.

    ```mlir
    %o = fusilli.sdpa %q, %k, %v causal scale = 1.250000e-01 {node = "attention"}
         : (tensor<1x8x512x64xf32>, tensor<1x2x512x64xf32>, tensor<1x2x512x64xf32>)
           -> tensor<1x8x512x64xf32>
    ```
  }];
  let arguments = (ins Fusilli_Tensor:$q, Fusilli_Tensor:$k, Fusilli_Tensor:$v,
    Optional<Fusilli_Tensor>:$mask, UnitAttr:$causal, F64Attr:$scale,
    OptionalAttr<StrAttr>:$node);
  let results = (outs Fusilli_Tensor:$output);
  let assemblyFormat = [{
    $q `,` $k `,` $v (`mask` $mask^)? (`causal` $causal^)? `scale` `=` $scale
    attr-dict `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

#endif // FUSILLI_OPS_SDPA
