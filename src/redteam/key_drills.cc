#include "redteam/key_drills.h"

#include <atomic>
#include <mutex>
#include <thread>

#include "crypto/hash.h"

namespace cloister::redteam {
namespace {

constexpr int kRotations = 3;
constexpr std::size_t kReaders = 4;
constexpr std::string_view kRotationRemedy =
    "a rotation disturbs who reads, or leaves something under the old key: don't rotate until it is understood";
constexpr std::string_view kGivenUpRemedy =
    "a data key that was given up is still of use: list what depends on it, seal that again, and destroy the key";
constexpr std::string_view kDestructionRemedy =
    "what was destroyed still opens: find the copy of the key, and destroy that; hold the store to an anchor elsewhere "
    "(`cloister store anchor FILE`)";
constexpr std::string_view kRestoredRemedy =
    "an older copy of the store brings destroyed keys back, and nothing contradicts it: `cloister store anchor FILE`, "
    "on another disk or machine";

Status status_of(const Result<Bytes>& came) { return came.ok() ? Status() : Status(came.error()); }

Error differs(const Path& object) { return Error(Code::kCorrupt, object.filename().string() + " has other bytes now"); }

// Objects and what they hold.
class Contents {
 public:
  Status read(const std::vector<Path>& objects, const OpenObject& open) {
    for (const Path& object : objects) {
      CLOISTER_TRY(const Bytes payload, open(object));
      CLOISTER_TRY(const Bytes sealed, read_file(object, kSealedMax));
      all_.push_back({object, crypto::sha256(payload), crypto::sha256(sealed)});
    }
    return {};
  }
  std::size_t size() const { return all_.size(); }
  Status check(std::size_t at, const OpenObject& open) const {
    const Known& known = all_[at % all_.size()];
    CLOISTER_TRY(const Bytes payload, open(known.object));
    return crypto::sha256(payload) == known.payload ? Status() : Status(differs(known.object));
  }
  Status check_all(const OpenObject& open) const {
    for (std::size_t at = 0; at < all_.size(); ++at) CLOISTER_RETURN_IF_ERROR(check(at, open));
    return {};
  }
  // Not one byte of the files was written.
  Status untouched() const {
    for (const Known& known : all_) {
      CLOISTER_TRY(const Bytes sealed, read_file(known.object, kSealedMax));
      if (crypto::sha256(sealed) != known.sealed) return differs(known.object);
    }
    return {};
  }

 private:
  static constexpr std::uint64_t kSealedMax = std::uint64_t{16} << 20;
  struct Known {
    Path object;
    crypto::Sha256Digest payload{}, sealed{};
  };
  std::vector<Known> all_;
};

// Threads that read one object after the other until they are told to end.
class Readers {
 public:
  Readers(const Contents& contents, const OpenObject& open) {
    for (std::size_t i = 0; i < kReaders; ++i) {
      threads_.emplace_back([this, &contents, &open, i] {
        for (std::size_t at = i; !ending_; ++at) {
          const Status came = contents.check(at, open);
          ++reads_;
          if (came.ok()) continue;
          const std::lock_guard lock(mutex_);
          if (!failure_) failure_ = came.error();
        }
      });
    }
  }
  ~Readers() { join(); }

