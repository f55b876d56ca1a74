// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verification of artifact bytes, from the outside in: size and header, hash,
// FlatBuffers structure, then the meaning of every field.
#include "artifact/reader.h"

#include "artifact/executable_abi.h"
#include "artifact/format.h"
#include "artifact/hash.h"
#include "artifact/program.h"
#include "artifact/vm_abi.h"
#include "support/data_type.h"

#include <algorithm>
#include <cstring>
#include <string>

namespace fusilli::artifact {

namespace {

constexpr size_t kAlignment = 64;

template <typename T> size_t lengthOf(const T *vector) {
  return vector != nullptr ? vector->size() : 0;
}

std::string_view viewOf(const flatbuffers::String *string) {
  return string != nullptr ? std::string_view(string->c_str(), string->size())
                           : std::string_view();
}

template <typename T>
std::span<const T> spanOf(const flatbuffers::Vector<T> *vector) {
  return vector != nullptr ? std::span<const T>(vector->data(), vector->size())
                           : std::span<const T>();
}

Status malformed(std::string_view what) {
  return invalidArgumentError(strCat("malformed artifact: ", what));
}

Status checkVersion(const char *what, uint32_t found, uint32_t expected) {
  if (found == expected)
    return okStatus();
  return incompatibleError(strCat("artifact has ", what, " version ", found,
                                  ", this library reads ", expected));
}

StatusOr<std::span<const uint8_t>> checkHeader(std::span<const uint8_t> bytes) {
  if (bytes.size() < sizeof(Header))
    return invalidArgumentError(strCat("artifact has ", bytes.size(),
                                       " bytes, its header alone takes ",
                                       sizeof(Header)));
  Header header;
  std::memcpy(&header, bytes.data(), sizeof(header));
  if (std::memcmp(header.magic, kMagic, sizeof(kMagic)) != 0)
    return invalidArgumentError(
        "not a Fusilli artifact: the first bytes are others");
  FUSILLI_STATUS_RETURN_IF_ERROR(
      checkVersion("format", header.formatVersion, kFormatVersion));
  FUSILLI_STATUS_RETURN_IF_ERROR(checkVersion(
      "executable ABI", header.executableAbi, FUSILLI_EXECUTABLE_ABI_VERSION));
  FUSILLI_STATUS_RETURN_IF_ERROR(
      checkVersion("VM ABI", header.vmAbi, FUSILLI_VM_ABI_VERSION));
  bool reservedUsed = header.reserved0 != 0;
  for (uint8_t byte : header.reserved)
    reservedUsed |= byte != 0;
  if (reservedUsed)
    return malformed("reserved header bytes are used");
  std::span<const uint8_t> payload = bytes.subspan(sizeof(Header));
  if (header.payloadSize != payload.size())
    return invalidArgumentError(strCat(
        "artifact is truncated or has bytes behind it: payload of ",
        header.payloadSize, " bytes expected, ", payload.size(), " there"));
  Hash128 hash = hashBytes(payload);
  if (hash != Hash128{header.payloadHash[0], header.payloadHash[1]})
    return dataLossError("artifact is damaged: its checksum does not match");
  return payload;
}

/// Verifies the meaning of a structurally valid payload.
class ContentVerifier {
public:
  ContentVerifier(const fbs::Artifact &artifact,
                  std::span<const uint8_t> payload)
      : artifact_(artifact), payload_(payload) {}

  Status verify() const {
    if (viewOf(artifact_.backend()).empty() ||
        viewOf(artifact_.target()).empty())
      return malformed("no backend or target");
    if (artifact_.workspace_size() > kMaxBytes)
      return malformed(
          strCat("workspace of ", artifact_.workspace_size(), " bytes"));
    if (artifact_.prepared_size() > kMaxBytes)
      return malformed(
          strCat("prepared memory of ", artifact_.prepared_size(), " bytes"));
    FUSILLI_STATUS_RETURN_IF_ERROR(
        verifyAlignment(artifact_.constants(), "constants"));
    FUSILLI_STATUS_RETURN_IF_ERROR(verifyExecutables());
    FUSILLI_STATUS_RETURN_IF_ERROR(verifyArgs());
    FUSILLI_STATUS_RETURN_IF_ERROR(verifySymbols());
    FUSILLI_STATUS_RETURN_IF_ERROR(verifyBindings());
    FUSILLI_STATUS_RETURN_IF_ERROR(verifyEntries());
    return verifyHostPrograms();
  }

private:
  Status verifyAlignment(const flatbuffers::Vector<uint8_t> *data,
                         const char *what) const {
    if (lengthOf(data) == 0)
      return okStatus();
    size_t offset = static_cast<size_t>(data->data() - payload_.data());
    if (offset % kAlignment != 0)
      return malformed(strCat(what, " at unaligned offset ", offset));
    return okStatus();
  }

