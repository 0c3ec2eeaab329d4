// Whose keys evidence may end at. Vendors' roots are pinned by the SHA-256 of their public key (SPKI), compiled in, and
// can't be extended; keys whose private part was published are refused wherever they stand in a chain.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/hash.h"

namespace cloister::attest {

enum class Root {
  kIntelSgx,
  kAmdMilan,
  kAmdGenoa,
  kAmdTurin,
  kAmdNaples,
  kAmdRome,
  kNvidiaDevice,
  kNvidiaRim,
  kAwsNitro,
  kGoogleTpm,
  kInsecureSoftware,  // Ed25519 keys of software attesters: never a vendor's, only ever named by the operator
};
std::string_view root_name(Root root);

// Immutable.
class Anchors {
 public:
  // The vendors' own, and no other.
  static const Anchors& production();
  // Roots of a simulator or a test, and none of the vendors'. Every verdict that ends at one is insecure_software.
  static Anchors insecure(std::multimap<Root, crypto::Sha256Digest> roots);
  // The vendors', and keys of software attesters that an operator has named: what ends at those is insecure_software.
  static Anchors with_insecure_software(const std::vector<crypto::Sha256Digest>& keys);

  bool trusts(Root root, const crypto::Sha256Digest& spki) const;
  // What evidence that ends there is worth.
  bool insecure(Root root) const;
  // Whether no vendor's root is among them: what ends at an endorsement of the collateral is worth no more.
  bool all_insecure() const { return insecure_; }

 private:
  std::multimap<Root, crypto::Sha256Digest> roots_;
  bool insecure_ = false;
};

// A key that anybody may sign with: its private part is in a public repository. Says whose it is.
std::optional<std::string_view> published_test_key(const crypto::Sha256Digest& spki);

}  // namespace cloister::attest
