#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "tests/support/expect.h"
#include "tests/support/in_child.h"
#include "worker/engine_file.h"
#include "worker/secret_memory.h"

namespace cloister::worker {
namespace {

using testing::in_child;
using testing::value_of;

TEST(SecretMemory, HoldsWhatIsPutThere) {
  for (const auto kind : {SecretMemory::best(), SecretMemory::Kind::kLocked}) {
    SecretMemory memory = value_of(SecretMemory::allocate(3 << 20, kind));
    EXPECT_EQ(memory.kind(), kind);
    EXPECT_TRUE(all_zero(memory.expose()));
    std::ranges::fill(memory.expose_mutable(), 7);
    SecretMemory moved = std::move(memory);
    EXPECT_EQ(moved.expose().back(), 7);
    memory = std::move(moved);
    EXPECT_EQ(memory.expose().front(), 7);
    EXPECT_EQ(memory.size(), std::size_t{3} << 20);
  }
}

TEST(SecretMemory, ChildrenDontHaveIt) {
#ifdef CLOISTER_SANITIZED
  GTEST_SKIP() << "a sanitizer ends the process in its own way";
#endif
  for (const auto kind : {SecretMemory::best(), SecretMemory::Kind::kLocked}) {
    const SecretMemory memory = value_of(SecretMemory::allocate(4096, kind));
    EXPECT_EQ(in_child([&memory] { return std::to_string(memory.expose()[0]); }), "signal 11");
  }
}

TEST(SecretMemory, KernelReadsNoneOfItForAnybody) {
  if (SecretMemory::best() != SecretMemory::Kind::kSecret) GTEST_SKIP() << "this kernel has no memfd_secret";
  SecretMemory memory = value_of(SecretMemory::allocate(4096));
  std::ranges::fill(memory.expose_mutable(), 7);
  Bytes copy(16);
  const iovec local{copy.data(), copy.size()};
  const iovec remote{memory.expose_mutable().data(), copy.size()};
  EXPECT_EQ(::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0), -1);
  const int self = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  ASSERT_GE(self, 0);
  EXPECT_EQ(::pread(self, copy.data(), copy.size(), reinterpret_cast<off_t>(memory.expose().data())), -1);
  ::close(self);
  EXPECT_TRUE(all_zero(copy));
}

TEST(SecretMemory, LimitTooLow) {
  // Root isn't limited: as somebody else.
  const auto outcome = []() -> std::string {
    const rlimit limit{65536, 65536};
    if (::setrlimit(RLIMIT_MEMLOCK, &limit) != 0 || (::geteuid() == 0 && ::setresuid(65534, 65534, 65534) != 0)) {
      return "can't become somebody else";
    }
    for (const auto kind : {SecretMemory::best(), SecretMemory::Kind::kLocked}) {
      if (SecretMemory::allocate(1 << 20, kind).ok()) return "more than the limit was locked";
    }
    return EngineFile::allocate(value_of(make_memory_file("model")), 1 << 20).ok()
               ? "more than the limit was locked for an engine"
               : "";
  };
  EXPECT_EQ(in_child(outcome), "");
}

TEST(EngineFile, ReadsAsWhatWasPutThere) {
  EngineFile file = value_of(EngineFile::allocate(value_of(make_memory_file("model")), 5000));
  std::ranges::fill(file.expose_mutable(), 9);
  ASSERT_TRUE(file.freeze().ok());
  Bytes read(5000);
  ASSERT_TRUE(file.file().read_at(0, read).ok());
  EXPECT_EQ(read, Bytes(5000, 9));
  EXPECT_EQ(value_of(file.file().size()), 5000U);
}

TEST(EngineFile, NobodyElseChangesIt) {
  EngineFile file = value_of(EngineFile::allocate(value_of(make_memory_file("model")), 4096));
  ASSERT_TRUE(file.freeze().ok());
  EXPECT_FALSE(file.file().write_at(0, Bytes{1}).ok());
  EXPECT_FALSE(file.file().truncate(8192).ok());
  EXPECT_FALSE(file.file().truncate(0).ok());
  void* mapped = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.file().descriptor(), 0);
  EXPECT_EQ(mapped, MAP_FAILED);
  EXPECT_NE(::fcntl(file.file().descriptor(), F_ADD_SEALS, F_SEAL_WRITE), 0);
}

TEST(EngineFile, GoneForWhoeverHasItOpen) {
  int engine = -1;
  {
    EngineFile file = value_of(EngineFile::allocate(value_of(make_memory_file("model")), 4096));
    std::ranges::fill(file.expose_mutable(), 9);
    ASSERT_TRUE(file.freeze().ok());
    engine = ::dup(file.file().descriptor());
  }
  Bytes read(4096, 1);
  ASSERT_EQ(::pread(engine, read.data(), read.size(), 0), 4096);
  ::close(engine);
  EXPECT_TRUE(all_zero(read));
}

}  // namespace
}  // namespace cloister::worker
