#include "worker/attester/attester.h"

#include <gtest/gtest.h>

#include "attest/verifier.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/expect.h"
#include "tests/support/locked_down.h"
#include "tests/support/temp_dir.h"
#include "worker/attester/software.h"

namespace cloister::worker {
namespace {

constexpr Time kNow{1'795'000'000'000};

// Hands out what it was asked with.
class EchoDevice final : public Attester {
 public:
  attest::Kind kind() const override { return attest::Kind::kNvidiaGpu; }
  Result<attest::Evidence> collect(const LockedDown&, ByteView nonce) override {
    if (broken) return Error(Code::kUnavailable, "the device is busy");
    return attest::Evidence{kind(), {{"report", to_bytes(nonce)}}};
  }
  bool broken = false;
};

struct Machine {
  testing::DeterministicRandom random{5};
  crypto::SigningKey key = crypto::SigningKey::generate(random);
  attest::Anchors anchors =
      attest::Anchors::with_insecure_software({attest::software_key_fingerprint(key.public_key())});
  LockedDown locked = LockedDownForTests::make({{"core-dumps", attest::Achieved::kYes, ""}});
  SoftwareAttester attester{crypto::SigningKey::from_seed(key.seed().duplicate()), {}, {}, [] { return kNow; }};
  attest::Binding binding{"infer", Bytes(32, 1), Bytes(32, 2), {}, std::nullopt, std::nullopt, {}};

  attest::Verdict verdict(const attest::EvidenceSet& set) {
    attest::Binding expected = binding;
    expected.devices = attest::devices_digest(set);
    attest::Question question;
    question.now = kNow;
    question.report_data = attest::report_data(expected);
    question.anchors = &anchors;
    return attest::verify(set.primary, question);
  }
};

TEST(Attester, EvidenceIsBoundToTheQuestion) {
  Machine machine;
  auto set = collect_evidence(machine.locked, machine.attester, {}, machine.binding);
  ASSERT_TRUE(set.ok());
  const attest::Verdict verdict = machine.verdict(*set);
  EXPECT_TRUE(verdict.sound());
  EXPECT_EQ(std::get<std::string>(verdict.claims.at("software.lockdown.core-dumps")), "yes");
  machine.binding.nonce[0] ^= 1;
  EXPECT_EQ(machine.verdict(*set).first_problem()->name, "report-data");
}

TEST(Attester, DevicesAreUnderTheMachinesEvidence) {
  Machine machine;
  EchoDevice device;
  Attester* const devices[] = {&device};
  auto set = collect_evidence(machine.locked, machine.attester, devices, machine.binding);
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->devices.at(0).parts.at("report"), attest::device_nonce(machine.binding));
  EXPECT_TRUE(machine.verdict(*set).sound());
  set->devices.at(0).parts.at("report")[0] ^= 1;
  EXPECT_FALSE(machine.verdict(*set).sound());
}

TEST(Attester, NoEvidenceWithoutADevicesOwn) {
  Machine machine;
  EchoDevice device;
  device.broken = true;
  Attester* const devices[] = {&device};
  testing::expect_refused(collect_evidence(machine.locked, machine.attester, devices, machine.binding),
                          Code::kUnavailable, "busy");
}

TEST(Attester, DebugIsStated) {
  Machine machine;
  machine.locked = LockedDownForTests::make({}, true);
  auto set = collect_evidence(machine.locked, machine.attester, {}, machine.binding);
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(machine.verdict(*set).first_problem()->name, "debug");
}

TEST(Attester, ReportDataTooLong) {
  Machine machine;
  testing::expect_refused(machine.attester.collect(machine.locked, Bytes(65, 1)), Code::kInvalid, "64");
}

TEST(Attester, ProgramIsMeasuredByItsFile) {
  const testing::TempDir folder;
  const Path program = folder.path() / "program";
  ASSERT_TRUE(write_file(program, Bytes(3 << 20, 7), Overwrite::kRefuse).ok());
  EXPECT_EQ(testing::value_of(measure_program(program)), crypto::sha256(Bytes(3 << 20, 7)));
  EXPECT_FALSE(measure_program(folder.path() / "none").ok());
}

}  // namespace
}  // namespace cloister::worker
