// Intel's evidence from real machines, and what was made of it to be refused: each verdict at its own date.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "attest/event_log/dstack_log.h"
#include "attest/intel/pck.h"
#include "attest/intel/qe_identity.h"
#include "attest/intel/quote.h"
#include "attest/ra_tls.h"
#include "base/base64.h"
#include "tests/support/flip.h"
#include "tests/support/intel_vectors.h"
#include "tests/support/value_of.h"
#include "tests/support/vector_folder.h"
#include "tests/support/vectors.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;
using Problems = std::vector<std::string>;  // "check reason", in the order of the checks

struct Case {
  std::string folder;
  Kind kind = Kind::kSgx;
  std::string at;
  std::string file = "quote.bin";
  std::string tcb_status = {};  // empty: the TCB isn't judged
  std::size_t advisories = 0;
  Problems problems = {};
};

// Every check that needs collateral, of evidence that comes without.
Problems without_collateral(Kind kind, Problems before, Problems after = {}) {
  Problems all = std::move(before);
  for (const char* one : {"revocation revocation-unknown", "tcb-info reference-missing",
                          "qe-identity reference-missing", "quoting-enclave reference-missing"}) {
    all.emplace_back(one);
  }
  if (kind == Kind::kTdx) all.emplace_back("tdx-module reference-missing");
  all.emplace_back("tcb-level reference-missing");
  all.emplace_back("rollback reference-missing");
  all.insert(all.end(), after.begin(), after.end());
  return all;
}

// The intermediate certificate names another subject: the quote and the report in it can't be judged.
Problems without_chain() {
  Problems all;
  for (const char* name : {"quote-signature", "qe-binding", "qe-signature", "published-key", "certificate-chain",
                           "certificate-dates", "platform", "revocation", "tcb-info", "qe-identity", "quoting-enclave",
                           "tcb-level", "rollback", "debug", "report-data"}) {
    const bool chain = std::string_view(name) == "certificate-chain";
    all.push_back(std::string(name) + (chain ? " bad-chain" : " reference-missing"));
  }
  return all;
}

Problems problems_of(const Verdict& verdict) {
  Problems problems;
  for (const Check& check : verdict.checks) {
    if (check.state != CheckState::kPassed)
      problems.push_back(check.name + " " + std::string(reason_name(*check.reason)));
  }
  return problems;
}

struct Read {
  Evidence evidence;
  Collateral collateral;
  Question question;
};

// Asked for the report data that the quote has.
void read(const Path& folder, const Case& test, Read& read) {
  read.evidence = {test.kind, {{"quote", bytes_of_file(folder / test.file)}}};
  if (std::filesystem::exists(folder / "collateral" / "tcb_info.json")) {
    read.collateral = intel_collateral(folder / "collateral", read.evidence);
  }
  read.question.now = value_of(parse_rfc3339(test.at + "T00:00:00Z"));
  read.question.collateral = &read.collateral;
  const auto quote = intel::parse_quote(read.evidence.part("quote"));
  if (quote.ok()) read.question.report_data = to_bytes(quote->report_data());
}

