#include "identity/authority_store.h"

#include "base/reader.h"
#include "crypto/hash.h"

namespace cloister::identity {
namespace {

constexpr std::string_view kMagic = "CLSRAUT1";
constexpr std::string_view kPurpose = "authority-store";
constexpr std::size_t kMacSize = 32;
constexpr std::size_t kSpkiMax = 256;
constexpr std::size_t kKeyIdMax = 512;
constexpr std::size_t kWrapMax = 512;
constexpr std::int64_t kTimeMax = std::int64_t{1} << 62;

crypto::WrapContext wrap_context(const TrustDomain& trust_domain, const std::string& tenant) {
  return {tenant, trust_domain.name(), {}, std::string(kPurpose), {}};
}

void write_record(Writer& writer, const AuthorityRecord& record) {
  writer.bytes(record.id).u8(static_cast<std::uint8_t>(record.state));
  writer.u64(static_cast<std::uint64_t>(record.published_at.unix_ms));
  writer.u64(static_cast<std::uint64_t>(record.changed_at.unix_ms));
  writer.prefixed16(record.certificate.der()).prefixed16(record.jwt_key.spki()).prefixed16(record.signer);
}

Result<Time> read_time(Reader& reader) {
  CLOISTER_TRY(const std::uint64_t ms, reader.u64("authority time"));
  if (ms > static_cast<std::uint64_t>(kTimeMax)) return Error(Code::kCorrupt, "an authority's time is out of bounds");
  return Time{static_cast<std::int64_t>(ms)};
}

Result<AuthorityRecord> read_record(Reader& reader) {
  AuthorityId id;
  CLOISTER_RETURN_IF_ERROR(reader.fill(id, "authority id"));
  CLOISTER_TRY(const std::uint8_t state, reader.u8("authority state"));
  CLOISTER_TRY(const Time published_at, read_time(reader));
  CLOISTER_TRY(const Time changed_at, read_time(reader));
  CLOISTER_TRY(const ByteView certificate_der, reader.prefixed16(kAuthorityCertificateMax, "authority certificate"));
  CLOISTER_TRY(const ByteView spki, reader.prefixed16(kSpkiMax, "authority token key"));
  CLOISTER_TRY(const ByteView signer, reader.prefixed16(kSignerReferenceMax, "authority signer"));
  auto certificate = crypto::Certificate::parse(certificate_der);
  auto jwt_key = crypto::PublicKey::from_spki(spki);
  if (state < 1 || state > 3 || !certificate.ok() || !jwt_key.ok()) {
    return Error(Code::kCorrupt, "a stored authority is malformed");
  }
  return AuthorityRecord{id,
                         static_cast<AuthorityState>(state),
                         std::move(certificate).value(),
                         std::move(jwt_key).value(),
                         to_bytes(signer),
                         published_at,
                         changed_at};
}

Result<crypto::WrappedKey> read_wrap(Reader& reader) {
  crypto::WrappedKey wrapped;
  CLOISTER_TRY(const std::uint16_t type, reader.u16("wrap type"));
  if (type < 1 || type > 6) return Error(Code::kCorrupt, "the authorities' wrap is of no known type");
  wrapped.type = static_cast<crypto::WrapType>(type);
  CLOISTER_TRY(wrapped.key_id, reader.text16(kKeyIdMax, "wrapping key"));
  CLOISTER_TRY(wrapped.key_version, reader.u32("wrapping key version"));
  CLOISTER_TRY(const ByteView parameters, reader.prefixed16(kWrapMax, "wrap parameters"));
  CLOISTER_TRY(const ByteView ciphertext, reader.prefixed16(kWrapMax, "wrap"));
  wrapped.parameters = to_bytes(parameters);
  wrapped.ciphertext = to_bytes(ciphertext);
  return wrapped;
}

}  // namespace

Result<Bytes> serialize_rotation(const Rotation& rotation, const std::string& tenant, crypto::KeyWrapper& root,
                                 crypto::Random& random) {
  const crypto::KeyMaterial key = crypto::KeyMaterial::random(random);
  CLOISTER_TRY(const crypto::WrappedKey wrapped, root.wrap(key, wrap_context(rotation.trust_domain(), tenant)));
  Writer writer;
  writer.bytes(as_bytes(kMagic)).text16(tenant).text16(rotation.trust_domain().name());
  writer.u16(static_cast<std::uint16_t>(wrapped.type)).text16(wrapped.key_id).u32(wrapped.key_version);
  writer.prefixed16(wrapped.parameters).prefixed16(wrapped.ciphertext);
  writer.u64(rotation.sequence()).u16(static_cast<std::uint16_t>(rotation.records().size()));
  for (const AuthorityRecord& record : rotation.records()) write_record(writer, record);
  const crypto::Sha256Digest mac = crypto::hmac_sha256(key.secret(), writer.view());
  return writer.bytes(mac).take();
}

Result<Rotation> parse_rotation(ByteView bytes, const TrustDomain& trust_domain, const std::string& tenant,
                                const AuthorityRules& rules, crypto::KeyWrapper& root) {
  const Error damaged(Code::kCorrupt, "the authorities of " + trust_domain.name() + " are damaged or were changed");
  if (bytes.size() < kMacSize) return damaged;
  const ByteView body = bytes.first(bytes.size() - kMacSize);
  Reader reader(body);
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "authorities' magic"));
  if (as_text(magic) != kMagic) return Error(Code::kCorrupt, "these bytes aren't a trust domain's authorities");
  CLOISTER_TRY(const std::string stored_tenant, reader.text16(kKeyIdMax, "tenant"));
  CLOISTER_TRY(const std::string stored_domain, reader.text16(kTrustDomainMax, "trust domain"));
  if (stored_tenant != tenant || stored_domain != trust_domain.name()) {
    return Error(Code::kCorrupt, "these are the authorities of " + stored_domain + ", not of " + trust_domain.name());
  }
  CLOISTER_TRY(const crypto::WrappedKey wrapped, read_wrap(reader));
  CLOISTER_TRY(const crypto::KeyMaterial key, root.unwrap(wrapped, wrap_context(trust_domain, tenant)));
  const crypto::Sha256Digest mac = crypto::hmac_sha256(key.secret(), body);
  if (!crypto::equal_constant_time(mac, bytes.last(kMacSize))) return damaged;
  CLOISTER_TRY(const std::uint64_t sequence, reader.u64("sequence"));
  CLOISTER_TRY(const std::uint16_t count, reader.u16("number of authorities"));
  if (count > kAuthoritiesMax) return damaged;
  std::vector<AuthorityRecord> records;
  for (std::uint16_t i = 0; i < count; ++i) {
    CLOISTER_TRY(AuthorityRecord record, read_record(reader));
    records.push_back(std::move(record));
  }
  CLOISTER_RETURN_IF_ERROR(reader.expect_end("the authorities"));
  return Rotation::restore(trust_domain, rules, sequence, std::move(records));
}

}  // namespace cloister::identity
