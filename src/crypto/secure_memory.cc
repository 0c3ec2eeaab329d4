#include "crypto/secure_memory.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bitset>
#include <mutex>

#include "base/result.h"

namespace cloister::crypto {
namespace {

constexpr std::size_t kArena = std::size_t{4} << 20;
constexpr std::size_t kGuard = std::size_t{64} << 10;  // covers the largest page size of the machines we know
constexpr std::size_t kUnit = 32;
constexpr std::size_t kUnits = kArena / kUnit;

std::uint8_t* map_arena() {
  void* all = ::mmap(nullptr, kArena + 2 * kGuard, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CLOISTER_CHECK(all != MAP_FAILED);
  auto* arena = static_cast<std::uint8_t*>(all) + kGuard;
  CLOISTER_CHECK(::mprotect(arena, kArena, PROT_READ | PROT_WRITE) == 0);
  // A limit on locked memory may refuse this: the pages work as well, but may be swapped. start_process() raises it.
  if (::mlock2(arena, kArena, MLOCK_ONFAULT) != 0) static_cast<void>(::mlock(arena, kArena));
  ::madvise(arena, kArena, MADV_DONTDUMP);
  ::madvise(arena, kArena, MADV_DONTFORK);
  return arena;
}

class Arena {
 public:
  std::uint8_t* take(std::size_t size) {
    const std::size_t count = (size + kUnit - 1) / kUnit;
    const std::lock_guard lock(mutex_);
    if (memory_ == nullptr) {
      memory_ = map_arena();
      static const int watching = pthread_atfork([] { instance().before_fork(); }, [] { instance().in_parent(); },
                                                 [] { instance().in_child(); });
      CLOISTER_CHECK(watching == 0);
    }
    // From where the last search ended, then once from the start.
    for (int round = 0; round < 2; ++round) {
      const std::size_t from = round == 0 ? next_ : 0;
      for (std::size_t at = from, run = 0; at < kUnits; ++at) {
        run = used_[at] ? 0 : run + 1;
        if (run < count) continue;
        const std::size_t first = at + 1 - count;
        for (std::size_t i = first; i <= at; ++i) used_.set(i);
        next_ = at + 1;
        return memory_ + first * kUnit;
      }
    }
    check_failed("secure memory is left", __FILE__, __LINE__);
  }

  void give_back(std::uint8_t* data, std::size_t size) {
    const std::lock_guard lock(mutex_);
    if (memory_ == nullptr || data < memory_ || data >= memory_ + kArena) {
      CLOISTER_CHECK(forked_);  // a secret of the parent's: it isn't here
      return;
    }
    OPENSSL_cleanse(data, size);
    const std::size_t first = static_cast<std::size_t>(data - memory_) / kUnit;
    const std::size_t count = (size + kUnit - 1) / kUnit;
    for (std::size_t i = first; i < first + count; ++i) used_.reset(i);
  }

  bool holds(const std::uint8_t* data) {
    const std::lock_guard lock(mutex_);
    return memory_ != nullptr && data >= memory_ && data < memory_ + kArena;
  }
  std::size_t used() {
    const std::lock_guard lock(mutex_);
    return used_.count() * kUnit;
  }

 private:
  static Arena& instance();
  void before_fork() { mutex_.lock(); }
  void in_parent() { mutex_.unlock(); }
  // The kernel left the arena out of the child. Its addresses stay closed, so that a secret of the parent's that is
  // used here stops the process, instead of reading as zeros or as another key.
  void in_child() {
    ::mmap(memory_, kArena, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    memory_ = nullptr;
    used_.reset();
    next_ = 0;
    forked_ = true;
    mutex_.unlock();
  }

  std::mutex mutex_;
  std::uint8_t* memory_ = nullptr;
  std::bitset<kUnits> used_;
  std::size_t next_ = 0;
  bool forked_ = false;
};

// Constant-initialised and never destroyed: secrets may outlive main's locals.
constinit Arena arena;

Arena& Arena::instance() { return arena; }

}  // namespace

std::uint8_t* allocate_secure(std::size_t size) { return arena.take(size); }
void release_secure(std::uint8_t* data, std::size_t size) {
  if (data != nullptr) arena.give_back(data, size);
}

bool is_secure(const std::uint8_t* data) { return arena.holds(data); }
std::size_t secure_bytes_used() { return arena.used(); }

}  // namespace cloister::crypto
