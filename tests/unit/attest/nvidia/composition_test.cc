// Several devices in one set: each once, all of one mode, and in protected PCIe with every switch that they see.
#include "attest/nvidia/composition.h"

#include <gtest/gtest.h>

#include "attest/nvidia/evidence_json.h"
#include "attest/verifier.h"
#include "base/base64.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/simulated_nvidia.h"

namespace cloister::attest {
namespace {

using namespace cloister::testing;

class NvidiaCompositionTest : public ::testing::Test {
 protected:
  NvidiaCompositionTest() {
    first_.device = make_device_path({"NVIDIA:GH100:48B0000000000001", Bytes(48, 0xF1), false, 3200});
    second_.device = make_device_path({"NVIDIA:GH100:48B0000000000002", Bytes(48, 0xF1), false, 3300});
    for (SimulatedGpu* gpu : {&first_, &second_}) {
      gpu->report.feature = 2;
      // Two links to the switch, one to nowhere.
      gpu->report.switch_pdis = unhex("203eb31ad9ed0008203eb31ad9ed00080000000000000000");
    }
  }

  // A set whose first device stands in the machine's place; all are asked the same.
  SetVerdict judge(const std::vector<Evidence>& devices) {
    std::multimap<Root, crypto::Sha256Digest> roots = {
        {Root::kNvidiaRim, crypto::sha256(first_.signer.certificates.back().spki())}};
    Collateral collateral = first_.collateral;
    for (const auto& [name, item] : switch_.collateral.items()) collateral.add(item);
    for (const SimulatedPath* path : {&first_.device, &second_.device, &switch_.device}) {
      roots.emplace(Root::kNvidiaDevice, crypto::sha256(path->certificates.back().spki()));
      add_answers(*path, 1, collateral);
    }
    const Anchors anchors = Anchors::insecure(roots);
    const Question question{kNvidiaNow, first_.report.nonce, &collateral, &anchors, nullptr};
    return verify(EvidenceSet{devices.front(), {devices.begin() + 1, devices.end()}}, question, first_.report.nonce);
  }
  static std::string composition(const SetVerdict& verdict) {
    const Check* check = verdict.primary.find("composition");
    if (check == nullptr) return "absent";
    return std::string(check_state_name(check->state)) +
           (check->reason ? ": " + std::string(reason_name(*check->reason)) : "");
  }

