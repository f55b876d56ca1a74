// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Rules and inference of scaled dot-product attention.

#include "graph/ops/op_test_support.h"

#include <gtest/gtest.h>

namespace fusilli {
namespace {

using namespace testing_support;
using Code = ErrorCode;

SdpaAttr sdpa() {
  return SdpaAttr()
      .setQ(tensor({2, 8, 16, 64}))
      .setK(tensor({2, 8, 32, 64}))
      .setV(tensor({2, 8, 32, 48}))
      .setO(tensor());
}

TEST(SdpaNodeTest, Rules) {
  using A = SdpaAttr;
  auto k = [](Dims d) { return [d](A &a) { a.setK(tensor(d)); }; };
  auto v = [](Dims d) { return [d](A &a) { a.setV(tensor(d)); }; };
  auto mask = [](Dims d) { return [d](A &a) { a.setMASK(tensor(d)); }; };
  auto dropout = [](float p) { return [p](A &a) { a.setDropout(p); }; };
  checkRules<SdpaNode, A>(
      sdpa,
      {{"Q", [](A &a) { a.setQ(nullptr); }, Code::AttributeNotSet},
       {"K", [](A &a) { a.setK(nullptr); }, Code::AttributeNotSet},
       {"V", [](A &a) { a.setV(nullptr); }, Code::AttributeNotSet},
       {"O", [](A &a) { a.setO(nullptr); }, Code::AttributeNotSet},
       {"Q rank", [](A &a) { a.setQ(tensor({2, 8, 16})); },
        Code::InvalidAttribute},
       {"K rank", k({2, 8, 32}), Code::InvalidAttribute},
       {"V rank", v({2, 8, 32}), Code::InvalidAttribute},
       {"K batch", k({1, 8, 32, 64}), Code::InvalidAttribute},
       {"V batch", v({1, 8, 32, 48}), Code::InvalidAttribute},
       {"head dim", k({2, 8, 32, 32}), Code::InvalidAttribute},
       {"sequence", v({2, 8, 31, 48}), Code::InvalidAttribute},
       {"K heads", k({2, 4, 32, 64}), Code::InvalidAttribute},
       {"V heads", v({2, 4, 32, 48}), Code::InvalidAttribute},
       {"mask", mask({2, 1, 16, 32}), Code::OK},
       {"mask rank", mask({16, 32}), Code::InvalidAttribute},
       {"mask batch", mask({3, 1, 16, 32}), Code::InvalidAttribute},
       {"mask heads", mask({1, 2, 16, 32}), Code::InvalidAttribute},
       {"mask rows", mask({1, 1, 8, 32}), Code::InvalidAttribute},
       {"mask columns", mask({1, 1, 16, 16}), Code::InvalidAttribute},
       {"mask and causal",
        [](A &a) { a.setMASK(tensor({1, 1, 16, 32})).setIsCausal(true); },
        Code::InvalidAttribute},
       {"dropout", dropout(0.5f), Code::OK},
       {"dropout < 0", dropout(-0.1f), Code::InvalidAttribute},
       {"dropout 1", dropout(1.0f), Code::InvalidAttribute},
       {"dropout NaN", dropout(std::numeric_limits<float>::quiet_NaN()),
        Code::InvalidAttribute}},
      {{"O dims", [](A &a) { a.setO(tensor({2, 8, 16, 64})); },
        Code::InvalidAttribute}});
}

TEST(SdpaNodeTest, GroupedHeads) {
  auto check = [](int64_t hk, int64_t hv) {
    return pre<SdpaNode>(sdpa()
                             .setEnableGqa(true)
                             .setK(tensor({2, hk, 32, 64}))
                             .setV(tensor({2, hv, 32, 48})));
  };
  EXPECT_EQ(check(4, 2), Code::OK);
  EXPECT_EQ(check(3, 2), Code::InvalidAttribute);
  EXPECT_EQ(check(2, 3), Code::InvalidAttribute);
}

TEST(SdpaNodeTest, Infers) {
  SdpaAttr attr = sdpa();
  EXPECT_EQ(post<SdpaNode>(attr), Code::OK);
  EXPECT_EQ(attr.getO()->getDim(), (Dims{2, 8, 16, 48}));
  EXPECT_TRUE(attr.getO()->isContiguous());
}

} // namespace
} // namespace fusilli
