// A posture report, its history, a baseline or facts in lines, of any bytes: read or refused; and redaction, which
// ends, and changes nothing the second time.
#include <vector>

#include "posture/evidence/redaction.h"
#include "posture/fact_lines.h"
#include "posture/gate.h"
#include "tests/support/sample_posture.h"

namespace {

using namespace cloister;
using namespace cloister::posture;

void push(std::vector<std::vector<std::uint8_t>>* seeds, std::string_view text) {
  seeds->emplace_back(text.begin(), text.end());
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const Posture posture = testing::sample_after();
  push(seeds, verdicts_json(posture));
  push(seeds, history_json(posture));
  push(seeds, baseline_json(baseline_of(stored(posture))));
  push(seeds, fact_lines(posture.facts));
  push(seeds, R"({"password": "a\"b", "kty":"OKP","d":"0123456789abcdef"} postgresql://u:p@h/d AKIAIOSFODNN7EXAMPLE)");
  push(seeds, "-----BEGIN PRIVATE KEY-----\nMC4\n-----END PRIVATE KEY-----\n<Secret>x</Secret> a@b.c [redacted: x]");
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text({data, size});
  if (const auto report = parse_report(input); report.ok()) {
    const GateAnswer answer = gate(built_in_catalogue(), *report, {});
    CLOISTER_CHECK(answer.failures.size() <= report->verdicts.size() + report->controls.size());
  }
  ignore_result(parse_history(input));
  if (const auto baseline = parse_baseline(input); baseline.ok()) {
    CLOISTER_CHECK(parse_baseline(baseline_json(*baseline)).ok());
  }
  if (const auto facts = parse_fact_lines(input); facts.ok()) {
    const auto again = parse_fact_lines(fact_lines(*facts));
    CLOISTER_CHECK(again.ok() && again->size() == facts->size());
  }
  const std::string kept = redact(input, RedactEmails::kYes);
  CLOISTER_CHECK(redact(kept, RedactEmails::kYes) == kept);
  return 0;
}
