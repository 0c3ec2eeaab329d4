// Guests judged by what attested release has. Who may have what under which policy is tested with that; here, that the
// protocol asks it, and asks for hardware.
#include "service/kbs/kbs_dialect.h"

#include "base/base64.h"
#include "service/attestation/replay.h"
#include "tests/support/simulated_snp.h"
#include "tests/support/verdicts.h"
#include "tests/unit/service/harness.h"

namespace cloister::service {
namespace {

using namespace cloister::testing;

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

class KbsRelease : public ::testing::Test {
 protected:
  KbsRelease() {
    options_.callers = "spiffe://acme.test/kbs";
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

  KbsEvidence sent() const { return sent_; }
  // A guest that verifies, as its hardware's roots are a test's own; a replay knows the vendors' alone.
  KbsGuest guest(const SnpParts& parts = {}) {
    const auto asked = snp_question(amd_);
    return {"snp",
            value_of(releases_->archive().put_shared(attest::encode(sent().evidence), harness_.random)),
            {attest::verify(amd_.snp(parts), asked->question), {}},
            {crypto::JweAlgorithm::kEcdhEsA256Kw, key_of_seed(1).public_key()},
            options_.epoch(),
            sent().question};
  }
  KbsDecision decided(const KbsGuest& by, const Target& target = {"acme", "", "key"}) {
    return value_of(options_.decide(by, target, kStart));
  }

  Harness harness_;
  SimulatedAmd amd_;
  const KbsEvidence sent_{{amd_.snp(), {}}, {Bytes(48, 0x5A), Bytes(48, 0), kStart}};
  std::unique_ptr<AttestedRelease> releases_;
  std::shared_ptr<const attest::Collateral> collateral_;
  KbsOptions options_;
  int wanted_ = 0;
};

TEST_F(KbsRelease, RootsAreTheVendorsAlone) {
  const attest::SetVerdict verdict = options_.judge(sent()).verdict;
  expect_failed(verdict.primary, "certificate-chain", attest::Reason::kUntrustedRoot);
  EXPECT_EQ(verdict.assurance(), attest::Assurance::kNone);
  EXPECT_EQ(wanted_, 1);
}

TEST_F(KbsRelease, WithoutAPolicyNobodyIsGivenAnything) {
  ASSERT_TRUE(guest().verdict.sound());
  const KbsDecision decision = decided(guest());
  EXPECT_FALSE(decision.allowed);
  EXPECT_FALSE(decision.reason.empty());
  EXPECT_EQ(options_.epoch(), releases_->state()->epoch);
}

TEST_F(KbsRelease, PolicyDecidesByTheRoleAndWhatTheEvidenceClaims) {
  harness_.start(releases_->routes());
  const auto set = harness_.send("PUT", "/v1/attestation/policy", Json{{"document", kAttestationPolicy}}.dump(),
                                 {kAdmin, "operate"});
  ASSERT_EQ(set.status(), 200U) << set.body();
  const auto decide = [this](const SnpParts& parts, const Target& target) { return decided(guest(parts), target); };
  const KbsDecision good = decide({}, {"acme", "", "key"});
  EXPECT_TRUE(good.allowed) << good.reason;
  EXPECT_FALSE(decide({}, {"acme", "", "other"}).allowed);
  EXPECT_FALSE(decide({}, {"rival", "", "key"}).allowed);
  EXPECT_FALSE(decide({.edit = [](Bytes& report) { report[0x030] = 1; }}, {"acme", "", "key"}).allowed);
  EXPECT_FALSE(decide({.edit = [](Bytes& report) { report[0x090] ^= 1; }}, {"acme", "", "key"}).allowed);
  EXPECT_FALSE(decide({.edit = [](Bytes& report) { report[0x00A] |= 0x08; }}, {"acme", "", "key"}).allowed);
}

TEST_F(KbsRelease, DecisionIsDecidedAgain) {
  KbsGuest refused = guest();
  const KbsJudgement judged = options_.judge(sent());
  refused.verdict = judged.verdict;  // by the vendors' roots
  refused.collateral = value_of(options_.keep(sent(), judged));
  const KbsDecision decision = decided(refused);
  EXPECT_FALSE(decision.allowed);
  const Replay replay = value_of(replay_release(releases_->archive(), decision.kept));
  EXPECT_TRUE(replay.same()) << replay.kept << "\n" << replay.found;
  EXPECT_EQ(replay.digest, decision.digest);
  EXPECT_EQ(replay.record.caller, options_.callers + "/snp");
  EXPECT_EQ(replay.record.asked.binding.role, "kbs");
  ASSERT_TRUE(replay.record.asked.guest);
  EXPECT_EQ(replay.record.asked.guest->report_data, sent().question.report_data);
  EXPECT_EQ(replay.record.asked.evidence, sent().evidence);
  const std::string name = to_hex(refused.evidence);
  std::filesystem::remove(harness_.directory / "archive" / "shared" / name);
  const auto gone = replay_release(releases_->archive(), decision.kept);
  ASSERT_FALSE(gone.ok());
  EXPECT_EQ(gone.error().code(), Code::kCorrupt);
  EXPECT_NE(gone.error().message().find(name), std::string::npos) << gone.error().message();
}

// Guests ask as often as they like.
TEST_F(KbsRelease, EvidenceIsInNoDecision) {
  const KbsDecision decision = decided(guest());
  const Bytes record = value_of(releases_->archive().release(decision.kept));
  EXPECT_EQ(as_text(record).find(to_base64(attest::encode(sent().evidence))), std::string_view::npos);
  EXPECT_NE(as_text(record).find(to_hex(guest().evidence)), std::string_view::npos);
}

TEST_F(KbsRelease, SameDecisionIsKeptOnce) {
  const KbsGuest one = guest();
  const KbsDecision first = decided(one);
  const KbsDecision again = value_of(options_.decide(one, {"acme", "", "key"}, kStart + minutes(1)));
  EXPECT_EQ(again.kept, first.kept);
  EXPECT_EQ(again.digest, first.digest);
  EXPECT_EQ(again.reason, first.reason);
  EXPECT_NE(decided(one, {"acme", "", "other"}).kept, first.kept);
  EXPECT_EQ(value_of(releases_->archive().releases()).size(), 2U);
  EXPECT_NE(decided(guest()).kept, first.kept);  // another session
  harness_.start(releases_->routes());
  ASSERT_EQ(
      harness_.send("PUT", "/v1/attestation/policy", Json{{"document", kAttestationPolicy}}.dump(), {kAdmin, "operate"})
          .status(),
      200U);
  const auto late = options_.decide(one, {"acme", "", "key"}, kStart);
  ASSERT_FALSE(late.ok());  // by a policy that its verdict knows nothing of
  EXPECT_EQ(late.error().code(), Code::kExpired);
  KbsGuest current = one;
  current.epoch = options_.epoch();
  const KbsDecision allowed = decided(current);
  EXPECT_TRUE(allowed.allowed) << allowed.reason;
  EXPECT_NE(allowed.kept, first.kept);
}

TEST_F(KbsRelease, NamesWithoutEndAreBounded) {
  const KbsGuest one = guest();
  for (std::size_t i = 0; i < KbsKept::kMax; ++i) decided(one, {"acme", "", "d" + std::to_string(i)});
  const auto more = options_.decide(one, {"acme", "", "more"}, kStart);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code(), Code::kUnavailable);
  EXPECT_EQ(value_of(releases_->archive().releases()).size(), KbsKept::kMax);
  EXPECT_FALSE(decided(one, {"acme", "", "d0"}).kept.empty());  // as before
}

// Whoever could put another verdict beside the evidence isn't believed.
TEST_F(KbsRelease, KeptVerdictThatTheEvidenceDoesNotBear) {
  harness_.start(releases_->routes());
  ASSERT_EQ(
      harness_.send("PUT", "/v1/attestation/policy", Json{{"document", kAttestationPolicy}}.dump(), {kAdmin, "operate"})
          .status(),
      200U);
  const KbsDecision decision = decided(guest());
  ASSERT_TRUE(decision.allowed) << decision.reason;
  const Replay replay = value_of(replay_release(releases_->archive(), decision.kept));
  EXPECT_FALSE(replay.same());
  EXPECT_FALSE(replay.record.found.decision.allowed);
  EXPECT_EQ(replay.policy_id, "guests");
}

TEST_F(KbsRelease, SoundEvidenceRaisesFloors) {
  keys::Store& store = harness_.keys->store();
  const attest::SetVerdict verdict = guest().verdict;
  ASSERT_FALSE(verdict.primary.seen.empty());
  const auto& [name, number] = *verdict.primary.seen.begin();
  const std::uint64_t epoch = options_.epoch();
  EXPECT_EQ(value_of(options_.raise_floors(store, verdict, epoch, Harness::caller())), epoch);  // the first of its name
  EXPECT_EQ(releases_->state()->floors.at(name), number);
  EXPECT_EQ(harness_.last_event().action, "attestation.raise-floors");
  attest::SetVerdict later = verdict;
  ++later.primary.seen[name];
  EXPECT_EQ(value_of(options_.raise_floors(store, later, epoch + 1, Harness::caller())), epoch + 1);
  EXPECT_EQ(releases_->state()->floors.at(name), number);  // another epoch than it was judged in: nothing rises
  EXPECT_EQ(value_of(options_.raise_floors(store, later, epoch, Harness::caller())), epoch + 1);
  EXPECT_EQ(releases_->state()->floors.at(name), number + 1);
  const std::size_t records = harness_.audit_rows().size();
  EXPECT_EQ(value_of(options_.raise_floors(store, verdict, epoch + 1, Harness::caller())), epoch + 1);
  EXPECT_EQ(harness_.audit_rows().size(), records);  // nothing new, nothing on record
}

TEST_F(KbsRelease, FloorsOfAStoreThatCannotBeRead) {
  keys::Store& store = harness_.keys->store();
  const attest::SetVerdict verdict = guest().verdict;
  const std::uint64_t epoch = options_.epoch();
  ASSERT_TRUE(options_.raise_floors(store, verdict, epoch, Harness::caller()).ok());
  attest::SetVerdict later = verdict;
  for (auto& [name, number] : later.primary.seen) ++number;
  harness_.sql("UPDATE settings SET value = replace(value, 'epoch', 'epos') WHERE name = 'attestation_state'");
  EXPECT_EQ(options_.raise_floors(store, later, epoch, Harness::caller()).error().code(), Code::kCorrupt);
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
  const auto items = value_of(options_.keep({set, {}}, {verdict, {}, collateral_}));
  ASSERT_EQ(items.size(), collateral_->items().size());
  const Bytes encoded = attest::encode(set);
  EXPECT_EQ(value_of(releases_->archive().shared(crypto::sha256(encoded))), encoded);
  for (const auto& [name, item] : collateral_->items()) {
    const Bytes kept = value_of(releases_->archive().shared(crypto::sha256(encode(item))));
    EXPECT_EQ(value_of(decode_collateral_item(kept)).digest(), item.digest()) << name;
  }
}

}  // namespace
}  // namespace cloister::service
