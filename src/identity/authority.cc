#include "identity/authority.h"

#include <algorithm>

#include "base/json.h"
#include "base/reader.h"
#include "crypto/certificate_writer.h"
#include "crypto/jws.h"

namespace cloister::identity {
namespace {

constexpr std::size_t kAudiencesMax = 16;
constexpr std::size_t kAudienceMax = 512;
constexpr std::size_t kLabelMax = 63;
constexpr std::size_t kSerialSize = 16;

Time cut_to_seconds(Time time) { return Time{time.unix_ms - time.unix_ms % 1000}; }

// 126 random bits; the two in front make the number positive and its length the same every time.
Bytes random_serial(crypto::Random& random) {
  Bytes serial(kSerialSize);
  random.fill(serial);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x3F) | 0x40);
  return serial;
}

bool is_ec(crypto::KeyType type) { return type == crypto::KeyType::kEcP256 || type == crypto::KeyType::kEcP384; }

Status check_signers(const AuthoritySigners& signers) {
  CLOISTER_CHECK(signers.x509 != nullptr && signers.jwt != nullptr);
  if (!is_ec(signers.x509->public_key().type())) {
    return Error(Code::kInvalid, "an authority signs certificates with a key on P-256 or P-384");
  }
  if (signers.jwt->public_key().type() != crypto::KeyType::kEcP256) {
    return Error(Code::kInvalid, "an authority signs tokens with a key on P-256");
  }
  if (signers.x509->public_key() == signers.jwt->public_key()) {
    return Error(Code::kInvalid, "an authority signs certificates and tokens with different keys");
  }
  return {};
}

// RFC 5280 4.2.1.10 wants a host name; validators refuse addresses and empty labels.
Status check_constrainable(const TrustDomain& trust_domain) {
  std::string_view rest = trust_domain.name();
  bool only_numbers = true;
  while (true) {
    const std::string_view label = rest.substr(0, rest.find('.'));
    if (label.empty() || label.size() > kLabelMax) {
      return Error(Code::kUnsupported, "trust domain " + trust_domain.name() + " has a label no host name has");
    }
    only_numbers = only_numbers && std::ranges::all_of(label, [](char c) { return c >= '0' && c <= '9'; });
    if (label.size() == rest.size()) break;
    rest.remove_prefix(label.size() + 1);
  }
  if (!only_numbers) return {};
  return Error(Code::kUnsupported, "trust domain " + trust_domain.name() + " reads like an address");
}

std::vector<Bytes> authority_extensions(const TrustDomain& trust_domain, const AuthorityRules& rules,
                                        const crypto::PublicKey& key) {
  std::vector<Bytes> extensions = {
      crypto::extension_authority(0),
      crypto::extension_authority_key_usage(),
      crypto::extension_subject_key_id(crypto::key_id_of(key)),
      crypto::extension_uri(trust_domain.uri(), crypto::Critical::kNo),
  };
  if (rules.name_constraints == NameConstraints::kTrustDomain) {
    extensions.push_back(crypto::extension_permitted_uri_host(trust_domain.name()));
  }
  return extensions;
}

// One name per key, so that the certificates of a rotation aren't taken for each other.
Bytes authority_name(const crypto::PublicKey& key) {
  return crypto::common_name("Cloister authority " + to_hex(ByteView(crypto::key_id_of(key)).first(8)));
}

Duration shorter(Duration rule, std::optional<Duration> wanted) { return wanted ? std::min(rule, *wanted) : rule; }

Status check_audience(const std::vector<std::string>& audience) {
  const bool good = std::ranges::all_of(audience, [](const std::string& one) {
    return !one.empty() && one.size() <= kAudienceMax && is_plain_utf8(one);
  });
  if (good && !audience.empty() && audience.size() <= kAudiencesMax) return {};
  return Error(Code::kInvalid, "a token is for 1 to 16 audiences, each of 1 to 512 bytes of plain text");
}

}  // namespace

Result<AuthorityRecord> make_authority(const TrustDomain& trust_domain, const AuthorityRules& rules,
                                       const AuthoritySigners& signers, Bytes signer_reference, Time now,
                                       crypto::Random& random) {
  CLOISTER_RETURN_IF_ERROR(check_rules(rules));
  CLOISTER_RETURN_IF_ERROR(check_signers(signers));
  if (rules.name_constraints == NameConstraints::kTrustDomain) {
    CLOISTER_RETURN_IF_ERROR(check_constrainable(trust_domain));
  }
  const crypto::PublicKey& key = signers.x509->public_key();
  const Time start = cut_to_seconds(now);
  const Bytes name = authority_name(key);
  const crypto::CertificateFields fields{random_serial(random),
                                         name,
                                         name,
                                         start + Duration{-rules.backdating.ms},
                                         start + rules.authority_lifetime,
                                         key,
                                         authority_extensions(trust_domain, rules, key)};
  CLOISTER_TRY(crypto::Certificate certificate, crypto::sign_certificate(fields, *signers.x509));
  return AuthorityRecord{crypto::random_array<16>(random),
                         AuthorityState::kPublished,
                         std::move(certificate),
                         signers.jwt->public_key(),
                         std::move(signer_reference),
                         now,
                         now};
}

