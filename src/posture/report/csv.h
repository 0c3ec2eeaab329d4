// A posture as tables for a spreadsheet, RFC 4180. docs/formats/posture-exports.md.
#pragma once

#include <string>
#include <vector>

#include "posture/posture.h"

namespace cloister::posture::report {

struct CsvFile {
  std::string name;  // "verdicts.csv"
  std::string text;
};

// verdicts, controls, facts, exceptions, mappings. No cell can become a formula.
std::vector<CsvFile> csv_report(const Posture& posture);

}  // namespace cloister::posture::report
