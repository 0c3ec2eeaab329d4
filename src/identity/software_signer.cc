#include "identity/software_signer.h"

#include "base/reader.h"
#include "crypto/hash.h"

namespace cloister::identity {
namespace {

constexpr std::string_view kMagic = "CLSRSGN1";
constexpr std::string_view kPurpose = "authority";
constexpr std::size_t kIdSize = 16;
constexpr std::size_t kSpkiMax = 256;
constexpr std::size_t kKeyIdMax = 512;
constexpr std::size_t kParametersMax = 1024;
constexpr std::size_t kCiphertextMax = 1024;
constexpr std::uint16_t kWrapTypeMax = 12;

// ID-30: the public key is bound as the commitment, so a wrap put beside another public key doesn't open.
crypto::WrapContext wrap_context(const SignerContext& context, const Bytes& id, const crypto::PublicKey& key) {
  return {context.tenant, context.trust_domain.name(), id, std::string(kPurpose), crypto::sha256(key.spki())};
}

void write(Writer& writer, const WrappedSigner& signer) {
  writer.bytes(signer.id).prefixed16(signer.public_key.spki());
  writer.u16(static_cast<std::uint16_t>(signer.key.type)).text16(signer.key.key_id).u32(signer.key.key_version);
  writer.prefixed16(signer.key.parameters).prefixed16(signer.key.ciphertext);
}

Result<WrappedSigner> read(Reader& reader) {
  CLOISTER_TRY(const ByteView id, reader.bytes(kIdSize, "signer id"));
  CLOISTER_TRY(const ByteView spki, reader.prefixed16(kSpkiMax, "signer public key"));
  auto key = crypto::PublicKey::from_spki(spki);
  if (!key.ok() || key->type() != crypto::KeyType::kEcP256) {
    return Error(Code::kCorrupt, "a stored signer's public key isn't one on P-256");
  }
  crypto::WrappedKey wrapped;
  CLOISTER_TRY(const std::uint16_t type, reader.u16("signer wrap type"));
  if (type < 1 || type > kWrapTypeMax) return Error(Code::kCorrupt, "a stored signer's wrap is of no known type");
  wrapped.type = static_cast<crypto::WrapType>(type);
  CLOISTER_TRY(wrapped.key_id, reader.text16(kKeyIdMax, "signer wrapping key"));
  CLOISTER_TRY(wrapped.key_version, reader.u32("signer wrapping key version"));
  CLOISTER_TRY(const ByteView parameters, reader.prefixed16(kParametersMax, "signer wrap parameters"));
  CLOISTER_TRY(const ByteView ciphertext, reader.prefixed16(kCiphertextMax, "signer wrap"));
  wrapped.parameters = to_bytes(parameters);
  wrapped.ciphertext = to_bytes(ciphertext);
  return WrappedSigner{to_bytes(id), std::move(key).value(), std::move(wrapped)};
}

}  // namespace

Result<SoftwareSigner::Made> SoftwareSigner::create(const SignerContext& context, crypto::KeyWrapper& root,
                                                    crypto::Random& random) {
  CLOISTER_TRY(crypto::PrivateKey key, crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random));
  Bytes id(kIdSize);
  random.fill(id);
  CLOISTER_TRY(const crypto::KeyMaterial material,
               crypto::KeyMaterial::from_secret(crypto::Secret::copy_of(key.scalar().expose())));
  CLOISTER_TRY(crypto::WrappedKey wrapped, root.wrap(material, wrap_context(context, id, key.public_key())));
  WrappedSigner stored{std::move(id), key.public_key(), std::move(wrapped)};
  return Made{SoftwareSigner(std::move(key)), std::move(stored)};
}

Result<SoftwareSigner> SoftwareSigner::open(const WrappedSigner& stored, const SignerContext& context,
                                            crypto::KeyWrapper& root) {
  auto material = root.unwrap(stored.key, wrap_context(context, stored.id, stored.public_key));
  if (!material.ok()) return material.error().with_context("open the signing key of " + context.trust_domain.name());
  auto key =
      crypto::PrivateKey::from_scalar(crypto::KeyType::kEcP256, crypto::Secret::copy_of(material->secret().expose()));
  if (!key.ok() || !(key->public_key() == stored.public_key)) {
    return Error(Code::kCorrupt,
                 "the signing key of " + context.trust_domain.name() + " isn't the one it is stored as");
  }
  return SoftwareSigner(std::move(key).value());
}

Bytes serialize_signers(const WrappedSigners& signers) {
  Writer writer;
  writer.bytes(as_bytes(kMagic));
  write(writer, signers.x509);
  write(writer, signers.jwt);
  return writer.take();
}

Result<WrappedSigners> parse_signers(ByteView bytes) {
  Reader reader(bytes);
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "signers' magic"));
  if (as_text(magic) != kMagic) return Error(Code::kCorrupt, "these bytes aren't an authority's signers");
  CLOISTER_TRY(WrappedSigner x509, read(reader));
  CLOISTER_TRY(WrappedSigner jwt, read(reader));
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("an authority's signers"));
  return WrappedSigners{std::move(x509), std::move(jwt)};
}

Result<WrappedSigners> rewrap_signers(WrappedSigners signers, const SignerContext& context, crypto::KeyWrapper& source,
                                      crypto::KeyWrapper& target) {
  for (WrappedSigner* signer : {&signers.x509, &signers.jwt}) {
    CLOISTER_TRY(const SoftwareSigner opened, SoftwareSigner::open(*signer, context, source));
    const crypto::WrapContext bound = wrap_context(context, signer->id, signer->public_key);
    CLOISTER_TRY(const crypto::KeyMaterial key, source.unwrap(signer->key, bound));
    CLOISTER_TRY(signer->key, crypto::wrap_proven(target, key, bound));
  }
  return signers;
}

}  // namespace cloister::identity
