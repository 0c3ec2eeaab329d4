#include "attest/nvidia/revocation.h"

#include <algorithm>
#include <optional>

#include "attest/floors.h"
#include "crypto/ocsp.h"

namespace cloister::attest::nvidia {
namespace {

using Finding = JudgedAnswer::Problem;

Finding unknown(std::string detail) {
  return {CheckState::kNotEvaluated, Reason::kRevocationUnknown, std::move(detail)};
}

std::string named(const crypto::Certificate& certificate) { return to_hex(certificate.facts().serial); }

// Nothing when it is an answer that holds at that time.
std::optional<Finding> read_answer(const CollateralItem& item, const crypto::Certificate& certificate,
                                   const crypto::Certificate& issuer, const Question& question,
                                   crypto::OcspAnswer& answer) {
  const Time now = question.now;
  const auto response = crypto::parse_ocsp(item.body);
  if (!response.ok()) {
    if (response.error().code() == Code::kUnavailable) return unknown(response.error().message());
    return Finding{CheckState::kFailed, Reason::kMalformed, response.error().message()};
  }
  const auto verified = crypto::verify_ocsp(*response, certificate, issuer, now, question.cache);
  if (!verified.ok()) {
    if (verified.error().code() == Code::kNotFound) return unknown(verified.error().message());
    return Finding{CheckState::kFailed, Reason::kBadSignature, verified.error().message()};
  }
  answer = *verified;
  const Time end = answer.next_update ? *answer.next_update : answer.this_update + kAnswerAge;
  if (now < answer.this_update) return unknown("the answer is of a later date, " + to_rfc3339(answer.this_update));
  if (now > end) return unknown("the answer ended at " + to_rfc3339(end));
  return std::nullopt;
}

const JudgedAnswer& judged(const CollateralItem& item, const crypto::Certificate& certificate,
                           const crypto::Certificate& issuer, const Question& question, Findings& findings) {
  const std::string key = to_hex(certificate.fingerprint()) + to_hex(issuer.fingerprint());
  const auto [place, is_new] = findings.answers.try_emplace(key);
  if (is_new) place->second.problem = read_answer(item, certificate, issuer, question, place->second.answer);
  return place->second;
}

std::optional<Finding> check_one(const crypto::Certificate& certificate, const crypto::Certificate& issuer,
                                 const Question& question, Findings& findings, bool& rolled_back, Verdict& verdict) {
  const CollateralItem* item = question.collateral == nullptr
                                   ? nullptr
                                   : question.collateral->find(CollateralKind::kNvidiaOcsp, named(certificate));
  if (item == nullptr) return unknown("there is no answer");
  const JudgedAnswer& found = judged(*item, certificate, issuer, question, findings);
  if (found.problem) return found.problem;
  const crypto::OcspAnswer& answer = found.answer;
  note_used(*item, verdict);
  const auto seconds = static_cast<std::uint64_t>(answer.this_update.unix_ms / 1000);
  const std::string floor = revocation_floor(certificate);
  verdict.seen.insert_or_assign(floor, seconds);
  if (answer.state == crypto::OcspState::kRevoked) {
    return Finding{CheckState::kFailed, Reason::kRevoked, "NVIDIA revoked it or holds it"};
  }
  if (answer.state == crypto::OcspState::kUnknown) return unknown("NVIDIA doesn't know it");
  if (question.floors != nullptr && seconds < answer_floor(*question.floors, floor)) {
    rolled_back = true;
    return unknown("the answer is older than one that was seen before");
  }
  return std::nullopt;
}

}  // namespace

std::string revocation_floor(const crypto::Certificate& certificate) {
  return std::string(kAnswerFloors) + named(certificate);
}

void check_revocation(std::string name, std::span<const crypto::Certificate> path, std::size_t first,
                      const Question& question, Findings& findings, bool& rolled_back, Verdict& verdict) {
  std::optional<Finding> worst;
  for (std::size_t i = first; i + 1 < path.size(); ++i) {
    auto finding = check_one(path[i], path[i + 1], question, findings, rolled_back, verdict);
    if (!finding) continue;
    finding->detail = "certificate " + named(path[i]) + ": " + finding->detail;
    if (!worst || (worst->state == CheckState::kNotEvaluated && finding->state == CheckState::kFailed)) worst = finding;
  }
  if (!worst) return verdict.pass(std::move(name), "OCSP says of none of them that it is revoked");
  if (worst->state == CheckState::kFailed) return verdict.fail(std::move(name), worst->reason, worst->detail);
  verdict.skip(std::move(name), worst->reason, worst->detail);
}

void note_used(const CollateralItem& item, Verdict& verdict) {
  const std::string name = item.name();
  const auto same = [&name](const UsedCollateral& used) { return used.name == name; };
  if (std::ranges::none_of(verdict.used, same)) verdict.used.push_back({name, item.digest()});
}

}  // namespace cloister::attest::nvidia
