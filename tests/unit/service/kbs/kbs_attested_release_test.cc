// Guests judged by what attested release has. Who may have what under which policy is tested with that; here, that the
// protocol asks it, and asks for hardware.
#include "service/kbs/kbs_dialect.h"
#include "tests/support/simulated_snp.h"
#include "tests/support/verdicts.h"
#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

using namespace cloister::testing;

class KbsRelease : public ::testing::Test {
 protected:
  KbsRelease() {
    keys::Store& store = harness_.keys->store();
    const AuthenticSettings settings =
        value_of(AuthenticSettings::open(store, *harness_.root, harness_.random, Harness::caller()));
    releases_ = value_of(AttestedRelease::open(
        {.settings = settings, .archive = harness_.directory / "archive", .random = &harness_.random}, store,
        Harness::caller()));
    auto collateral = std::make_shared<attest::Collateral>();
    collateral->add(amd_.revocations({}, kStart + days(-1)));
    collateral->add(amd_.chain());
    collateral_ = collateral;
    judge_by_attested_release(options_, *releases_,
                              {[this] { return collateral_; }, [this](const attest::EvidenceSet&) { ++wanted_; }},
                              harness_.random);
  }

  Harness harness_;
  SimulatedAmd amd_;
  std::unique_ptr<AttestedRelease> releases_;
  std::shared_ptr<const attest::Collateral> collateral_;
  KbsOptions options_;
  int wanted_ = 0;
};

TEST_F(KbsRelease, RootsAreTheVendorsAlone) {
  const attest::SetVerdict verdict = options_.judge({amd_.snp(), {}}, Bytes(48, 0x5A), Bytes(48, 0), kStart);
  expect_failed(verdict.primary, "certificate-chain", attest::Reason::kUntrustedRoot);
  EXPECT_EQ(verdict.assurance(), attest::Assurance::kNone);
  EXPECT_EQ(wanted_, 1);
}

TEST_F(KbsRelease, WithoutAPolicyNobodyIsGivenAnything) {
  const auto asked = snp_question(amd_);
  const KbsGuest guest{"snp",
                       "e",
                       {attest::verify(amd_.snp(), asked->question), {}},
                       {crypto::JweAlgorithm::kEcdhEsA256Kw, key_of_seed(1).public_key()},
                       0};
  ASSERT_TRUE(guest.verdict.sound());
  const KbsDecision decision = options_.decide(guest, {"acme", "", "key"}, kStart);
  EXPECT_FALSE(decision.allowed);
  EXPECT_FALSE(decision.reason.empty());
  EXPECT_EQ(options_.epoch(), releases_->state()->epoch);
}

// As docs/api/kbs.md has it, but for a simulated machine.
constexpr const char* kAttestationPolicy = R"(version = 1
id = "guests"
not_after = "never"
[[release]]
name = "confidential guests"
tenant = "acme"
environment = "any"
dataset = "key"
purpose = "infer"
role = "kbs"
manifest = "any"
assurance = "insecure_software"
platform = "snp"
product = ["Milan", "Genoa"]
chip = "any"
measurement = "4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d4d"
lease_seconds = 300
[[claim]]
rule = "confidential guests"
platform = "snp"
name = "snp.vmpl"
is = "0"
)";

TEST_F(KbsRelease, PolicyDecidesByTheRoleAndWhatTheEvidenceClaims) {
  harness_.start(releases_->routes());
  const auto set = harness_.send("PUT", "/v1/attestation/policy", Json{{"document", kAttestationPolicy}}.dump(),
                                 {kAdmin, "operate"});
  ASSERT_EQ(set.status(), 200U) << set.body();
  const auto decide = [this](const SnpParts& parts, const Target& target) {
    const auto asked = snp_question(amd_);
    const KbsGuest guest{"snp",
                         "e",
                         {attest::verify(amd_.snp(parts), asked->question), {}},
                         {crypto::JweAlgorithm::kEcdhEsA256Kw, key_of_seed(1).public_key()},
                         0};
    return options_.decide(guest, target, kStart);
  };
  const KbsDecision good = decide({}, {"acme", "", "key"});
  EXPECT_TRUE(good.allowed) << good.reason;
  EXPECT_FALSE(decide({}, {"acme", "", "other"}).allowed);
  EXPECT_FALSE(decide({}, {"rival", "", "key"}).allowed);
  EXPECT_FALSE(decide({.edit = [](Bytes& report) { report[0x030] = 1; }}, {"acme", "", "key"}).allowed);
  EXPECT_FALSE(decide({.edit = [](Bytes& report) { report[0x090] ^= 1; }}, {"acme", "", "key"}).allowed);
  EXPECT_FALSE(decide({.edit = [](Bytes& report) { report[0x00A] |= 0x08; }}, {"acme", "", "key"}).allowed);
}

TEST_F(KbsRelease, PolicyOfAnotherServerCountsOnceItIsRead) {
  keys::Store& store = harness_.keys->store();
  const ReleaseSettings settings(
      value_of(AuthenticSettings::open(store, *harness_.root, harness_.random, Harness::caller())));
  const std::uint64_t before = options_.epoch();
  const audit::Event event{kStart, "another server", "policy.set", "", "", audit::Outcome::kAllowed, ""};
  ASSERT_TRUE(
      store
          .change(event,
                  [&](keys::Store::Change& change) { return settings.put_policy(store, change, kAttestationPolicy); })
          .ok());
  EXPECT_EQ(options_.epoch(), before);
  ASSERT_TRUE(options_.refresh(store).ok());
  EXPECT_EQ(options_.epoch(), before + 1);
  harness_.sql("UPDATE settings SET value = replace(value, 'guests', 'others') WHERE name = 'attestation_policy'");
  EXPECT_EQ(options_.refresh(store).error().code(), Code::kCorrupt);
}

TEST_F(KbsRelease, EvidenceAndWhatItWasJudgedByAreKept) {
  const auto asked = snp_question(amd_);
  asked->question.collateral = collateral_.get();
  asked->question.now = kStart;
  attest::Evidence evidence = amd_.snp();
  evidence.parts.erase("ask");
  const attest::EvidenceSet set{evidence, {}};
  const attest::SetVerdict verdict{attest::verify(evidence, asked->question), {}};
  ASSERT_EQ(verdict.primary.used.size(), 2U);
  ASSERT_TRUE(options_.keep(set, verdict).ok());
  const Bytes encoded = attest::encode(set);
  EXPECT_EQ(value_of(releases_->archive().shared(crypto::sha256(encoded))), encoded);
  for (const auto& [name, item] : collateral_->items()) {
    const Bytes kept = value_of(releases_->archive().shared(crypto::sha256(encode(item))));
    EXPECT_EQ(value_of(decode_collateral_item(kept)).digest(), item.digest()) << name;
  }
}

}  // namespace
}  // namespace cloister::service
