// 64 KiB at random offsets of an open object, against pread of the plain file.
#include <fcntl.h>

#include <random>

#include "bench.h"

namespace {

using namespace cloister;

void report(const char* name, std::vector<double>& seconds) {
  std::ranges::sort(seconds);
  const auto at = [&seconds](double share) {
    return seconds[static_cast<std::size_t>(share * static_cast<double>(seconds.size() - 1))] * 1e6;
  };
  std::printf("  %-34s p50 %7.1f us   p99 %7.1f us   p99.9 %7.1f us\n", name, at(0.5), at(0.99), at(0.999));
}

}  // namespace

int main() {
  bench::Workspace work;
  bench::Keys keys;
  const std::uint64_t bytes = std::min<std::uint64_t>(bench::bytes_wanted(), std::uint64_t{1} << 30);
  const Path plain = work / "plain";
  bench::make_random_file(plain, bytes);
  constexpr std::size_t kRead = 65536;
  constexpr int kReads = 20000;
  Bytes out(kRead);

  std::printf("random read: 64 KiB, warm, %llu MiB file, %d reads each\n", static_cast<unsigned long long>(bytes >> 20),
              kReads);
  const auto measure = [&](const char* name, bool aligned, const std::function<void(std::uint64_t)>& read) {
    std::mt19937_64 random(7);
    std::vector<double> seconds;
    for (int i = 0; i < kReads; ++i) {
      std::uint64_t offset = random() % (bytes - kRead);
      if (aligned) offset -= offset % kRead;
      seconds.push_back(bench::seconds_of([&] { read(offset); }));
    }
    report(name, seconds);
  };
  const auto plain_file = bench::must(File::open(plain));
  measure("pread of the plain file", false,
          [&](std::uint64_t offset) { bench::must(plain_file.read_at(offset, out)); });
  for (const auto& [name, chunk_log2] : {std::pair("64 KiB chunks", 16), std::pair("1 MiB chunks", 20)}) {
    const Path sealed = work / (chunk_log2 == 16 ? "sealed16" : "sealed20");
    keys.seal(plain, sealed, keys.options(static_cast<std::uint8_t>(chunk_log2), 2));
    const auto reader = keys.open(sealed);
    measure((std::string(name) + ", on a boundary").c_str(), true,
            [&](std::uint64_t offset) { bench::must(reader.read_at(offset, out)); });
    measure((std::string(name) + ", anywhere").c_str(), false,
            [&](std::uint64_t offset) { bench::must(reader.read_at(offset, out)); });
  }
}
