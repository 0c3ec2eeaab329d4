#include "crypto/passphrase.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "base/reader.h"
#include "crypto/xaes.h"

namespace cloister::crypto {
namespace {

constexpr std::size_t kSaltSize = 16;

struct Parameters {
  std::array<std::uint8_t, kSaltSize> salt{};
  Argon2Cost cost;
};

Bytes serialize(const Parameters& parameters) {
  Writer writer;
  writer.bytes(parameters.salt);
  writer.u32(parameters.cost.memory_kib).u32(parameters.cost.passes).u32(parameters.cost.lanes);
  return writer.take();
}

bool over_the_limit(const Argon2Cost& cost) {
  return cost.memory_kib > kArgon2CostMax.memory_kib || cost.passes > kArgon2CostMax.passes ||
         cost.lanes > kArgon2CostMax.lanes;
}

// RFC 9106 3.1. Only for a cost within the limit: the product would overflow otherwise.
bool under_the_minimum(const Argon2Cost& cost) {
  return cost.passes < 1 || cost.lanes < 1 || cost.memory_kib < 8 * cost.lanes;
}

// Before any work: the numbers come from a file, and what they ask for is about to be spent.
Status check_stored_cost(const Argon2Cost& cost) {
  if (over_the_limit(cost)) {
    return Error(Code::kUnsupported, "the passphrase slot asks for more Argon2 work than this program agrees to spend");
  }
  if (under_the_minimum(cost)) {
    return Error(Code::kCorrupt, "the passphrase slot's Argon2 cost is below the algorithm's minimum");
  }
  return {};
}

Result<Parameters> parse(ByteView bytes) {
  Reader reader(bytes);
  Parameters parameters;
  CLOISTER_RETURN_IF_ERROR(reader.fill(parameters.salt, "passphrase salt"));
  CLOISTER_TRY(parameters.cost.memory_kib, reader.u32("Argon2 memory"));
  CLOISTER_TRY(parameters.cost.passes, reader.u32("Argon2 passes"));
  CLOISTER_TRY(parameters.cost.lanes, reader.u32("Argon2 lanes"));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("passphrase parameters"));
  CLOISTER_RETURN_IF_ERROR(check_stored_cost(parameters.cost));
  return parameters;
}

Result<Secret> stretch(const Secret& passphrase, Parameters parameters) {
  EVP_KDF* method = EVP_KDF_fetch(nullptr, "ARGON2ID", nullptr);
  CLOISTER_CHECK(method != nullptr);
  EVP_KDF_CTX* context = EVP_KDF_CTX_new(method);
  EVP_KDF_free(method);
  CLOISTER_CHECK(context != nullptr);
  std::uint32_t version = 0x13;
  std::uint32_t threads = 1;
  const ByteView raw = passphrase.expose();
  const OSSL_PARAM arguments[] = {
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PASSWORD, const_cast<std::uint8_t*>(raw.data()), raw.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, parameters.salt.data(), parameters.salt.size()),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ITER, &parameters.cost.passes),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_LANES, &parameters.cost.lanes),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_MEMCOST, &parameters.cost.memory_kib),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_ARGON2_VERSION, &version),
      OSSL_PARAM_construct_uint32(OSSL_KDF_PARAM_THREADS, &threads),
      OSSL_PARAM_construct_end(),
  };
  Secret key(kKeySize);
  const int done = EVP_KDF_derive(context, key.expose_mutable().data(), kKeySize, arguments);
  EVP_KDF_CTX_free(context);
  if (done != 1)
    return Error(Code::kInternal, "stretch the passphrase: Argon2id failed, most likely for want of memory");
  return key;
}

constexpr std::string_view kKeyId = "passphrase";

}  // namespace

PassphraseWrapper::PassphraseWrapper(Secret passphrase, Argon2Cost cost, Random& random)
    : passphrase_(std::move(passphrase)), cost_(cost), random_(&random) {}

Result<PassphraseWrapper> PassphraseWrapper::create(Secret passphrase, Argon2Cost cost, Random& random) {
  if (passphrase.size() < kPassphraseSizeMin) {
    return Error(Code::kInvalid, "a passphrase has at least " + std::to_string(kPassphraseSizeMin) + " bytes");
  }
  if (over_the_limit(cost) || under_the_minimum(cost)) {
    return Error(Code::kInvalid, "the Argon2 cost is outside what a reader accepts");
  }
  return PassphraseWrapper(std::move(passphrase), cost, random);
}

Result<WrappedKey> PassphraseWrapper::wrap(const KeyMaterial& key, const WrapContext& context) {
  Parameters parameters{random_array<kSaltSize>(*random_), cost_};
  CLOISTER_TRY(const Secret stretched, stretch(passphrase_, parameters));
  Xaes xaes(stretched);
  WrappedKey wrapped{WrapType::kPassphrase, std::string(kKeyId), 0, serialize(parameters), {}};
  wrapped.ciphertext = local_wrap(xaes, *random_, context.canonical(wrapped.type, wrapped.key_id, 0), key);
  return wrapped;
}

Result<KeyMaterial> PassphraseWrapper::unwrap(const WrappedKey& wrapped, const WrapContext& context) {
  if (wrapped.type != WrapType::kPassphrase || wrapped.key_id != kKeyId || wrapped.key_version != 0) {
    return Error(Code::kNotFound, "not wrapped by a passphrase");
  }
  CLOISTER_TRY(const Parameters parameters, parse(wrapped.parameters));
  CLOISTER_TRY(const Secret stretched, stretch(passphrase_, parameters));
  Xaes xaes(stretched);
  auto key =
      local_unwrap(xaes, context.canonical(wrapped.type, wrapped.key_id, wrapped.key_version), wrapped.ciphertext);
  if (!key.ok() && key.error().code() == Code::kDenied) {
    return Error(Code::kDenied, "the passphrase is wrong, or the slot belongs to something else");
  }
  return key;
}

}  // namespace cloister::crypto