  SimulatedGpu first_, second_;
  SimulatedSwitch switch_;
};

TEST_F(NvidiaCompositionTest, GpusAndTheirSwitch) {
  const SetVerdict verdict = judge({first_.evidence(), second_.evidence(), switch_.evidence()});
  EXPECT_TRUE(verdict.sound());
  EXPECT_EQ(verdict.assurance(), Assurance::kInsecureSoftware);
  for (const Verdict& device : verdict.devices) EXPECT_NE(device.find("composition"), nullptr);
}

// What they share is verified once, and each verdict is the one it would have alone.
TEST_F(NvidiaCompositionTest, EachVerdictIsItsOwn) {
  second_.report.measurements[10] = Bytes(48, 9);
  Evidence tampered = second_.evidence();
  tampered.parts["report"].back() ^= 1;
  const std::vector<Evidence> devices = {first_.evidence(), first_.evidence(), second_.evidence(), tampered,
                                         switch_.evidence()};
  SetVerdict together = judge(devices);
  for (std::size_t i = 0; i < together.devices.size(); ++i) {
    const Check last = together.devices[i].checks.back();
    EXPECT_EQ(last.name, "composition");
    together.devices[i].checks.pop_back();
    Verdict alone = judge({devices[i + 1]}).primary;
    alone.checks.pop_back();
    EXPECT_EQ(together.devices[i], alone) << i;
  }
}

TEST_F(NvidiaCompositionTest, OneGpuAlone) {
  first_.report.feature = 1;
  first_.report.switch_pdis.clear();
  EXPECT_TRUE(judge({first_.evidence()}).sound());
}

TEST_F(NvidiaCompositionTest, SwitchWithoutEvidence) {
  const SetVerdict verdict = judge({first_.evidence(), second_.evidence()});
  EXPECT_EQ(composition(verdict), "not-evaluated: reference-missing");
  EXPECT_FALSE(verdict.sound());
}

TEST_F(NvidiaCompositionTest, SwitchThatNoGpuSees) {
  for (SimulatedGpu* gpu : {&first_, &second_}) gpu->report.switch_pdis = unhex("203eb31ad9ed0009");
  EXPECT_EQ(composition(judge({first_.evidence(), switch_.evidence()})), "not-evaluated: reference-missing");
  switch_.report.switch_pdis = unhex("203eb31ad9ed0009203eb31ad9ed000a");
  EXPECT_EQ(composition(judge({first_.evidence(), switch_.evidence()})), "failed: binding-mismatch");
}

TEST_F(NvidiaCompositionTest, GpuThatSeesNoSwitch) {
  first_.report.switch_pdis.clear();
  EXPECT_EQ(composition(judge({first_.evidence()})), "failed: binding-mismatch");
}

TEST_F(NvidiaCompositionTest, OnlySomeAreProtected) {
  second_.report.feature = 0;
  EXPECT_EQ(composition(judge({first_.evidence(), second_.evidence(), switch_.evidence()})),
            "failed: binding-mismatch");
}

TEST_F(NvidiaCompositionTest, OneGpuShownTwice) {
  EXPECT_EQ(composition(judge({first_.evidence(), first_.evidence(), switch_.evidence()})), "failed: binding-mismatch");
}

TEST_F(NvidiaCompositionTest, DeviceThatCannotBeRead) {
  const SetVerdict verdict = judge({first_.evidence(), switch_.evidence(), Evidence{Kind::kNvidiaGpu, {}}});
  EXPECT_EQ(verdict.devices[1].find("composition")->state, CheckState::kNotEvaluated);
  EXPECT_FALSE(verdict.sound());
}

TEST_F(NvidiaCompositionTest, DevicesAnswerTheirOwnQuestion) {
  const EvidenceSet set{first_.evidence(), {second_.evidence()}};
  const SetVerdict verdict = verify(set, first_.question(), Bytes(32, 7));
  EXPECT_EQ(verdict.primary.find("report-data")->state, CheckState::kPassed);
  EXPECT_EQ(verdict.devices[0].find("report-data")->reason, Reason::kNonceMismatch);
}

std::string json_of(const Evidence& evidence, const std::string& arch) {
  return R"({"arch":")" + arch + R"(","nonce":"00","evidence":")" + to_base64(evidence.part("report")) +
         R"(","certificate":")" + to_base64(evidence.part("chain")) + "\"}";
}

TEST_F(NvidiaCompositionTest, JsonOfNvidiasTools) {
  const std::string text =
      "[" + json_of(first_.evidence(), "HOPPER") + ",\n " + json_of(switch_.evidence(), "LS10") + "]\n";
  const EvidenceSet set = value_of(recognise(as_bytes(text)));
  EXPECT_EQ(set.primary, first_.evidence());
  ASSERT_EQ(set.devices.size(), 1U);
  EXPECT_EQ(set.devices[0], switch_.evidence());
}

TEST_F(NvidiaCompositionTest, JsonOfConfidentialContainers) {
  const std::string text = R"({"device_evidence_list":[)" + json_of(switch_.evidence(), "ls10") + "]}";
  EXPECT_EQ(value_of(recognise(as_bytes(text))).primary, switch_.evidence());
  EXPECT_FALSE(nvidia::recognise_json(as_bytes(std::string(R"({"device_evidence_list":1})"))));
}

TEST_F(NvidiaCompositionTest, JsonOfSomethingElse) {
  const std::string good = json_of(first_.evidence(), "HOPPER");
  for (const std::string& text :
       std::vector<std::string>{"[]", "{}", "[1]", "[{}]", good, "[" + good + ",{}]",
                                R"([{"arch":1,"evidence":"AA==","certificate":"AA=="}])",
                                R"([{"arch":"HOPPER","evidence":"A","certificate":"AA=="}])",
                                R"([{"arch":"HOPPER","evidence":"","certificate":"AA=="}])"}) {
    EXPECT_FALSE(nvidia::recognise_json(as_bytes(text))) << text.substr(0, 60);
  }
}

}  // namespace
}  // namespace cloister::attest