  std::uint64_t reads() const { return reads_; }
  // Each of them has read since, or the time is over.
  void wait_for(std::uint64_t reads, const Field& field) const {
    while (reads_ < reads && !field.over()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  // The first read that failed.
  Status end() {
    join();
    return failure_ ? Status(*failure_) : Status();
  }

 private:
  void join() {
    ending_ = true;
    for (std::thread& thread : threads_) {
      if (thread.joinable()) thread.join();
    }
  }

  std::vector<std::thread> threads_;
  std::atomic<bool> ending_ = false;
  std::atomic<std::uint64_t> reads_ = 0;
  std::mutex mutex_;
  std::optional<Error> failure_;
};

}  // namespace

Report run_kek_rotation(const Field& field, const KekRotationTarget& target) {
  Tally tally(field, "kek-rotation", std::string(kRotationRemedy));
  Contents contents;
  const Status before = contents.read(target.objects, target.open);
  tally.honest("the objects, before", before);
  if (!before.ok() || contents.size() < 2) return std::move(tally).finish();
  Readers readers(contents, target.open);
  for (int i = 0; i < kRotations && !tally.over(); ++i) {
    readers.wait_for(readers.reads() + kReaders, field);
    tally.holds("rotation " + std::to_string(i + 1) + ", while readers read", target.rotate(), "rewrapped");
  }
  readers.wait_for(readers.reads() + kReaders, field);
  const Status read = readers.end();
  tally.holds(std::to_string(readers.reads()) + " reads by " + std::to_string(kReaders) + " readers", read, "readers");
  // What wasn't done can't have gone wrong.
  if (tally.over()) return std::move(tally).finish();
  tally.holds("every keyring is under the newest version", target.all_rewrapped(), "rewrapped");
  tally.holds("the payloads are what they were", contents.check_all(target.open), "data-unchanged");
  tally.holds("the sealed files weren't written to", contents.untouched(), "data-unchanged");
  const Status retired = target.retire();
  tally.holds("the first version is retired", retired);
  if (retired.ok()) {
    tally.attack("what the retired version wrapped, put back", target.use_retired(), "retired-refused");
    tally.holds("the objects, after that", contents.check_all(target.open), "retired-refused");
  }
  return std::move(tally).finish();
}

Report run_dek_rotation(const Field& field, const DekRotationTarget& target) {
  Tally tally(field, "dek-rotation", std::string(kGivenUpRemedy));
  Contents contents;
  const Status before = contents.read(target.objects, target.open);
  tally.honest("the objects, before", before);
  const Status given_up = before.ok() ? target.give_up() : before;
  tally.honest("the key is given up", given_up);
  if (!given_up.ok()) return std::move(tally).finish();
  tally.attack("new data under the key that was given up", target.use_for_new(), "refused-for-new");

  // No cover "dependants-listed": this list is the drill's own, and says nothing of one that an operator has.
  const Path kept = field.folder / "kept";
  const auto listed = target.dependants();
  const bool all = listed.ok() && *listed == target.objects;
  tally.holds("what depends on it is listed",
              !listed.ok() ? Status(listed.error())
              : all        ? Status()
                           : Status(Error(Code::kDenied, std::to_string(listed->size()) + " objects are listed, of " +
                                                             std::to_string(target.objects.size()))));
  std::error_code copied;
  if (!target.objects.empty()) std::filesystem::copy_file(target.objects.front(), kept, copied);
  if (copied) tally.cannot("keep a copy of the old ciphertext: " + copied.message());
  for (const Path& object : target.objects) {
    if (tally.over()) break;
    tally.holds("sealed again: " + object.filename().string(), target.re_encrypt(object), "re-encrypted");
  }
  if (tally.over()) return std::move(tally).finish();
  const auto left = target.dependants();
  tally.holds("nothing depends on it any more",
              !left.ok()      ? Status(left.error())
              : left->empty() ? Status()
                              : Status(Error(Code::kDenied, std::to_string(left->size()) + " objects do")),
              "re-encrypted");
  tally.holds("the key is destroyed", target.destroy(), "old-removed");
  tally.holds("the objects, after that", contents.check_all(target.open), "re-encrypted");
  tally.attack("old ciphertext that somebody kept", target.open(kept), "old-removed");
  return std::move(tally).finish();
}

Report run_destruction(const Field& field, const DestructionTarget& target) {
  Tally tally(field, "destruction", std::string(kDestructionRemedy));
  tally.honest("the object, before", status_of(target.open(target.object)));
  tally.honest("the object, from the copy that follows", status_of(target.from_replica(target.object)));
  tally.honest("the object, by who has the key open", status_of(target.from_cache(target.object)));
  tally.attack("destroying the key before its wait is over", target.destroy_too_early());
  const Status destroyed = target.destroy();
  tally.honest("the key is destroyed", destroyed);
  if (!destroyed.ok()) return std::move(tally).finish();
  tally.attack("the object, in the home", target.open(target.object), "primary");
  const std::string_view replica = target.copies_count ? "replica" : "", backup = target.copies_count ? "backup" : "";
  tally.attack("the object, from the copy before it follows", target.from_lagging(target.object), replica);
  tally.attack("the object, from the copy that follows", target.from_replica(target.object), replica);
  tally.attack("the object, by who had the key open and asks again", target.from_cache(target.object), "cache");
  tally.attack("the object, from an older store put back", target.from_backup(target.object), backup);
  if (!target.copies_count) tally.note("copies of the home's own store aren't held to an anchor as these are");
  tally.honest("another tenant's object", status_of(target.open_other(target.other)));
  return std::move(tally).finish();
}

Report run_restored_store(const Field& field, const RestoredStoreTarget& target) {
  Tally tally(field, "RT-K10", std::string(kRestoredRemedy));
  tally.honest("the store as it is", target.as_it_is());
  for (const RestoredStoreTarget::Attempt& attempt : target.attempts) {
    if (tally.over()) break;
    tally.attack(attempt.what, attempt.attempt());
  }
  return std::move(tally).finish();
}

}  // namespace cloister::redteam
