// A release that was decided once, verified and decided again at its own date, with the collateral and the policy of
// that day.
#pragma once

#include "service/attestation/archive.h"

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

}  // namespace cloister::service
