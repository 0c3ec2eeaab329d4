// How many small files the content audit sees in a second, and how fast it reads large ones, each beside the same work
// without any judging: the same tree gone through by find and its files' heads read, and the same bytes read.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

#include "bench.h"
#include "posture/collect/content/content_collector.h"
#include "tests/support/content_estate.h"

namespace {

using namespace cloister;
using namespace cloister::posture;
namespace fs = std::filesystem;

class Counting final : public FactSink {
 public:
  void add(Fact fact) override {
    ++facts;
    if (fact.kind == "content.scan") files = fact.number("files").value_or(0);
  }
  std::uint64_t facts = 0;
  std::int64_t files = 0;
};

std::uint64_t files_wanted() {
  const char* text = std::getenv("BENCH_FILES");
  return text == nullptr ? 100'000 : std::strtoull(text, nullptr, 10);
}

std::int64_t audit(const Path& root, unsigned threads, std::uint64_t budget) {
  Estate estate;
  estate.locations.emplace_back().name = "bench";
  estate.locations.back().address = "file:" + root.string();
  crypto::SystemRandom random;
  content::ContentOptions options;
  options.statistics_budget = budget;
  content::ContentCollector collector(std::move(options), random);
  Counting sink;
  CollectContext context;
  context.estate = &estate;
  context.now = system_time();
  context.threads = threads;
  collector.collect(context, sink);
  return sink.files;
}

// What the audit can't do without: list, open, look, read the head, close. One thread.
std::uint64_t read_heads(const Path& folder) {
  std::uint64_t count = 0;
  char buffer[65536];
  DIR* stream = ::opendir(folder.c_str());
  if (stream == nullptr) bench::fail("open " + folder.string());
  while (const dirent* entry = ::readdir(stream)) {
    if (entry->d_type == DT_DIR && entry->d_name[0] != '.') count += read_heads(folder / entry->d_name);
    if (entry->d_type != DT_REG) continue;
    const int file = ::openat(::dirfd(stream), entry->d_name, O_RDONLY | O_CLOEXEC);
    struct stat info{};
    if (file < 0 || ::fstat(file, &info) != 0 || ::pread(file, buffer, sizeof buffer, 0) < 0) bench::fail("read");
    ::close(file);
    ++count;
  }
  ::closedir(stream);
  return count;
}

void make_small_files(const Path& root, std::uint64_t count) {
  for (std::uint64_t i = 0; i < count; ++i) {
    const Path folder = root / std::to_string(i / 1000);
    if (i % 1000 == 0) fs::create_directories(folder);
    const Bytes bytes = i % 3 == 0 ? testing::json_lines(i, 1500) : testing::noise(i, 2000 + i % 2000);
    std::ofstream file(folder / std::to_string(i), std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
}

void race_small_files(const bench::Workspace& work) {
  const std::uint64_t count = files_wanted();
  const Path root = work / "small";
  make_small_files(root, count);
  struct Contestant {
    std::string name;
    std::function<void()> work;
    std::vector<double> rates = {};
  };
  std::vector<Contestant> contestants = {
      {"plain reads of every head, 1 thread", [&] { read_heads(root); }},
      {"the audit, 1 thread", [&] { audit(root, 1, std::uint64_t{1} << 20); }},
      {"the audit, all processors", [&] { audit(root, 0, std::uint64_t{1} << 20); }},
      {"find -type f -exec head -c 4096 {} +",
       [&] { bench::run({"find", root.string(), "-type", "f", "-exec", "head", "-c", "4096", "{}", "+"}); }}};
  for (int round = -1; round < bench::rounds(); ++round) {
    for (Contestant& contestant : contestants) {
      const double rate = static_cast<double>(count) / bench::seconds_of(contestant.work);
      if (round >= 0) contestant.rates.push_back(rate);
    }
  }
  std::printf("content audit of %llu small files, warm (goal: 50000 files/s), %d rounds in turn\n",
              static_cast<unsigned long long>(count), bench::rounds());
  for (const Contestant& contestant : contestants) {
    const auto [worst, best] = std::ranges::minmax(contestant.rates);
    std::printf("  %-40s %9.0f files/s   (%.0f to %.0f)\n", contestant.name.c_str(), bench::median(contestant.rates),
                worst, best);
  }
}

void race_large_file(const bench::Workspace& work) {
  const std::uint64_t size = bench::bytes_wanted();
  const Path folder = work / "large";
  fs::create_directory(folder);
  bench::make_random_file(folder / "noise", size);
  std::vector<bench::Contestant> contestants = {
      {"plain reads of 64 KiB",
       [&] {
         const auto file = bench::must(File::open(folder / "noise"));
         Bytes buffer(65536);
         for (std::uint64_t at = 0; at + buffer.size() <= size; at += buffer.size())
           bench::must(file.read_at(at, buffer));
       }},
      {"statistics of every byte, 1 thread", [&] { audit(folder, 1, 0); }},
      {"statistics of 16 windows of the file", [&] { audit(folder, 1, std::uint64_t{1} << 20); }}};
  bench::race("content statistics of one large file", size, contestants);
}

}  // namespace

int main() {
  const bench::Workspace work;
  race_small_files(work);
  race_large_file(work);
  return 0;
}
