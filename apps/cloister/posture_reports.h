// A report in files, as the options of several verbs ask for it.
#pragma once

#include "CLI/App.hpp"
#include "posture/posture.h"
#include "session.h"

namespace cloister::cli {

struct ReportFiles {
  std::string html, json, oscal, sarif, cbom, ocsf, csv;  // csv: a folder
  bool force = false;
};
void add_report_options(CLI::App& verb, ReportFiles& files);

// `before`: a run to be shown beside it; null: none. Files appear whole or not at all.
Status write_reports(const posture::Posture& now, const posture::Posture* before, const ReportFiles& files);

}  // namespace cloister::cli
