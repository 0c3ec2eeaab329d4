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

constexpr std::size_t kBufferSize = 4096;

// In secure memory: keys are drawn from it.
struct Buffer {
  Secret bytes;
  std::size_t used = kBufferSize;
  unsigned generation = 0;
};

void refill(Buffer& buffer, unsigned generation) {
  if (buffer.bytes.empty() || buffer.generation != generation) buffer.bytes = Secret(kBufferSize);
  CLOISTER_CHECK(RAND_priv_bytes(buffer.bytes.expose_mutable().data(), static_cast<int>(kBufferSize)) == 1);
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
    if (buffer.used == kBufferSize || buffer.generation != generation) refill(buffer, generation);
    const std::size_t count = std::min(out.size(), kBufferSize - buffer.used);
    const MutableByteView piece = buffer.bytes.expose_mutable().subspan(buffer.used, count);
    std::memcpy(out.data(), piece.data(), count);
    wipe(piece);
    buffer.used += count;
    out = out.subspan(count);
  }
}

}  // namespace cloister::crypto
