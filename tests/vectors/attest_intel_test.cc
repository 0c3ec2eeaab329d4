// Intel's evidence from real machines, and what was made of it to be refused: each verdict at its own date.
#include <gtest/gtest.h>

#include <algorithm>

#include "attest/intel/pck.h"
#include "attest/intel/quote.h"
#include "tests/support/intel_vectors.h"
#include "tests/support/value_of.h"
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
  read.evidence = {test.kind, {{"quote", bytes_of(folder / test.file)}}};
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

}  // namespace
}  // namespace cloister::attest
