#include "home/collateral_wanted.h"

#include <gtest/gtest.h>

#include "attest/collateral/merge.h"
#include "attest/collateral/refresh.h"
#include "attest/nvidia/verify.h"
#include "base/base64.h"
#include "tests/support/recorded_transport.h"
#include "tests/support/simulated_nvidia.h"
#include "tests/support/simulated_snp.h"
#include "tests/support/value_of.h"

namespace cloister::home {
namespace {

using testing::value_of;

bool always() { return true; }

// Vendors that have what `has` has, and answer in the form of theirs.
class Vendors {
 public:
  explicit Vendors(attest::Collateral has) : has_(std::move(has)) {}

  void knows_requests(const std::map<std::string, Bytes>& requests) {
    for (const auto& [serial, request] : requests) serials_[request] = serial;
  }

  std::unique_ptr<CollateralFetcher> fetcher() {
    return value_of(CollateralFetcher::create(
        {},
        [this](const kms::Endpoint& endpoint) -> Result<std::unique_ptr<kms::HttpTransport>> {
          return std::unique_ptr<kms::HttpTransport>(std::make_unique<testing::FunctionTransport>(
              [this, host = endpoint.host](const net::Request& request) { return answer(host, request); }));
        },
        waiting.waiting(), Attempts::kOnce));
  }

  testing::TestWaiting waiting;
  std::vector<std::string> asked;

 private:
  Result<net::Response> answer(const std::string& host, const net::Request& request) {
    asked.push_back(request.target);
    if (host.starts_with("ocsp")) {
      const auto serial = serials_.find(Bytes(request.body.begin(), request.body.end()));
      if (serial == serials_.end()) return net::Response{400, {}, {}, {}};
      return body_of(attest::CollateralKind::kNvidiaOcsp, serial->second);
    }
    if (request.target.ends_with("/crl")) return body_of(attest::CollateralKind::kAmdCrl, "Milan/vcek");
    const std::string id = request.target.substr(request.target.rfind('/') + 1);
    const attest::CollateralItem* rim = has_.find(attest::CollateralKind::kNvidiaRim, id);
    if (rim == nullptr) return net::Response{404, {}, {}, {}};
    return net::Response{
        200, {}, net::to_buffer(R"({"id":")" + id + R"(","rim":")" + to_base64(rim->body) + R"("})"), {}};
  }

  Result<net::Response> body_of(attest::CollateralKind kind, std::string_view key) const {
    const attest::CollateralItem* item = has_.find(kind, key);
    if (item == nullptr) return net::Response{404, {}, {}, {}};
    return net::Response{200, {}, net::to_buffer(as_text(item->body)), {}};
  }

  const attest::Collateral has_;
  std::map<Bytes, std::string> serials_;
};

// A GPU's answers: of its own certificates, and of its manifests'.
Vendors vendors_of(const testing::SimulatedGpu& gpu) {
  Vendors vendors(gpu.collateral);
  vendors.knows_requests(attest::nvidia::ocsp_requests(gpu.evidence()));
  for (const auto& [name, item] : gpu.collateral.items()) {
    if (item.kind == attest::CollateralKind::kNvidiaRim) {
      vendors.knows_requests(attest::nvidia::ocsp_requests_of_rim(item.body));
    }
  }
  return vendors;
}

TEST(CollateralWanted, EverythingThatAGpuNeeds) {
  const testing::SimulatedGpu gpu;
  Vendors vendors = vendors_of(gpu);
  attest::Question question = gpu.question();
  ASSERT_TRUE(attest::verify(gpu.evidence(), question).sound());
  attest::Collateral none;
  question.collateral = &none;
  EXPECT_FALSE(attest::verify(gpu.evidence(), question).sound());

  const Fetched fetched = fetch_wanted(*vendors.fetcher(), wanted_by({gpu.evidence(), {}}), none, always);
  for (const Fetched::Failure& failure : fetched.failures) ADD_FAILURE() << failure.error.message();
  question.collateral = &fetched.collateral;
  const attest::Verdict verdict = attest::verify(gpu.evidence(), question);
  EXPECT_TRUE(verdict.sound()) << (verdict.first_problem() == nullptr ? "" : verdict.first_problem()->detail);
}

TEST(CollateralWanted, ManifestThatNobodyHas) {
  testing::SimulatedGpu gpu;
  Vendors vendors({});
  const Fetched fetched = fetch_wanted(*vendors.fetcher(), wanted_by({gpu.evidence(), {}}), {}, always);
  EXPECT_TRUE(fetched.collateral.items().empty());
  EXPECT_FALSE(fetched.failures.empty());
  attest::Question question = gpu.question();
  question.collateral = &fetched.collateral;
  EXPECT_FALSE(attest::verify(gpu.evidence(), question).sound());
}

// Without the certificates: what is asked again is in the answer that is kept.
TEST(CollateralWanted, OcspAgain) {
  const testing::SimulatedGpu gpu;
  Vendors vendors = vendors_of(gpu);
  Wanted wanted;
  for (const auto& [name, item] : gpu.collateral.items()) {
    if (item.kind == attest::CollateralKind::kNvidiaOcsp) wanted.needs.push_back({item.kind, item.key});
  }
  ASSERT_FALSE(wanted.needs.empty());
  const std::size_t count = wanted.needs.size();
  const Fetched fetched = fetch_wanted(*vendors.fetcher(), wanted, gpu.collateral, always);
  EXPECT_TRUE(fetched.failures.empty());
  EXPECT_EQ(fetched.collateral.items().size(), count);
  const Fetched without = fetch_wanted(*vendors.fetcher(), wanted, {}, always);
  EXPECT_EQ(without.failures.size(), count);
}

TEST(CollateralWanted, WhatIsKeptKnowsBetterThanEvidence) {
  const testing::SimulatedGpu gpu;
  Vendors vendors = vendors_of(gpu);
  Wanted wanted;
  for (const auto& [name, item] : gpu.collateral.items()) {
    if (item.kind != attest::CollateralKind::kNvidiaOcsp) continue;
    wanted.needs.push_back({item.kind, item.key});
    wanted.hints.ocsp_requests[item.key] = {1, 2, 3};
  }
  ASSERT_FALSE(wanted.needs.empty());
  EXPECT_TRUE(fetch_wanted(*vendors.fetcher(), wanted, gpu.collateral, always).failures.empty());
  EXPECT_EQ(fetch_wanted(*vendors.fetcher(), wanted, {}, always).failures.size(), wanted.needs.size());
}

TEST(CollateralWanted, RevocationsForASnpReport) {
  testing::SimulatedAmd amd;
  const attest::Evidence evidence = amd.snp();
  attest::Collateral has;
  has.add(amd.revocations());
  Vendors vendors(has);
  const Fetched fetched = fetch_wanted(*vendors.fetcher(), wanted_by({evidence, {}}), {}, always);
  EXPECT_TRUE(fetched.failures.empty());
  EXPECT_EQ(vendors.asked, std::vector<std::string>{"/vcek/v1/Milan/crl"});
}

TEST(CollateralWanted, EndsWhenItIsTold) {
  const testing::SimulatedGpu gpu;
  Vendors vendors = vendors_of(gpu);
  const Fetched fetched = fetch_wanted(*vendors.fetcher(), wanted_by({gpu.evidence(), {}}), {}, [] { return false; });
  EXPECT_TRUE(vendors.asked.empty());
  EXPECT_TRUE(fetched.failures.empty());
}

}  // namespace
}  // namespace cloister::home
