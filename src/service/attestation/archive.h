// What releases were decided by, kept so that they can be decided again: encrypted files, one a release, and one for
// each collateral item and policy that any of them used. docs/formats/release-archive.md.
#pragma once

#include <mutex>
#include <set>

#include "base/file.h"
#include "crypto/random.h"
#include "crypto/secret.h"
#include "service/attestation/judgement.h"

namespace cloister::service {

inline constexpr std::size_t kArchivedSizeMax = std::size_t{32} << 20;

// Item names, and digests of what is kept.
using KeptItems = std::vector<std::pair<std::string, crypto::Sha256Digest>>;

// One release or refusal, with all that it depended on but what is kept apart by digest.
struct ReleaseRecord {
  std::string id;  // of the release: 32 hexadecimal digits
  std::string caller;
  ReleaseCase asked;
  // A guest's is kept apart, once for all decisions about it: under this digest, and not in the record.
  crypto::Sha256Digest guest_evidence{};
  KeptItems collateral;
  attest::Floors floors;
  crypto::Sha256Digest policy{};  // of its text
  std::uint64_t epoch = 0;
  Judgement found;
};

Bytes encode(const ReleaseRecord& record);
// Without `found`, whose JSON is `found_json`: a replay finds anew and compares; and without a guest's evidence.
// kCorrupt.
struct DecodedRelease {
  ReleaseRecord record;
  std::string found_json;
};
Result<DecodedRelease> decode_release(ByteView bytes);
// What is compared on replay: the verdict without words for people, and the decision.
std::string findings_json(const Judgement& judgement);

Bytes encode(const attest::CollateralItem& item);
Result<attest::CollateralItem> decode_collateral_item(ByteView bytes);

// Any thread may call; several processes may share a folder.
class Archive {
 public:
  // Makes the folder. `key` encrypts what is in it.
  static Result<Archive> open(Path folder, crypto::KeyMaterial key);

  // Durable when it returns.
  Status put_release(const std::string& id, ByteView record, crypto::Random& random) const;
  // By their SHA-256, which it returns; what is there already isn't written again. Durable when it returns.
  Result<crypto::Sha256Digest> put_shared(ByteView bytes, crypto::Random& random) const;

  // Those items of `collateral`, which may be null, that the evidence asks for or the verdict used: by put_shared().
  Result<KeptItems> put_used(const attest::EvidenceSet& evidence, const attest::SetVerdict& verdict,
                             const attest::Collateral* collateral, crypto::Random& random) const;

  // kNotFound; kCorrupt for a file that isn't what was written under that name.
  Result<Bytes> release(const std::string& id) const;
  Result<Bytes> shared(const crypto::Sha256Digest& digest) const;
  // Of all releases that are kept, in order.
  Result<std::vector<std::string>> releases() const;

 private:
  // Shared items that are known to be durable.
  struct Settled {
    std::mutex mutex;
    std::set<crypto::Sha256Digest> digests;
  };
  Archive(Path folder, crypto::KeyMaterial key)
      : folder_(std::move(folder)), key_(std::make_shared<const crypto::KeyMaterial>(std::move(key))) {}
  Status put(const Path& file, std::string_view name, ByteView bytes, crypto::Random& random) const;
  Result<Bytes> get(const Path& file, std::string_view name) const;

  Path folder_;
  std::shared_ptr<const crypto::KeyMaterial> key_;
  std::shared_ptr<Settled> settled_ = std::make_shared<Settled>();
};

}  // namespace cloister::service
