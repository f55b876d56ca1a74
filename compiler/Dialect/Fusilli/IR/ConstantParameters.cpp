// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reads and writes the attribute that joins a kernel with those that pack for
// it.
#include "compiler/Dialect/Fusilli/IR/ConstantParameters.h"

#include "mlir/IR/Builders.h"

using namespace mlir;

namespace fusilli::ir {

void setPrepackings(func::FuncOp kernel, llvm::ArrayRef<Prepacking> packings) {
  if (packings.empty()) {
    kernel->removeAttr(kPrepackAttr);
    return;
  }
  Builder b(kernel.getContext());
  SmallVector<Attribute> entries;
  for (const Prepacking &packing : packings)
    entries.push_back(b.getDictionaryAttr(
        {b.getNamedAttr("kernel", FlatSymbolRefAttr::get(kernel.getContext(),
                                                         packing.kernel)),
         b.getNamedAttr("operand", b.getI64IntegerAttr(packing.operand)),
         b.getNamedAttr("bytes", b.getI64IntegerAttr(packing.bytes))}));
  kernel->setAttr(kPrepackAttr, b.getArrayAttr(entries));
}

llvm::SmallVector<Prepacking, 1> getPrepackings(func::FuncOp kernel) {
  llvm::SmallVector<Prepacking, 1> packings;
  if (auto entries = kernel->getAttrOfType<ArrayAttr>(kPrepackAttr))
    for (auto entry : entries.getAsRange<DictionaryAttr>())
      packings.push_back(
          {entry.getAs<FlatSymbolRefAttr>("kernel").getValue(),
           unsigned(entry.getAs<IntegerAttr>("operand").getInt()),
           entry.getAs<IntegerAttr>("bytes").getInt()});
  return packings;
}

} // namespace fusilli::ir
