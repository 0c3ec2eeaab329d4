// What the store takes: audit rows and rotations by the number of writers, uses of keys by how many are recorded at
// once, and how long a row waits while a large tenant is rotated. In SQLite, and in the PostgreSQL that BENCH_POSTGRES
// names, where there is one. On a real disk: every row is synced.
#include <atomic>
#include <thread>

#include "bench.h"
#include "keys/hierarchy.h"
#include "keys/postgres.h"
#include "keys/sqlite.h"
#include "kms/software_key.h"

namespace {

using namespace cloister;

const keys::Caller kCaller{"bench", Time{1'800'000'000'000}};
constexpr int kManyDatasets = 2000;

// Opens the same store again and again, as many processes would.
class Place {
 public:
  Place(std::string name, Path sqlite, std::string postgres)
      : name_(std::move(name)), sqlite_(std::move(sqlite)), postgres_(std::move(postgres)) {}
  const std::string& name() const { return name_; }
  keys::Store create() {
    if (postgres_.empty()) return bench::must(keys::Store::create(sqlite_));
    return bench::must(
        keys::Store::open(bench::must(keys::open_postgres(location(), keys::IfAbsent::kCreate, random_))));
  }
  keys::Store open() {
    if (postgres_.empty()) return bench::must(keys::Store::open(sqlite_));
    return bench::must(
        keys::Store::open(bench::must(keys::open_postgres(location(), keys::IfAbsent::kRefuse, random_))));
  }

 private:
  keys::PostgresLocation location() const {
    keys::PostgresLocation location;
    location.connection = crypto::Secret::copy_of(as_bytes(postgres_));
    return location;
  }
  std::string name_;
  Path sqlite_;
  std::string postgres_;
  crypto::SystemRandom random_;
};

keys::TenantName tenant(int number) { return {"tenant" + std::to_string(number), ""}; }

class Fleet {
 public:
  Fleet(Place& place, crypto::KeyWrapper& root, std::string root_id)
      : place_(place), root_(root), root_id_(std::move(root_id)) {}
  keys::Hierarchy open() { return bench::must(keys::Hierarchy::open(place_.open(), root_, root_id_, random_)); }

  // Calls `work` in that many threads, each with a hierarchy of its own, for a while; returns calls a second.
  double rate(int writers, const std::function<void(keys::Hierarchy&, int writer)>& work) {
    std::atomic<bool> enough = false;
    std::atomic<int> ready = 0, done = 0;
    std::vector<std::jthread> threads;
    for (int w = 0; w < writers; ++w) {
      threads.emplace_back([&, w] {
        keys::Hierarchy own = open();
        work(own, w);
        ++ready;
        while (ready < writers) std::this_thread::yield();
        while (!enough) {
          work(own, w);
          ++done;
        }
      });
    }
    while (ready < writers) std::this_thread::yield();
    const int before = done;
    const double seconds = bench::seconds_of([] { std::this_thread::sleep_for(std::chrono::seconds(2)); });
    const double rate = (done - before) / seconds;
    enough = true;
    return rate;
  }

