// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Text form and verifier of #fusilli.schedule: the strategy, then the fields
// that differ from their defaults, in a fixed order.
#include "compiler/Dialect/Fusilli/IR/FusilliDialect.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;

namespace fusilli::ir {

Attribute ScheduleAttr::parse(AsmParser &parser, Type) {
  std::string strategy;
  SmallVector<int64_t> workgroup, tile, cache;
  int64_t lanes = 1, unroll = 1, split = 1;
  SmallVector<OperandPacking> packing;
  StringAttr inner;
  bool isInline = false;

  auto integers = [&](SmallVectorImpl<int64_t> &into) {
    return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
      return parser.parseInteger(into.emplace_back());
    });
  };
  auto parsePacking = [&]() -> ParseResult {
    StringRef word;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&word))
      return failure();
    std::optional<OperandPacking> value = symbolizeOperandPacking(word);
    if (!value)
      return parser.emitError(loc)
             << "expected none, in_kernel or prepared, got " << word;
    packing.push_back(*value);
    return success();
  };
  auto field = [&]() -> ParseResult {
    StringRef key;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&key))
      return failure();
    if (key == "inline") {
      isInline = true;
      return success();
    }
    if (parser.parseEqual())
      return failure();
    if (key == "workgroup")
      return integers(workgroup);
    if (key == "tile")
      return integers(tile);
    if (key == "cache")
      return integers(cache);
    if (key == "lanes")
      return parser.parseInteger(lanes);
    if (key == "unroll")
      return parser.parseInteger(unroll);
    if (key == "split")
      return parser.parseInteger(split);
    if (key == "inner")
      return parser.parseAttribute(inner);
    if (key == "packing")
      return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                            parsePacking);
    return parser.emitError(loc)
           << "unknown field '" << key << "' of a schedule";
  };
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseLess() || parser.parseKeywordOrString(&strategy))
    return {};
  while (succeeded(parser.parseOptionalComma()))
    if (field())
      return {};
  if (parser.parseGreater())
    return {};
  auto emitError = [&] { return parser.emitError(loc); };
  return getChecked(function_ref<InFlightDiagnostic()>(emitError),
                    parser.getContext(), StringRef(strategy),
                    ArrayRef<int64_t>(workgroup), ArrayRef<int64_t>(tile),
                    ArrayRef<int64_t>(cache), lanes, unroll,
                    ArrayRef<OperandPacking>(packing), inner, split, isInline);
}

void ScheduleAttr::print(AsmPrinter &printer) const {
  printer << "<";
  printer.printKeywordOrString(getStrategy());
  auto integers = [&](StringRef key, ArrayRef<int64_t> values) {
    if (values.empty())
      return;
    printer << ", " << key << " = [";
    llvm::interleaveComma(values, printer.getStream());
    printer << "]";
  };
  auto integer = [&](StringRef key, int64_t value) {
    if (value != 1)
      printer << ", " << key << " = " << value;
  };
  integers("workgroup", getWorkgroup());
  integers("tile", getTile());
  integers("cache", getCache());
  integer("lanes", getLanes());
  integer("unroll", getUnroll());
  if (!getPacking().empty()) {
    printer << ", packing = [";
    llvm::interleaveComma(
        getPacking(), printer.getStream(),
        [&](OperandPacking p) { printer << stringifyOperandPacking(p); });
    printer << "]";
  }
  if (getInner())
    printer << ", inner = " << getInner();
  integer("split", getSplit());
  if (getIsInline())
    printer << ", inline";
  printer << ">";
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   StringRef strategy,
                                   ArrayRef<int64_t> workgroup,
                                   ArrayRef<int64_t> tile,
                                   ArrayRef<int64_t> cache, int64_t lanes,
                                   int64_t unroll, ArrayRef<OperandPacking>,
                                   StringAttr, int64_t split, bool) {
  if (strategy.empty())
    return emitError() << "a schedule names its strategy";
  for (ArrayRef<int64_t> list : {workgroup, tile, cache})
    for (int64_t v : list)
      if (v < 1)
        return emitError() << "extents of a schedule are at least 1, got " << v;
  if (lanes < 1 || unroll < 1 || split < 1)
    return emitError() << "lanes, unroll and split are at least 1";
  return success();
}

} // namespace fusilli::ir
