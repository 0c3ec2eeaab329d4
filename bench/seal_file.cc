// Sealing and opening one file, against cp, age, openssl enc and gocryptfs's cipher-less neighbour cat.
#include "bench.h"

namespace {

using namespace cloister;

void remove_file(const Path& path) { std::filesystem::remove(path); }

struct AgeKeys {
  std::string recipient;
  Path identity;
};

AgeKeys make_age_keys(const bench::Workspace& work) {
  const Path identity = work / "age.key";
  bench::run({"age-keygen", "-o", identity.string()});
  const Bytes text = bench::must(read_file(identity, 4096));
  const std::string_view view = as_text(text);
  const std::size_t start = view.find("age1");
  return {std::string(view.substr(start, view.find('\n', start) - start)), identity};
}

}  // namespace

int main() {
  bench::Workspace work;
  bench::Keys keys;
  const std::uint64_t bytes = bench::bytes_wanted();
  const Path plain = work / "plain", copy = work / "copy", sealed = work / "sealed", opened = work / "opened";
  const Path aged = work / "aged", unaged = work / "unaged", ctr = work / "ctr";
  bench::make_random_file(plain, bytes);
  keys.seal(plain, sealed, keys.options(20, 2));

  const bool age = bench::have("age");
  AgeKeys age_keys;
  if (age) age_keys = make_age_keys(work);

  std::vector<bench::Contestant> sealing;
  sealing.push_back({"cp", [&] { bench::run({"cp", plain.string(), copy.string()}); }, [&] { remove_file(copy); }});
  for (const unsigned threads : {1u, 2u}) {
    sealing.push_back({"cloister seal, " + std::to_string(threads) + (threads == 1 ? " thread" : " threads"),
                       [&, threads] { keys.seal(plain, opened, keys.options(20, threads)); },
                       [&] { remove_file(opened); }});
  }
  sealing.push_back({"cloister seal, 64 KiB chunks", [&] { keys.seal(plain, opened, keys.options(16, 2)); },
                     [&] { remove_file(opened); }});
  if (age) {
    sealing.push_back({"age -r",
                       [&] { bench::run({"age", "-r", age_keys.recipient, "-o", aged.string(), plain.string()}); },
                       [&] { remove_file(aged); }});
  }
  sealing.push_back({"openssl enc -aes-256-ctr (no tag)",
                     [&] {
                       bench::run({"openssl", "enc", "-aes-256-ctr", "-K", std::string(64, '1'), "-iv",
                                   std::string(32, '0'), "-in", plain.string(), "-out", ctr.string()});
                     },
                     [&] { remove_file(ctr); }});
  bench::race("seal: file to file in memory-backed storage", bytes, sealing);
  for (const Path& path : {copy, opened, ctr}) remove_file(path);

  const auto open_to_file = [&](unsigned threads) {
    const auto reader = keys.open(sealed);
    auto target = bench::must(FileReplacement::begin(opened, Overwrite::kReplace));
    Progress progress;
    bench::must(reader.copy_to(target.file(), threads, progress));
    bench::must(target.commit(FileReplacement::Durable::kNo));
  };
  std::vector<bench::Contestant> opening;
  opening.push_back({"cp", [&] { bench::run({"cp", plain.string(), copy.string()}); }, [&] { remove_file(copy); }});
  for (const unsigned threads : {1u, 2u}) {
    opening.push_back({"cloister open, " + std::to_string(threads) + (threads == 1 ? " thread" : " threads"),
                       [&, threads] { open_to_file(threads); }, [&] { remove_file(opened); }});
  }
  if (age) {
    opening.push_back(
        {"age -d",
         [&] { bench::run({"age", "-d", "-i", age_keys.identity.string(), "-o", unaged.string(), aged.string()}); },
         [&] { remove_file(unaged); }});
  }
  bench::race("open: file to file in memory-backed storage", bytes, opening);
  for (const Path& path : {copy, opened, unaged}) remove_file(path);

  const auto open_to_memory = [&](unsigned threads) {
    const auto reader = keys.open(sealed);
    Progress progress;
    bench::must(reader.read_all_unordered(threads, [](std::uint64_t, ByteView) { return ok_status(); }, progress));
  };
  std::vector<bench::Contestant> reading;
  reading.push_back({"cat >/dev/null", [&] { bench::run({"cat", plain.string()}); }});
  for (const unsigned threads : {1u, 2u}) {
    reading.push_back({"cloister read, " + std::to_string(threads) + (threads == 1 ? " thread" : " threads"),
                       [&, threads] { open_to_memory(threads); }});
  }
  reading.push_back({"cloister read in order, 2 threads", [&] {
                       const auto reader = keys.open(sealed);
                       Progress progress;
                       bench::must(reader.read_all(2, [](std::uint64_t, ByteView) { return ok_status(); }, progress));
                     }});
  bench::race("open: to memory", bytes, reading);
}
