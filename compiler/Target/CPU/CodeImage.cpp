// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// LLVM dialect in, flat code image out. LLVM runs two cheap passes only: the
// code comes vectorised, and full pipelines cost more than they gain. The
// object file is laid out and relocated here: a kernel needs nothing but
// PC-relative references inside its own image, so no linker is involved.

#include "compiler/Target/CPU/CodeImage.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/IR/PassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/SmallVectorMemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/Target/TargetOptions.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Utils/Cloning.h"

#include <map>
#include <mutex>
#include <vector>

using namespace llvm;

namespace fusilli::compiler {

namespace {

/// What code generation for one target keeps from compile to compile.
struct Generator {
  std::unique_ptr<TargetMachine> machine;
  SmallVector<char, 0> object;
  std::unique_ptr<raw_svector_ostream> stream;
  std::unique_ptr<legacy::PassManager> passes;
};

/// Loop strength reduction takes a third of the compile time of a large kernel
/// and gains nothing: what the kernels load inside their loops are constant
/// offsets from few addresses. TargetPassConfig knows this switch only.
void disableLoopStrengthReduction() {
  auto &options = cl::getRegisteredOptions();
  if (auto it = options.find("disable-lsr"); it != options.end())
    static_cast<cl::opt<bool> *>(it->second)->setValue(true);
}

Expected<std::unique_ptr<TargetMachine>>
createMachine(const TargetInfo &target) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    disableLoopStrengthReduction();
  });
  Triple triple("x86_64-unknown-linux-gnu");
  std::string error;
  const Target *t = TargetRegistry::lookupTarget(triple, error);
  if (!t)
    return createStringError(error);
  TargetOptions options;
  return std::unique_ptr<TargetMachine>(t->createTargetMachine(
      triple, target.cpu, target.featureString, options, Reloc::PIC_,
      CodeModel::Small, CodeGenOptLevel::Default));
}

/// Idle generators of the process, by target. TargetMachine is not thread-safe:
/// one compile at a time has a generator, whatever its thread.
///
/// Thread safety: thread-safe.
class GeneratorPool {
public:
  /// Never destroyed: at exit other threads may still compile.
  static GeneratorPool &get() {
    static GeneratorPool *pool = new GeneratorPool;
    return *pool;
  }

  Expected<std::unique_ptr<Generator>> acquire(const TargetInfo &target) {
    {
      std::lock_guard<std::mutex> lock(mutex);
      auto &those = idle[target.name];
      if (!those.empty()) {
        std::unique_ptr<Generator> g = std::move(those.back());
        those.pop_back();
        return std::move(g);
      }
    }
    auto g = std::make_unique<Generator>();
    auto machine = createMachine(target);
    if (!machine)
      return machine.takeError();
    g->machine = std::move(*machine);
    g->stream = std::make_unique<raw_svector_ostream>(g->object);
    g->passes = std::make_unique<legacy::PassManager>();
    if (g->machine->addPassesToEmitFile(*g->passes, *g->stream, nullptr,
                                        CodeGenFileType::ObjectFile, true))
      return createStringError("the target cannot emit object code");
    return std::move(g);
  }

  void release(const TargetInfo &target, std::unique_ptr<Generator> g) {
    constexpr size_t kMaxIdle = 16;
    std::lock_guard<std::mutex> lock(mutex);
    auto &those = idle[target.name];
    if (those.size() < kMaxIdle)
      those.push_back(std::move(g));
  }

private:
  std::mutex mutex;
  std::map<std::string, std::vector<std::unique_ptr<Generator>>> idle;
};

void prepare(llvm::Module &module, const TargetInfo &target,
             TargetMachine &machine) {
  module.setTargetTriple(machine.getTargetTriple());
  module.setDataLayout(machine.createDataLayout());
  std::string width = std::to_string(target.vectorBits);
  for (Function &f : module) {
    if (f.isDeclaration())
      continue;
    f.addFnAttr("target-cpu", target.cpu);
    f.addFnAttr("target-features", target.featureString);
    f.addFnAttr("prefer-vector-width", width);
    f.addFnAttr("min-legal-vector-width", width);
    f.addFnAttr(Attribute::NoUnwind);
  }
}

void optimize(llvm::Module &module, TargetMachine &machine) {
  LoopAnalysisManager lam;
  FunctionAnalysisManager fam;
  CGSCCAnalysisManager cam;
  ModuleAnalysisManager mam;
  PassBuilder builder(&machine);
  builder.registerModuleAnalyses(mam);
  builder.registerCGSCCAnalyses(cam);
  builder.registerFunctionAnalyses(fam);
  builder.registerLoopAnalyses(lam);
  builder.crossRegisterProxies(lam, fam, cam, mam);
  FunctionPassManager fpm;
  fpm.addPass(EarlyCSEPass());
  fpm.addPass(InstCombinePass());
  ModulePassManager mpm;
  mpm.addPass(createModuleToFunctionPassAdaptor(std::move(fpm)));
  mpm.run(module, mam);
}

/// Lays out the allocated sections of an object file and applies relocations.
class Linker {
public:
  explicit Linker(const object::ELF64LEObjectFile &object) : object(object) {}

  Error run(CodeImage &image) {
    if (Error e = layOut())
      return e;
    for (const object::SectionRef &section : object.sections())
      if (Error e = relocate(section))
        return e;
    image.code = std::move(bytes);
    return Error::success();
  }