  /// FlatBuffers verifies where a vector's length lies, not its elements: those
  /// of 8 bytes may be at an odd place in altered bytes.
  template <typename T>
  static bool isAligned(const flatbuffers::Vector<T> *vector) {
    return vector == nullptr ||
           reinterpret_cast<uintptr_t>(vector->Data()) % sizeof(uint64_t) == 0;
  }

  Status verifyExecutables() const {
    for (uint32_t i = 0; i < lengthOf(artifact_.executables()); ++i) {
      const fbs::Executable *executable = artifact_.executables()->Get(i);
      if (viewOf(executable->format()).empty())
        return malformed(strCat("executable ", i, " has no format"));
      FUSILLI_STATUS_RETURN_IF_ERROR(
          verifyAlignment(executable->bytes(), "executable"));
    }
    return okStatus();
  }

  Status verifyArgs() const {
    size_t count = lengthOf(artifact_.args());
    if (count > kMaxArgs)
      return malformed(strCat(count, " arguments"));
    for (uint32_t i = 0; i < count; ++i) {
      const fbs::Arg *arg = artifact_.args()->Get(i);
      std::string_view name = viewOf(arg->name());
      if (name.empty())
        return malformed(strCat("argument ", i, " has no name"));
      if (Status status = verifyArg(*arg); !status.isOk())
        return std::move(status).annotate(strCat("argument '", name, "'"));
      if (i > 0)
        FUSILLI_STATUS_RETURN_IF_ERROR(
            verifyOrder(*artifact_.args()->Get(i - 1), *arg));
    }
    return okStatus();
  }

  /// Outputs by name, then inputs by name.
  Status verifyOrder(const fbs::Arg &before, const fbs::Arg &arg) const {
    bool ordered = before.kind() == arg.kind()
                       ? viewOf(before.name()) < viewOf(arg.name())
                       : before.kind() == fbs::ArgKind::Output;
    if (!ordered)
      return malformed(
          strCat("argument '", viewOf(arg.name()), "' is out of order"));
    return okStatus();
  }

  Status verifyArg(const fbs::Arg &arg) const {
    if (arg.kind() != fbs::ArgKind::Output && arg.kind() != fbs::ArgKind::Input)
      return malformed("unknown kind");
    if (dtype::find(arg.dtype()) == nullptr)
      return malformed(strCat("unknown data type ", arg.dtype()));
    size_t rank = lengthOf(arg.dims());
    if (rank > kMaxRank || lengthOf(arg.physical_dims()) > kMaxRank ||
        lengthOf(arg.strides()) != rank)
      return malformed("ranks of dims and strides");
    if (!isAligned(arg.dims()) || !isAligned(arg.strides()) ||
        !isAligned(arg.physical_dims()))
      return malformed("unaligned dims");
    uint64_t elements = 1;
    for (uint32_t i = 0; i < rank; ++i)
      if (arg.dims()->Get(i) < 0 || arg.strides()->Get(i) < 0)
        return malformed("negative dim or stride");
    for (uint32_t i = 0; i < lengthOf(arg.physical_dims()); ++i) {
      int64_t dim = arg.physical_dims()->Get(i);
      if (dim < 0 || __builtin_mul_overflow(
                         elements, static_cast<uint64_t>(dim), &elements))
        return malformed("physical dims");
    }
    if (elements > kMaxBytes || arg.byte_length() > kMaxBytes)
      return malformed(strCat("byte length ", arg.byte_length()));
    if (lengthOf(arg.inplace_inputs()) > 0 &&
        arg.kind() != fbs::ArgKind::Output)
      return malformed("an input lists in-place inputs");
    if (arg.is_constant() && arg.kind() != fbs::ArgKind::Input)
      return malformed("an output is constant");
    if (arg.is_constant() && lengthOf(arg.dim_symbols()) > 0)
      return malformed("a constant argument has symbols");
    if (lengthOf(arg.inplace_inputs()) > lengthOf(artifact_.args()))
      return malformed("more in-place inputs than arguments");
    for (uint32_t i = 0; i < lengthOf(arg.inplace_inputs()); ++i) {
      uint32_t input = arg.inplace_inputs()->Get(i);
      if (input >= lengthOf(artifact_.args()) ||
          artifact_.args()->Get(input)->kind() != fbs::ArgKind::Input)
        return malformed(strCat("in-place input ", input));
    }
    return okStatus();
  }

