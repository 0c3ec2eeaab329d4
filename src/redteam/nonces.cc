// RT-K08: sealing from threads, from forked children and after a roll-back, and whether a key met a nonce twice.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <set>
#include <thread>

#include "crypto/hash.h"
#include "redteam/cipher_drills.h"
#include "redteam/object_image.h"
#include "seal/object_keys.h"
#include "seal/slots.h"

namespace cloister::redteam {
namespace {

constexpr std::size_t kThreads = 4, kChildren = 4;
constexpr std::size_t kObjectsEach = 10;
constexpr std::string_view kRemedy =
    "a key met a nonce twice: what both ciphertexts hold can be told; seal those objects anew (`cloister rekey`) and "
    "stop the program that made them";

class Nonces {
 public:
  Nonces(const Field& field, const NoncesTarget& target)
      : field_(field), target_(target), tally_(field, "RT-K08", std::string(kRemedy)) {}

  Report run() && {
    tally_.note("a machine that goes on from a snapshot of its memory isn't tried: no program can make one of itself");
    phase("several threads at once", [this] { return by_threads(); });
    phase("a process that forks, parent and children going on", [this] { return by_children(); });
    phase("a store that is put back", [this]() -> Status {
      CLOISTER_RETURN_IF_ERROR(target_.roll_back());
      return by_threads();
    });
    return std::move(tally_).finish();
  }

 private:
  void phase(const std::string& what, const std::function<Status()>& seal) {
    if (tally_.over()) return;
    const Status sealed = seal();
    tally_.honest(what + ": sealing", sealed);
    if (!sealed.ok()) return;
    for (; looked_at_ < objects_.size() && !tally_.over(); ++looked_at_) {
      const Status came = collect(objects_[looked_at_]);
      tally_.honest(objects_[looked_at_].filename().string() + ": its nonces", came);
    }
    const std::string counted = std::to_string(pairs_.size() + twice_) + " pairs of key and nonce so far, ";
    tally_.attack(what + ": " + counted + std::to_string(twice_) + " of them twice",
                  twice_ > 0 ? Status() : Status(Error(Code::kDenied, "none occurs twice")));
  }

  std::vector<Path> next_objects(std::size_t count) {
    std::vector<Path> out;
    for (std::size_t i = 0; i < count; ++i) {
      out.push_back(field_.folder / ("nonces" + std::to_string(objects_.size()) + ".sealed"));
      objects_.push_back(out.back());
    }
    return out;
  }
  Status seal_all(const std::vector<Path>& objects) const {
    for (const Path& object : objects) CLOISTER_RETURN_IF_ERROR(target_.seal(object));
    return {};
  }

  Status by_threads() {
    std::vector<std::thread> threads;
    std::vector<Status> came(kThreads);
    for (std::size_t i = 0; i < kThreads; ++i) {
      threads.emplace_back([this, &came, i, mine = next_objects(kObjectsEach)] { came[i] = seal_all(mine); });
    }
    for (std::thread& thread : threads) thread.join();
    for (const Status& status : came) CLOISTER_RETURN_IF_ERROR(status);
    return {};
  }

  // Each child goes on from where the parent is in its random numbers, and so does the parent.
  Status by_children() {
    std::vector<pid_t> children;
    Status mine;
    for (std::size_t i = 0; i < kChildren && mine.ok(); ++i) {
      mine = seal_all(next_objects(1));
      const std::vector<Path> theirs = next_objects(kObjectsEach);
      const pid_t child = ::fork();
      if (child < 0) mine = error_from_errno(errno, "fork");
      if (child == 0) ::_exit(seal_all(theirs).ok() ? 0 : 1);
      if (child > 0) children.push_back(child);
      if (mine.ok()) mine = seal_all(next_objects(kObjectsEach));
    }
    for (const pid_t child : children) {
      const Status ended = wait_for(child);
      if (mine.ok()) mine = ended;
    }
    return mine;
  }

  Status wait_for(pid_t child) const {
    int status = 0;
    while (::waitpid(child, &status, WNOHANG) == 0) {
      if (field_.over()) ::kill(child, SIGKILL);
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    return Error(Code::kInternal, "a child didn't seal to its end");
  }

  Status collect(const Path& object) {
    CLOISTER_TRY(const ObjectImage image, read_image(object));
    crypto::KeyWrapper* const wrappers[] = {target_.keys.get()};
    const ByteView page = ByteView(image.bytes).first(seal::kPage);
    CLOISTER_TRY(const crypto::Dek dek, seal::unwrap_slots(image.preamble, page, image.slots, wrappers));
    for (std::uint64_t chunk = 0; chunk < image.layout.chunk_count(); ++chunk) {
      const auto payload = seal::derive_payload_key(dek, image.preamble, chunk >> seal::kEpochLog2);
      const bool last = chunk + 1 == image.layout.chunk_count();
      add(payload.key, seal::chunk_nonce(payload.nonce, chunk, last ? seal::Last::kYes : seal::Last::kNo));
    }
    const auto meta = seal::derive_meta_key(dek, image.preamble, page);
    add(meta.key, meta.nonce);
    for (const seal::Slot& slot : image.slots.slots) add_wrap(slot.wrapped);
    return {};
  }
  void add(const crypto::Secret& key, ByteView nonce) {
    Bytes both = to_bytes(key.expose());
    both.insert(both.end(), nonce.begin(), nonce.end());
    count(crypto::sha256(both));
    crypto::wipe(both);
  }
  // Of a dataset key the nonce stands in front.
  void add_wrap(const crypto::WrappedKey& wrapped) {
    if (wrapped.type != crypto::WrapType::kDatasetKey || wrapped.ciphertext.size() < kWrapNonce) return;
    Bytes both = to_bytes(as_bytes(wrapped.key_id + ":" + std::to_string(wrapped.key_version) + ":"));
    both.insert(both.end(), wrapped.ciphertext.begin(), wrapped.ciphertext.begin() + kWrapNonce);
    count(crypto::sha256(both));
  }
  void count(const crypto::Sha256Digest& pair) { twice_ += pairs_.insert(pair).second ? 0 : 1; }

  static constexpr std::ptrdiff_t kWrapNonce = 24;
  const Field& field_;
  const NoncesTarget& target_;
  Tally tally_;
  std::vector<Path> objects_;
  std::size_t looked_at_ = 0;
  std::set<crypto::Sha256Digest> pairs_;
  std::uint64_t twice_ = 0;
};

}  // namespace

Report run_nonces(const Field& field, const NoncesTarget& target) { return Nonces(field, target).run(); }

}  // namespace cloister::redteam
