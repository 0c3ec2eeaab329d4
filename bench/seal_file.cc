// Sealing and opening one file, against cp, cat, age, gocryptfs and openssl enc.
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

// A gocryptfs folder, mounted as long as this lives. Not everywhere is FUSE to be had.
class Gocryptfs {
 public:
  explicit Gocryptfs(const bench::Workspace& work) : stored_(work / "gocryptfs"), mounted_(work / "mounted") {
    if (!bench::have("gocryptfs") || !std::filesystem::exists("/dev/fuse")) return;
    const Path passphrase = work / "gocryptfs.pass";
    bench::must(write_file(passphrase, as_bytes("for this benchmark"), Overwrite::kReplace, 0600));
    std::filesystem::create_directory(stored_);
    std::filesystem::create_directory(mounted_);
    bench::run({"gocryptfs", "-q", "-init", "-passfile", passphrase.string(), "-scryptn", "10", stored_.string()});
    const std::string mount = "gocryptfs -q -passfile " + passphrase.string() + " " + stored_.string() + " " +
                              mounted_.string() + " >/dev/null 2>&1";
    mounted_now_ = std::system(mount.c_str()) == 0;
  }
  ~Gocryptfs() {
    if (mounted_now_) bench::run({"fusermount3", "-u", mounted_.string()});
  }
  Gocryptfs(const Gocryptfs&) = delete;
  Gocryptfs& operator=(const Gocryptfs&) = delete;
  bool mounted() const { return mounted_now_; }
  Path file() const { return mounted_ / "file"; }

 private:
  Path stored_, mounted_;
  bool mounted_now_ = false;
};

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

  const Gocryptfs gocryptfs(work);
  if (!gocryptfs.mounted()) std::printf("no gocryptfs here, or no FUSE: left out\n");

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
  if (gocryptfs.mounted()) {
    sealing.push_back({"cp into gocryptfs (its CPU not counted)",
                       [&] { bench::run({"cp", plain.string(), gocryptfs.file().string()}); },
                       [&] { remove_file(gocryptfs.file()); }});
  }
  sealing.push_back({"openssl enc -aes-256-ctr (no tag)",
                     [&] {
                       bench::run({"openssl", "enc", "-aes-256-ctr", "-K", std::string(64, '1'), "-iv",
                                   std::string(32, '0'), "-in", plain.string(), "-out", ctr.string()});
                     },
                     [&] { remove_file(ctr); }});
  bench::race("seal: file to file in memory-backed storage", bytes, sealing);
  for (const Path& path : {copy, opened}) remove_file(path);

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
  if (gocryptfs.mounted()) {
    opening.push_back({"cp out of gocryptfs (its CPU not counted)",
                       [&] { bench::run({"cp", gocryptfs.file().string(), unaged.string()}); },
                       [&] { remove_file(unaged); }});
  }
  opening.push_back({"openssl enc -d -aes-256-ctr (no tag)",
                     [&] {
                       bench::run({"openssl", "enc", "-d", "-aes-256-ctr", "-K", std::string(64, '1'), "-iv",
                                   std::string(32, '0'), "-in", ctr.string(), "-out", unaged.string()});
                     },
                     [&] { remove_file(unaged); }});
  bench::race("open: file to file in memory-backed storage", bytes, opening);
  for (const Path& path : {copy, opened, unaged, ctr}) remove_file(path);

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
