// What Cloister says of an SNP report, check by check: amd_tool FOLDER vcek|vlek TIME [REPORT].
#include <cstdio>

#include "attest/verifier.h"
#include "crypto/pem.h"
#include "tests/support/value_of.h"
#include "tests/support/vector_folder.h"

using namespace cloister;
using testing::bytes_of_file;

int main(int count, char** words) {
  if (count < 4) return 2;
  const Path folder = words[1];
  const bool vlek = std::string_view(words[2]) == "vlek";
  const auto chain =
      testing::value_of(crypto::parse_pem(testing::text_of_file(folder / "ask_ark_asvk.pem"), "CERTIFICATE", 3));
  const attest::Evidence evidence{attest::Kind::kSnp,
                                  {{"report", bytes_of_file(count > 4 ? Path(words[4]) : folder / "report.bin")},
                                   {vlek ? "vlek" : "vcek", bytes_of_file(folder / "vek.der")},
                                   {vlek ? "asvk" : "ask", chain[vlek ? 2 : 0]},
                                   {"ark", chain[1]}}};
  attest::Question question;
  question.now = testing::value_of(parse_rfc3339(words[3]));
  for (const attest::Check& check : attest::verify(evidence, question).checks) {
    std::printf("%s %s\n", check.name.c_str(), std::string(attest::check_state_name(check.state)).c_str());
  }
  return 0;
}
