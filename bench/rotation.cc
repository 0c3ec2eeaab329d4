// What rotating keys costs: a KEK (one keyring, whatever the dataset's size) and a dataset key (one slot an object).
#include <sys/stat.h>

#include <thread>

#include "base/parallel.h"
#include "bench.h"
#include "keys/hierarchy.h"
#include "kms/software_key.h"
#include "seal/rewrap.h"

namespace {

using namespace cloister;

std::int64_t newest_change_ns(const Path& folder) {
  std::int64_t newest = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    struct stat info{};
    if (::stat(entry.path().c_str(), &info) == 0) {
      newest = std::max(newest, static_cast<std::int64_t>(info.st_ctim.tv_sec) * 1'000'000'000 + info.st_ctim.tv_nsec);
    }
  }
  return newest;
}

// As many small objects as asked for: the rotation must not touch a single one.
void make_objects(const Path& folder, std::uint64_t count, const seal::Keyring& keyring, crypto::Random& random) {
  std::filesystem::create_directory(folder);
  const auto wrapper = bench::must(seal::KeyringWrapper::create(keyring, random));
  crypto::KeyWrapper* wrappers[] = {wrapper.get()};
  seal::SealOptions options;
  options.chunk_log2 = 14;
  options.threads = 1;
  options.context = {"acme", "set", keyring.outline().keyring_id, std::nullopt};
  const Bytes payload(100, 7);
  bench::must(parallel_pieces(2, count, [&]() -> PieceWorker {
    return [&](std::uint64_t i) -> Status {
      CLOISTER_TRY(const File file, File::create_new(folder / (std::to_string(i) + ".sealed")));
      CLOISTER_TRY(const auto sealed, seal::seal_bytes(payload, file, options, wrappers, random));
      ignore_result(sealed);
      return {};
    };
  }));
}

void kek_rotation(const bench::Workspace& work) {
  std::printf("KEK rotation: time and bytes by number of objects in the dataset\n");
  for (const std::uint64_t count : {std::uint64_t{1}, std::uint64_t{1000}, std::uint64_t{20000}}) {
    const std::string tenant = "acme";
    const Path inner = work / ("home" + std::to_string(count)).c_str();
    std::filesystem::create_directory(inner);
    crypto::SystemRandom random;
    const keys::Caller caller{"bench", system_time()};
    bench::must(kms::create_key_file(inner / "root.key", std::nullopt, {}, random));
    const auto root = bench::must(kms::SoftwareKey::open(inner / "root.key", std::nullopt, random));
    auto hierarchy = bench::must(keys::Hierarchy::create(bench::must(keys::Store::create(inner / "keys.db")), *root,
                                                         root->key_id(), random, caller));
    bench::must(hierarchy.create_tenant({tenant, ""}, std::nullopt, caller));
    bench::must(hierarchy.create_dataset({tenant, "", "set"}, caller));
    make_objects(inner / "objects", count, bench::must(hierarchy.unlock_keyring({tenant, "", "set"}, "seal", caller)),
                 random);
    const std::int64_t before = newest_change_ns(inner / "objects");
    std::vector<double> seconds;
    keys::Cost cost;
    for (int round = 0; round < 5; ++round) {
      cost = bench::must(hierarchy.rotate_kek({tenant, ""}, caller));
      seconds.push_back(cost.seconds);
    }
    if (newest_change_ns(inner / "objects") != before) bench::fail("the rotation touched an object");
    std::printf("  %8llu objects: %7.2f ms, %llu keys written, %llu bytes, no object touched\n",
                static_cast<unsigned long long>(count), bench::median(seconds) * 1e3,
                static_cast<unsigned long long>(cost.objects_touched),
                static_cast<unsigned long long>(cost.bytes_written));
  }
}

void slot_rewraps() {
  crypto::SystemRandom random;
  auto keyring = bench::must(seal::Keyring::create({"acme", "", "set"}, system_time(), random));
  auto wrapper = bench::must(seal::KeyringWrapper::create(keyring, random));
  constexpr std::uint64_t kSlots = 1'000'000;
  const crypto::Dek dek = crypto::Dek::random(random);
  const crypto::WrapContext context{"acme", "set", Bytes(16, 1), "dek", {}};
  const crypto::WrappedKey slot = bench::must(wrapper->wrap(dek.material(), context));
  bench::must(keyring.rotate(system_time()));
  wrapper = bench::must(seal::KeyringWrapper::create(keyring, random));
  std::printf("dataset key rotation: %llu slots rewrapped in memory\n", static_cast<unsigned long long>(kSlots));
  for (const unsigned threads : {1u, 2u}) {
    const double cpu = bench::cpu_seconds();
    const double seconds = bench::seconds_of([&] {
      bench::must(parallel_pieces(threads, kSlots / 1000, [&]() -> PieceWorker {
        return [&](std::uint64_t) -> Status {
          for (int i = 0; i < 1000; ++i) {
            CLOISTER_TRY(const auto rewrapped, wrapper->rewrap(slot, context));
            ignore_result(rewrapped);
          }
          return {};
        };
      }));
    });
    std::printf("  %u thread%s %10.0f slots a second, %10.0f a CPU second\n", threads, threads == 1 ? " " : "s",
                static_cast<double>(kSlots) / seconds, static_cast<double>(kSlots) / (bench::cpu_seconds() - cpu));
  }
}

void file_rewraps(const bench::Workspace& work) {
  crypto::SystemRandom random;
  constexpr std::uint64_t kFiles = 20'000;
  auto keyring = bench::must(seal::Keyring::create({"acme", "", "set"}, system_time(), random));
  make_objects(work / "files", kFiles, keyring, random);
  bench::must(keyring.rotate(system_time()));
  const auto wrapper = bench::must(seal::KeyringWrapper::create(keyring, random));
  const double seconds = bench::seconds_of([&] {
    bench::must(parallel_pieces(2, kFiles, [&]() -> PieceWorker {
      return [&](std::uint64_t i) -> Status {
        CLOISTER_TRY(const File file,
                     File::open(work / ("files/" + std::to_string(i) + ".sealed").c_str(), File::Access::kReadWrite));
        CLOISTER_TRY(const auto summary, seal::rewrap_slots(file, *wrapper, seal::SyncWrites::kNo));
        return summary.slots_changed == 1 ? Status() : Status(Error(Code::kInternal, "a slot was left"));
      };
    }));
  });
  std::printf("dataset key rotation: %llu objects rewrapped in place (open, lock, read 12 KiB twice, write 4 KiB)\n",
              static_cast<unsigned long long>(kFiles));
  std::printf("  2 threads  %10.0f objects a second\n", static_cast<double>(kFiles) / seconds);
}

}  // namespace

int main() {
  bench::Workspace work;
  kek_rotation(work);
  slot_rewraps();
  file_rewraps(work);
}
