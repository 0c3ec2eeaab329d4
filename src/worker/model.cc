#include "worker/model.h"

#include <map>
#include <mutex>

namespace cloister::worker {
namespace {

constexpr unsigned kThreads = 0;  // one for each processor

// Hashes memory in order while its pieces arrive in any: whoever brings the next one goes on as far as there is
// something, the others go for more. What was just decrypted is still in a processor's cache.
class HashInOrder {
 public:
  explicit HashInOrder(ByteView memory) : memory_(memory) {}

  void arrived(std::uint64_t offset, std::size_t size) {
    std::unique_lock lock(mutex_);
    waiting_.emplace(offset, size);
    if (busy_) return;
    busy_ = true;
    while (!waiting_.empty() && waiting_.begin()->first == hashed_) {
      const ByteView piece = memory_.subspan(hashed_, waiting_.begin()->second);
      waiting_.erase(waiting_.begin());
      lock.unlock();
      hash_.update(piece);
      lock.lock();
      hashed_ += piece.size();
    }
    busy_ = false;
  }
  // Once everything has arrived.
  crypto::Sha256Digest finish() {
    CLOISTER_CHECK(hashed_ == memory_.size());
    return hash_.finish();
  }

 private:
  const ByteView memory_;
  std::mutex mutex_;
  std::map<std::uint64_t, std::size_t> waiting_;  // by offset
  bool busy_ = false;
  std::size_t hashed_ = 0;
  crypto::Sha256 hash_;
};

Status read_into(const seal::ObjectReader& reader, MutableByteView memory, const crypto::Sha256Digest& expected) {
  Progress progress;
  HashInOrder hash(memory);
  const auto arrived = [&hash](std::uint64_t offset, ByteView piece) -> Status {
    hash.arrived(offset, piece.size());
    return {};
  };
  CLOISTER_RETURN_IF_ERROR(reader.read_into(memory, kThreads, arrived, progress));
  if (hash.finish() == expected) return {};
  return Error(Code::kCorrupt, "the model isn't the one that the manifest names");
}

Result<seal::ObjectReader> open_object(File sealed, std::span<crypto::KeyWrapper* const> wrappers,
                                       const TellOpened& tell) {
  CLOISTER_TRY(seal::ObjectReader reader, seal::ObjectReader::open(std::move(sealed), wrappers));
  if (tell) tell(reader.preamble(), reader.slots().newest);
  if (reader.size() == 0) return Error(Code::kInvalid, "the model is empty");
  return reader;
}

}  // namespace

Result<SecretMemory> open_model(File sealed, std::span<crypto::KeyWrapper* const> wrappers,
                                const crypto::Sha256Digest& expected, const TellOpened& tell) {
  CLOISTER_TRY(const seal::ObjectReader reader, open_object(std::move(sealed), wrappers, tell));
  CLOISTER_TRY(SecretMemory memory, SecretMemory::allocate(reader.size()));
  CLOISTER_RETURN_IF_ERROR(read_into(reader, memory.expose_mutable(), expected));
  return memory;
}

Result<EngineFile> open_model_file(File sealed, File memory, std::span<crypto::KeyWrapper* const> wrappers,
                                   const crypto::Sha256Digest& expected, const TellOpened& tell) {
  CLOISTER_TRY(const seal::ObjectReader reader, open_object(std::move(sealed), wrappers, tell));
  CLOISTER_TRY(EngineFile file, EngineFile::allocate(std::move(memory), reader.size()));
  CLOISTER_RETURN_IF_ERROR(read_into(reader, file.expose_mutable(), expected));
  CLOISTER_RETURN_IF_ERROR(file.freeze());
  return file;
}

}  // namespace cloister::worker
