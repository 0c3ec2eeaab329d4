// A provider in memory, with keys of its own, that can be told to misbehave in every way a real one could.
#pragma once

#include <map>
#include <optional>

#include "crypto/random.h"
#include "kms/provider.h"

namespace cloister::testing {

// One thread at a time.
class FakeProvider final : public kms::Provider {
 public:
  // "key-0" to "key-(keys - 1)", and the alias "first" of the first.
  explicit FakeProvider(std::size_t keys = 3);

  enum class Fault {
    kNone,
    kIgnoresContext,      // opens a wrap in any context
    kOpensSomethingElse,  // hands out the plaintext it wrapped last
    kShortPlaintext,
    kLongPlaintext,
    kEmptyCiphertext,
    kHugeCiphertext,
    kHugeVersion,
    kUnavailable,
  };
  Fault fault = Fault::kNone;
  std::size_t wraps = 0, unwraps = 0;

  crypto::WrapType type() const override { return crypto::WrapType::kAwsKms; }
  const std::string& name() const override { return name_; }
  Result<std::string> resolve(const std::string& key) override;
  Result<kms::ProviderWrap> wrap(const std::string& key, const crypto::Secret& plaintext,
                                 const kms::ContextMap& context) override;
  Result<crypto::Secret> unwrap(const std::string& key, const kms::ProviderWrap& wrapped,
                                const kms::ContextMap& context) override;
  Result<kms::KeyPosture> describe(const std::string& key) override;
  Result<kms::KeyPage> list(const std::string& cursor) override;
  Result<kms::ProviderHealth> health() override;

 private:
  struct Wrapped {
    std::string key;
    crypto::Secret plaintext;
    Bytes context;
  };
  Result<crypto::Secret> open(const std::string& key, const kms::ProviderWrap& wrapped, const kms::ContextMap& context);

  const std::string name_ = "fake";
  const std::size_t keys_;
  std::vector<Wrapped> wrapped_;  // what is known by its ciphertext, a number
};

}  // namespace cloister::testing
