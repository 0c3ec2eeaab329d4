#include "identity/authority_store.h"

#include <algorithm>

#include "base/reader.h"
#include "crypto/hash.h"
#include "identity/software_signer.h"

namespace cloister::identity {
namespace {

constexpr std::string_view kMagic = "CLSRAUT1";
constexpr std::string_view kPurpose = "authority-store";
constexpr std::size_t kMacSize = 32;
constexpr std::size_t kSpkiMax = 256;
constexpr std::size_t kKeyIdMax = 512;
constexpr std::size_t kWrapMax = 1024;
constexpr std::uint16_t kWrapTypeMax = 12;
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
  if (type < 1 || type > kWrapTypeMax) return Error(Code::kCorrupt, "the authorities' wrap is of no known type");
  wrapped.type = static_cast<crypto::WrapType>(type);
  CLOISTER_TRY(wrapped.key_id, reader.text16(kKeyIdMax, "wrapping key"));
  CLOISTER_TRY(wrapped.key_version, reader.u32("wrapping key version"));
  CLOISTER_TRY(const ByteView parameters, reader.prefixed16(kWrapMax, "wrap parameters"));
  CLOISTER_TRY(const ByteView ciphertext, reader.prefixed16(kWrapMax, "wrap"));
  wrapped.parameters = to_bytes(parameters);
  wrapped.ciphertext = to_bytes(ciphertext);
  return wrapped;
}

// What the bytes say, once the MAC over it was compared; or before, for what needs no key.
struct Stored {
  std::string tenant, trust_domain;
  crypto::WrappedKey key;  // of the MAC
  std::uint64_t sequence = 0;
  std::vector<AuthorityRecord> records;
};

Error damaged(const std::string& trust_domain) {
  return Error(Code::kCorrupt, "the authorities of " + trust_domain + " are damaged or were changed");
}

Result<Stored> read_head(Reader& reader) {
  Stored stored;
  CLOISTER_TRY(const ByteView magic, reader.bytes(kMagic.size(), "authorities' magic"));
  if (as_text(magic) != kMagic) return Error(Code::kCorrupt, "these bytes aren't a trust domain's authorities");
  CLOISTER_TRY(stored.tenant, reader.text16(kKeyIdMax, "tenant"));
  CLOISTER_TRY(stored.trust_domain, reader.text16(kTrustDomainMax, "trust domain"));
  CLOISTER_TRY(stored.key, read_wrap(reader));
  return stored;
}

Status read_records(Reader& reader, Stored& stored) {
  CLOISTER_TRY(stored.sequence, reader.u64("sequence"));
  CLOISTER_TRY(const std::uint16_t count, reader.u16("number of authorities"));
  if (count > kAuthoritiesMax) return damaged(stored.trust_domain);
  for (std::uint16_t i = 0; i < count; ++i) {
    CLOISTER_TRY(AuthorityRecord record, read_record(reader));
    stored.records.push_back(std::move(record));
  }
  return reader.expect_end("the authorities");
}

Status check_mac(ByteView bytes, const Stored& stored, const crypto::KeyMaterial& key) {
  const crypto::Sha256Digest mac = crypto::hmac_sha256(key.secret(), bytes.first(bytes.size() - kMacSize));
  return crypto::equal_constant_time(mac, bytes.last(kMacSize)) ? ok_status() : damaged(stored.trust_domain);
}

Bytes serialize(const Stored& stored, const crypto::KeyMaterial& key) {
  Writer writer;
  writer.bytes(as_bytes(kMagic)).text16(stored.tenant).text16(stored.trust_domain);
  writer.u16(static_cast<std::uint16_t>(stored.key.type)).text16(stored.key.key_id).u32(stored.key.key_version);
  writer.prefixed16(stored.key.parameters).prefixed16(stored.key.ciphertext);
  writer.u64(stored.sequence).u16(static_cast<std::uint16_t>(stored.records.size()));
  for (const AuthorityRecord& record : stored.records) write_record(writer, record);
  const crypto::Sha256Digest mac = crypto::hmac_sha256(key.secret(), writer.view());
  return writer.bytes(mac).take();
}

}  // namespace

