#include "attest/tpm/tpm.h"

#include <algorithm>

#include "attest/path_checks.h"
#include "attest/tpm/quote_checks.h"
#include "attest/tpm/tpm_public.h"
#include "crypto/crl.h"

namespace cloister::attest {
namespace {

constexpr Root kVendors[] = {Root::kGoogleTpm};
constexpr std::size_t kChainMax = 6;

struct TpmEvidence {
  QuotedState state;
  AttestationKey key;
  std::vector<crypto::Certificate> chain;
};

Result<TpmEvidence> parse(const Evidence& evidence) {
  CLOISTER_TRY(QuotedState state, parse_quoted_state(evidence));
  CLOISTER_TRY(AttestationKey key, parse_attestation_key(evidence.part("ak")));
  TpmEvidence parsed{std::move(state), std::move(key), {}};
  const ByteView chain = evidence.part("ak-chain");
  if (chain.empty()) return parsed;
  CLOISTER_TRY(parsed.chain, crypto::Certificate::parse_pem(as_text(chain), kChainMax));
  if (parsed.chain.size() < 2) return Error(Code::kInvalid, "a TPM key's chain has no root");
  return parsed;
}

std::string endorsement_key(const crypto::PublicKey& key) { return to_hex(crypto::sha256(key.spki())); }

constexpr std::string_view kBare = "nothing says what this key may sign";
constexpr std::string_view kOwnWord = "the endorsement is of the key alone: what it may sign is the guest's own word";

// By the public area that says what the key may do; null, for this reason: there is none whose word counts.
void check_attributes(Verdict& verdict, const std::optional<TpmPublic>& area, std::string_view otherwise = kBare) {
  static constexpr std::string_view kName = "ak-attributes";
  if (!area) return verdict.skip(std::string(kName), Reason::kReferenceMissing, std::string(otherwise));
  if (area->attests()) return verdict.pass(std::string(kName), "it signs what its TPM says and nothing else");
  verdict.fail(std::string(kName), Reason::kNotAllowed, "it may sign what no TPM said, or it may leave its TPM");
}

std::optional<std::string> revocation_problem(const crypto::Certificate& certificate, const crypto::Certificate& issuer,
                                              const Question& question, Verdict& verdict, Reason& reason,
                                              Floors& lists) {
  const std::string key = to_hex(crypto::sha256(issuer.spki()));
  const CollateralItem* item =
      question.collateral == nullptr ? nullptr : question.collateral->find(CollateralKind::kTpmCrl, key);
  reason = Reason::kRevocationUnknown;
  if (item == nullptr) return "no revocation list of the key's issuer is at hand";
  verdict.used.push_back({item->name(), item->digest()});
  const auto list = crypto::RevocationList::parse(item->body);
  if (!list.ok()) return list.error().message();
  if (const Status status = list->verify(issuer); !status.ok()) return status.error().message();
  if (question.now < list->this_update()) return "the revocation list isn't of this time";
  const std::int64_t issued = std::max<std::int64_t>(list->this_update().unix_ms / 1000, 0);
  lists["tpm/crl/" + key] = static_cast<std::uint64_t>(issued);
  if (question.now >= list->next_update()) return "the revocation list isn't of this time";
  reason = Reason::kRevoked;
  if (list->contains(certificate.facts().serial)) return "its vendor has revoked a certificate of the chain";
  return std::nullopt;
}

// When each list was issued goes to `lists`, as a floor.
void check_revocation(Verdict& verdict, const std::vector<crypto::Certificate>& chain, const Question& question,
                      Floors& lists) {
  std::optional<std::string> unknown;
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    Reason reason{};
    const auto problem = revocation_problem(chain[i], chain[i + 1], question, verdict, reason, lists);
    if (!problem) continue;
    if (reason == Reason::kRevoked) return verdict.fail("revocation", reason, *problem);
    if (!unknown) unknown = problem;
  }
  if (unknown) return verdict.skip("revocation", Reason::kRevocationUnknown, *unknown);
  verdict.pass("revocation");
}

void check_rollback(Verdict& verdict, const Floors& lists, const Question& question) {
  if (lists.empty()) {
    return verdict.skip("rollback", Reason::kRevocationUnknown, "there is no revocation list that is the vendor's");
  }
  for (const auto& [source, issued] : lists) {
    if (question.floors == nullptr) break;
    const auto floor = question.floors->find(source);
    if (floor == question.floors->end() || issued >= floor->second) continue;
    return verdict.fail("rollback", Reason::kRollback, "a newer revocation list was seen before");
  }
  verdict.seen = lists;
  verdict.pass("rollback", "no list is older than one that was seen before");
}

// A certificate's revocation list is its issuer's: the next one's of the chain.
bool in_order(const std::vector<crypto::Certificate>& chain) {
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    if (chain[i].facts().issuer != chain[i + 1].facts().subject || !chain[i].is_signed_by(chain[i + 1])) return false;
  }
  return true;
}

