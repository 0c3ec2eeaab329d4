#include "attest/amd/sev.h"

#include "attest/amd/sev_certificate.h"

namespace cloister::attest {
namespace {

using crypto::PublicKey;

constexpr std::size_t kNonceSize = 16;
constexpr std::size_t kSignedSize = 0x34;
constexpr std::uint32_t kPolicyNoDebug = 1U << 0;
constexpr std::uint32_t kPolicyEncryptedState = 1U << 2;

struct Chain {
  SevAuthority ark, ask;
  SevCertificate cek, oca, pek, pdh;
};

struct Report {
  ByteView nonce, digest, signed_part;
  std::uint32_t policy = 0;
  SevSlot signature;
};

template <typename Certificate>
Result<Certificate> read(const Evidence& evidence, const std::string& part, std::uint32_t usage) {
  auto certificate = Certificate::parse(evidence.part(part)).with_context(part);
  if (!certificate.ok()) return certificate;
  if (certificate->usage != usage) return Error(Code::kInvalid, part + ": it is for another use");
  return certificate;
}

Result<Chain> read_chain(const Evidence& evidence) {
  CLOISTER_TRY(const auto ark, read<SevAuthority>(evidence, "ark", kSevUsageArk));
  CLOISTER_TRY(const auto ask, read<SevAuthority>(evidence, "ask", kSevUsageAsk));
  CLOISTER_TRY(const auto cek, read<SevCertificate>(evidence, "cek", kSevUsageCek));
  CLOISTER_TRY(const auto oca, read<SevCertificate>(evidence, "oca", kSevUsageOca));
  CLOISTER_TRY(const auto pek, read<SevCertificate>(evidence, "pek", kSevUsagePek));
  CLOISTER_TRY(const auto pdh, read<SevCertificate>(evidence, "pdh", kSevUsagePdh));
  return Chain{ark, ask, cek, oca, pek, pdh};
}

Result<std::optional<Report>> read_report(const Evidence& evidence) {
  const ByteView bytes = evidence.part("report");
  if (bytes.empty()) return std::optional<Report>();
  if (bytes.size() != kSevReportSize || !all_zero(bytes.subspan(0x3C, 4))) {
    return Error(Code::kInvalid, "report: it isn't one of SEV-ES");
  }
  Report report{bytes.first(kNonceSize),
                bytes.subspan(0x10, 32),
                bytes.first(kSignedSize),
                load_le<std::uint32_t>(&bytes[0x30]),
                {}};
  report.signature.usage = load_le<std::uint32_t>(&bytes[0x34]);
  report.signature.algorithm = load_le<std::uint32_t>(&bytes[0x38]);
  report.signature.signature = to_bytes(bytes.subspan(0x40));
  report.signature.signature.resize(512);
  if (report.signature.usage != kSevUsagePek) return Error(Code::kInvalid, "report: it isn't the PEK's");
  return std::optional<Report>(std::move(report));
}

bool check(Verdict& verdict, const char* name, const Status& status) {
  if (status.ok()) {
    verdict.pass(name);
  } else {
    verdict.fail(name, Reason::kBadSignature, status.error().message());
  }
  return status.ok();
}

Status verify_by(const SevCertificate& certificate, std::uint32_t usage, const PublicKey& key) {
  const SevSlot* slot = certificate.slot_of(usage);
  if (slot == nullptr) return Error(Code::kInvalid, "it has no signature of that key, or two");
  return verify_sev_slot(certificate.signed_part, *slot, key);
}

bool check_keys(Verdict& verdict, const Chain& chain) {
  for (const PublicKey* key : {&chain.ark.key, &chain.ask.key, &chain.cek.key, &chain.oca.key, &chain.pek.key}) {
    const auto whose = published_test_key(crypto::sha256(key->spki()));
    if (!whose) continue;
    verdict.fail("published-key", Reason::kTestKey,
                 "anybody can sign with a key of this chain: " + std::string(*whose));
    return false;
  }
  verdict.pass("published-key", "no key of the chain is known to be public");
  return true;
}

std::optional<Root> check_root(Verdict& verdict, const Chain& chain, const Anchors& anchors) {
  for (const Root root : {Root::kAmdNaples, Root::kAmdRome}) {
    if (!anchors.trusts(root, crypto::sha256(chain.ark.key.spki()))) continue;
    verdict.pass("root", std::string(root_name(root)));
    return root;
  }
  verdict.fail("root", Reason::kUntrustedRoot, "it ends at a root that isn't AMD's");
  return std::nullopt;
}

Status verify_ask(const Chain& chain) {
  if (chain.ask.certifying_id != chain.ark.key_id) return Error(Code::kInvalid, "it names another root");
  return verify_sev_authority(chain.ask, chain.ark.key);
}

bool check_chain(Verdict& verdict, const Chain& chain) {
  bool holds = check(verdict, "ark-signature", verify_sev_authority(chain.ark, chain.ark.key));
  holds &= check(verdict, "ask-signature", verify_ask(chain));
  holds &= check(verdict, "cek-signature", verify_by(chain.cek, kSevUsageAsk, chain.ask.key));
  holds &= check(verdict, "pek-signature", verify_by(chain.pek, kSevUsageCek, chain.cek.key));
  holds &= check(verdict, "pek-owner-signature", verify_by(chain.pek, kSevUsageOca, chain.oca.key));
  holds &= check(verdict, "oca-signature", verify_by(chain.oca, kSevUsageOca, chain.oca.key));
  holds &= check(verdict, "pdh-signature", verify_by(chain.pdh, kSevUsagePek, chain.pek.key));
  verdict.skip("revocation", Reason::kRevocationUnknown, "these certificates have no dates and no list of revocations");
  return holds;
}

bool check_report(Verdict& verdict, const std::optional<Report>& report, const PublicKey& pek,
                  const Question& question) {
  if (!report) {
    for (const char* name : {"report-signature", "debug", "report-data"}) {
      verdict.skip(name, Reason::kReferenceMissing, "there is no report: plain SEV has none that others can verify");
    }
    return true;
  }
  const bool holds = check(verdict, "report-signature", verify_sev_slot(report->signed_part, report->signature, pek));
  if ((report->policy & kPolicyNoDebug) != 0) {
    verdict.pass("debug", "off");
  } else {
    verdict.fail("debug", Reason::kDebug, "the guest's policy lets the host read its memory");
  }
  if (!question.report_data) {
    verdict.skip("report-data", Reason::kNonceMismatch, "nobody said what it must be");
    return holds;
  }
  Bytes expected = *question.report_data;
  if (expected.size() < kNonceSize) expected.resize(kNonceSize);
  if (equal(expected, report->nonce)) {
    verdict.pass("report-data", "as asked for");
  } else {
    verdict.fail("report-data", Reason::kNonceMismatch, "the report answers another question");
  }
  return holds;
}

Claims claims_of(const Chain& chain, const std::optional<Report>& report, Root root) {
  Claims claims;
  claims["product"] = std::string(root == Root::kAmdNaples ? "Naples" : "Rome");
  claims["sev.api"] = std::to_string(chain.pdh.api_major) + "." + std::to_string(chain.pdh.api_minor);
  claims["chip_id"] = to_bytes(crypto::sha256(chain.cek.key.spki()));
  if (!report) return claims;
  claims["measurement"] = to_bytes(report->digest);
  claims["report_data"] = to_bytes(report->nonce);
  claims["debug"] = (report->policy & kPolicyNoDebug) == 0;
  claims["sev.policy"] = std::uint64_t{report->policy};
  claims["sev.encrypted_state"] = (report->policy & kPolicyEncryptedState) != 0;
  return claims;
}

}  // namespace

Verdict verify_sev(const Evidence& evidence, const Question& question) {
  const auto chain = read_chain(evidence);
  if (!chain.ok()) return unreadable(Kind::kSev, question.now, Reason::kMalformed, chain.error().message());
  const auto report = read_report(evidence);
  if (!report.ok()) return unreadable(Kind::kSev, question.now, Reason::kMalformed, report.error().message());
  Verdict verdict;
  verdict.kind = Kind::kSev;
  verdict.at = question.now;
  verdict.pass("parse", *report ? "a chain and a report of SEV-ES" : "a chain of certificates");
  const bool unpublished = check_keys(verdict, *chain);
  const auto root = check_root(verdict, *chain, *question.anchors);
  const bool chain_holds = check_chain(verdict, *chain);
  const bool report_holds = check_report(verdict, *report, chain->pek.key, question);
  if (!unpublished || !root || !chain_holds || !report_holds) return verdict;
  verdict.assurance = question.anchors->insecure(*root) ? Assurance::kInsecureSoftware : Assurance::kHardware;
  verdict.claims = claims_of(*chain, *report, *root);
  return verdict;
}

}  // namespace cloister::attest
