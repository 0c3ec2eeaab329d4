#include "attest/software/verify.h"

#include "attest/software/statement.h"

namespace cloister::attest {
namespace {

// Clocks of a worker and a verifier that are both kept differ by less.
constexpr Duration kClockDifference = minutes(5);
// As long as the longest bundle that a client is shown.
constexpr Duration kStatementLife = hours(24);

void check_signer(Verdict& verdict, const SignedStatement& read, const Question& question) {
  const crypto::Sha256Digest fingerprint = software_key_fingerprint(read.key);
  if (const auto whose = published_test_key(fingerprint)) {
    verdict.fail("published-key", Reason::kTestKey, "the key is published: " + std::string(*whose));
  } else {
    verdict.pass("published-key");
  }
  if (question.anchors->trusts(Root::kInsecureSoftware, fingerprint)) {
    verdict.pass("trusted-root", "a software attester that the operator named");
  } else {
    verdict.fail("trusted-root", Reason::kUntrustedRoot,
                 "no operator named the software attester with the key sha256:" + to_hex(fingerprint));
  }
  if (verify_signature(read).ok()) {
    verdict.pass("signature");
  } else {
    verdict.fail("signature", Reason::kBadSignature, "the statement isn't signed by the key in it");
  }
}

void check_validity(Verdict& verdict, Time said, Time now) {
  if (said > now + kClockDifference) {
    verdict.fail("validity", Reason::kNotYetValid, "it was made at " + to_rfc3339(said));
  } else if (now - said > kStatementLife) {
    verdict.fail("validity", Reason::kExpired, "it was made at " + to_rfc3339(said) + " and is good for 24 hours");
  } else {
    verdict.pass("validity");
  }
}

void check_report_data(Verdict& verdict, const SoftwareStatement& statement, const std::optional<Bytes>& expected) {
  if (!expected) {
    verdict.skip("report-data", Reason::kReferenceMissing, "nobody said what it has to be");
    return;
  }
  Bytes padded = *expected;
  if (padded.size() < kReportDataSize) padded.resize(kReportDataSize);
  if (equal(padded, statement.report_data)) {
    verdict.pass("report-data");
  } else {
    verdict.fail("report-data", Reason::kBindingMismatch, "it is bound to another question, key or manifest");
  }
}

Claims claims_of(const SignedStatement& read) {
  const SoftwareStatement& statement = read.statement;
  Claims claims;
  claims["measurement"] = to_bytes(statement.measurement);
  claims["debug"] = statement.debug;
  claims["report_data"] = to_bytes(statement.report_data);
  claims["signer"] = to_bytes(software_key_fingerprint(read.key));
  claims["software.manifest"] = to_bytes(statement.manifest);
  claims["software.time"] = to_rfc3339(statement.time);
  for (const LockdownMeasure& measure : statement.lockdown) {
    claims["software.lockdown." + measure.name] = std::string(achieved_name(measure.achieved));
  }
  return claims;
}

// RFC 3339 has four digits for a year.
bool has_date(Time time) { return time.unix_ms >= 0 && time.unix_ms < 253'402'300'800'000; }

}  // namespace

Verdict verify_software(const Evidence& evidence, const Question& question) {
  if (evidence.parts.size() != 1) {
    return unreadable(evidence.kind, question.now, Reason::kMalformed, "it has other parts than the statement");
  }
  const auto read = parse_statement(evidence.part("statement"));
  if (!read.ok()) return unreadable(evidence.kind, question.now, Reason::kMalformed, read.error().message());
  if (!has_date(read->statement.time)) {
    return unreadable(evidence.kind, question.now, Reason::kMalformed, "its time isn't one");
  }

  Verdict verdict;
  verdict.kind = evidence.kind;
  verdict.at = question.now;
  verdict.pass("parse");
  check_signer(verdict, *read, question);
  const bool vouched = !verdict.any_failed();
  check_validity(verdict, read->statement.time, question.now);
  if (read->statement.debug) {
    verdict.fail("debug", Reason::kDebug, "the worker may be traced or leaves core dumps");
  } else {
    verdict.pass("debug");
  }
  check_report_data(verdict, read->statement, question.report_data);
  if (!vouched) return verdict;
  verdict.assurance = Assurance::kInsecureSoftware;
  verdict.claims = claims_of(*read);
  return verdict;
}

}  // namespace cloister::attest
