// Files of a TPM's enrolment of any bytes are read or refused; what is read is written so that it reads the same again.
#include <vector>

#include "tests/support/tpm_identity.h"

using namespace cloister;

namespace {

template <typename File>
void expect_same_again(std::string_view text, Result<File> (*parse)(std::string_view),
                       std::string (*write)(const File&)) {
  const auto read = parse(text);
  if (!read.ok()) return;
  const std::string written = write(*read);
  const auto again = parse(written);
  CLOISTER_CHECK(again.ok() && write(*again) == written);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = as_text({data, size});
  expect_same_again(text, attest::parse_tpm_identity, attest::write_tpm_identity);
  expect_same_again(text, attest::parse_tpm_challenge, attest::write_tpm_challenge);
  expect_same_again(text, attest::parse_tpm_answer, attest::write_tpm_answer);
  const auto identity = attest::parse_tpm_identity(text);
  if (identity.ok()) ignore_result(attest::check_endorsement_certificate(*identity, {}, Time{}));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  attest::TpmIdentity identity = testing::simulated_identity();
  seeds->push_back(to_bytes(as_bytes(attest::write_tpm_identity(identity))));
  identity.certificate = Bytes(30, 9);
  seeds->push_back(to_bytes(as_bytes(attest::write_tpm_identity(identity))));
  const attest::TpmChallenge challenge{{1}, Time{}, Bytes(34, 2), {Bytes(50, 3), Bytes(256, 4)}};
  seeds->push_back(to_bytes(as_bytes(attest::write_tpm_challenge(challenge))));
  const attest::TpmAnswer answer{{1}, testing::SimulatedTpm().evidence()};
  seeds->push_back(to_bytes(as_bytes(attest::write_tpm_answer(answer))));
}