  /// Each symbol is a dim of some argument, and each dim of a symbol has its
  /// representative extent.
  Status verifySymbols() const {
    size_t count = lengthOf(artifact_.symbols());
    if (count > kMaxSymbols || !isAligned(artifact_.symbols()))
      return malformed(strCat(count, " symbols"));
    uint64_t found = 0;
    for (uint32_t i = 0; i < lengthOf(artifact_.args()); ++i) {
      const fbs::Arg &arg = *artifact_.args()->Get(i);
      size_t rank = lengthOf(arg.dim_symbols());
      if (rank != 0 && rank != lengthOf(arg.physical_dims()))
        return malformed(
            strCat("argument '", viewOf(arg.name()), "': ranks of symbols"));
      for (uint32_t d = 0; d < rank; ++d) {
        int32_t symbol = arg.dim_symbols()->Get(d);
        if (symbol == -1)
          continue;
        if (symbol < 0 || static_cast<size_t>(symbol) >= count ||
            artifact_.symbols()->Get(static_cast<uint32_t>(symbol)) !=
                arg.physical_dims()->Get(d))
          return malformed(strCat("argument '", viewOf(arg.name()),
                                  "': symbol ", symbol, " of dim ", d));
        found |= uint64_t{1} << symbol;
      }
    }
    if (count != 0 && found != ~uint64_t{0} >> (kMaxSymbols - count))
      return malformed("a symbol that is no dim of an argument");
    return okStatus();
  }

  Status verifyBindings() const {
    if (!isAligned(artifact_.bindings()))
      return malformed("unaligned bindings");
    for (uint32_t i = 0; i < lengthOf(artifact_.bindings()); ++i) {
      const fbs::Binding *binding = artifact_.bindings()->Get(i);
      uint64_t size = 0;
      bool indexOk = binding->index() == 0;
      switch (binding->kind()) {
      case fbs::BindingKind::Argument:
        indexOk = binding->index() < lengthOf(artifact_.args());
        if (indexOk)
          size = artifact_.args()->Get(binding->index())->byte_length();
        break;
      case fbs::BindingKind::Workspace:
        size = artifact_.workspace_size();
        break;
      case fbs::BindingKind::Constant:
        size = lengthOf(artifact_.constants());
        break;
      case fbs::BindingKind::Prepared:
        size = artifact_.prepared_size();
        break;
      default:
        return malformed(strCat("binding ", i, " of unknown kind ",
                                static_cast<uint32_t>(binding->kind())));
      }
      if (!indexOk)
        return malformed(
            strCat("binding ", i, " names argument ", binding->index()));
      if (binding->offset() > size ||
          binding->length() > size - binding->offset())
        return malformed(strCat("binding ", i, " takes bytes ",
                                binding->offset(), " + ", binding->length(),
                                " of ", size));
    }
    return okStatus();
  }

  Status verifyEntries() const {
    for (uint32_t i = 0; i < lengthOf(artifact_.entries()); ++i) {
      const fbs::Entry *entry = artifact_.entries()->Get(i);
      if (entry->executable() >= lengthOf(artifact_.executables()))
        return malformed(
            strCat("entry ", i, " of executable ", entry->executable()));
      size_t size =
          lengthOf(artifact_.executables()->Get(entry->executable())->bytes());
      if (entry->offset() >= size)
        return malformed(
            strCat("entry ", i, " at offset ", entry->offset(), " of ", size));
      if (entry->local_memory() > kMaxLocalMemory)
        return malformed(strCat("entry ", i, " wants ", entry->local_memory(),
                                " bytes of local memory"));
      if (entry->binding_count() > kMaxEntryBindings)
        return malformed(
            strCat("entry ", i, " has ", entry->binding_count(), " bindings"));
      if (entry->constant_count() > kMaxEntryConstants)
        return malformed(strCat("entry ", i, " has ", entry->constant_count(),
                                " constants"));
    }
    return okStatus();
  }

  Status verifyHostPrograms() const {
    FUSILLI_STATUS_RETURN_IF_ERROR(verifyWords(artifact_.program(), "program",
                                               lengthOf(artifact_.symbols())));
    if (lengthOf(artifact_.prepare()) == 0)
      return artifact_.prepared_size() == 0
                 ? okStatus()
                 : malformed("prepared memory that nothing prepares");
    FUSILLI_STATUS_RETURN_IF_ERROR(
        verifyWords(artifact_.prepare(), "prepare program", /*symbols=*/0));
    return verifyPrepare();
  }