Result<Authority> Authority::open(const Rotation& rotation, const AuthoritySigners& signers) {
  const AuthorityRecord* record = rotation.active();
  if (record == nullptr) {
    return Error(Code::kNotFound, "trust domain " + rotation.trust_domain().name() + " has no active authority");
  }
  CLOISTER_RETURN_IF_ERROR(check_signers(signers));
  CLOISTER_TRY(const crypto::PublicKey certified, record->certificate.public_key());
  if (!(certified == signers.x509->public_key()) || !(record->jwt_key == signers.jwt->public_key())) {
    return Error(Code::kDenied, "these keys aren't those of the active authority of " + rotation.trust_domain().name());
  }
  return Authority(rotation.trust_domain(), rotation.rules(), *record, signers);
}

Status Authority::check_request(const SpiffeId& id, Time now) const {
  if (id.trust_domain() != trust_domain_) {
    return Error(Code::kDenied, "the authority of " + trust_domain_.name() + " doesn't speak for " + id.uri());
  }
  if (id.path().empty()) return Error(Code::kDenied, id.uri() + " names a trust domain, not a workload");
  const crypto::CertificateFacts& facts = record_.certificate.facts();
  if (now < facts.not_before || now >= facts.not_after) {
    return Error(Code::kExpired, "the authority of " + trust_domain_.name() + " is valid from " +
                                     to_rfc3339(facts.not_before) + " to " + to_rfc3339(facts.not_after));
  }
  return {};
}

Result<X509Svid> Authority::issue_x509_svid(const SpiffeId& id, const crypto::PublicKey& key, Time now,
                                            crypto::Random& random, std::optional<Duration> lifetime) const {
  CLOISTER_RETURN_IF_ERROR(check_request(id, now));
  if (key == signers_.x509->public_key() || key == signers_.jwt->public_key()) {
    return Error(Code::kDenied, "that is the authority's own key");
  }
  const crypto::CertificateFacts& facts = record_.certificate.facts();
  const Time start = cut_to_seconds(now);
  crypto::CertificateFields fields{
      random_serial(random),
      facts.subject,
      crypto::empty_name(),
      std::max(start + Duration{-rules_.backdating.ms}, facts.not_before),
      std::min(start + shorter(rules_.x509_svid_lifetime, lifetime), facts.not_after),
      key,
      {crypto::extension_leaf(), crypto::extension_leaf_key_usage(), crypto::extension_server_and_client(),
       crypto::extension_subject_key_id(crypto::key_id_of(key)),
       crypto::extension_authority_key_id(facts.subject_key_id),
       crypto::extension_uri(id.uri(), crypto::Critical::kYes)},
  };
  CLOISTER_TRY(crypto::Certificate certificate, crypto::sign_certificate(fields, *signers_.x509));
  return X509Svid::from_chain({std::move(certificate)}, Conformance::kStrict);
}

Result<X509Svid> Authority::issue_x509_svid(const SpiffeId& id, const crypto::CertificateRequest& request, Time now,
                                            crypto::Random& random) const {
  const crypto::AlternativeNames& names = request.names();
  if (!names.dns_names.empty() || !names.emails.empty() || !names.ip_addresses.empty() || names.others ||
      names.uris.size() > 1) {
    return Error(Code::kDenied, "the request asks for names besides one SPIFFE ID");
  }
  for (const std::string& uri : names.uris) {
    const auto asked = SpiffeId::parse(uri);
    if (!asked.ok() || *asked != id) return Error(Code::kDenied, "the request is for another id than " + id.uri());
  }
  return issue_x509_svid(id, request.public_key(), now, random);
}

Result<std::string> Authority::issue_jwt_svid(const SpiffeId& id, const std::vector<std::string>& audience, Time now,
                                              std::optional<Duration> lifetime) const {
  CLOISTER_RETURN_IF_ERROR(check_request(id, now));
  CLOISTER_RETURN_IF_ERROR(check_audience(audience));
  const Time start = cut_to_seconds(now);
  const Time end = std::min(start + shorter(rules_.jwt_svid_lifetime, lifetime), record_.certificate.facts().not_after);
  JsonValue::Array audiences(audience.begin(), audience.end());
  const JsonValue claims(JsonValue::Object{
      {"aud", std::move(audiences)}, {"exp", end.unix_ms / 1000}, {"iat", start.unix_ms / 1000}, {"sub", id.uri()}});
  const crypto::JwsHeader header{crypto::JwsAlgorithm::kEs256, record_.jwt_key_id(), "JWT"};
  return crypto::sign_jws(header, as_bytes(claims.serialize()), *signers_.jwt);
}

}  // namespace cloister::identity