 private:
  Place& place_;
  crypto::KeyWrapper& root_;
  std::string root_id_;
  crypto::SystemRandom random_;
};

void rates(Fleet& fleet, std::span<const int> counts) {
  std::printf("  writers   audit rows a second   rotations a second, each its own tenant\n");
  for (const int writers : counts) {
    const double rows = fleet.rate(writers, [](keys::Hierarchy& keys, int) {
      bench::must(
          keys.record(audit::Event{kCaller.now, "bench", "object.open", "acme", "x", audit::Outcome::kAllowed, ""}));
    });
    const double rotations = fleet.rate(
        writers, [](keys::Hierarchy& keys, int writer) { bench::must(keys.rotate_kek(tenant(writer), kCaller)); });
    std::printf("  %7d   %19.0f   %18.0f\n", writers, rows, rotations);
  }
}

// What a service records of a use: of two rows that were read before, with what it knows of the request.
keys::Use use_of(int number) {
  keys::Use use;
  use.event = {kCaller.now,   "spiffe://example.com/ns/train/sa/worker",
               "key.unwrap",  "tenant0",
               "tenant0/set", audit::Outcome::kAllowed,
               "1 key"};
  use.extras.set_text(audit::Extra::kRequestId, "request-" + std::to_string(number));
  use.extras.set_text(audit::Extra::kServer, "kms-1.example.com").set_text(audit::Extra::kPurpose, "train");
  use.extras.set_number(audit::Extra::kKeyVersion, 3).set_digest(audit::Extra::kPolicyDigest, {});
  use.seen = {{"tenant0", "", "", 1}, {"tenant0", "", "set", 1}};
  return use;
}

void uses(keys::Store& store) {
  std::printf("  uses at once   uses a second   bytes written for each   CPU time of this process for each\n");
  for (const std::size_t at_once : {std::size_t{1}, std::size_t{16}, std::size_t{256}}) {
    std::vector<keys::Use> batch;
    for (std::size_t i = 0; i < at_once; ++i) batch.push_back(use_of(static_cast<int>(i)));
    for (keys::Use& use : batch) {
      for (keys::RowVersion& seen : use.seen) {
        seen.row_version = seen.dataset.empty() ? bench::must(store.tenant("tenant0", "")).row_version
                                                : bench::must(store.dataset("tenant0", "", "set")).row_version;
      }
    }
    const std::uint64_t bytes_before = store.bytes_written();
    const double cpu_before = bench::cpu_seconds();
    std::size_t done = 0;
    const double started = monotonic_seconds();
    while (monotonic_seconds() - started < 2) {
      for (const auto& recorded : bench::must(store.record_uses(batch))) done += recorded ? 1 : 0;
    }
    const double seconds = monotonic_seconds() - started;
    std::printf("  %12zu   %13.0f   %22.0f   %30.1f us\n", at_once, static_cast<double>(done) / seconds,
                static_cast<double>(store.bytes_written() - bytes_before) / static_cast<double>(done),
                (bench::cpu_seconds() - cpu_before) * 1e6 / static_cast<double>(done));
  }
}

// One process rotates a tenant with many datasets; another writes rows meanwhile.
void waiting(Fleet& fleet) {
  keys::Hierarchy rotating = fleet.open();
  bench::must(rotating.create_tenant({"large", ""}, std::nullopt, kCaller));
  for (int i = 0; i < kManyDatasets; ++i) {
    bench::must(rotating.create_dataset({"large", "", "set" + std::to_string(i)}, kCaller));
  }
  keys::Hierarchy writing = fleet.open();
  std::atomic<bool> over = false;
  double seconds = 0;
  std::jthread rotation([&] {
    seconds = bench::must(rotating.rotate_kek({"large", ""}, kCaller)).seconds;
    over = true;
  });
  std::vector<double> waits;
  while (!over) {
    waits.push_back(bench::seconds_of([&] {
      bench::must(
          writing.record(audit::Event{kCaller.now, "bench", "object.open", "x", "x", audit::Outcome::kAllowed, ""}));
    }));
  }
  rotation.join();
  std::printf(
      "  rotating a KEK over %d datasets: %.0f ms; rows of another process meanwhile: %zu, median %.1f ms, "
      "longest %.1f ms\n",
      kManyDatasets, seconds * 1e3, waits.size(), bench::median(waits) * 1e3, *std::ranges::max_element(waits) * 1e3);
}

void run(Place place, std::span<const int> writers, const Path& folder) {
  std::printf("%s\n", place.name().c_str());
  crypto::SystemRandom random;
  bench::must(kms::create_key_file(folder / "root.key", std::nullopt, {}, random));
  const auto root = bench::must(kms::SoftwareKey::open(folder / "root.key", std::nullopt, random));
  {
    auto keys = bench::must(keys::Hierarchy::create(place.create(), *root, root->key_id(), random, kCaller));
    for (int w = 0; w < 8; ++w) {
      bench::must(keys.create_tenant(tenant(w), std::nullopt, kCaller));
      bench::must(keys.create_dataset({tenant(w).tenant, "", "set"}, kCaller));
    }
  }
  {
    keys::Store store = place.open();
    uses(store);
  }
  Fleet fleet(place, *root, root->key_id());
  rates(fleet, writers);
  waiting(fleet);
  std::filesystem::remove(folder / "root.key");
}

}  // namespace

int main() {
  std::string name = (std::filesystem::temp_directory_path() / "cloister-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) bench::fail("no folder for temporary files");
  const Path folder = name;
  // SQLite's writers poll for their turn: of eight at once, one may wait in vain.
  const int few[] = {1, 2, 4};
  const int more[] = {1, 2, 4, 8};
  run(Place("SQLite", folder / "keys.db", ""), few, folder);
  if (const char* postgres = std::getenv("BENCH_POSTGRES")) run(Place("PostgreSQL", "", postgres), more, folder);
  std::filesystem::remove_all(folder);
}
