// Writes the sample posture in every format, for programs of others to read: posture_report_tool FOLDER.
#include <cstdio>
#include <fstream>

#include "posture/report/html.h"
#include "posture/report/terminal.h"
#include "support/sample_posture.h"

namespace {

bool write(const std::string& folder, const char* name, const std::string& text) {
  std::ofstream file(folder + "/" + name, std::ios::binary);
  file << text;
  return static_cast<bool>(file.flush());
}

}  // namespace

int main(int count, char** arguments) {
  using namespace cloister;  // NOLINT
  if (count != 2) return 2;
  const std::string folder = arguments[1];
  const posture::Posture before = testing::sample_before(), after = testing::sample_after();
  bool good = true;
  for (const auto& [name, posture] : {std::pair("before", &before), std::pair("after", &after)}) {
    const std::string start = name;
    good = good && write(folder, (start + ".txt").c_str(), posture::report::terminal_report(*posture));
    good = good && write(folder, (start + ".html").c_str(), posture::report::html_report(*posture));
  }
  good = good && write(folder, "both.html", posture::report::html_report(after, &before));
  if (!good) std::perror(folder.c_str());
  return good ? 0 : 1;
}
