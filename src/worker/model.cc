#include "worker/model.h"

#include <algorithm>

namespace cloister::worker {
namespace {

constexpr unsigned kThreads = 0;  // one for each processor

Status read_into(const seal::ObjectReader& reader, MutableByteView memory, const crypto::Sha256Digest& expected) {
  Progress progress;
  const auto copy = [memory](std::uint64_t offset, ByteView piece) -> Status {
    std::ranges::copy(piece, memory.begin() + static_cast<std::ptrdiff_t>(offset));
    return {};
  };
  CLOISTER_RETURN_IF_ERROR(reader.read_all(kThreads, copy, progress));
  if (crypto::sha256(memory) == expected) return {};
  return Error(Code::kCorrupt, "the model isn't the one that the manifest names");
}

Result<seal::ObjectReader> open_object(File sealed, std::span<crypto::KeyWrapper* const> wrappers) {
  CLOISTER_TRY(seal::ObjectReader reader, seal::ObjectReader::open(std::move(sealed), wrappers));
  if (reader.size() == 0) return Error(Code::kInvalid, "the model is empty");
  return reader;
}

}  // namespace

Result<SecretMemory> open_model(File sealed, std::span<crypto::KeyWrapper* const> wrappers,
                                const crypto::Sha256Digest& expected) {
  CLOISTER_TRY(const seal::ObjectReader reader, open_object(std::move(sealed), wrappers));
  CLOISTER_TRY(SecretMemory memory, SecretMemory::allocate(reader.size()));
  CLOISTER_RETURN_IF_ERROR(read_into(reader, memory.expose_mutable(), expected));
  return memory;
}

Result<EngineFile> open_model_file(File sealed, File memory, std::span<crypto::KeyWrapper* const> wrappers,
                                   const crypto::Sha256Digest& expected) {
  CLOISTER_TRY(const seal::ObjectReader reader, open_object(std::move(sealed), wrappers));
  CLOISTER_TRY(EngineFile file, EngineFile::allocate(std::move(memory), reader.size()));
  CLOISTER_RETURN_IF_ERROR(read_into(reader, file.expose_mutable(), expected));
  CLOISTER_RETURN_IF_ERROR(file.freeze());
  return file;
}

}  // namespace cloister::worker
