#include "service/attestation/archive.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/aead.h"
#include "crypto/xaes.h"

namespace cloister::service {
namespace {

constexpr std::string_view kMagic = "CLRA1\n";
constexpr std::size_t kHeadSize = kMagic.size() + crypto::kLocalWrapSize + crypto::kTagSize;
constexpr mode_t kFolderMode = 0700;
constexpr mode_t kFileMode = 0600;
constexpr std::size_t kSettledMax = 4096;

Bytes context_of(std::string_view name) {
  Writer writer;
  writer.text16("CLSR1 attestation archive").text16(name);
  return writer.take();
}

bool is_release_id(std::string_view id) {
  return id.size() == 32 && id.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Error no_release(const std::string& id) { return Error(Code::kNotFound, "no release " + id + " is kept here"); }

}  // namespace

Result<Archive> Archive::open(Path folder, crypto::KeyMaterial key) {
  CLOISTER_RETURN_IF_ERROR(create_directories(folder / "releases", kFolderMode));
  CLOISTER_RETURN_IF_ERROR(create_directories(folder / "shared", kFolderMode));
  // What is kept must not be lost with the folder that it is in.
  CLOISTER_RETURN_IF_ERROR(sync_directory(folder));
  const Path parent = folder.parent_path();
  CLOISTER_RETURN_IF_ERROR(sync_directory(parent.empty() ? Path(".") : parent));
  return Archive(std::move(folder), std::move(key));
}

// Each file under a key of its own, so that one nonce does for all.
Status Archive::put(const Path& file, std::string_view name, ByteView bytes, crypto::Random& random) const {
  if (bytes.size() > kArchivedSizeMax) return Error(Code::kInvalid, "this is too large to be kept");
  const crypto::KeyMaterial file_key = crypto::KeyMaterial::random(random);
  crypto::Xaes wrapping(key_->secret());
  Writer head;
  head.bytes(as_bytes(kMagic)).bytes(crypto::local_wrap(wrapping, random, context_of(name), file_key));
  Bytes sealed(bytes.size());
  crypto::Tag tag;
  crypto::Aead(crypto::AeadAlgorithm::kAes256Gcm, file_key.secret())
      .seal(crypto::Nonce{}, context_of(name), bytes, sealed, tag);
  head.bytes(tag);
  CLOISTER_TRY(FileReplacement writing, FileReplacement::begin(file, Overwrite::kReplace, kFileMode));
  CLOISTER_RETURN_IF_ERROR(writing.file().write_all(head.view()));
  CLOISTER_RETURN_IF_ERROR(writing.file().write_all(sealed));
  return writing.commit();
}

Result<Bytes> Archive::get(const Path& file, std::string_view name) const {
  CLOISTER_TRY(const Bytes bytes, read_file(file, kHeadSize + kArchivedSizeMax));
  const Error damaged(Code::kCorrupt, "the archived " + std::string(name) + " isn't what was kept");
  if (bytes.size() < kHeadSize || !equal(ByteView(bytes).first(kMagic.size()), as_bytes(kMagic))) return damaged;
  crypto::Xaes wrapping(key_->secret());
  const ByteView rest = ByteView(bytes).subspan(kMagic.size());
  const auto file_key = crypto::local_unwrap(wrapping, context_of(name), rest.first(crypto::kLocalWrapSize));
  if (!file_key.ok()) return damaged;
  const ByteView tag = rest.subspan(crypto::kLocalWrapSize, crypto::kTagSize);
  const ByteView sealed = rest.subspan(crypto::kLocalWrapSize + crypto::kTagSize);
  Bytes opened(sealed.size());
  const Status status = crypto::Aead(crypto::AeadAlgorithm::kAes256Gcm, file_key->secret())
                            .open(crypto::Nonce{}, context_of(name), sealed, tag, opened);
  if (!status.ok()) return damaged;
  return opened;
}

Status Archive::put_release(const std::string& id, ByteView record, crypto::Random& random) const {
  CLOISTER_CHECK(is_release_id(id));
  return put(folder_ / "releases" / id, "release " + id, record, random);
}

Result<crypto::Sha256Digest> Archive::put_shared(ByteView bytes, crypto::Random& random) const {
  const crypto::Sha256Digest digest = crypto::sha256(bytes);
  const std::string name = to_hex(digest);
  const Path file = folder_ / "shared" / name;
  std::error_code ignored;
  const bool is_there = std::filesystem::exists(file, ignored);
  {
    const std::lock_guard lock(settled_->mutex);
    if (is_there && settled_->digests.contains(digest)) return digest;
  }
  // Whoever wrote it may not have come as far as syncing its name.
  CLOISTER_RETURN_IF_ERROR(is_there ? sync_directory(file.parent_path()) : put(file, "item " + name, bytes, random));
  const std::lock_guard lock(settled_->mutex);
  if (settled_->digests.size() >= kSettledMax) settled_->digests.clear();
  settled_->digests.insert(digest);
  return digest;
}

Result<KeptItems> Archive::put_used(const attest::EvidenceSet& evidence, const attest::SetVerdict& verdict,
                                    const attest::Collateral* collateral, crypto::Random& random) const {
  KeptItems kept;
  if (collateral == nullptr) return kept;
  std::vector<std::string> names;
  const auto add_part = [&names](const attest::Evidence& part, const attest::Verdict& judged) {
    for (const attest::CollateralNeed& need : attest::needs(part)) names.push_back(need.name());
    for (const attest::UsedCollateral& used : judged.used) names.push_back(used.name);
  };
  add_part(evidence.primary, verdict.primary);
  for (std::size_t i = 0; i < verdict.devices.size(); ++i) add_part(evidence.devices[i], verdict.devices[i]);
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  for (const std::string& name : names) {
    const auto item = collateral->items().find(name);
    if (item == collateral->items().end()) continue;
    CLOISTER_TRY(const auto digest, put_shared(encode(item->second), random));
    kept.emplace_back(name, digest);
  }
  return kept;
}

Result<Bytes> Archive::release(const std::string& id) const {
  if (!is_release_id(id)) return no_release(id);
  auto bytes = get(folder_ / "releases" / id, "release " + id);
  if (!bytes.ok() && bytes.error().code() == Code::kNotFound) return no_release(id);
  return bytes;
}

Result<Bytes> Archive::shared(const crypto::Sha256Digest& digest) const {
  const std::string name = to_hex(digest);
  CLOISTER_TRY(Bytes bytes, get(folder_ / "shared" / name, "item " + name));
  if (crypto::sha256(bytes) == digest) return bytes;
  return Error(Code::kCorrupt, "the archived item " + name + " has another digest");
}

Result<std::vector<std::string>> Archive::releases() const {
  std::vector<std::string> ids;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_ / "releases", error)) {
    std::string id = entry.path().filename().string();
    if (is_release_id(id)) ids.push_back(std::move(id));
  }
  if (error) return Error(Code::kUnavailable, "list the kept releases: " + error.message());
  std::ranges::sort(ids);
  return ids;
}

}  // namespace cloister::service