std::vector<Case> cases() {
  const std::string kJune = "2025-06-20";
  return {
      {"sgx/certdata-type3-no-chain", Kind::kSgx, "2020-06-01", "quote.bin", "", 0, {"parse unsupported"}},
      {"sgx/debug-v3-oe-2022", Kind::kSgx, "2022-05-01", "quote.bin", "SWHardeningNeeded", 0, {"debug debug"}},
      {"sgx/debug-v3-outofdate",
       Kind::kSgx,
       kJune,
       "quote.bin",
       "OutOfDate",
       13,
       {"revocation expired", "debug debug"}},
      {"sgx/intel-qvl-test-root", Kind::kSgx, "2025-06-01", "quote.dat", "", 0, {"parse unsupported"}},
      {"sgx/maa-debug", Kind::kSgx, "2025-06-10", "quote.bin", "OutOfDate", 6, {"revocation expired", "debug debug"}},
      {"sgx/maa-prodid", Kind::kSgx, "2025-06-10", "quote.bin", "OutOfDate", 6, {"revocation expired"}},
      {"sgx/maa-release", Kind::kSgx, "2025-06-10", "quote.bin", "OutOfDate", 6, {"revocation expired"}},
      {"sgx/prod-v3-config-and-swhardening",
       Kind::kSgx,
       kJune,
       "quote.bin",
       "ConfigurationAndSWHardeningNeeded",
       2,
       {}},
      {"sgx/tampered-intermediate-ca", Kind::kSgx, "2020-01-01", "quote.bin", "", 0, without_chain()},
      {"sgx/tampered-quote-signature", Kind::kSgx, "2020-06-01", "quote.bin", "", 0,
       without_collateral(Kind::kSgx, {"quote-signature bad-signature"}, {"debug debug"})},
      {"sgx/tcb-recovery-evalnum-17", Kind::kSgx, kJune, "quote.bin", "SWHardeningNeeded", 1, {"revocation expired"}},
      {"sgx/tcb-recovery-evalnum-18", Kind::kSgx, kJune, "quote.bin", "OutOfDate", 5, {"revocation expired"}},
      {"sgx/tcb-recovery-evalnum-19", Kind::kSgx, kJune, "quote.bin", "OutOfDate", 6, {"revocation expired"}},
      {"tdx/debug-v4", Kind::kTdx, "2023-06-01", "quote.bin", "", 0,
       without_collateral(Kind::kTdx, {}, {"debug debug"})},
      {"tdx/intel-qvl-test-root", Kind::kTdx, "2025-06-01", "quote.dat", "", 0,
       without_collateral(Kind::kTdx, {"published-key test-key", "certificate-chain untrusted-root"})},
      {"tdx/prod-v4-uptodate", Kind::kTdx, kJune, "quote.bin", "UpToDate", 0, {}},
      {"tdx/v4-dstack-eventlog-replay", Kind::kTdx, "2025-10-01", "quote.bin", "", 0,
       without_collateral(Kind::kTdx, {})},
      {"tdx/v4-with-ccel-gce", Kind::kTdx, "2024-09-01", "quote_padded.bin", "", 0, without_collateral(Kind::kTdx, {})},
      {"tdx/v5-gcp-2026", Kind::kTdx, "2026-02-15", "quote.bin", "", 0, without_collateral(Kind::kTdx, {})},
      {"tdx/v5-no-matching-level", Kind::kTdx, "2026-02-20", "quote.bin", "", 0, {"tcb-level tcb-unsupported"}},
      {"tdx/v5-td-relaunch-advised", Kind::kTdx, "2025-03-01", "quote.bin", "TDRelaunchAdvised", 2, {}},
  };
}

TEST(IntelVectors, EachHasItsVerdictAtItsDate) {
  CLOISTER_VECTORS_OR_SKIP(sgx, "sgx");
  for (const Case& test : cases()) {
    SCOPED_TRACE(test.folder);
    Read it;
    read(sgx.parent_path() / test.folder, test, it);
    const Verdict verdict = verify(it.evidence, it.question);
    EXPECT_EQ(problems_of(verdict), test.problems);
    EXPECT_EQ(verdict.sound(), test.problems.empty());
    const auto status = verdict.claims.find("tcb_status");
    EXPECT_EQ(status == verdict.claims.end() ? "" : std::get<std::string>(status->second), test.tcb_status);
    EXPECT_EQ(verdict.advisories.size(), test.advisories);
    const bool genuine = test.folder.find("test-root") == std::string::npos &&
                         test.folder.find("tampered") == std::string::npos &&
                         test.folder.find("no-chain") == std::string::npos;
    EXPECT_EQ(verdict.assurance, genuine ? Assurance::kHardware : Assurance::kNone);
    EXPECT_EQ(verdict.claims.empty(), !genuine);
  }
}

const Case& case_of(std::string_view folder) {
  static const std::vector<Case> all = cases();
  return *std::ranges::find(all, folder, &Case::folder);
}

