// A place that holds wrapping keys and uses them for us: a token, a cloud's KMS, a Vault, a KMIP server. One interface;
// tests/unit/kms/provider_contract.h says in tests what holds for all of them.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crypto/key_wrapper.h"
#include "kms/posture.h"

namespace cloister::kms {

// Authenticated with a wrap, in clear: providers that can bind it do, and write it to their own audit.
using ContextMap = std::map<std::string, std::string>;
// Every name and value length-prefixed (u32, little endian), by name: what is bound where a provider takes bytes.
Bytes canonical(const ContextMap& context);

// What a provider made of a plaintext, and the version of the key it used, in the provider's own words: an AWS key
// material id, an Azure `kid`, a Google version's name, "v3" of Vault. Empty where it has none.
struct ProviderWrap {
  std::string key_version;
  Bytes ciphertext;
};

struct KeyPage {
  std::vector<std::string> keys;  // names that describe() takes
  std::string next;               // cursor of the page that follows; empty: this was the last
};

struct ProviderHealth {
  bool serving = false;
  std::string detail;  // for people: "sealed", "token cloister present, 3 sessions"
};

inline constexpr std::size_t kProviderPlaintextMax = 128;  // every provider can wrap so much, RSA-2048 too

// Any thread may call; a call waits for its answer. Errors of all:
//   kUnavailable  out of reach, throttled or failing, after every attempt that its retry rules allow
//   kDenied       refused: credentials, policy, a key that is disabled or pending deletion; or the wrap doesn't open
//   kNotFound     no such key
//   kInvalid      the key can't be used for this, or something given is malformed
//   kCorrupt      an answer that contradicts itself: a checksum, an echo, a key id that isn't the one asked
//   kUnsupported  the provider doesn't offer it
// Messages name the provider, the operation, the key and the provider's request id; never a secret.
class Provider {
 public:
  virtual ~Provider() = default;

  virtual crypto::WrapType type() const = 0;
  virtual const std::string& name() const = 0;  // "aws-kms eu-west-1": for messages and evidence
  // The key in full, as wraps name it for good: an alias or a short name made into an ARN, a `kid` without version, …
  virtual Result<std::string> resolve(const std::string& key) = 0;

  // At most kProviderPlaintextMax bytes.
  virtual Result<ProviderWrap> wrap(const std::string& key, const crypto::Secret& plaintext,
                                    const ContextMap& context) = 0;
  virtual Result<crypto::Secret> unwrap(const std::string& key, const ProviderWrap& wrapped,
                                        const ContextMap& context) = 0;

  // Reads only. A part that couldn't be had is "not assessed"; an error only when nothing could.
  virtual Result<KeyPosture> describe(const std::string& key) = 0;
  // From the first with an empty cursor.
  virtual Result<KeyPage> list(const std::string& cursor) = 0;
  virtual Result<ProviderHealth> health() = 0;
};

}  // namespace cloister::kms
