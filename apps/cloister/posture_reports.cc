// Reports in files.
#include "posture_reports.h"

#include "posture/report/csv.h"
#include "posture/report/cyclonedx.h"
#include "posture/report/html.h"
#include "posture/report/json.h"
#include "posture/report/ocsf.h"
#include "posture/report/oscal.h"
#include "posture/report/sarif.h"

namespace cloister::cli {
namespace {

Status write(const Path& file, const std::string& content, bool force) {
  return write_file(file, as_bytes(content), force ? Overwrite::kReplace : Overwrite::kRefuse, 0640)
      .with_context("write " + file.string());
}

using Render = std::string (*)(const posture::Posture& posture);

Status write_rendered(const std::string& file, const posture::Posture& posture, Render render, bool force) {
  return file.empty() ? ok_status() : write(file, render(posture), force);
}

Status write_tables(const ReportFiles& files, const posture::Posture& posture) {
  if (files.csv.empty()) return {};
  CLOISTER_RETURN_IF_ERROR(create_directories(files.csv));
  for (const posture::report::CsvFile& table : posture::report::csv_report(posture)) {
    CLOISTER_RETURN_IF_ERROR(write(Path(files.csv) / table.name, table.text, files.force));
  }
  return {};
}

}  // namespace

void add_report_options(CLI::App& verb, ReportFiles& files) {
  verb.add_option("--html", files.html, "the report with its pictures, in one file")->type_name("FILE");
  verb.add_option("--report", files.json, "the report as JSON, for `gate` and other programs")->type_name("FILE");
  verb.add_option("--oscal", files.oscal, "OSCAL assessment results 1.2.1")->type_name("FILE");
  verb.add_option("--sarif", files.sarif, "SARIF 2.1.0")->type_name("FILE");
  verb.add_option("--cbom", files.cbom, "CycloneDX 1.7: keys and algorithms")->type_name("FILE");
  verb.add_option("--ocsf", files.ocsf, "OCSF compliance findings, one a line")->type_name("FILE");
  verb.add_option("--csv", files.csv, "tables for a spreadsheet, in a folder")->type_name("DIR");
  verb.add_flag("-f,--force", files.force, "replace files that are there");
}

Status write_reports(const posture::Posture& now, const posture::Posture* before, const ReportFiles& files) {
  if (!files.html.empty()) {
    CLOISTER_RETURN_IF_ERROR(write(files.html, posture::report::html_report(now, before), files.force));
  }
  CLOISTER_RETURN_IF_ERROR(write_rendered(
      files.json, now, [](const posture::Posture& one) { return posture::report_json(one) + "\n"; }, files.force));
  CLOISTER_RETURN_IF_ERROR(write_rendered(files.oscal, now, posture::report::oscal_assessment_results, files.force));
  CLOISTER_RETURN_IF_ERROR(write_rendered(files.sarif, now, posture::report::sarif_report, files.force));
  CLOISTER_RETURN_IF_ERROR(write_rendered(files.cbom, now, posture::report::cyclonedx_cbom, files.force));
  CLOISTER_RETURN_IF_ERROR(write_rendered(files.ocsf, now, posture::report::ocsf_findings, files.force));
  return write_tables(files, now);
}

}  // namespace cloister::cli
