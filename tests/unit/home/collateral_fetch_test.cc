#include "home/collateral_wanted.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/recorded_transport.h"
#include "tests/support/revocation_lists.h"

namespace cloister::home {
namespace {

using attest::CollateralKind;
using attest::CollateralNeed;
using testing::expect_refused;
using testing::RecordedTransport;
using testing::TestWaiting;
using testing::value_of;

const CollateralNeed kCrl{CollateralKind::kIntelCrl, "root"};
const CollateralNeed kAmdCrl{CollateralKind::kAmdCrl, "Milan/vcek"};
constexpr std::string_view kAmdTarget = "/vcek/v1/Milan/crl";
const std::string kDer{as_text(testing::pss_revocation_list())};

// Hands all calls to one recorded transport.
class Shared final : public kms::HttpTransport {
 public:
  explicit Shared(RecordedTransport& recorded) : recorded_(recorded) {}
  Result<net::Response> send(const net::Request& request, Duration patience) override {
    return recorded_.send(request, patience);
  }

 private:
  RecordedTransport& recorded_;
};

struct World {
  RecordedTransport recorded;
  TestWaiting waiting;
  std::unique_ptr<CollateralFetcher> fetcher;

  World() {
    VendorAddresses addresses;
    addresses.amd_kds = "https://mirror.example/amd";
    fetcher = value_of(CollateralFetcher::create(
        addresses,
        [this](const kms::Endpoint&) -> Result<std::unique_ptr<kms::HttpTransport>> {
          return std::unique_ptr<kms::HttpTransport>(std::make_unique<Shared>(recorded));
        },
        waiting.waiting(), Attempts::kSeveral));
  }
};

TEST(CollateralFetch, FromAMirrorsPath) {
  World world;
  world.recorded.expect("GET", "/amd/vcek/v1/Milan/crl", 200, kDer);
  EXPECT_EQ(as_text(value_of(world.fetcher->fetch(kAmdCrl, {})).body), kDer);
  EXPECT_EQ(world.recorded.sent()[0].header("host"), "mirror.example");
}

TEST(CollateralFetch, ThrottledThenServed) {
  World world;
  world.recorded.expect("GET", "/amd" + std::string(kAmdTarget), 429, "", {{"retry-after", "7"}});
  world.recorded.expect("GET", "/amd" + std::string(kAmdTarget), 200, kDer);
  EXPECT_TRUE(world.fetcher->fetch(kAmdCrl, {}).ok());
  EXPECT_EQ(world.waiting.slept, std::vector<Duration>{seconds(7)});
}

TEST(CollateralFetch, ThrottledForGood) {
  World world;
  for (int i = 0; i < 3; ++i) world.recorded.expect("GET", "/amd" + std::string(kAmdTarget), 429, "");
  expect_refused(world.fetcher->fetch(kAmdCrl, {}), Code::kUnavailable, "429");
  // Not asked again at once, while another vendor is.
  expect_refused(world.fetcher->fetch(kAmdCrl, {}), Code::kUnavailable, "isn't asked before");
  world.recorded.expect("GET", "/IntelSGXRootCA.der", 200, kDer);
  EXPECT_TRUE(world.fetcher->fetch(kCrl, {}).ok());
  // Later it is.
  world.waiting.now = world.waiting.now + minutes(2);
  world.recorded.expect("GET", "/amd" + std::string(kAmdTarget), 200, kDer);
  EXPECT_TRUE(world.fetcher->fetch(kAmdCrl, {}).ok());
}

TEST(CollateralFetch, OneVendorIsDown) {
  World world;
  for (int i = 0; i < 3; ++i) {
    world.recorded.expect_failure("GET", "/amd" + std::string(kAmdTarget), Error(Code::kUnavailable, "no route"));
  }
  world.recorded.expect("GET", "/IntelSGXRootCA.der", 200, kDer);
  const Wanted wanted{{kAmdCrl, {CollateralKind::kAmdCrl, "Genoa/vcek"}, kCrl}, {}};
  const Fetched fetched = fetch_wanted(*world.fetcher, wanted, {}, [] { return true; });
  ASSERT_EQ(fetched.collateral.items().size(), 1U);
  EXPECT_NE(fetched.collateral.find(kCrl.kind, kCrl.key), nullptr);
  ASSERT_EQ(fetched.failures.size(), 2U);
  EXPECT_EQ(fetched.failures[0].error.code(), Code::kUnavailable);
  EXPECT_NE(fetched.failures[1].error.message().find("isn't asked before"), std::string::npos);
  EXPECT_EQ(world.recorded.left(), 0U);
}

TEST(CollateralFetch, VendorHasNone) {
  World world;
  world.recorded.expect("GET", "/amd" + std::string(kAmdTarget), 404, "");
  expect_refused(world.fetcher->fetch(kAmdCrl, {}), Code::kNotFound, "404");
  world.recorded.expect("GET", "/amd" + std::string(kAmdTarget), 403, "");
  expect_refused(world.fetcher->fetch(kAmdCrl, {}), Code::kInvalid, "403");
}

TEST(CollateralFetch, AnswerThatIsNone) {
  World world;
  world.recorded.expect("GET", "/amd" + std::string(kAmdTarget), 200, "<html>");
  expect_refused(world.fetcher->fetch(kAmdCrl, {}), Code::kInvalid, "is no");
}

TEST(CollateralFetch, AddressThatIsNone) {
  VendorAddresses addresses;
  addresses.nvidia_rim = "ftp://rim";
  expect_refused(CollateralFetcher::create(addresses, web_transports(""), kms::real_waiting(), Attempts::kOnce),
                 Code::kInvalid, "nvidia-rim");
  addresses.nvidia_rim = "http://rim.example";
  expect_refused(CollateralFetcher::create(addresses, web_transports(""), kms::real_waiting(), Attempts::kOnce),
                 Code::kInvalid, "plain http");
}

}  // namespace
}  // namespace cloister::home
