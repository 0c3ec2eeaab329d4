// A provider's key as the root of a home, or of a tenant's KEKs.
#pragma once

#include "kms/provider.h"

namespace cloister::kms {

// Wraps 32-byte keys with it; key_id is the provider's kind, a colon and the key in full: "aws-kms:arn:aws:kms:…". What
// is wrapped is the key and the SHA-256 of the whole wrap context, and what opens is compared with it: a provider that
// can't bind a context, or one that ignores it, can't make a wrap open elsewhere. docs/formats/provider-wrap.md.
class ProviderKey final : public crypto::KeyWrapper {
 public:
  // Resolves the key, wraps and unwraps a probe with it, and sees that the probe doesn't open in another context.
  // Errors as Provider's; kDenied when a probe doesn't come back as it was.
  static Result<std::unique_ptr<ProviderKey>> open(std::shared_ptr<Provider> provider, const std::string& key,
                                                   crypto::Random& random);

  const std::string& key_id() const { return key_id_; }
  Provider& provider() { return *provider_; }
  const std::string& key() const { return key_; }

  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override;
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override;

 private:
  ProviderKey(std::shared_ptr<Provider> provider, std::string key);
  Status probe(crypto::Random& random);

  std::shared_ptr<Provider> provider_;
  std::string key_;
  std::string key_id_;
};

}  // namespace cloister::kms
