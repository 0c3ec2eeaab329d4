// What the machine can do at best: one pass of AES-256-GCM in cache, one copy of memory. The other benches are judged
// by it.
#include <thread>

#include "bench.h"
#include "crypto/aead.h"
#include "crypto/library.h"

namespace {

using namespace cloister;

double rate(std::uint64_t bytes_each, unsigned threads, const std::function<void()>& once) {
  constexpr double kSeconds = 0.6;
  std::atomic<std::uint64_t> done{0};
  const double start = monotonic_seconds();
  std::vector<std::thread> running;
  for (unsigned i = 0; i < threads; ++i) {
    running.emplace_back([&] {
      while (monotonic_seconds() - start < kSeconds) {
        once();
        done += bytes_each;
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  return static_cast<double>(done.load()) / (monotonic_seconds() - start) / 1e9;
}

void aead_in_cache(unsigned threads) {
  for (const std::size_t size : {std::size_t{16} << 10, std::size_t{64} << 10, std::size_t{1} << 20}) {
    const double sealing = rate(size * 16, threads, [size] {
      thread_local crypto::Aead aead(crypto::AeadAlgorithm::kAes256Gcm, crypto::Secret(32));
      thread_local Bytes buffer(size);
      buffer.resize(size);
      crypto::Tag tag;
      crypto::Nonce nonce{};
      for (int i = 0; i < 16; ++i) aead.seal(nonce, {}, buffer, buffer, tag);
    });
    std::printf("  AES-256-GCM in cache, %4zu KiB, %u thread%s  %6.2f GB/s\n", size >> 10, threads,
                threads == 1 ? " " : "s", sealing);
  }
}

}  // namespace

int main() {
  const crypto::LibraryInfo info = crypto::library_info();
  std::printf("limits: OpenSSL %s, wide AES-GCM path %s\n", info.version.c_str(),
              info.vaes_avx512 ? "in use" : "not there");
  aead_in_cache(1);
  aead_in_cache(2);
  const std::size_t size = std::size_t{256} << 20;
  Bytes from(size, 1), to(size, 2);
  for (const unsigned threads : {1u, 2u}) {
    std::atomic<unsigned> next{0};
    const double copying = rate(size / 2, threads, [&] {
      const std::size_t half = (next++ % 2) * (size / 2);
      std::memcpy(to.data() + half, from.data() + half, size / 2);
    });
    std::printf("  memcpy, %zu MiB, %u thread%s               %6.2f GB/s\n", size >> 20, threads,
                threads == 1 ? " " : "s", copying);
  }
}
