#include "kms/provider_key.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/hash.h"
#include "crypto/random.h"

namespace cloister::kms {
namespace {

constexpr std::uint32_t kLayoutVersion = 1;
constexpr std::size_t kKeyIdMax = 512;
constexpr std::size_t kKeyVersionMax = 1024;
constexpr std::size_t kCiphertextMax = 16 << 10;
constexpr std::size_t kPlaintextSize = crypto::kKeySize + std::tuple_size_v<crypto::Sha256Digest>;
static_assert(kPlaintextSize <= kProviderPlaintextMax);

std::string_view kind_of(crypto::WrapType type) {
  switch (type) {
    case crypto::WrapType::kAwsKms: return "aws-kms";
    case crypto::WrapType::kAzureKeyVault: return "azure-key-vault";
    case crypto::WrapType::kGoogleKms: return "google-kms";
    case crypto::WrapType::kVaultTransit: return "vault-transit";
    case crypto::WrapType::kKmip: return "kmip";
    case crypto::WrapType::kPkcs11Provider: return "pkcs11-provider";
    default: return {};
  }
}

struct Binding {
  crypto::Sha256Digest digest;  // of the whole context, and of the key that wraps
  ContextMap map;
};

Binding bind(crypto::WrapType type, const std::string& key_id, const crypto::WrapContext& context) {
  Binding binding;
  binding.digest = crypto::sha256(context.canonical(type, key_id, kLayoutVersion));
  binding.map = {{"cloister", to_hex(binding.digest)}, {"purpose", context.purpose}};
  // Not every provider takes an empty value; the digest has them all.
  if (!context.tenant.empty()) binding.map["tenant"] = context.tenant;
  if (!context.dataset.empty()) binding.map["dataset"] = context.dataset;
  return binding;
}

crypto::WrapContext probe_context(crypto::Random& random) {
  crypto::WrapContext context;
  context.purpose = "probe";
  context.object.resize(16);
  random.fill(context.object);
  return context;
}

}  // namespace

ProviderKey::ProviderKey(std::shared_ptr<Provider> provider, std::string key)
    : provider_(std::move(provider)),
      key_(std::move(key)),
      key_id_(std::string(kind_of(provider_->type())) + ":" + key_) {}

Result<std::unique_ptr<ProviderKey>> ProviderKey::open(std::shared_ptr<Provider> provider, const std::string& key,
                                                       crypto::Random& random) {
  CLOISTER_CHECK(provider != nullptr && !kind_of(provider->type()).empty());
  CLOISTER_TRY(std::string resolved, provider->resolve(key));
  std::unique_ptr<ProviderKey> opened(new ProviderKey(std::move(provider), std::move(resolved)));
  if (opened->key_.empty() || opened->key_id_.size() > kKeyIdMax || !is_plain_utf8(opened->key_id_)) {
    return Error(Code::kInvalid, opened->provider_->name() + ": a key's full name is text of 1 to 480 bytes");
  }
  CLOISTER_RETURN_IF_ERROR(opened->probe(random).with_context("try " + opened->key_id_));
  return opened;
}

Status ProviderKey::probe(crypto::Random& random) {
  const crypto::KeyMaterial known = crypto::KeyMaterial::random(random);
  const crypto::WrapContext context = probe_context(random);
  CLOISTER_TRY(const crypto::WrappedKey wrapped, wrap(known, context));
  CLOISTER_TRY(const crypto::KeyMaterial opened, unwrap(wrapped, context));
  if (!crypto::equal_constant_time(opened.secret().expose(), known.secret().expose())) {
    return Error(Code::kDenied, "what was wrapped doesn't come back as it was");
  }
  const auto elsewhere = unwrap(wrapped, probe_context(random));
  if (elsewhere.ok()) return Error(Code::kDenied, "what was wrapped opens in another context");
  if (elsewhere.error().code() == Code::kUnavailable) return elsewhere.error();
  return {};
}

Result<crypto::WrappedKey> ProviderKey::wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) {
  const Binding binding = bind(provider_->type(), key_id_, context);
  crypto::Secret plaintext(kPlaintextSize);
  std::ranges::copy(key.secret().expose(), plaintext.expose_mutable().begin());
  std::ranges::copy(binding.digest, plaintext.expose_mutable().begin() + crypto::kKeySize);
  CLOISTER_TRY(ProviderWrap made, provider_->wrap(key_, plaintext, binding.map));
  if (made.ciphertext.empty() || made.ciphertext.size() > kCiphertextMax || made.key_version.size() > kKeyVersionMax) {
    return Error(Code::kCorrupt, provider_->name() + ": wrap with " + key_ + ": the answer has parts of a wrong size");
  }
  return crypto::WrappedKey{provider_->type(), key_id_, kLayoutVersion, to_bytes(as_bytes(made.key_version)),
                            std::move(made.ciphertext)};
}

Result<crypto::KeyMaterial> ProviderKey::unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) {
  if (wrapped.type != provider_->type() || wrapped.key_id != key_id_ || wrapped.key_version != kLayoutVersion) {
    return Error(Code::kNotFound, "not wrapped by " + key_id_);
  }
  if (wrapped.ciphertext.empty() || wrapped.ciphertext.size() > kCiphertextMax ||
      wrapped.parameters.size() > kKeyVersionMax) {
    return Error(Code::kCorrupt, "a wrap by " + key_id_ + " has parts of a wrong size");
  }
  const Binding binding = bind(wrapped.type, key_id_, context);
  CLOISTER_TRY(const crypto::Secret opened,
               provider_->unwrap(key_, {std::string(as_text(wrapped.parameters)), wrapped.ciphertext}, binding.map));
  if (opened.size() != kPlaintextSize) {
    return Error(Code::kCorrupt, provider_->name() + ": unwrap with " + key_ + ": what opened has a wrong size");
  }
  if (!crypto::equal_constant_time(opened.expose().subspan(crypto::kKeySize), binding.digest)) {
    return Error(Code::kDenied, "the wrap doesn't open with " + key_id_ + " in this context");
  }
  return crypto::KeyMaterial::from_secret(crypto::Secret::copy_of(opened.expose().first(crypto::kKeySize)));
}

}  // namespace cloister::kms
