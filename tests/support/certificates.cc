#include "support/certificates.h"

#include "crypto/der.h"
#include "support/deterministic_random.h"
#include "support/hex.h"
#include "support/value_of.h"

namespace cloister::testing {

using namespace crypto;

PrivateKey key_of_seed(std::uint64_t seed, KeyType type) {
  DeterministicRandom random(seed);
  return value_of(PrivateKey::generate(type, random));
}

Bytes raw_extension(std::string_view oid_hex, Critical critical, ByteView value) {
  static constexpr std::uint8_t kTrue[] = {der::kBoolean, 1, 0xFF};
  return der_element(der::kSequence,
                     {der_oid(unhex(oid_hex)), ByteView(kTrue).first(critical == Critical::kYes ? 3 : 0),
                      der_element(der::kOctetString, {value})});
}

Bytes names_extension(const std::vector<std::pair<std::uint8_t, std::string>>& names, Critical critical) {
  Bytes content;
  for (const auto& [number, text] : names) {
    const Bytes name = der_element(der::primitive(number), {as_bytes(text)});
    content.insert(content.end(), name.begin(), name.end());
  }
  return raw_extension("551d11", critical, der_element(der::kSequence, {content}));
}

Bytes usage_extension(std::uint8_t bits, Critical critical) {
  std::uint8_t unused = 0;
  while (unused < 7 && (bits >> unused & 1) == 0) ++unused;
  return raw_extension("551d0f", critical, der_bit_string({&bits, 1}, unused));
}

Bytes extended_usage_extension(const std::vector<std::uint8_t>& uses) {
  Bytes content;
  for (const std::uint8_t use : uses) {
    Bytes oid = unhex("2b06010505070300");
    oid.back() = use;
    const Bytes element = der_oid(oid);
    content.insert(content.end(), element.begin(), element.end());
  }
  return raw_extension("551d25", Critical::kNo, der_element(der::kSequence, {content}));
}

namespace {

std::vector<Bytes> present(std::vector<Bytes> extensions) {
  std::erase_if(extensions, [](const Bytes& one) { return one.empty(); });
  return extensions;
}

}  // namespace

TestAuthority::TestAuthority(std::uint64_t seed, const AuthorityParts& parts, TestAuthority* issuer)
    : signer_(key_of_seed(seed)), name_(common_name("test authority " + std::to_string(seed))) {
  TestAuthority& signed_by = issuer == nullptr ? *this : *issuer;
  const std::vector<Bytes> extensions = present({
      parts.basic,
      parts.usage,
      extension_subject_key_id(key_id_of(signer_.public_key())),
      issuer == nullptr ? Bytes() : extension_authority_key_id(key_id_of(signed_by.signer_.public_key())),
      parts.uri.empty() ? Bytes() : extension_uri(parts.uri, Critical::kNo),
      parts.permitted_host.empty() ? Bytes() : extension_permitted_uri_host(parts.permitted_host),
      parts.more,
  });
  certificate_ = value_of(sign_certificate({{signed_by.serial_++},
                                            signed_by.name_,
                                            name_,
                                            parts.not_before,
                                            parts.not_after,
                                            signer_.public_key(),
                                            extensions},
                                           signed_by.signer_));
}

Certificate TestAuthority::issue(const LeafParts& parts, std::uint64_t key_seed) {
  const PrivateKey key = key_of_seed(key_seed);
  const std::vector<Bytes> extensions = present({
      parts.basic,
      parts.usage,
      parts.extended,
      extension_subject_key_id(key_id_of(key.public_key())),
      extension_authority_key_id(key_id_of(signer_.public_key())),
      parts.names ? *parts.names : extension_uri(parts.uri, Critical::kYes),
      parts.more,
  });
  return value_of(sign_certificate(
      {{serial_++}, name_, parts.subject, parts.not_before, parts.not_after, key.public_key(), extensions}, signer_));
}

}  // namespace cloister::testing
