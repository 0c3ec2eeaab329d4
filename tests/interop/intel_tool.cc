// Says what our verifier makes of one of Intel's quotes:
//   intel_tool QUOTE COLLATERAL-FOLDER|- UNIX-SECONDS [SECONDS [cached]]
// prints the verdict as JSON, or, with SECONDS, how often it verifies in a second of processor time; "cached": as a
// service does, which remembers the collateral's signatures and the platform's.
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "attest/intel/quote.h"
#include "base/json.h"
#include "tests/support/intel_vectors.h"
#include "tests/support/value_of.h"
#include "tests/support/vector_folder.h"

using namespace cloister;
using namespace cloister::attest;
using testing::value_of;

namespace {

JsonValue described(const Verdict& verdict) {
  JsonValue::Array problems, advisories;
  for (const Check& check : verdict.checks) {
    if (check.state == CheckState::kPassed) continue;
    problems.emplace_back(JsonValue::Array{check.name, std::string(reason_name(*check.reason)), check.detail});
  }
  for (const std::string& advisory : verdict.advisories) advisories.emplace_back(advisory);
  const auto status = verdict.claims.find("tcb_status");
  return JsonValue::Object{
      {"problems", problems},
      {"advisories", advisories},
      {"tcb_status", status == verdict.claims.end() ? JsonValue() : JsonValue(std::get<std::string>(status->second))},
      {"assurance", std::string(assurance_name(verdict.assurance))}};
}

void time_it(const Evidence& evidence, const Question& question, double seconds) {
  const auto used = [start = std::clock()] { return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC; };
  std::uint64_t count = 0;
  do {
    for (int i = 0; i < 16; ++i) CLOISTER_CHECK(!verify(evidence, question).checks.empty());
    count += 16;
  } while (used() < seconds);
  std::printf("%.0f\n", static_cast<double>(count) / used());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4 || argc > 6) {
    std::fprintf(stderr, "usage: intel_tool QUOTE COLLATERAL-FOLDER|- UNIX-SECONDS [SECONDS [cached]]\n");
    return 2;
  }
  const Bytes quote = testing::bytes_of_file(argv[1]);
  Evidence evidence = value_of(recognise(quote)).primary;
  Collateral collateral;
  if (std::string_view(argv[2]) != "-") collateral = testing::intel_collateral(argv[2], evidence);
  Question question;
  question.now = Time{std::atoll(argv[3]) * 1000};
  question.collateral = &collateral;
  if (const auto parsed = intel::parse_quote(quote); parsed.ok())
    question.report_data = to_bytes(parsed->report_data());
  crypto::VerificationCache cache;
  if (argc == 6) question.cache = &cache;
  if (argc >= 5) {
    time_it(evidence, question, std::atof(argv[4]));
  } else {
    std::printf("%s\n", described(verify(evidence, question)).serialize().c_str());
  }
  return 0;
}