// By the vendor's chain. Whether somebody vouches for the key.
bool check_chain(Verdict& verdict, const TpmEvidence& evidence, const Question& question) {
  const std::span<const crypto::Certificate> chain = evidence.chain;
  const CertificatePath path{chain.front(), chain.subspan(1, chain.size() - 2), chain.back()};
  const PathOutcome outcome = check_path(verdict, path, kVendors, question);
  Floors lists;
  if (outcome.holds && !in_order(evidence.chain)) {
    verdict.fail("revocation", Reason::kBadChain, "the chain isn't in the order of its issuers");
  } else {
    check_revocation(verdict, evidence.chain, question, lists);
  }
  // Lists of somebody's own authorities are no floors.
  check_rollback(verdict, outcome.holds ? lists : Floors(), question);
  check_attributes(verdict, evidence.key.area);
  if (!equal(chain.front().spki(), evidence.key.key.spki())) {
    verdict.fail("endorsement", Reason::kBindingMismatch, "the chain is of another key");
    return false;
  }
  if (outcome.holds) {
    verdict.pass("endorsement", "its vendor certified the key");
  } else {
    verdict.fail("endorsement", Reason::kBadChain, "the key's chain doesn't hold");
  }
  return outcome.holds;
}

const CollateralItem* find_endorsement(const crypto::PublicKey& key, const Question& question) {
  if (question.collateral == nullptr) return nullptr;
  return question.collateral->find(CollateralKind::kTpmEndorsement, endorsement_key(key));
}

void check_published(Verdict& verdict, const crypto::PublicKey& key) {
  const auto whose = published_test_key(crypto::sha256(key.spki()));
  if (!whose) return verdict.pass("published-key");
  verdict.fail("published-key", Reason::kTestKey, "anybody can sign with " + std::string(*whose));
}

// By an item of the collateral. What the key may do is what the endorsement says; a guest that says nothing of it, or
// shows a key that nobody vouches for, is judged by its own word.
bool check_endorsement(Verdict& verdict, const TpmEvidence& evidence, const Question& question) {
  const AttestationKey& shown = evidence.key;
  check_published(verdict, shown.key);
  const CollateralItem* item = find_endorsement(shown.key, question);
  if (item == nullptr) {
    check_attributes(verdict, shown.area);
    verdict.skip("endorsement", Reason::kReferenceMissing, "the guest names its key itself: nobody vouches for it");
    return false;
  }
  verdict.used.push_back({item->name(), item->digest()});
  const auto endorsed = parse_attestation_key(item->body);
  if (!endorsed.ok() || !equal(endorsed->key.spki(), shown.key.spki())) {
    check_attributes(verdict, shown.area);
    verdict.fail("endorsement", Reason::kBindingMismatch, "the endorsement is of another key");
    return false;
  }
  // What speaks against itself needs nobody's word.
  const bool denies_itself = shown.area && !shown.area->attests();
  check_attributes(verdict, denies_itself ? shown.area : endorsed->area, shown.area ? kOwnWord : kBare);
  if (endorsed->area && shown.area && shown.area->name() != endorsed->area->name()) {
    verdict.fail("endorsement", Reason::kBindingMismatch, "the endorsement is of this key under another name");
    return false;
  }
  verdict.pass("endorsement", "the collateral has the key as one that a TPM was proven to hold");
  return checks_passed(verdict, {"published-key"});
}

}  // namespace

Verdict verify_tpm(const Evidence& evidence, const Question& question) {
  const auto parsed = parse(evidence);
  if (!parsed.ok()) {
    const bool known = parsed.error().code() == Code::kUnsupported;
    return unreadable(Kind::kTpm, question.now, known ? Reason::kUnsupported : Reason::kMalformed,
                      parsed.error().message());
  }
  Verdict verdict;
  verdict.kind = Kind::kTpm;
  verdict.at = question.now;
  verdict.pass("parse");
  const bool chained = !parsed->chain.empty();
  const bool endorsed =
      chained ? check_chain(verdict, *parsed, question) : check_endorsement(verdict, *parsed, question);
  if (!check_quote(verdict, parsed->state, &parsed->key.key, question)) return verdict;
  const bool attests = checks_passed(verdict, {"ak-attributes"});
  const bool simulated = parsed->state.quote.software() || question.anchors->all_insecure();
  verdict.assurance = endorsed && attests && !simulated ? Assurance::kHardware : Assurance::kInsecureSoftware;
  add_quote_claims(verdict, parsed->state);
  verdict.claims["measurement"] = parsed->state.quote.measurement();
  verdict.claims["signer"] = to_bytes(crypto::sha256(parsed->key.key.spki()));
  return verdict;
}

std::vector<CollateralNeed> tpm_needs(const Evidence& evidence) {
  const auto parsed = parse(evidence);
  if (!parsed.ok()) return {};
  if (parsed->chain.empty()) return {{CollateralKind::kTpmEndorsement, endorsement_key(parsed->key.key)}};
  std::vector<CollateralNeed> wanted;
  for (std::size_t i = 1; i < parsed->chain.size(); ++i) {
    wanted.push_back({CollateralKind::kTpmCrl, to_hex(crypto::sha256(parsed->chain[i].spki()))});
  }
  return wanted;
}

}  // namespace cloister::attest
