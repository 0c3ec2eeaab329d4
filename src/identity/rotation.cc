#include "identity/rotation.h"

#include <algorithm>

#include "crypto/jwk.h"
#include "identity/x509_svid.h"

namespace cloister::identity {
namespace {

std::string named(const AuthorityId& id) { return "authority " + to_hex(id); }

// What Bundle::create and a verifier of strict mind would refuse is not published.
Status check_record(const TrustDomain& trust_domain, const AuthorityRecord& record) {
  CLOISTER_RETURN_IF_ERROR(check_signing_certificate(record.certificate, Conformance::kStrict));
  const std::vector<std::string>& uris = record.certificate.facts().names.uris;
  if (uris.size() != 1 || uris[0] != trust_domain.uri()) {
    return Error(Code::kInvalid, "the certificate isn't one of trust domain " + trust_domain.name());
  }
  if (record.certificate.facts().subject_key_id.empty()) {
    return Error(Code::kInvalid, "the certificate has no key identifier that SVIDs could name");
  }
  CLOISTER_TRY(const crypto::PublicKey key, record.certificate.public_key());
  if (key == record.jwt_key) return Error(Code::kInvalid, "certificates and tokens are signed by different keys");
  if (record.jwt_key.type() != crypto::KeyType::kEcP256) return Error(Code::kInvalid, "tokens are signed on P-256");
  if (record.certificate.der().size() > kAuthorityCertificateMax)
    return Error(Code::kInvalid, "the certificate is too long");
  if (record.signer.size() > kSignerReferenceMax) return Error(Code::kInvalid, "the signer's reference is too long");
  return {};
}

// Keys name authorities in certificates and tokens: two that share one couldn't be told apart.
bool share_a_key(const AuthorityRecord& a, const AuthorityRecord& b) {
  const auto keys = [](const AuthorityRecord& record) {
    return std::array{*record.certificate.facts().public_key, record.jwt_key};
  };
  const auto others = keys(b);
  return std::ranges::any_of(
      keys(a), [&](const crypto::PublicKey& key) { return std::ranges::find(others, key) != others.end(); });
}

bool all_distinct(const std::vector<AuthorityRecord>& records) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (records[i].id == records[j].id || share_a_key(records[i], records[j])) return false;
    }
  }
  return true;
}

bool can_sign(const AuthorityRecord& record, Time now) { return now < record.certificate.facts().not_after; }

Time half_life(const AuthorityRecord& record) {
  const crypto::CertificateFacts& facts = record.certificate.facts();
  return facts.not_before + Duration{(facts.not_after - facts.not_before).ms / 2};
}

}  // namespace

std::string AuthorityRecord::jwt_key_id() const { return crypto::jwk_thumbprint(jwt_key); }

Result<Rotation> Rotation::begin(TrustDomain trust_domain, const AuthorityRules& rules, AuthorityRecord first,
                                 Time now) {
  CLOISTER_RETURN_IF_ERROR(check_rules(rules));
  CLOISTER_RETURN_IF_ERROR(check_record(trust_domain, first));
  Rotation rotation(std::move(trust_domain), rules);
  first.state = AuthorityState::kActive;
  first.published_at = first.changed_at = now;
  rotation.records_.push_back(std::move(first));
  rotation.sequence_ = 1;
  return rotation;
}

Result<Rotation> Rotation::restore(TrustDomain trust_domain, const AuthorityRules& rules, std::uint64_t sequence,
                                   std::vector<AuthorityRecord> records) {
  CLOISTER_RETURN_IF_ERROR(check_rules(rules));
  std::size_t active = 0, published = 0;
  for (const AuthorityRecord& record : records) {
    const Status status = check_record(trust_domain, record);
    if (!status.ok()) return Error(Code::kCorrupt, named(record.id) + ": " + status.error().message());
    active += record.state == AuthorityState::kActive ? 1 : 0;
    published += record.state == AuthorityState::kPublished ? 1 : 0;
  }
  if (active > 1 || published > 1 || records.size() > kAuthoritiesMax || sequence == 0 || !all_distinct(records)) {
    return Error(Code::kCorrupt, "the authorities of " + trust_domain.name() + " don't fit together");
  }
  Rotation rotation(std::move(trust_domain), rules);
  rotation.records_ = std::move(records);
  rotation.sequence_ = sequence;
  return rotation;
}

Status Rotation::publish(AuthorityRecord next, Time now) {
  CLOISTER_RETURN_IF_ERROR(check_record(trust_domain_, next));
  for (const AuthorityRecord& record : records_) {
    if (record.id == next.id || share_a_key(record, next)) {
      return Error(Code::kExists, named(next.id) + ", or one with a key of its, is there already");
    }
  }
  if (find_state(AuthorityState::kPublished) != nullptr) {
    return Error(Code::kExists, "another authority is published and waits for its turn");
  }
  if (records_.size() == kAuthoritiesMax) return Error(Code::kInvalid, "there are too many authorities");
  next.state = AuthorityState::kPublished;
  next.published_at = next.changed_at = now;
  records_.push_back(std::move(next));
  ++sequence_;
  return {};
}

