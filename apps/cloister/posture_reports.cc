// Reports in files.
#include "posture_reports.h"

#include "posture/report/html.h"
#include "posture/report/json.h"

namespace cloister::cli {
namespace {

Status write(const std::string& file, const std::string& content, bool force) {
  return write_file(file, as_bytes(content), force ? Overwrite::kReplace : Overwrite::kRefuse, 0640)
      .with_context("write " + file);
}

}  // namespace

void add_report_options(CLI::App& verb, ReportFiles& files) {
  verb.add_option("--html", files.html, "the report with its pictures, in one file")->type_name("FILE");
  verb.add_option("--report", files.json, "the report as JSON, for `gate` and other programs")->type_name("FILE");
  verb.add_flag("-f,--force", files.force, "replace files that are there");
}

Status write_reports(const posture::Posture& now, const posture::Posture* before, const ReportFiles& files) {
  if (!files.html.empty()) {
    CLOISTER_RETURN_IF_ERROR(write(files.html, posture::report::html_report(now, before), files.force));
  }
  if (!files.json.empty()) {
    CLOISTER_RETURN_IF_ERROR(write(files.json, posture::report_json(now) + "\n", files.force));
  }
  return {};
}

}  // namespace cloister::cli
