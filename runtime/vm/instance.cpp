// Part of the Fusilli project, under the Apache License v2.0 with LLVM
// Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The type registry and the shared instance.
#include "runtime/vm/instance.h"

#include "runtime/vm/list.h"
#include "support/fault.h"
#include "support/weak_slot.h"

namespace fusilli::vm {

constexpr TypeDescriptor Instance::kType{"vm.instance", ObjectKind::Instance};
constexpr TypeDescriptor List::kType{"vm.list", ObjectKind::List};

namespace {

constexpr TypeDescriptor kByteBufferType{"vm.buffer", ObjectKind::Other};

WeakSlot<Instance> &sharedSlot() {
  // Never destroyed: instances may outlive static destruction.
  static WeakSlot<Instance> &slot = *new WeakSlot<Instance>();
  return slot;
}

} // namespace

StatusOr<Ref<Instance>> Instance::create(size_t typeCapacity,
                                         HostAllocator &allocator) {
  auto instance = makeRef<Instance>(allocator);
  if (!instance || !instance->types_.allocate(allocator, typeCapacity))
    return outOfMemoryError("a VM instance");
  for (const TypeDescriptor *type : {&kByteBufferType, &List::kType})
    FUSILLI_STATUS_RETURN_IF_ERROR(instance->registerType(type));
  return instance;
}

StatusOr<Ref<Instance>> Instance::shared(Status (*initialize)(Instance &)) {
  return sharedSlot().getOrCreate([&]() -> StatusOr<Ref<Instance>> {
    FUSILLI_STATUS_ASSIGN(Ref<Instance> instance, create());
    // Only this one is in the slot, so only it asks the slot to forget it.
    instance->shared_ = true;
    if (initialize != nullptr)
      if (Status status = initialize(*instance); !status.isOk()) {
        // The slot's lock is held, and it does not know this one yet.
        instance->shared_ = false;
        return status;
      }
    return instance;
  });
}

Instance::~Instance() {
  if (shared_)
    sharedSlot().forget(this);
}

Status Instance::registerType(const TypeDescriptor *type) {
  if (type == nullptr ||
      reinterpret_cast<uintptr_t>(type) % alignof(TypeDescriptor) != 0)
    return invalidArgumentError("type descriptor is null or not aligned to 8");
  FUSILLI_STATUS_RETURN_IF_ERROR(checkFault(FaultPoint::TypeRegistration));
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < typeCount_; ++i) {
    if (types_[i].type == type) {
      ++types_[i].registrations;
      return okStatus();
    }
    if (std::string_view(types_[i].type->name) == type->name)
      return invalidArgumentError(
          strCat("another type is registered as '", type->name, "'"));
  }
  if (typeCount_ == types_.size())
    return resourceExhaustedError(
        strCat("type table is full with ", typeCount_, " types"));
  types_[typeCount_++] = {type, 1};
  return okStatus();
}

Status Instance::unregisterType(const TypeDescriptor *type) {
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < typeCount_; ++i) {
    if (types_[i].type != type)
      continue;
    if (--types_[i].registrations == 0) {
      for (size_t j = i + 1; j < typeCount_; ++j)
        types_[j - 1] = types_[j];
      types_[--typeCount_] = {};
    }
    return okStatus();
  }
  return notFoundError("type is not registered");
}

const TypeDescriptor *Instance::lookupType(std::string_view fullName) const {
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < typeCount_; ++i)
    if (fullName == types_[i].type->name)
      return types_[i].type;
  return nullptr;
}

size_t Instance::typeCount() const {
  std::lock_guard lock(mutex_);
  return typeCount_;
}

} // namespace fusilli::vm