Status Rotation::activate(const AuthorityId& id, Time now) {
  AuthorityRecord* record = find(id);
  if (record == nullptr) return Error(Code::kNotFound, "there is no " + named(id));
  if (record->state != AuthorityState::kPublished)
    return Error(Code::kDenied, named(id) + " isn't waiting for its turn");
  const AuthorityRecord* current = active();
  if (current != nullptr && can_sign(*current, now) && now < signs_from(*record)) {
    return Error(Code::kUnavailable,
                 named(id) + " may sign from " + to_rfc3339(signs_from(*record)) + " on, when every bundle has it");
  }
  make_active(*record, now);
  return {};
}

Status Rotation::drop(const AuthorityId& id, Time now) {
  AuthorityRecord* record = find(id);
  if (record == nullptr) return Error(Code::kNotFound, "there is no " + named(id));
  if (record->state != AuthorityState::kRetired) return Error(Code::kDenied, named(id) + " isn't retired");
  if (now < empty_from(*record)) {
    return Error(Code::kUnavailable, named(id) + " may be dropped from " + to_rfc3339(empty_from(*record)) +
                                         " on, when nothing it signed is valid");
  }
  std::erase_if(records_, [&](const AuthorityRecord& one) { return one.id == id; });
  ++sequence_;
  return {};
}

Status Rotation::distrust(const AuthorityId& id, Time now) {
  if (find(id) == nullptr) return Error(Code::kNotFound, "there is no " + named(id));
  std::erase_if(records_, [&](const AuthorityRecord& one) { return one.id == id; });
  ++sequence_;
  if (active() != nullptr) return {};
  for (AuthorityRecord& record : records_) {
    if (record.state == AuthorityState::kPublished) make_active(record, now);
  }
  return {};
}

std::optional<RotationStep> Rotation::next_step(Time now) const {
  for (const AuthorityRecord& record : records_) {
    if (record.state == AuthorityState::kRetired && now >= empty_from(record)) {
      return RotationStep{RotationStepKind::kDrop, record.id};
    }
  }
  const AuthorityRecord* current = active();
  const AuthorityRecord* waiting = find_state(AuthorityState::kPublished);
  const bool nobody_signs = current == nullptr || !can_sign(*current, now);
  if (waiting != nullptr && (nobody_signs || now >= signs_from(*waiting))) {
    return RotationStep{RotationStepKind::kActivate, waiting->id};
  }
  if (waiting == nullptr && (nobody_signs || now >= half_life(*current)))
    return RotationStep{RotationStepKind::kPublish};
  return std::nullopt;
}

const AuthorityRecord* Rotation::active() const { return find_state(AuthorityState::kActive); }

Bundle Rotation::bundle() const {
  BundleContents contents;
  for (const AuthorityRecord& record : records_) {
    contents.x509_authorities.push_back(record.certificate);
    contents.jwt_authorities.push_back({record.jwt_key_id(), record.jwt_key});
  }
  contents.sequence = sequence_;
  contents.refresh_hint = rules_.refresh_hint;
  auto bundle = Bundle::create(trust_domain_, std::move(contents), Conformance::kStrict);
  CLOISTER_CHECK(bundle.ok());
  return std::move(bundle).value();
}

AuthorityRecord* Rotation::find(const AuthorityId& id) {
  const auto found = std::ranges::find(records_, id, &AuthorityRecord::id);
  return found == records_.end() ? nullptr : &*found;
}

const AuthorityRecord* Rotation::find_state(AuthorityState state) const {
  const auto found = std::ranges::find(records_, state, &AuthorityRecord::state);
  return found == records_.end() ? nullptr : &*found;
}

Time Rotation::signs_from(const AuthorityRecord& record) const { return record.published_at + rules_.propagation; }

// The last SVID it signed ends a lifetime after it was retired, and never after the authority itself.
Time Rotation::empty_from(const AuthorityRecord& record) const {
  const Duration longest = std::max(rules_.x509_svid_lifetime, rules_.jwt_svid_lifetime);
  return std::min(record.changed_at + longest + rules_.backdating, record.certificate.facts().not_after);
}

void Rotation::make_active(AuthorityRecord& record, Time now) {
  for (AuthorityRecord& one : records_) {
    if (one.state != AuthorityState::kActive) continue;
    one.state = AuthorityState::kRetired;
    one.changed_at = now;
  }
  record.state = AuthorityState::kActive;
  record.changed_at = now;
}

}  // namespace cloister::identity
