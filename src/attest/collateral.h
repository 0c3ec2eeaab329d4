// What a verifier needs beside the evidence: signed statements of vendors about their chips, firmware and revocations.
// A set of items by kind and key; nothing in it is trusted before a verifier has verified it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/verification_cache.h"

namespace cloister::attest {

enum class CollateralKind {
  kIntelTcbInfo,     // key "sgx/<fmspc>", "tdx/<fmspc>" in lower case; body: PCS's JSON {"tcbInfo":…,"signature":…}
  kIntelQeIdentity,  // "sgx", "tdx"; body: PCS's JSON {"enclaveIdentity":…,"signature":…}
  kIntelCrl,         // "root", "processor", "platform"; body: DER
  kAmdCertificate,   // "<product>/<chip id hex>/<reported TCB hex>": a VCEK; body: DER
  kAmdChain,         // "<product>/vcek", "<product>/vlek"; body: PEM, ASK or ASVK and ARK
  kAmdCrl,           // the same keys; body: DER
  kNvidiaRim,        // RIM id, "NV_GPU_DRIVER_GH100_535.86.09"; body: XML
  kNvidiaOcsp,       // the certificate's serial number, hex; body: DER OCSPResponse
  kCcaEndorsement,   // "<implementation id hex>/<instance id hex>"; body: SPKI DER of the CPAK
  kTpmEndorsement,   // SHA-256 of the AK's SPKI, hex; body: TPM2B_PUBLIC (or SPKI) of an AK proven to be a TPM's
  kTpmCrl,           // SHA-256 of the issuer's SPKI, hex; body: DER
};
std::string_view collateral_kind_name(CollateralKind kind);  // "intel-tcb-info"
std::optional<CollateralKind> collateral_kind_of(std::string_view name);

inline constexpr std::size_t kCollateralItemSizeMax = 4 << 20;

struct CollateralItem {
  CollateralKind kind = CollateralKind::kIntelTcbInfo;
  std::string key;
  Bytes body;
  std::string issuer_chain;  // PEM, leaf first; empty where the body has it or needs none
  Time fetched;
  std::optional<Time> issued, expires;  // as its own dates say; for refreshing, never for a verdict

  std::string name() const;             // "intel-tcb-info/tdx/00806f050000"
  crypto::Sha256Digest digest() const;  // of body and issuer chain
  friend bool operator==(const CollateralItem&, const CollateralItem&) = default;
};

// Doesn't change while verifiers read it: any number of threads may.
class Collateral {
 public:
  // In place of an item of the same kind and key.
  void add(CollateralItem item);
  // Null when there is none.
  const CollateralItem* find(CollateralKind kind, std::string_view key) const;
  const std::map<std::string, CollateralItem, std::less<>>& items() const { return items_; }  // by name()

  // Where those who verify by it remember what they verified, together with whoever else has the same. Null: nowhere.
  // It is no part of what the collateral says.
  void remember_in(std::shared_ptr<crypto::VerificationCache> cache) { cache_ = std::move(cache); }
  crypto::VerificationCache* cache() const { return cache_.get(); }

 private:
  std::map<std::string, CollateralItem, std::less<>> items_;
  std::shared_ptr<crypto::VerificationCache> cache_;
};

// The names that evidence asks for are reported, so that somebody can fetch them: see attest/verifier.h.
struct CollateralNeed {
  CollateralKind kind = CollateralKind::kIntelTcbInfo;
  std::string key;
  std::string name() const;
  friend auto operator<=>(const CollateralNeed&, const CollateralNeed&) = default;
};

}  // namespace cloister::attest
