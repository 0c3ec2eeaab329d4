// Writes the sample posture in every format, for programs of others to read: posture_report_tool FOLDER.
#include <cstdio>
#include <fstream>

#include "posture/report/csv.h"
#include "posture/report/cyclonedx.h"
#include "posture/report/html.h"
#include "posture/report/ocsf.h"
#include "posture/report/oscal.h"
#include "posture/report/sarif.h"
#include "posture/report/terminal.h"
#include "support/sample_posture.h"

namespace {

bool write(const std::string& folder, const std::string& name, const std::string& text) {
  std::ofstream file(folder + "/" + name, std::ios::binary);
  file << text;
  return static_cast<bool>(file.flush());
}

bool write_all(const std::string& folder, const std::string& name, const cloister::posture::Posture& posture) {
  using namespace cloister::posture::report;  // NOLINT
  bool good = write(folder, name + ".txt", terminal_report(posture)) &&
              write(folder, name + ".html", html_report(posture)) &&
              write(folder, name + ".oscal.json", oscal_assessment_results(posture)) &&
              write(folder, name + ".sarif", sarif_report(posture)) &&
              write(folder, name + ".cdx.json", cyclonedx_cbom(posture)) &&
              write(folder, name + ".ocsf.jsonl", ocsf_findings(posture));
  for (const CsvFile& file : csv_report(posture)) good = good && write(folder, name + "." + file.name, file.text);
  return good;
}

}  // namespace

int main(int count, char** arguments) {
  using namespace cloister;  // NOLINT
  if (count != 2) return 2;
  const std::string folder = arguments[1];
  const posture::Posture before = testing::sample_before(), after = testing::sample_after();
  bool good = write_all(folder, "before", before) && write_all(folder, "after", after);
  good = good && write(folder, "both.html", posture::report::html_report(after, &before));
  if (!good) std::perror(folder.c_str());
  return good ? 0 : 1;
}
