#include "probe/path/matrix_text.h"

#include <algorithm>

namespace cloister::probe::path {
namespace {

constexpr std::string_view kVerdictSigns = "EORCP?LX";
constexpr std::string_view kOutcomeSigns = "+~?!";
constexpr std::size_t kCellWidth = 4;

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

std::string grid(const Report& report) {
  std::size_t width = 0;
  for (const std::string& name : report.components) width = std::max(width, name.size());
  width += 5;
  std::string text = padded("from \\ to", width);
  for (std::size_t i = 0; i < report.components.size(); ++i) text += padded(std::to_string(i + 1), kCellWidth);
  text += "\n";
  const auto all = cells(report);
  for (std::size_t from = 0; from < report.components.size(); ++from) {
    std::string line = padded(padded(std::to_string(from + 1), 4) + report.components[from], width);
    for (std::size_t to = 0; to < report.components.size(); ++to) {
      const auto found = all.find({from, to});
      line += padded(found == all.end() ? "." : cell_sign(found->second.verdict, found->second.outcome), kCellWidth);
    }
    while (line.ends_with(' ')) line.pop_back();
    text += line + "\n";
  }
  return text;
}

constexpr std::string_view kLegend =
    "E enforced  O observed  R refusing plaintext  C configured  P provider only\n"
    "? unknown  L plaintext possible  X plaintext seen  . no edge\n"
    "+ pass  ~ excepted  ? unproven  ! fail\n";

std::string row_text(const Row& row) {
  std::string text = cell_sign(row.verdict, row.outcome) + "  " + row.from + " -> " + row.to + " " + port_text(row) +
                     "  " + std::string(name_of(row.verdict)) + ", " + std::string(name_of(row.outcome)) +
                     (row.edge ? "" : ", undeclared") + "\n";
  for (const std::string& reason : row.reasons) text += "      " + reason + "\n";
  if (row.provider) text += "      the provider says: " + row.provider->statement + "\n";
  for (const std::string& advice : row.advice) text += "      do: " + advice + "\n";
  return text;
}

std::string unused_text(const Report& report) {
  std::string text;
  const auto add = [&text](std::uint64_t count, std::string_view what) {
    if (count != 0) text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(what);
  };
  add(report.expired, "too old");
  add(report.from_the_future, "from the future");
  add(report.outside, "between others");
  add(report.inside, "inside a component");
  add(report.ambiguous, "that fit several edges");
  return text.empty() ? "" : "statements that prove nothing here: " + text + "\n";
}

}  // namespace

std::string cell_sign(Verdict verdict, Outcome outcome) {
  return {kVerdictSigns[static_cast<std::size_t>(verdict)], kOutcomeSigns[static_cast<std::size_t>(outcome)]};
}

std::string port_text(const Row& row) {
  if (row.transport == Transport::kRdma) return "rdma";
  std::string text = std::to_string(row.port);
  if (row.port_last != row.port) text += "-" + std::to_string(row.port_last);
  return row.transport == Transport::kUdp ? text + "/udp" : text;
}

std::string matrix_text(const Report& report) {
  std::string text = report.graph_id + " at " + to_rfc3339(report.at) + "\n\n" + grid(report) + "\n";
  text += std::string(kLegend) + "\n";
  for (const Row& row : report.rows) text += row_text(row);
  for (const std::string& finding : report.findings) text += "finding: " + finding + "\n";
  text += unused_text(report);
  const auto counts = report.counts();
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(counts[i]) + " " + std::string(name_of(static_cast<Outcome>(i)));
  }
  return text + "\n";
}

}  // namespace cloister::probe::path
