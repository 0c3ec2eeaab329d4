// The authorities of one trust domain and their order: an authority is in the bundle long before it signs, and stays in
// it until nothing it signed is valid any more. docs/formats/identity.md, ID-20 and on.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "identity/authority_rules.h"
#include "identity/bundle.h"

namespace cloister::identity {

using AuthorityId = std::array<std::uint8_t, 16>;

enum class AuthorityState : std::uint8_t {
  kPublished = 1,  // in the bundle, doesn't sign yet
  kActive = 2,     // signs
  kRetired = 3,    // in the bundle, signs no more
};

// The public part of an authority. `signer` is the caller's: what its signing keys are opened with again.
struct AuthorityRecord {
  AuthorityId id{};
  AuthorityState state = AuthorityState::kPublished;
  crypto::Certificate certificate;
  crypto::PublicKey jwt_key;
  Bytes signer;
  Time published_at;
  Time changed_at;  // into its state

  std::string jwt_key_id() const;  // RFC 7638
};

enum class RotationStepKind {
  kPublish,   // make the next authority and publish it
  kActivate,  // the published one signs from now on
  kDrop,      // nothing the retired one signed is valid any more
};
struct RotationStep {
  RotationStepKind kind;
  AuthorityId id{};  // of the authority to activate or drop
};

inline constexpr std::size_t kAuthoritiesMax = 16;
inline constexpr std::size_t kAuthorityCertificateMax = 16384;
inline constexpr std::size_t kSignerReferenceMax = 4096;

// A value without a clock and without keys: the owner stores it with each change (authority_store.h), and then acts.
// One thread at a time.
class Rotation {
 public:
  // The first authority signs at once: nobody has a bundle without it yet. kInvalid for rules that can't work, or a
  // certificate that isn't a strict signing certificate of the trust domain.
  static Result<Rotation> begin(TrustDomain trust_domain, const AuthorityRules& rules, AuthorityRecord first, Time now);
  // As stored. kCorrupt for what no sequence of the calls below leaves behind.
  static Result<Rotation> restore(TrustDomain trust_domain, const AuthorityRules& rules, std::uint64_t sequence,
                                  std::vector<AuthorityRecord> records);

  // kExists: another one is published already, or one of its id or keys is there. kInvalid as for begin().
  Status publish(AuthorityRecord next, Time now);
  // kUnavailable: it hasn't been in the bundle long enough, and the active one can still sign. kNotFound, kDenied:
  // there is none of that id, or it isn't in state published.
  Status activate(const AuthorityId& id, Time now);
  // kUnavailable: something it signed may still be valid. kDenied: it isn't retired.
  Status drop(const AuthorityId& id, Time now);
  // For a key that leaked: out of the bundle at once, whatever it signed. When it was the active one, the published one
  // takes over without waiting; without a published one nobody signs until the next is published and activated.
  Status distrust(const AuthorityId& id, Time now);

  // What is due. Call again after each step until there is none.
  std::optional<RotationStep> next_step(Time now) const;

  const TrustDomain& trust_domain() const { return trust_domain_; }
  const AuthorityRules& rules() const { return rules_; }
  const std::vector<AuthorityRecord>& records() const { return records_; }
  // Null when nobody signs.
  const AuthorityRecord* active() const;
  // Counts the changes of the bundle.
  std::uint64_t sequence() const { return sequence_; }
  // With every authority in it, whatever its state.
  Bundle bundle() const;

 private:
  Rotation(TrustDomain trust_domain, const AuthorityRules& rules)
      : trust_domain_(std::move(trust_domain)), rules_(rules) {}
  AuthorityRecord* find(const AuthorityId& id);
  const AuthorityRecord* find_state(AuthorityState state) const;
  Time signs_from(const AuthorityRecord& record) const;
  Time empty_from(const AuthorityRecord& record) const;
  void make_active(AuthorityRecord& record, Time now);

  TrustDomain trust_domain_;
  AuthorityRules rules_;
  std::vector<AuthorityRecord> records_;
  std::uint64_t sequence_ = 0;
};

}  // namespace cloister::identity