  Status verifyWords(const flatbuffers::Vector<uint32_t> *vector,
                     std::string_view what, size_t symbols) const {
    std::span<const uint32_t> words;
    if (vector != nullptr)
      words = {vector->data(), vector->size()};
    ProgramContext context;
    context.entryCount = static_cast<uint32_t>(lengthOf(artifact_.entries()));
    context.entry = [this](uint32_t i) {
      const fbs::Entry *entry = artifact_.entries()->Get(i);
      return EntrySignature{entry->binding_count(), entry->constant_count()};
    };
    context.bindingCount =
        static_cast<uint32_t>(lengthOf(artifact_.bindings()));
    context.symbolCount = static_cast<uint32_t>(symbols);
    Status status = verifyProgram(words, context);
    if (!status.isOk())
      return std::move(status).annotate(strCat("malformed artifact: ", what));
    return okStatus();
  }

  /// What is computed before the calls depends on nothing that a call brings.
  Status verifyPrepare() const {
    std::span<const uint32_t> words = {artifact_.prepare()->data(),
                                       artifact_.prepare()->size()};
    size_t position = 0;
    while (position < words.size()) {
      FUSILLI_STATUS_ASSIGN(Instruction instruction,
                            decodeInstruction(words, position));
      if (instruction.opcode == FUSILLI_VM_WORKSPACE)
        return malformed("prepare program with a workspace");
      for (uint32_t i = 0; i < instruction.bindingCount; ++i) {
        uint32_t number = instruction.firstBinding + i;
        const fbs::Binding *binding = artifact_.bindings()->Get(number);
        bool allowed = binding->kind() != fbs::BindingKind::Workspace;
        if (binding->kind() == fbs::BindingKind::Argument)
          allowed = artifact_.args()->Get(binding->index())->is_constant();
        if (!allowed)
          return malformed(strCat("prepare program uses binding ", number,
                                  ", which is not constant"));
      }
    }
    return okStatus();
  }

  const fbs::Artifact &artifact_;
  std::span<const uint8_t> payload_;
};

} // namespace

StatusOr<Reader> Reader::open(std::span<const uint8_t> bytes, bool copy,
                              HostAllocator &allocator) {
  Reader reader;
  bool aligned = reinterpret_cast<uintptr_t>(bytes.data()) % kAlignment == 0;
  if (copy || !aligned) {
    // Room to move the start to an aligned address.
    if (!reader.storage_.allocate(allocator, bytes.size() + kAlignment - 1))
      return outOfMemoryError("a copy of the artifact");
    auto base = reinterpret_cast<uintptr_t>(reader.storage_.data());
    uint8_t *target =
        reader.storage_.data() + (kAlignment - base % kAlignment) % kAlignment;
    std::copy(bytes.begin(), bytes.end(), target); // may be none
    bytes = {target, bytes.size()};
  }
  // After the copy: what is checked is what is used.
  FUSILLI_STATUS_ASSIGN(std::span<const uint8_t> payload, checkHeader(bytes));
  flatbuffers::Verifier verifier(payload.data(), payload.size(),
                                 /*max_depth=*/16,
                                 /*max_tables=*/1u << 24);
  if (payload.size() < sizeof(flatbuffers::uoffset_t) ||
      !fbs::VerifyArtifactBuffer(verifier))
    return malformed("its tables are broken");
  reader.artifact_ = fbs::GetArtifact(payload.data());
  FUSILLI_STATUS_RETURN_IF_ERROR(
      ContentVerifier(*reader.artifact_, payload).verify());
  return reader;
}

size_t Reader::executableCount() const noexcept {
  return lengthOf(artifact_->executables());
}

ExecutableView Reader::executable(size_t i) const noexcept {
  const fbs::Executable *executable =
      artifact_->executables()->Get(static_cast<uint32_t>(i));
  return {viewOf(executable->format()), spanOf(executable->requirements()),
          spanOf(executable->bytes())};
}

std::span<const uint8_t> Reader::constants() const noexcept {
  return spanOf(artifact_->constants());
}

std::span<const uint32_t> Reader::program() const noexcept {
  return spanOf(artifact_->program());
}

std::span<const uint32_t> Reader::prepare() const noexcept {
  return spanOf(artifact_->prepare());
}

std::string_view Reader::target() const noexcept {
  return viewOf(artifact_->target());
}

std::string_view Reader::backend() const noexcept {
  return viewOf(artifact_->backend());
}

} // namespace fusilli::artifact