Result<Bytes> serialize_rotation(const Rotation& rotation, const std::string& tenant, crypto::KeyWrapper& root,
                                 crypto::Random& random) {
  const crypto::KeyMaterial key = crypto::KeyMaterial::random(random);
  Stored stored{tenant, rotation.trust_domain().name(), {}, rotation.sequence(), rotation.records()};
  CLOISTER_TRY(stored.key, root.wrap(key, wrap_context(rotation.trust_domain(), tenant)));
  return serialize(stored, key);
}

Result<Rotation> parse_rotation(ByteView bytes, const TrustDomain& trust_domain, const std::string& tenant,
                                const AuthorityRules& rules, crypto::KeyWrapper& root) {
  if (bytes.size() < kMacSize) return damaged(trust_domain.name());
  Reader reader(bytes.first(bytes.size() - kMacSize));
  CLOISTER_TRY(Stored stored, read_head(reader));
  if (stored.tenant != tenant || stored.trust_domain != trust_domain.name()) {
    return Error(Code::kCorrupt,
                 "these are the authorities of " + stored.trust_domain + ", not of " + trust_domain.name());
  }
  CLOISTER_TRY(const crypto::KeyMaterial key, root.unwrap(stored.key, wrap_context(trust_domain, tenant)));
  CLOISTER_RETURN_IF_ERROR(check_mac(bytes, stored, key));
  CLOISTER_RETURN_IF_ERROR(read_records(reader, stored));
  return Rotation::restore(trust_domain, rules, stored.sequence, std::move(stored.records));
}

Result<std::vector<std::string>> rotation_roots(ByteView bytes) {
  if (bytes.size() < kMacSize) return damaged("a trust domain");
  Reader reader(bytes.first(bytes.size() - kMacSize));
  CLOISTER_TRY(Stored stored, read_head(reader));
  CLOISTER_RETURN_IF_ERROR(read_records(reader, stored));
  std::vector<std::string> roots{stored.key.key_id};
  for (const AuthorityRecord& record : stored.records) {
    CLOISTER_TRY(const WrappedSigners signers, parse_signers(record.signer));
    for (const std::string& id : {signers.x509.key.key_id, signers.jwt.key.key_id}) {
      if (std::ranges::find(roots, id) == roots.end()) roots.push_back(id);
    }
  }
  return roots;
}

Result<Bytes> rewrap_rotation(ByteView bytes, crypto::KeyWrapper& source, crypto::KeyWrapper& target,
                              crypto::Random& random) {
  if (bytes.size() < kMacSize) return damaged("a trust domain");
  Reader reader(bytes.first(bytes.size() - kMacSize));
  CLOISTER_TRY(Stored stored, read_head(reader));
  CLOISTER_TRY(const TrustDomain trust_domain, TrustDomain::parse(stored.trust_domain));
  CLOISTER_TRY(const crypto::KeyMaterial key, source.unwrap(stored.key, wrap_context(trust_domain, stored.tenant)));
  CLOISTER_RETURN_IF_ERROR(check_mac(bytes, stored, key));
  CLOISTER_RETURN_IF_ERROR(read_records(reader, stored));
  const SignerContext context{stored.tenant, trust_domain};
  for (AuthorityRecord& record : stored.records) {
    CLOISTER_TRY(WrappedSigners signers, parse_signers(record.signer));
    CLOISTER_TRY(signers, rewrap_signers(std::move(signers), context, source, target));
    record.signer = serialize_signers(signers);
  }
  const crypto::KeyMaterial fresh = crypto::KeyMaterial::random(random);
  CLOISTER_TRY(stored.key, crypto::wrap_proven(target, fresh, wrap_context(trust_domain, stored.tenant)));
  return serialize(stored, fresh);
}

}  // namespace cloister::identity
