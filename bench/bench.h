// Timing things in turn, A B A B, and printing medians and ratios: machines are noisy, and both sides see the same
// noise.
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "crypto/random.h"
#include "seal/keyring.h"
#include "seal/reader.h"
#include "seal/writer.h"

namespace bench {

using cloister::Path;

[[noreturn]] inline void fail(const std::string& what) {
  std::fprintf(stderr, "bench: %s\n", what.c_str());
  std::exit(1);
}

template <typename T>
T must(cloister::Result<T> result) {
  if (!result.ok()) fail(result.error().message());
  return std::move(result).value();
}
inline void must(const cloister::Status& status) {
  if (!status.ok()) fail(status.error().message());
}

inline std::uint64_t bytes_wanted() {
  const char* text = std::getenv("BENCH_BYTES");
  return text == nullptr ? std::uint64_t{2} << 30 : std::strtoull(text, nullptr, 10);
}

inline int rounds() {
  const char* text = std::getenv("BENCH_ROUNDS");
  return text == nullptr ? 5 : std::max(1, std::atoi(text));
}

// A folder in memory-backed storage, removed at the end.
class Workspace {
 public:
  Workspace() {
    std::string name = "/dev/shm/cloister-bench-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) fail("no memory-backed storage at /dev/shm");
    path_ = name;
  }
  ~Workspace() { std::filesystem::remove_all(path_); }
  Path operator/(const char* name) const { return path_ / name; }

 private:
  Path path_;
};

inline void make_random_file(const Path& path, std::uint64_t size) {
  cloister::crypto::SystemRandom random;
  auto file = must(cloister::File::create_new(path));
  cloister::Bytes piece(1 << 20);
  for (std::uint64_t done = 0; done < size;) {
    const std::size_t count = std::min<std::uint64_t>(piece.size(), size - done);
    random.fill(cloister::MutableByteView(piece).first(count));
    must(file.write_all(cloister::ByteView(piece).first(count)));
    done += count;
  }
}

// Runs a program to its end, its output thrown away; it must succeed.
inline void run(const std::vector<std::string>& arguments) {
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    std::vector<char*> pointers;
    for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
    pointers.push_back(nullptr);
    if (std::freopen("/dev/null", "w", stdout) == nullptr || std::freopen("/dev/null", "w", stderr) == nullptr)
      _exit(126);
    ::execvp(pointers[0], pointers.data());
    _exit(127);
  }
  int status = 0;
  if (::waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fail("running " + arguments[0] + " failed");
  }
}

inline bool have(const std::string& program) {
  return std::system(("command -v " + program + " >/dev/null 2>&1").c_str()) == 0;
}

inline double seconds_of(const std::function<void()>& work) {
  const double start = cloister::monotonic_seconds();
  work();
  return cloister::monotonic_seconds() - start;
}

// Processor time of this process and the children it waited for: steadier than the clock on a busy machine.
inline double cpu_seconds() {
  double total = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    ::getrusage(who, &usage);
    for (const timeval& part : {usage.ru_utime, usage.ru_stime}) {
      total += static_cast<double>(part.tv_sec) + static_cast<double>(part.tv_usec) / 1e6;
    }
  }
  return total;
}

struct Contestant {
  std::string name;
  std::function<void()> work;
  std::function<void()> prepare = [] {};  // not timed
  std::vector<double> seconds = {};
  std::vector<double> cpu = {};
};

inline double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

// How often a core does something in a second, by processor time: the median of rounds of `batch`, after a warm-up.
inline void show_rate(int batch, const char* name, const std::function<void()>& work) {
  work();
  std::vector<double> rates;
  for (int round = 0; round < rounds(); ++round) {
    const double cpu = cpu_seconds();
    for (int i = 0; i < batch; ++i) work();
    rates.push_back(batch / (cpu_seconds() - cpu));
  }
  std::printf("%-60s %8.0f a second a core\n", name, median(rates));
}

// One warm-up of each, then in turn. Prints each one's rate and its speed against the first.
inline void race(const char* title, std::uint64_t bytes, std::vector<Contestant>& contestants) {
  for (int round = -1; round < rounds(); ++round) {
    for (Contestant& contestant : contestants) {
      contestant.prepare();
      const double cpu = cpu_seconds();
      const double seconds = seconds_of(contestant.work);
      if (round < 0) continue;
      contestant.seconds.push_back(seconds);
      contestant.cpu.push_back(cpu_seconds() - cpu);
    }
  }
  std::printf("%s (%llu MiB, %d rounds in turn)\n", title, static_cast<unsigned long long>(bytes >> 20), rounds());
  std::printf("  %-42s %11s %11s %11s %16s   speed against %s\n", "", "median", "best", "worst", "per CPU second",
              contestants[0].name.c_str());
  for (const Contestant& contestant : contestants) {
    const auto [best, worst] = std::ranges::minmax(contestant.seconds);
    const auto rate = [bytes](double seconds) { return static_cast<double>(bytes) / seconds / 1e9; };
    std::vector<double> ratios;
    for (std::size_t i = 0; i < contestant.seconds.size(); ++i) {
      ratios.push_back(contestants[0].seconds[i] / contestant.seconds[i]);
    }
    std::printf("  %-42s %6.2f GB/s %6.2f GB/s %6.2f GB/s %11.2f GB   %.2f\n", contestant.name.c_str(),
                rate(median(contestant.seconds)), rate(best), rate(worst), rate(median(contestant.cpu)),
                median(ratios));
  }
  std::fflush(stdout);
}

// A dataset's keys in memory, as the embedded store would hand them out.
struct Keys {
  cloister::crypto::SystemRandom random;
  cloister::seal::Keyring keyring;
  std::unique_ptr<cloister::seal::KeyringWrapper> wrapper;
  std::vector<cloister::crypto::KeyWrapper*> wrappers;

  Keys()
      : keyring(must(cloister::seal::Keyring::create({"acme", "", "bench"}, cloister::system_time(), random))),
        wrapper(must(cloister::seal::KeyringWrapper::create(keyring, random))),
        wrappers{wrapper.get()} {}

  cloister::seal::SealOptions options(std::uint8_t chunk_log2, unsigned threads) const {
    cloister::seal::SealOptions options;
    options.chunk_log2 = chunk_log2;
    options.threads = threads;
    options.context = {"acme", "bench", keyring.outline().keyring_id, std::nullopt};
    return options;
  }

  void seal(const Path& source, const Path& target, const cloister::seal::SealOptions& options) {
    const auto from = must(cloister::File::open(source));
    auto to = must(cloister::FileReplacement::begin(target, cloister::Overwrite::kReplace));
    cloister::Progress progress;
    must(cloister::seal::seal_payload(from, to.file(), options, wrappers, random, progress));
    must(to.commit(cloister::FileReplacement::Durable::kNo));
  }

  cloister::seal::ObjectReader open(const Path& object) const {
    return must(cloister::seal::ObjectReader::open(must(cloister::File::open(object)), wrappers));
  }
};

}  // namespace bench
