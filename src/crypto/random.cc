#include "crypto/random.h"

#include <openssl/rand.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "crypto/secret.h"

namespace cloister::crypto {
namespace {

// Counts forks: a child must not serve the parent's bytes again.
std::atomic<unsigned> fork_generation{0};

struct Buffer {
  std::array<std::uint8_t, 4096> bytes{};
  std::size_t used = 4096;
  unsigned generation = 0;
  ~Buffer() { wipe(bytes); }
};

void refill(Buffer& buffer, unsigned generation) {
  CLOISTER_CHECK(RAND_priv_bytes(buffer.bytes.data(), static_cast<int>(buffer.bytes.size())) == 1);
  buffer.used = 0;
  buffer.generation = generation;
}

}  // namespace

void SystemRandom::fill(MutableByteView out) {
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(nullptr, nullptr, [] { ++fork_generation; }); });
  thread_local Buffer buffer;
  const unsigned generation = fork_generation.load(std::memory_order_relaxed);
  while (!out.empty()) {
    if (buffer.used == buffer.bytes.size() || buffer.generation != generation) refill(buffer, generation);
    const std::size_t count = std::min(out.size(), buffer.bytes.size() - buffer.used);
    const MutableByteView piece = MutableByteView(buffer.bytes).subspan(buffer.used, count);
    std::memcpy(out.data(), piece.data(), count);
    wipe(piece);
    buffer.used += count;
    out = out.subspan(count);
  }
}

}  // namespace cloister::crypto
