#include "attest/intel/verify.h"

#include <gtest/gtest.h>

#include "attest/event_log/tcg_log.h"
#include "attest/intel/quote.h"
#include "tests/support/event_logs.h"
#include "tests/support/flip.h"
#include "tests/support/simulated_intel.h"
#include "tests/support/value_of.h"

namespace cloister::attest::intel {
namespace {

using namespace cloister::testing;
using Problems = std::vector<std::string>;  // "check reason"

Problems problems_of(const Verdict& verdict) {
  Problems problems;
  for (const Check& check : verdict.checks) {
    if (check.state != CheckState::kPassed)
      problems.push_back(check.name + " " + std::string(reason_name(*check.reason)));
  }
  return problems;
}

Verdict judged(SimulatedIntel& platform, const Evidence& evidence, const Floors* floors = nullptr) {
  const Collateral collateral = platform.collateral();
  const Anchors anchors = platform.anchors();
  Question question = platform.question(collateral, anchors);
  question.floors = floors;
  return attest::verify(evidence, question);
}
Verdict judged(SimulatedIntel& platform) { return judged(platform, platform.evidence()); }

std::string text_claim(const Verdict& verdict, std::string_view name) {
  const auto found = verdict.claims.find(name);
  return found == verdict.claims.end() ? "" : std::get<std::string>(found->second);
}

struct Form {
  Kind kind;
  std::uint16_t version;
};
constexpr Form kForms[] = {{Kind::kSgx, 3}, {Kind::kSgx, 4}, {Kind::kSgx, 5}, {Kind::kTdx, 4}, {Kind::kTdx, 5}};

TEST(IntelVerifier, EveryForm) {
  for (const Form& form : kForms) {
    SimulatedIntel platform(form.kind, form.version);
    const Verdict verdict = judged(platform);
    EXPECT_EQ(problems_of(verdict), Problems()) << kind_name(form.kind) << form.version;
    EXPECT_TRUE(verdict.sound());
    EXPECT_EQ(verdict.assurance, Assurance::kInsecureSoftware);
    EXPECT_EQ(text_claim(verdict, "tcb_status"), "UpToDate");
    EXPECT_EQ(std::get<bool>(verdict.claims.at("debug")), false);
    EXPECT_EQ(std::get<Bytes>(verdict.claims.at("chip_id")), Bytes(16, 0xC1));
    EXPECT_EQ(std::get<Bytes>(verdict.claims.at("report_data")), Bytes(64, 0xDA));
    EXPECT_EQ(std::get<std::uint64_t>(verdict.claims.at("intel.sgx_type")), 1U);
    EXPECT_TRUE(std::get<bool>(verdict.claims.at("intel.dynamic_platform")));
    EXPECT_FALSE(std::get<bool>(verdict.claims.at("intel.smt")));
    EXPECT_EQ(verdict.used.size(), 4U);
    EXPECT_EQ(verdict.seen.size(), 4U);
    EXPECT_TRUE(verdict.advisories.empty());
  }
}

TEST(IntelVerifier, CertificatesAsDerAndPaddingBehind) {
  SimulatedIntel platform(Kind::kTdx, 4);
  platform.form = CertificateForm::kDer;
  platform.padding.assign(70, 0);
  EXPECT_TRUE(judged(platform).sound());
  platform.padding.assign(kQuoteTrailingMax + 1, 0);
  EXPECT_EQ(problems_of(judged(platform)), Problems{"parse malformed"});
}

TEST(IntelVerifier, EvidenceOfAnotherTee) {
  SimulatedIntel platform(Kind::kTdx, 4);
  Evidence evidence = platform.evidence();
  evidence.kind = Kind::kSgx;
  EXPECT_EQ(problems_of(judged(platform, evidence)), Problems{"parse malformed"});
  evidence.parts.clear();
  EXPECT_EQ(problems_of(judged(platform, evidence)), Problems{"parse malformed"});
}

TEST(IntelVerifier, ProductionRootsRefuseATestsRoot) {
  SimulatedIntel platform(Kind::kTdx, 4);
  const Collateral collateral = platform.collateral();
  const Verdict verdict = attest::verify(platform.evidence(), platform.question(collateral, Anchors::production()));
  EXPECT_EQ(verdict.find("certificate-chain")->reason, Reason::kUntrustedRoot);
  EXPECT_EQ(verdict.find("tcb-info")->reason, Reason::kUntrustedRoot);
  EXPECT_EQ(verdict.find("qe-identity")->reason, Reason::kUntrustedRoot);
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
  EXPECT_TRUE(verdict.claims.empty());
}

// Nothing can be said of a quote whose key leads nowhere, and every check says so.
TEST(IntelVerifier, CertificatesThatAreNoChain) {
  for (const Form& form : kForms) {
    SimulatedIntel platform(form.kind, form.version);
    const Verdict whole = judged(platform);
    platform.without_authority = true;
    const Verdict verdict = judged(platform);
    ASSERT_EQ(verdict.checks.size(), whole.checks.size());
    for (std::size_t i = 1; i < whole.checks.size(); ++i) {
      EXPECT_EQ(verdict.checks[i].name, whole.checks[i].name);
      const bool chain = verdict.checks[i].name == "certificate-chain";
      EXPECT_EQ(verdict.checks[i].state, chain ? CheckState::kFailed : CheckState::kNotEvaluated);
    }
    EXPECT_EQ(verdict.find("certificate-chain")->reason, Reason::kBadChain);
    EXPECT_TRUE(verdict.claims.empty());
    EXPECT_EQ(verdict.assurance, Assurance::kNone);
  }
}

TEST(IntelVerifier, EventLog) {
  SimulatedIntel platform(Kind::kTdx, 4);
  const Bytes log = make_tcg_log({{1, 8, "firmware"}, {2, 8, "loader"}});
  const auto events = value_of(event_log::parse_tcg_log(log));
  for (std::uint32_t i = 0; i < 4; ++i) {
    const Bytes value = value_of(event_log::replay(events, i + 1, event_log::DigestAlgorithm::kSha384));
    std::copy(value.begin(), value.end(), platform.body.begin() + domain_body::kRtmr + 48 * i);
  }
  Evidence evidence = platform.evidence();
  EXPECT_EQ(judged(platform, evidence).find("event-log"), nullptr);
  evidence.parts["event-log"] = log;
  EXPECT_TRUE(judged(platform, evidence).sound());
  evidence.parts["event-log"] = make_tcg_log({{1, 8, "firmware"}, {2, 8, "another loader"}});
  EXPECT_EQ(problems_of(judged(platform, evidence)), Problems{"event-log measurement-mismatch"});
  evidence.parts["event-log"] = Bytes(40, 7);
  EXPECT_EQ(problems_of(judged(platform, evidence)), Problems{"event-log malformed"});
}

TEST(IntelVerifier, BodySignedByNobody) {
  SimulatedIntel platform(Kind::kTdx, 4);
  Evidence evidence = platform.evidence();
  evidence.parts["quote"][48 + 136] ^= 1;  // MRTD
  const Verdict verdict = judged(platform, evidence);
  EXPECT_EQ(problems_of(verdict), Problems{"quote-signature bad-signature"});
  EXPECT_TRUE(verdict.claims.empty());
  EXPECT_EQ(verdict.assurance, Assurance::kNone);
}

TEST(IntelVerifier, SignatureOfZeros) {
  SimulatedIntel platform(Kind::kSgx, 3);
  Evidence evidence = platform.evidence();
  const std::size_t signature = 48 + 384 + 4;
  std::fill_n(evidence.parts["quote"].begin() + signature, 64, std::uint8_t{0});
  EXPECT_EQ(problems_of(judged(platform, evidence)), Problems{"quote-signature bad-signature"});
  std::fill_n(evidence.parts["quote"].begin() + signature, 64, std::uint8_t{0xFF});
  EXPECT_EQ(problems_of(judged(platform, evidence)), Problems{"quote-signature bad-signature"});
}

TEST(IntelVerifier, AttestationKeyThatTheQuotingEnclaveDoesNotName) {
  SimulatedIntel platform(Kind::kSgx, 3);
  Evidence evidence = platform.evidence();
  const std::size_t authentication = 48 + 384 + 4 + 64 + 64 + 384 + 64 + 2;
  ASSERT_EQ(evidence.parts["quote"][authentication], 0xA7);
  evidence.parts["quote"][authentication] ^= 1;
  EXPECT_EQ(problems_of(judged(platform, evidence)), Problems{"qe-binding binding-mismatch"});
}

TEST(IntelVerifier, SecondHalfOfTheQuotingEnclavesReportData) {
  SimulatedIntel platform(Kind::kSgx, 3);
  platform.quoting_enclave[enclave_body::kReportData + 40] = 1;
  EXPECT_EQ(problems_of(judged(platform)), Problems{"qe-binding binding-mismatch"});
}

TEST(IntelVerifier, QuotingEnclavesReportSignedByNobody) {
  SimulatedIntel platform(Kind::kSgx, 3);
  Evidence evidence = platform.evidence();
  evidence.parts["quote"][48 + 384 + 4 + 128 + 10] ^= 1;  // a CPUSVN, which no statement is compared with
  EXPECT_EQ(problems_of(judged(platform, evidence)), Problems{"qe-signature bad-signature"});
}

TEST(IntelVerifier, AnotherQuotingEnclave) {
  for (const std::size_t at : {enclave_body::kMrSigner, enclave_body::kMiscSelect, enclave_body::kProductId}) {
    SimulatedIntel platform(Kind::kTdx, 4);
    platform.quoting_enclave[at] ^= 1;
    const Verdict verdict = judged(platform);
    EXPECT_EQ(problems_of(verdict), (Problems{"quoting-enclave measurement-mismatch", "tcb-level reference-missing"}));
    EXPECT_EQ(verdict.assurance, Assurance::kNone);
    EXPECT_TRUE(verdict.claims.empty());
  }
  SimulatedIntel debug(Kind::kTdx, 4);
  debug.quoting_enclave[enclave_body::kAttributes] |= 2;
  EXPECT_EQ(debug.quoting_enclave[enclave_body::kAttributes], 0x13);
  EXPECT_EQ(judged(debug).find("quoting-enclave")->reason, Reason::kMeasurementMismatch);
}

TEST(IntelVerifier, QuotingEnclaveOutOfDateOrBelowEveryLevel) {
  SimulatedIntel platform(Kind::kSgx, 3);
  platform.quoting_enclave[enclave_body::kSvn] = 7;
  const Verdict verdict = judged(platform);
  EXPECT_TRUE(verdict.sound());
  EXPECT_EQ(text_claim(verdict, "tcb_status"), "OutOfDate");
  EXPECT_EQ(verdict.advisories, std::vector<std::string>{"INTEL-SA-00999"});
  platform.quoting_enclave[enclave_body::kSvn] = 1;
  const Verdict below = judged(platform);
  EXPECT_EQ(problems_of(below), (Problems{"quoting-enclave tcb-unsupported", "tcb-level reference-missing"}));
  EXPECT_EQ(below.assurance, Assurance::kNone);
  EXPECT_TRUE(below.claims.empty());
}

TEST(IntelVerifier, CertificatesAtTheirEnd) {
  SimulatedIntel platform(Kind::kSgx, 3);
  platform.replace("2026-12-20", "2029-01-01");
  platform.lists_until = kNow + days(900);
  const Collateral collateral = platform.collateral();
  const Anchors anchors = platform.anchors();
  Question question = platform.question(collateral, anchors);
  question.now = kNow + days(366);
  const Verdict verdict = attest::verify(platform.evidence(), question);
  EXPECT_EQ(verdict.find("certificate-dates")->reason, Reason::kExpired);
  EXPECT_EQ(verdict.find("certificate-chain")->state, CheckState::kPassed);
  EXPECT_EQ(verdict.find("tcb-info")->reason, Reason::kExpired);  // its signer's certificate
  question.now = kNow + days(-31);
  EXPECT_EQ(attest::verify(platform.evidence(), question).find("certificate-dates")->reason, Reason::kNotYetValid);
}

TEST(IntelVerifier, StatementsOutsideTheirDates) {
  SimulatedIntel platform(Kind::kSgx, 3);
  platform.replace("2026-12-20", "2026-11-24");
  const Problems expired = {"tcb-info expired", "qe-identity expired", "quoting-enclave reference-missing",
                            "tcb-level reference-missing"};
  EXPECT_EQ(problems_of(judged(platform)), expired);
  SimulatedIntel early(Kind::kSgx, 3);
  early.replace("2026-11-20", "2026-11-25");
  EXPECT_EQ(judged(early).find("tcb-info")->reason, Reason::kNotYetValid);
  EXPECT_EQ(judged(early).find("qe-identity")->reason, Reason::kNotYetValid);
}

TEST(IntelVerifier, StatementChangedAfterItWasSigned) {
  SimulatedIntel platform(Kind::kSgx, 3);
  const Collateral good = platform.collateral();
  const Anchors anchors = platform.anchors();
  for (const char* name : {"intel-tcb-info/sgx/50806f000000", "intel-qe-identity/sgx"}) {
    CollateralItem item = good.items().at(name);
    std::string text(as_text(item.body));
    text.replace(
        text.find("\"isvsvn\":") == std::string::npos ? text.find("\"pcesvn\":13") + 10 : text.find("\"isvsvn\":") + 9,
        1, "0");
    item.body = to_bytes(as_bytes(text));
    Collateral changed = good;
    changed.add(item);
    const Verdict verdict = attest::verify(platform.evidence(), platform.question(changed, anchors));
    const bool tcb = item.kind == CollateralKind::kIntelTcbInfo;
    EXPECT_EQ(verdict.find(tcb ? "tcb-info" : "qe-identity")->reason, Reason::kBadSignature);
    EXPECT_FALSE(verdict.claims.contains("tcb_status"));
  }
}

TEST(IntelVerifier, StatementOfAnotherSignerOrWithoutItsChain) {
  SimulatedIntel platform(Kind::kSgx, 3);
  const Collateral good = platform.collateral();
  const Anchors anchors = platform.anchors();
  const auto certificates = value_of(crypto::Certificate::parse_pem(platform.signer_chain(), 2));
  for (const std::string& chain : {std::string(), certificates[0].to_pem(), certificates[1].to_pem()}) {
    CollateralItem item = good.items().at("intel-tcb-info/sgx/50806f000000");
    item.issuer_chain = chain;
    Collateral changed = good;
    changed.add(item);
    EXPECT_EQ(attest::verify(platform.evidence(), platform.question(changed, anchors)).find("tcb-info")->reason,
              Reason::kBadChain);
  }
}

TEST(IntelVerifier, StatementOfOtherPlatforms) {
  for (const char* change : {"50806f000001", "50806F000000"}) {
    SimulatedIntel platform(Kind::kSgx, 3);
    platform.replace("50806f000000", change);
    const Problems other = {"tcb-info binding-mismatch", "tcb-level reference-missing"};
    EXPECT_EQ(problems_of(judged(platform)), change[5] == 'F' ? Problems() : other);  // either case is the same
  }
  SimulatedIntel pce(Kind::kSgx, 3);
  pce.replace("\"pceId\":\"0000\"", "\"pceId\":\"0001\"");
  EXPECT_EQ(judged(pce).find("tcb-info")->reason, Reason::kBindingMismatch);
  SimulatedIntel tee(Kind::kTdx, 4);
  tee.replace("TD_QE", "QE");
  EXPECT_EQ(judged(tee).find("qe-identity")->reason, Reason::kBindingMismatch);
}

TEST(IntelVerifier, Revoked) {
  SimulatedIntel by_root(Kind::kSgx, 3);
  by_root.revoked_by_root = {SimulatedIntel::serial_of_authority()};
  EXPECT_EQ(problems_of(judged(by_root)), Problems{"revocation revoked"});
  by_root.revoked_by_root = {SimulatedIntel::serial_of_signer()};
  EXPECT_EQ(problems_of(judged(by_root)), Problems{"revocation revoked"});
  SimulatedIntel by_authority(Kind::kSgx, 3);
  by_authority.revoked_by_authority = {SimulatedIntel::serial_of_platform()};
  EXPECT_EQ(problems_of(judged(by_authority)), Problems{"revocation revoked"});
  // An old list is right about what it revokes.
  by_authority.lists_until = kNow;
  EXPECT_EQ(problems_of(judged(by_authority)), Problems{"revocation revoked"});
}

TEST(IntelVerifier, RevocationListsThatAreOldMissingOrOthers) {
  SimulatedIntel platform(Kind::kSgx, 3);
  platform.lists_until = kNow;
  EXPECT_EQ(problems_of(judged(platform)), Problems{"revocation expired"});
  platform.lists_until = kNow + days(1);
  platform.lists_from = kNow + hours(1);
  EXPECT_EQ(problems_of(judged(platform)), Problems{"revocation not-yet-valid"});
  platform.lists_from = kNow;
  const Collateral good = platform.collateral();
  const Anchors anchors = platform.anchors();
  Collateral without;
  for (const auto& [name, item] : good.items()) {
    if (name != "intel-crl/platform") without.add(item);
  }
  EXPECT_EQ(problems_of(attest::verify(platform.evidence(), platform.question(without, anchors))),
            Problems{"revocation revocation-unknown"});
  CollateralItem other = good.items().at("intel-crl/root");
  other.key = "platform";
  without.add(other);
  EXPECT_EQ(problems_of(attest::verify(platform.evidence(), platform.question(without, anchors))),
            Problems{"revocation binding-mismatch"});
}

TEST(IntelVerifier, WithoutCollateral) {
  SimulatedIntel platform(Kind::kTdx, 4);
  const Collateral none;
  const Anchors anchors = platform.anchors();
  const Verdict verdict = attest::verify(platform.evidence(), platform.question(none, anchors));
  EXPECT_EQ(problems_of(verdict),
            (Problems{"revocation revocation-unknown", "tcb-info reference-missing", "qe-identity reference-missing",
                      "quoting-enclave reference-missing", "tdx-module reference-missing",
                      "tcb-level reference-missing", "rollback reference-missing"}));
  EXPECT_FALSE(verdict.any_failed());
  EXPECT_FALSE(verdict.sound());
}

TEST(IntelVerifier, PlatformOutOfDateAndBelowEveryLevel) {
  SimulatedIntel platform(Kind::kSgx, 3);
  platform.replace("\"sgxtcbcomponents\":[{\"svn\":5}", "\"sgxtcbcomponents\":[{\"svn\":6}");
  const Verdict verdict = judged(platform);
  EXPECT_TRUE(verdict.sound());
  EXPECT_EQ(text_claim(verdict, "tcb_status"), "OutOfDate");
  EXPECT_EQ(verdict.advisories, std::vector<std::string>{"INTEL-SA-00888"});
  platform.replace("\"sgxtcbcomponents\":[{\"svn\":4}", "\"sgxtcbcomponents\":[{\"svn\":6}");
  EXPECT_EQ(problems_of(judged(platform)), Problems{"tcb-level tcb-unsupported"});
}

TEST(IntelVerifier, RevokedLevel) {
  SimulatedIntel platform(Kind::kSgx, 3);
  platform.tcb_info.replace(platform.tcb_info.find("UpToDate"), 8, "Revoked");
  EXPECT_EQ(problems_of(judged(platform)), Problems{"tcb-level revoked"});
}

TEST(IntelVerifier, AnotherTdxModule) {
  for (const std::size_t at : {domain_body::kMrSignerSeam, domain_body::kSeamAttributes}) {
    SimulatedIntel platform(Kind::kTdx, 4);
    platform.body[at] = 1;
    EXPECT_EQ(problems_of(judged(platform)),
              (Problems{"tdx-module measurement-mismatch", "tcb-level reference-missing"}));
  }
  SimulatedIntel unknown(Kind::kTdx, 4);
  unknown.body[domain_body::kTcbSvn + 1] = 9;
  EXPECT_EQ(problems_of(judged(unknown)), (Problems{"tdx-module tcb-unsupported", "tcb-level reference-missing"}));
  SimulatedIntel old(Kind::kTdx, 4);
  old.body[domain_body::kTcbSvn] = 1;
  EXPECT_EQ(problems_of(judged(old)), (Problems{"tdx-module tcb-unsupported", "tcb-level reference-missing"}));
}

TEST(IntelVerifier, ModuleUpdatedUnderARunningDomain) {
  SimulatedIntel platform(Kind::kTdx, 5);
  platform.body[domain_body::kTcbSvn] = 4;
  EXPECT_EQ(text_claim(judged(platform), "tcb_status"), "TDRelaunchAdvised");
  platform.body[domain_body::kTcbSvnNow] = 5;
  EXPECT_EQ(text_claim(judged(platform), "tcb_status"), "OutOfDate");
  // What is out of date by more than the module isn't mended by launching it again.
  platform.body[domain_body::kTcbSvnNow] = 6;
  platform.quoting_enclave[enclave_body::kSvn] = 7;
  EXPECT_EQ(text_claim(judged(platform), "tcb_status"), "OutOfDate");
  platform.quoting_enclave[enclave_body::kSvn] = 8;
  platform.tcb_info.replace(platform.tcb_info.rfind("UpToDate"), 8, "ConfigurationNeeded");
  EXPECT_EQ(text_claim(judged(platform), "tcb_status"), "TDRelaunchAdvisedConfigurationNeeded");
}

TEST(IntelVerifier, OlderThanWhatWasSeen) {
  SimulatedIntel platform(Kind::kTdx, 4);
  const Verdict verdict = judged(platform);
  EXPECT_EQ(verdict.seen.at("intel/tdx/50806f000000"), 20U);
  EXPECT_EQ(verdict.seen.at("intel/tdx/qe"), 20U);
  for (const auto& [source, number] : verdict.seen) {
    const Floors same = {{source, number}};
    EXPECT_TRUE(judged(platform, platform.evidence(), &same).sound()) << source;
    const Floors higher = {{source, number + 1}};
    EXPECT_EQ(problems_of(judged(platform, platform.evidence(), &higher)), Problems{"rollback rollback"}) << source;
  }
}

TEST(IntelVerifier, Debug) {
  SimulatedIntel enclave(Kind::kSgx, 3);
  enclave.body[enclave_body::kAttributes] |= 2;
  EXPECT_EQ(problems_of(judged(enclave)), Problems{"debug debug"});
  EXPECT_TRUE(std::get<bool>(judged(enclave).claims.at("debug")));
  SimulatedIntel domain(Kind::kTdx, 5);
  for (const std::uint8_t bit : {0x01, 0x80}) {
    domain.body[domain_body::kAttributes] = bit;
    EXPECT_EQ(problems_of(judged(domain)), Problems{"debug debug"});
  }
}

TEST(IntelVerifier, AnswerToAnotherQuestion) {
  SimulatedIntel platform(Kind::kSgx, 3);
  const Collateral collateral = platform.collateral();
  const Anchors anchors = platform.anchors();
  Question question = platform.question(collateral, anchors);
  for (const Bytes& asked : {Bytes(63, 0xDA), Bytes(65, 0xDA), Bytes(32, 0xDA), Bytes()}) {
    question.report_data = asked;
    EXPECT_EQ(problems_of(attest::verify(platform.evidence(), question)), Problems{"report-data nonce-mismatch"});
  }
  question.report_data.reset();
  EXPECT_EQ(attest::verify(platform.evidence(), question).find("report-data")->state, CheckState::kNotEvaluated);
  SimulatedIntel padded(Kind::kSgx, 3);
  std::fill_n(padded.body.begin() + enclave_body::kReportData + 32, 32, std::uint8_t{0});
  const Collateral same = padded.collateral();
  Question half = padded.question(same, anchors);
  half.report_data = Bytes(32, 0xDA);
  EXPECT_TRUE(attest::verify(padded.evidence(), half).sound());
}

TEST(IntelVerifier, EvidenceOfOneAndCollateralOfAnother) {
  SimulatedIntel sgx(Kind::kSgx, 3), tdx(Kind::kTdx, 4);
  const Anchors anchors = sgx.anchors();
  Collateral of_tdx = tdx.collateral();
  CollateralItem disguised = of_tdx.items().at("intel-tcb-info/tdx/50806f000000");
  disguised.key = "sgx/50806f000000";
  Collateral mixed = sgx.collateral();
  mixed.add(disguised);
  EXPECT_EQ(attest::verify(sgx.evidence(), sgx.question(mixed, anchors)).find("tcb-info")->reason,
            Reason::kBindingMismatch);
}

TEST(IntelVerifier, SaysWhatItNeeds) {
  SimulatedIntel platform(Kind::kTdx, 4);
  std::vector<std::string> names;
  for (const CollateralNeed& need : attest::needs(platform.evidence())) names.push_back(need.name());
  EXPECT_EQ(names, (std::vector<std::string>{"intel-tcb-info/tdx/50806f000000", "intel-qe-identity/tdx",
                                             "intel-crl/root", "intel-crl/platform"}));
  EXPECT_TRUE(attest::needs({Kind::kTdx, {{"quote", Bytes(10)}}}).empty());
}

TEST(IntelVerifier, RecognisesQuotes) {
  for (const Form& form : kForms) {
    SimulatedIntel platform(form.kind, form.version);
    EXPECT_EQ(value_of(attest::recognise(platform.quote())).primary, platform.evidence());
  }
  EXPECT_FALSE(attest::recognise(Bytes(48, 3)).ok());
}

void expect_flips_noticed(Kind kind, std::uint16_t version) {
  SimulatedIntel platform(kind, version);
  platform.form = CertificateForm::kDer;
  platform.padding.assign(3, 0);
  const Collateral collateral = platform.collateral();
  const Anchors anchors = platform.anchors();
  const Question question = platform.question(collateral, anchors);
  const Evidence evidence = platform.evidence();
  const std::size_t size = evidence.part("quote").size();
  expect_every_flip_noticed(evidence, [&](const Evidence& changed) { return attest::verify(changed, question); },
                            {{"quote", size - 3, size, "padding behind the quote"}}, {0x01});
}

TEST(IntelVerifier, EveryByteOfVersion3Flipped) { expect_flips_noticed(Kind::kSgx, 3); }
TEST(IntelVerifier, EveryByteOfVersion4Flipped) { expect_flips_noticed(Kind::kTdx, 4); }
TEST(IntelVerifier, EveryByteOfVersion5Flipped) { expect_flips_noticed(Kind::kTdx, 5); }

TEST(IntelVerifier, EveryByteOfCollateralFlipped) {
  SimulatedIntel platform(Kind::kTdx, 5);
  const Collateral good = platform.collateral();
  const Anchors anchors = platform.anchors();
  const Evidence evidence = platform.evidence();
  for (const auto& [name, item] : good.items()) {
    Collateral changed = good;
    for (std::size_t at = 0; at < item.body.size(); ++at) {
      CollateralItem flipped = item;
      flipped.body[at] ^= 0x01;
      changed.add(std::move(flipped));
      EXPECT_FALSE(attest::verify(evidence, platform.question(changed, anchors)).sound()) << name << " " << at;
    }
  }
}

}  // namespace
}  // namespace cloister::attest::intel