  Expected<uint64_t> addressOf(const object::SymbolRef &symbol) const {
    Expected<object::section_iterator> section = symbol.getSection();
    if (!section)
      return section.takeError();
    Expected<uint64_t> value = symbol.getValue();
    if (!value)
      return value.takeError();
    auto it = *section == object.section_end()
                  ? offsets.end()
                  : offsets.find((*section)->getIndex());
    if (it == offsets.end()) {
      Expected<StringRef> name = symbol.getName();
      return createStringError("kernel code refers to '" +
                               (name ? name->str() : std::string("?")) +
                               "', which is outside its image");
    }
    return it->second + *value;
  }

private:
  Error layOut() {
    uint64_t size = 0;
    for (const object::ELFSectionRef section : object.sections()) {
      Expected<StringRef> name = section.getName();
      if (!name)
        return name.takeError();
      if (!(section.getFlags() & ELF::SHF_ALLOC) || *name == ".eh_frame")
        continue;
      if (section.getFlags() & ELF::SHF_WRITE)
        if (section.getSize())
          return createStringError("kernel code has writable data in " +
                                   name->str());
      uint64_t align = std::max<uint64_t>(section.getAlignment().value(), 64);
      size = alignTo(size, align);
      offsets[section.getIndex()] = size;
      size += section.getSize();
      Expected<StringRef> contents = section.getContents();
      if (!contents)
        return contents.takeError();
      bytes.resize(size);
      memcpy(bytes.data() + offsets[section.getIndex()], contents->data(),
             contents->size());
    }
    bytes.resize(alignTo(size, 64));
    return Error::success();
  }

  Error relocate(const object::SectionRef &relocations) {
    Expected<object::section_iterator> target =
        relocations.getRelocatedSection();
    if (!target)
      return target.takeError();
    if (*target == object.section_end())
      return Error::success();
    auto base = offsets.find((*target)->getIndex());
    if (base == offsets.end())
      return Error::success();
    for (const object::ELFRelocationRef r : relocations.relocations()) {
      Expected<uint64_t> symbol = addressOf(*r.getSymbol());
      if (!symbol)
        return symbol.takeError();
      Expected<int64_t> addend = r.getAddend();
      if (!addend)
        return addend.takeError();
      uint64_t place = base->second + r.getOffset();
      switch (r.getType()) {
      case ELF::R_X86_64_PC32:
      case ELF::R_X86_64_PLT32: {
        int32_t value = int32_t(int64_t(*symbol) + *addend - int64_t(place));
        memcpy(bytes.data() + place, &value, sizeof value);
        break;
      }
      case ELF::R_X86_64_PC64: {
        int64_t value = int64_t(*symbol) + *addend - int64_t(place);
        memcpy(bytes.data() + place, &value, sizeof value);
        break;
      }
      default:
        return createStringError("kernel code has a relocation of type " +
                                 std::to_string(r.getType()) +
                                 ", which is not position-independent");
      }
    }
    return Error::success();
  }

  const object::ELF64LEObjectFile &object;
  std::vector<uint8_t> bytes;
  std::map<uint64_t, uint64_t> offsets;
};

} // namespace

Expected<CodeImage> emitCodeImage(mlir::ModuleOp module,
                                  const TargetInfo &target,
                                  std::string *asmText) {
  Expected<std::unique_ptr<Generator>> generator =
      GeneratorPool::get().acquire(target);
  if (!generator)
    return generator.takeError();
  scope_exit giveBack(
      [&] { GeneratorPool::get().release(target, std::move(*generator)); });
  TargetMachine &machine = *(*generator)->machine;

  CodeImage image;
  for (auto f : module.getOps<mlir::LLVM::LLVMFuncOp>())
    if (f->hasAttr("fusilli.entry"))
      image.kernels.push_back({f.getName().str(), 0});
  if (image.kernels.empty())
    return image;

  LLVMContext context;
  std::unique_ptr<llvm::Module> ir = mlir::translateModuleToLLVMIR(
      module, context, "kernels", /*disableVerification=*/true);
  if (!ir)
    return createStringError("translation to LLVM IR failed");
  prepare(*ir, target, machine);
  optimize(*ir, machine);

  if (asmText) {
    // Code generation changes the module: the text comes from a copy.
    std::unique_ptr<llvm::Module> copy = CloneModule(*ir);
    SmallVector<char, 0> text;
    raw_svector_ostream stream(text);
    legacy::PassManager passes;
    if (machine.addPassesToEmitFile(passes, stream, nullptr,
                                    CodeGenFileType::AssemblyFile, true))
      return createStringError("the target cannot emit assembly");
    passes.run(*copy);
    asmText->assign(text.begin(), text.end());
  }

  Generator &g = **generator;
  g.object.clear();
  g.passes->run(*ir);
  Expected<std::unique_ptr<object::ObjectFile>> file =
      object::ObjectFile::createELFObjectFile(MemoryBufferRef(
          StringRef(g.object.data(), g.object.size()), "kernels"));
  if (!file)
    return file.takeError();
  auto &elf = cast<object::ELF64LEObjectFile>(**file);
  Linker linker(elf);
  if (Error e = linker.run(image))
    return e;
  std::map<std::string, uint64_t> addresses;
  for (const object::ELFSymbolRef symbol : elf.symbols()) {
    if (symbol.getELFType() != ELF::STT_FUNC)
      continue;
    Expected<StringRef> name = symbol.getName();
    Expected<uint64_t> address = linker.addressOf(symbol);
    if (!name)
      return name.takeError();
    if (!address)
      return address.takeError();
    addresses[name->str()] = *address;
  }
  for (CodeImage::Kernel &k : image.kernels) {
    auto it = addresses.find(k.name);
    if (it == addresses.end())
      return createStringError("no code was generated for kernel " + k.name);
    k.offset = it->second;
  }
  return image;
}

} // namespace fusilli::compiler
