// Bodies of Vault's transit engine that hold texts and keys: parsed where they lie, bounded.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace cloister::service {

enum class TransitVerb { kEncrypt, kDecrypt, kRewrap, kDataKey, kHmac, kSign, kVerify };

inline constexpr std::size_t kTransitItemsMax = 10'000;  // whatever the policy's quota says

// One text of a request: views into its body, still base64. Nothing where the field isn't there or is null.
struct TransitItem {
  using Text = std::optional<std::string_view>;
  Text plaintext;        // of encrypt
  Text ciphertext;       // of decrypt and rewrap: "vault:v1:…"
  Text input;            // of hmac, sign and verify
  Text hmac, signature;  // of verify: "vault:v1:…"
  Text associated_data;
  Text reference;  // the sender's own, given back with the result of its item
  std::uint64_t key_version = 0;
};

struct TransitBody {
  std::vector<TransitItem> items;  // one, unless `batch`
  bool batch = false;
  std::uint64_t partial_failure_status = 0;  // 0: not said
  std::uint64_t bits = 256;                  // of datakey
  TransitItem::Text algorithm;               // of hmac, sign and verify: the hash
  TransitItem::Text signature_algorithm, marshaling_algorithm, salt_length;
  bool prehashed = false;
};

// Changes `body` (escapes are resolved in it), which must outlive the result. Fields that Vault knows and that ask for
// something this service doesn't have (keys derived from a context, convergent encryption, nonces of the caller's) are
// refused by name, so are unknown ones and those that are there twice: kInvalid.
Result<TransitBody> parse_transit_body(MutableByteView body, TransitVerb verb);

// "vault:v12:" and base64, as ciphertexts, HMACs and signatures are written.
struct VaultText {
  std::uint32_t version = 0;
  std::string_view base64;
};
std::optional<VaultText> parse_vault_text(std::string_view text);
std::string vault_text(std::uint32_t version, ByteView bytes);

}  // namespace cloister::service