TEST(IntelVectors, CollateralOlderThanWhatWasSeen) {
  CLOISTER_VECTORS_OR_SKIP(sgx, "sgx");
  for (const std::uint64_t number : {17, 18, 19}) {
    const Case& test = case_of("sgx/tcb-recovery-evalnum-" + std::to_string(number));
    Read it;
    read(sgx.parent_path() / test.folder, test, it);
    const Floors floors = {{"intel/sgx/00606a000000", 18}};
    it.question.floors = &floors;
    const Verdict verdict = verify(it.evidence, it.question);
    EXPECT_EQ(verdict.seen.at("intel/sgx/00606a000000"), number);
    EXPECT_EQ(verdict.find("rollback")->state, number < 18 ? CheckState::kFailed : CheckState::kPassed);
  }
}

TEST(IntelVectors, CollateralAfterItsEnd) {
  CLOISTER_VECTORS_OR_SKIP(sgx, "sgx");
  for (const char* folder : {"sgx/prod-v3-config-and-swhardening", "tdx/prod-v4-uptodate"}) {
    const Case& test = case_of(folder);
    Read it;
    read(sgx.parent_path() / test.folder, test, it);
    it.question.now = value_of(parse_rfc3339("2025-07-20T00:00:00Z"));
    const Verdict verdict = verify(it.evidence, it.question);
    for (const char* name : {"revocation", "tcb-info", "qe-identity"}) {
      EXPECT_EQ(verdict.find(name)->reason, Reason::kExpired) << name;
    }
    EXPECT_FALSE(verdict.claims.contains("tcb_status"));
  }
}

// Every collateral with every evidence, at the collateral's date: a sound verdict is of a quote that is right by
// itself, and of platforms that the collateral is for.
TEST(IntelVectors, CollateralOfOthers) {
  CLOISTER_VECTORS_OR_SKIP(sgx, "sgx");
  std::map<std::string, std::string> sound;  // by evidence and collateral: the status
  for (const Case& test : cases()) {
    for (const Case& other : cases()) {
      const Path folder = sgx.parent_path() / other.folder / "collateral";
      if (!std::filesystem::exists(folder / "tcb_info.json")) continue;
      Read it;
      read(sgx.parent_path() / test.folder, test, it);
      it.collateral = intel_collateral(folder, it.evidence);
      it.question.now = value_of(parse_rfc3339(other.at + "T00:00:00Z"));
      const Verdict verdict = verify(it.evidence, it.question);
      if (verdict.sound()) {
        sound[test.folder + " " + other.folder] = std::get<std::string>(verdict.claims.at("tcb_status"));
      }
    }
  }
  const std::map<std::string, std::string> expected = {
      {"sgx/prod-v3-config-and-swhardening sgx/prod-v3-config-and-swhardening", "ConfigurationAndSWHardeningNeeded"},
      {"tdx/prod-v4-uptodate tdx/prod-v4-uptodate", "UpToDate"},
      {"tdx/v5-td-relaunch-advised tdx/v5-td-relaunch-advised", "TDRelaunchAdvised"},
      // The same family of platforms, a year later.
      {"tdx/v4-dstack-eventlog-replay tdx/v5-no-matching-level", "UpToDate"},
      {"tdx/v5-gcp-2026 tdx/v5-no-matching-level", "UpToDate"},
      {"tdx/v5-td-relaunch-advised tdx/v5-no-matching-level", "TDRelaunchAdvised"}};
  EXPECT_EQ(sound, expected);
}

