// A release that was decided once, verified and decided again at its own date, with the collateral and the policy of
// that day.
#pragma once

#include "service/attestation/archive.h"
#include "service/attestation/result_tokens.h"

namespace cloister::service {

struct Replay {
  ReleaseRecord record;           // as it was kept; `found` is what is found now
  crypto::Sha256Digest digest{};  // what the audit record of it must say (evidence)
  std::string policy_id;          // empty: none was set
  std::string kept, found;        // findings_json() of then and of now
  // Then and now the same verdict, for the same reasons, and the same decision.
  bool same() const { return kept == found; }
};

// kNotFound: it isn't kept here. kCorrupt: what is kept of it was changed, or isn't all there.
Result<Replay> replay_release(const Archive& archive, const std::string& id);

// Whether the audit log has a record with the replay's digest.
enum class OnRecord { kNo, kYes };
// What a token says of it, as said on its day. kCorrupt where it doesn't hold up: it isn't the same as then, or isn't
// on record, and may never have gone out.
Result<attest::EarRequest> result_of(const Replay& replay, OnRecord on_record);

}  // namespace cloister::service
