// What a report over a hundred thousand findings costs: seconds and size of each format. The goals are for the HTML
// page: under two seconds and under 20 MB.
#include "bench.h"

#include "posture/report/csv.h"
#include "posture/report/cyclonedx.h"
#include "posture/report/html.h"
#include "posture/report/json.h"
#include "posture/report/ocsf.h"
#include "posture/report/oscal.h"
#include "posture/report/sarif.h"
#include "posture/report/terminal.h"
#include "support/sample_posture.h"

int main() {
  using namespace cloister;                   // NOLINT
  using namespace cloister::posture::report;  // NOLINT
  const char* wanted = std::getenv("BENCH_FINDINGS");
  const std::size_t findings = wanted == nullptr ? 100'000 : std::strtoull(wanted, nullptr, 10);
  const posture::Posture posture = testing::large_posture(findings);
  struct Format {
    const char* name;
    std::function<std::size_t()> size;
  };
  const Format formats[] = {
      {"HTML", [&] { return html_report(posture).size(); }},
      {"terminal", [&] { return terminal_report(posture).size(); }},
      {"JSON", [&] { return posture::report_json(posture).size(); }},
      {"OSCAL", [&] { return oscal_assessment_results(posture).size(); }},
      {"SARIF", [&] { return sarif_report(posture).size(); }},
      {"OCSF", [&] { return ocsf_findings(posture).size(); }},
      {"CycloneDX", [&] { return cyclonedx_cbom(posture).size(); }},
      {"CSV",
       [&] {
         std::size_t size = 0;
         for (const CsvFile& file : csv_report(posture)) size += file.text.size();
         return size;
       }},
  };
  std::printf("Reports over %zu findings with a fact each, %d rounds\n", findings, bench::rounds());
  for (const Format& format : formats) {
    std::size_t size = format.size();  // a warm-up
    std::vector<double> seconds, processor;
    for (int round = 0; round < bench::rounds(); ++round) {
      const double cpu = bench::cpu_seconds();
      seconds.push_back(bench::seconds_of([&] { size = format.size(); }));
      processor.push_back(bench::cpu_seconds() - cpu);
    }
    std::printf("  %-10s %6.2f s, %6.2f s of processors, %8.2f MB\n", format.name, bench::median(seconds),
                bench::median(processor), static_cast<double>(size) / 1e6);
  }
  return 0;
}