// The sample root of Intel's own library, named by the operator of a test: all holds, and it is worth nothing.
TEST(IntelVectors, SampleRootIsInsecureSoftwareAtMost) {
  CLOISTER_VECTORS_OR_SKIP(folder, "tdx/intel-qvl-test-root");
  Evidence evidence{Kind::kTdx, {{"quote", bytes_of_file(folder / "quote.dat")}}};
  const auto root =
      value_of(crypto::Certificate::parse_pem(as_text(bytes_of_file(folder / "trustedRootCaCert.pem")), 1))[0];
  const Anchors anchors = Anchors::insecure({{Root::kIntelSgx, crypto::sha256(root.spki())}});
  Question question;
  question.now = value_of(parse_rfc3339("2025-06-01T00:00:00Z"));
  question.anchors = &anchors;
  const Verdict verdict = verify(evidence, question);
  for (const char* name : {"quote-signature", "qe-binding", "qe-signature", "certificate-chain", "certificate-dates"}) {
    EXPECT_EQ(verdict.find(name)->state, CheckState::kPassed) << name;
  }
  EXPECT_EQ(verdict.find("published-key")->reason, Reason::kTestKey);
  EXPECT_NE(verdict.assurance, Assurance::kHardware);
}

TEST(IntelVectors, CollateralWithMembersMissing) {
  CLOISTER_VECTORS_OR_SKIP(folder, "sgx/collateral-json-negative");
  std::size_t refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "qe_identity")) {
    const std::string name = entry.path().filename();
    const Bytes bytes = bytes_of_file(entry.path());
    const auto parsed = intel::parse_signed_json(bytes, "enclaveIdentity");
    const auto identity =
        parsed.ok() ? intel::read_qe_identity(parsed->value) : Result<intel::QeIdentity>(parsed.error());
    // The verifier's own enclave has an identity of that form, and isn't a quoting enclave.
    const bool good = name.find("_missing_") == std::string::npos && !name.starts_with("qve");
    EXPECT_EQ(identity.ok(), good) << name;
    refused += identity.ok() ? 0 : 1;
  }
  EXPECT_EQ(refused, 18U);
  for (const char* name : {"tcbinfo_sgx.json", "tcbinfo_tdx.json"}) {
    const Bytes bytes = bytes_of_file(folder / "tcb_info_v3" / name);
    const auto parsed = value_of(intel::parse_signed_json(bytes, "tcbInfo"));
    EXPECT_TRUE(intel::read_tcb_info(parsed.value).ok()) << name;
  }
}

void expect_log_replays(const Path& folder, const Case& test, const std::string& log) {
  Read it;
  read(folder, test, it);
  it.evidence.parts["event-log"] = bytes_of_file(folder / log);
  EXPECT_EQ(verify(it.evidence, it.question).find("event-log")->state, CheckState::kPassed);
}

TEST(IntelVectors, EventLogsReplayToTheRegisters) {
  CLOISTER_VECTORS_OR_SKIP(tdx, "tdx");
  expect_log_replays(tdx / "v4-with-ccel-gce", case_of("tdx/v4-with-ccel-gce"), "ccel_data.bin");
  expect_log_replays(tdx / "v4-dstack-eventlog-replay", case_of("tdx/v4-dstack-eventlog-replay"), "event_log.json");
}

TEST(IntelVectors, EveryDigestOfALogFlipped) {
  CLOISTER_VECTORS_OR_SKIP(tdx, "tdx");
  const Path folder = tdx / "v4-with-ccel-gce";
  const Bytes padded = bytes_of_file(folder / "quote_padded.bin");
  const intel::Quote quote = value_of(intel::parse_quote(padded));
  const Bytes log = bytes_of_file(folder / "ccel_data.bin");
  const auto events = value_of(event_log::parse_tcg_log(log));
  EXPECT_EQ(events.size(), 43U);
  for (std::size_t i = 0; i < events.size(); ++i) {
    auto changed = events;
    changed[i].digests[0].value[i] ^= 1;
    auto dropped = events;
    dropped.erase(dropped.begin() + static_cast<std::ptrdiff_t>(i));
    if (events[i].type == event_log::kNoAction) continue;
    const std::uint32_t index = events[i].index;
    for (const auto& forged : {changed, dropped}) {
      EXPECT_FALSE(equal(value_of(event_log::replay(forged, index, event_log::DigestAlgorithm::kSha384)),
                         quote.domain->rtmr[index - 1]))
          << i;
    }
  }
}

