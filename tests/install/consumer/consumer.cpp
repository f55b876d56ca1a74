// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A client of the installed package: `consumer make FILE` compiles a graph
// ahead of time, `consumer run FILE` runs the artifact in a process that never
// loads a compiler.
#include <fusilli.h>

#include <iostream>

using namespace fusilli;

namespace {

// A client's own node: the class can be derived from outside of the library.
class NoteNode : public NodeCRTP<NoteNode> {
public:
  explicit NoteNode(const Context &context) : NodeCRTP(context) {}
  const std::string &getName() const override { return name_; }
  Type getType() const override { return Type::Custom; }
  ErrorObject inferPropertiesNode() override { return ok(); }

private:
  std::string name_ = "note";
};

struct Sum {
  Graph graph;
  std::shared_ptr<TensorAttr> a, b, y;
};

ErrorOr<std::unique_ptr<Sum>> build() {
  auto sum = std::make_unique<Sum>();
  sum->graph.setName("sum").setIODataType(DataType::Float);
  auto input = [&](const char *name) {
    return sum->graph.tensor(
        TensorAttr().setName(name).setDim({4}).setStride({1}));
  };
  sum->a = input("a");
  sum->b = input("b");
  auto attr = PointwiseAttr().setMode(PointwiseAttr::Mode::ADD);
  sum->y = sum->graph.pointwise(sum->a, sum->b, attr);
  sum->y->setName("y").setOutput(true);
  FUSILLI_CHECK_ERROR(sum->graph.validate());
  return ok(std::move(sum));
}

ErrorObject make(const char *path) {
  FUSILLI_ASSIGN_OR_RETURN(std::unique_ptr<Sum> sum, build());
  FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes,
                           sum->graph.compileToArtifact(Backend::CPU, true));
  return writeArtifactFile(path, bytes);
}

ErrorObject run(const char *path) {
  FUSILLI_ASSIGN_OR_RETURN(std::unique_ptr<Sum> sum, build());
  FUSILLI_ASSIGN_OR_RETURN(std::vector<uint8_t> bytes, readArtifactFile(path));
  FUSILLI_ASSIGN_OR_RETURN(Handle handle, Handle::create(Backend::CPU));
  FUSILLI_CHECK_ERROR(sum->graph.loadFromArtifact(handle, bytes));
  FUSILLI_CHECK_ERROR(sum->graph.getWorkspaceSize());
  std::unordered_map<std::shared_ptr<TensorAttr>, std::shared_ptr<Buffer>> pack;
  auto add = [&](const std::shared_ptr<TensorAttr> &tensor,
                 const std::vector<float> &data) -> ErrorObject {
    FUSILLI_ASSIGN_OR_RETURN(Buffer buffer,
                             Buffer::allocate(handle, {data.size()}, data));
    pack[tensor] = std::make_shared<Buffer>(std::move(buffer));
    return ok();
  };
  FUSILLI_CHECK_ERROR(add(sum->a, {1, 2, 3, 4}));
  FUSILLI_CHECK_ERROR(add(sum->b, {10, 20, 30, 40}));
  FUSILLI_CHECK_ERROR(add(sum->y, {0, 0, 0, 0}));
  FUSILLI_CHECK_ERROR(sum->graph.execute(handle, pack, nullptr));
  std::vector<float> result;
  FUSILLI_CHECK_ERROR(pack[sum->y]->read(handle, result));
  FUSILLI_RETURN_ERROR_IF(result != (std::vector<float>{11, 22, 33, 44}),
                          ErrorCode::RuntimeFailure, "wrong result");
  return ok();
}

} // namespace

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  Context context;
  NoteNode node(context);
  INode &base = node;
  if (dynamic_cast<NoteNode *>(&base) == nullptr)
    return 3;
  ErrorObject status =
      std::string(argv[1]) == "make" ? make(argv[2]) : run(argv[2]);
  if (isOk(status))
    return 0;
  std::cerr << status << "\n";
  return 1;
}
