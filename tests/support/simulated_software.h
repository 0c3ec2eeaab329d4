// An insecure_software worker of a test's own, with everything about it as a verifier wants it.
#pragma once

#include "attest/binding.h"
#include "attest/software/statement.h"
#include "attest/verifier.h"
#include "tests/support/deterministic_random.h"

namespace cloister::testing {

struct SimulatedSoftware {
  DeterministicRandom random{77};
  crypto::SigningKey key = crypto::SigningKey::generate(random);
  attest::SoftwareStatement statement = sample();
  attest::Anchors anchors =
      attest::Anchors::with_insecure_software({attest::software_key_fingerprint(key.public_key())});

  static constexpr Time kNow{1'795'000'000'000};
  static attest::SoftwareStatement sample() {
    attest::SoftwareStatement said;
    said.measurement.fill(1);
    said.manifest.fill(2);
    said.report_data.fill(3);
    said.time = kNow;
    said.lockdown = {{"core-dumps", attest::Achieved::kYes, ""},
                     {"secret-memory", attest::Achieved::kWeaker, "locked pages instead"},
                     {"ptrace-scope", attest::Achieved::kNo, "this kernel has no YAMA"}};
    return said;
  }

  attest::Evidence evidence() const {
    return {attest::Kind::kInsecureSoftware, {{"statement", attest::sign_statement(statement, key)}}};
  }
  // That everything passes for.
  attest::Question question() const {
    attest::Question asked;
    asked.now = kNow;
    asked.report_data = Bytes(64, 3);
    asked.anchors = &anchors;
    return asked;
  }
};

}  // namespace cloister::testing