TEST(IntelVectors, DstackRuntimeEvents) {
  CLOISTER_VECTORS_OR_SKIP(folder, "tdx/v4-dstack-eventlog-replay");
  const auto events = value_of(event_log::parse_dstack_log(bytes_of_file(folder / "event_log.json")));
  EXPECT_EQ(events.size(), 28U);
  EXPECT_EQ(std::ranges::count_if(events, &event_log::Event::vouched), 8);
}

// The parse that Trustee expects of the same logs: register, digest, data, and whether the digest is the data's.
TEST(IntelVectors, EventLogsAsTrusteeReadsThem) {
  CLOISTER_VECTORS_OR_SKIP(folder, "eventlog/ccel-samples");
  for (const char* name : {"CCEL_data_ovmf", "CCEL_data_grub", "CCEL_AAEL_alibabacloud"}) {
    SCOPED_TRACE(name);
    const auto events = value_of(event_log::parse_tcg_log(bytes_of_file(folder / name)));
    const auto expected = load_json(folder / (std::string(name) + "_out.json")).at("uefi_event_logs");
    ASSERT_EQ(events.size(), expected.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(events[i].index, expected[i].at("index").get<std::uint32_t>()) << i;
      EXPECT_EQ(to_hex(events[i].digests.at(0).value), expected[i].at("digests")[0].at("digest").get<std::string>());
      EXPECT_EQ(to_base64(events[i].data), expected[i].at("event").get<std::string>()) << i;
      EXPECT_EQ(events[i].vouched, expected[i].at("digest_matches_event").get<bool>()) << i;
    }
  }
}

TEST(IntelVectors, EveryByteOfARealQuoteFlipped) {
  CLOISTER_VECTORS_OR_SKIP(tdx, "tdx");
  const Case& test = case_of("tdx/prod-v4-uptodate");
  Read it;
  read(tdx.parent_path() / test.folder, test, it);
  const intel::Quote quote = value_of(intel::parse_quote(it.evidence.part("quote")));
  const auto first = static_cast<std::size_t>(quote.certificates.data() - it.evidence.part("quote").data());
  expect_every_flip_noticed(
      it.evidence, [&](const Evidence& changed) { return verify(changed, it.question); },
      {{"quote", first, first + quote.certificates.size(), "white space and bits behind the last byte in PEM"},
       {"quote", quote.size, it.evidence.part("quote").size(), "padding behind the quote"}},
      {0x01});
}

// Certificates of three makers: each quote is genuine, of the certificate's own key, and of an enclave in debug mode.
TEST(IntelVectors, CertificatesThatCarryQuotes) {
  CLOISTER_VECTORS_OR_SKIP(folder, "sgx/ratls-certs");
  for (const char* name : {"gramine-cert.pem", "intel-sgxsdk-cert.pem", "rats-tls-cert.pem"}) {
    SCOPED_TRACE(name);
    const auto certificate = value_of(crypto::Certificate::parse_pem(text_of_file(folder / name), 1))[0];
    const RaTlsEvidence carried = value_of(read_ra_tls(certificate));
    Question question;
    question.now = value_of(parse_rfc3339("2024-01-15T00:00:00Z"));
    question.report_data = carried.report_data;
    const Verdict verdict = verify(carried.evidence, question);
    EXPECT_EQ(problems_of(verdict), without_collateral(Kind::kSgx, {}, {"debug debug"}));
    EXPECT_EQ(verdict.assurance, Assurance::kHardware);
    question.report_data->back() ^= 1;
    EXPECT_EQ(verify(carried.evidence, question).find("report-data")->reason, Reason::kNonceMismatch);
  }
}

TEST(IntelVectors, FilesAreWhatTheirTablesSay) {
  CLOISTER_VECTORS_OR_SKIP(root, "INDEX.md");
  for (const char* tee : {"sgx", "tdx", "eventlog"}) {
    for (const auto& entry : std::filesystem::directory_iterator(root.parent_path() / tee)) {
      expect_digests_hold(entry.path());
    }
  }
}

}  // namespace
}  // namespace cloister::attest
