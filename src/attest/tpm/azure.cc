#include "attest/tpm/azure.h"

#include <algorithm>

#include "attest/amd/snp_report.h"
#include "attest/tpm/hcl_report.h"
#include "attest/tpm/quote_checks.h"

namespace cloister::attest {
namespace {

struct AzureEvidence {
  HclReport hcl;
  QuotedState state;
};

Result<AzureEvidence> parse(const Evidence& evidence) {
  CLOISTER_TRY(HclReport hcl, parse_hcl_report(evidence.part("hcl")));
  const bool snp = evidence.kind == Kind::kAzureSnpVtpm;
  if (snp != (hcl.type == HclReport::Type::kSnp)) {
    return Error(Code::kInvalid, "an HCL report is of other hardware than the evidence says");
  }
  CLOISTER_TRY(QuotedState state, parse_quoted_state(evidence));
  return AzureEvidence{std::move(hcl), std::move(state)};
}

// The hardware's evidence as a machine without paravisor would hand it out.
Evidence hardware_evidence(const Evidence& evidence, const HclReport& hcl) {
  if (hcl.type == HclReport::Type::kTdx) {
    return {Kind::kTdx, {{"quote", to_bytes(evidence.part("td-quote"))}}};
  }
  Evidence snp{Kind::kSnp, {{"report", hcl.hardware_report}}};
  for (const char* name : {"certificates", "vcek", "vlek", "ask", "asvk", "ark"}) {
    const ByteView part = evidence.part(name);
    if (!part.empty()) snp.parts.emplace(name, to_bytes(part));
  }
  return snp;
}

Bytes runtime_report_data(const HclReport& hcl) {
  Bytes wanted = to_bytes(hcl.runtime_digest);
  wanted.resize(64);
  return wanted;
}

// At other levels a guest makes reports of its own, with whatever report data it likes.
bool is_paravisors(const HclReport& hcl) {
  if (hcl.type != HclReport::Type::kSnp) return true;
  const auto report = SnpReport::parse(hcl.hardware_report);
  return report.ok() && report->vmpl() == 0;
}

// The hardware's checks, and "binding" in place of its report data.
void add_hardware(Verdict& verdict, const Verdict& hardware, const HclReport& hcl) {
  const std::string prefix = hcl.type == HclReport::Type::kSnp ? "snp-" : "tdx-";
  const Check* carried = nullptr;
  for (const Check& check : hardware.checks) {
    if (check.name == "report-data") {
      carried = &check;
      continue;
    }
    verdict.checks.push_back({prefix + check.name, check.state, check.reason, check.detail});
  }
  verdict.used = hardware.used;
  verdict.seen = hardware.seen;
  verdict.advisories = hardware.advisories;
  if (carried == nullptr) {
    verdict.skip("binding", Reason::kBindingMismatch, "the hardware's report couldn't be read");
  } else if (!is_paravisors(hcl)) {
    verdict.fail("binding", Reason::kNotAllowed, "the hardware's report isn't of the paravisor's level, VMPL 0");
  } else if (carried->state == CheckState::kPassed && equal(hcl.report_data(), runtime_report_data(hcl))) {
    verdict.pass("binding", "the hardware's report carries the digest of the paravisor's keys");
  } else {
    verdict.fail("binding", Reason::kBindingMismatch, "the hardware's report is of other keys");
  }
}

void check_key(Verdict& verdict, const crypto::PublicKey& key) {
  const auto whose = published_test_key(crypto::sha256(key.spki()));
  if (!whose) return verdict.pass("ak-published");
  verdict.fail("ak-published", Reason::kTestKey, "anybody can sign with " + std::string(*whose));
}

void add_claims(Verdict& verdict, const Verdict& hardware, const AzureEvidence& parsed) {
  verdict.claims = hardware.claims;
  add_quote_claims(verdict, parsed.state);
  Claims& claims = verdict.claims;
  claims["az.report_data"] = parsed.hcl.report_data();
  claims["az.ak"] = to_bytes(crypto::sha256(parsed.hcl.key->spki()));
  if (parsed.hcl.machine_id) claims["az.machine_id"] = *parsed.hcl.machine_id;
  if (parsed.hcl.secure_boot) claims["az.secure_boot"] = *parsed.hcl.secure_boot;
  if (parsed.hcl.console) claims["az.console"] = *parsed.hcl.console;
  if (parsed.hcl.persisted) claims["az.tpm_persisted"] = *parsed.hcl.persisted;
  if (parsed.hcl.user_data) claims["az.user_data"] = *parsed.hcl.user_data;
}

}  // namespace

Verdict verify_azure(const Evidence& evidence, const Question& question) {
  const auto parsed = parse(evidence);
  if (!parsed.ok()) {
    const bool known = parsed.error().code() == Code::kUnsupported;
    return unreadable(evidence.kind, question.now, known ? Reason::kUnsupported : Reason::kMalformed,
                      parsed.error().message());
  }
  Verdict verdict;
  verdict.kind = evidence.kind;
  verdict.at = question.now;
  verdict.pass("parse");
  Question of_hardware = question;
  of_hardware.report_data = runtime_report_data(parsed->hcl);
  const Verdict hardware = verify(hardware_evidence(evidence, parsed->hcl), of_hardware);
  add_hardware(verdict, hardware, parsed->hcl);
  check_key(verdict, *parsed->hcl.key);
  const bool quoted = check_quote(verdict, parsed->state, &*parsed->hcl.key, question);
  if (!quoted || !checks_passed(verdict, {"binding", "ak-published"})) return verdict;
  if (hardware.assurance == Assurance::kNone) return verdict;
  verdict.assurance = hardware.assurance;
  add_claims(verdict, hardware, *parsed);
  return verdict;
}

std::vector<CollateralNeed> azure_needs(const Evidence& evidence) {
  const auto parsed = parse(evidence);
  if (!parsed.ok()) return {};
  return needs(hardware_evidence(evidence, parsed->hcl));
}

}  // namespace cloister::attest
