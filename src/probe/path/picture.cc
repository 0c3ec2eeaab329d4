#include "probe/path/picture.h"

#include <algorithm>

#include "probe/path/matrix_text.h"

namespace cloister::probe::path {
namespace {

constexpr std::size_t kCell = 34;   // pixels
constexpr std::size_t kLetter = 8;  // pixels, about, of a name
constexpr std::size_t kMargin = 16;

struct Look {
  std::string_view fill, ink;
};
// Told apart by lightness, too: the pass is dark, what fails is darker and has a frame, the rest is light.
Look look_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPass: return {"#1b7a43", "#ffffff"};
    case Outcome::kExcepted: return {"#cfd8e6", "#1d2a3a"};
    case Outcome::kUnproven: return {"#f6e3a1", "#3a2f00"};
    case Outcome::kFail: break;
  }
  return {"#9c1c1c", "#ffffff"};
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string number(std::size_t value) { return std::to_string(value); }

struct Layout {
  std::size_t left, top, width, height;
};

Layout layout_of(const Report& report) {
  std::size_t longest = 0;
  for (const std::string& name : report.components) longest = std::max(longest, name.size());
  const std::size_t label = longest * kLetter + kMargin;
  const std::size_t grid = report.components.size() * kCell;
  return {kMargin + label, kMargin + label, 2 * kMargin + label + grid, 2 * kMargin + label + grid};
}

std::string names_svg(const Report& report, const Layout& layout) {
  std::string text;
  for (std::size_t i = 0; i < report.components.size(); ++i) {
    const std::string name = escaped(report.components[i]);
    const std::size_t middle = i * kCell + kCell / 2;
    text += "<text class=\"name\" text-anchor=\"end\" x=\"" + number(layout.left - 8) + "\" y=\"" +
            number(layout.top + middle + 4) + "\">" + name + "</text>\n";
    const std::string x = number(layout.left + middle + 4), y = number(layout.top - 8);
    text += "<text class=\"name\" transform=\"rotate(-90 " + x + " " + y + ")\" x=\"" + x + "\" y=\"" + y + "\">" +
            name + "</text>\n";
  }
  return text;
}

std::string cell_svg(const Report& report, const std::pair<std::size_t, std::size_t>& pair, const Cell& cell,
                     const Layout& layout) {
  const Look look = look_of(cell.outcome);
  const std::size_t x = layout.left + pair.second * kCell, y = layout.top + pair.first * kCell;
  const std::string title = report.components[pair.first] + " to " + report.components[pair.second] + ": " +
                            std::string(name_of(cell.verdict)) + ", " + std::string(name_of(cell.outcome)) + ", " +
                            number(cell.rows) + (cell.rows == 1 ? " edge" : " edges") +
                            (cell.undeclared == 0 ? "" : ", " + number(cell.undeclared) + " undeclared");
  std::string text = "<g><title>" + escaped(title) + "</title><rect x=\"" + number(x + 1) + "\" y=\"" + number(y + 1) +
                     "\" width=\"" + number(kCell - 2) + "\" height=\"" + number(kCell - 2) + "\" rx=\"3\" fill=\"" +
                     std::string(look.fill) + "\"" + (cell.undeclared == 0 ? "" : " class=\"undeclared\"") + "/>";
  return text + "<text text-anchor=\"middle\" x=\"" + number(x + kCell / 2) + "\" y=\"" + number(y + kCell / 2 + 5) +
         "\" fill=\"" + std::string(look.ink) + "\">" + cell_sign(cell.verdict, cell.outcome) + "</text></g>\n";
}

std::string lines_svg(const Report& report, const Layout& layout) {
  std::string text = "<path class=\"lines\" d=\"";
  const std::size_t size = report.components.size() * kCell;
  for (std::size_t i = 0; i <= report.components.size(); ++i) {
    text += "M" + number(layout.left) + " " + number(layout.top + i * kCell) + "h" + number(size) + "M" +
            number(layout.left + i * kCell) + " " + number(layout.top) + "v" + number(size);
  }
  return text + "\"/>\n";
}

constexpr std::string_view kSvgStyle =
    "<style>text{font:13px ui-monospace,Menlo,Consolas,monospace}.name{fill:#1d2a3a}"
    ".lines{stroke:#d5dae2;fill:none}.undeclared{stroke:#000;stroke-width:2;stroke-dasharray:4 2}</style>\n";

constexpr std::string_view kHtmlStyle = R"(<style>
body{font:15px/1.45 system-ui,sans-serif;color:#1d2a3a;background:#fff;margin:2rem;max-width:110rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse}th,td{text-align:left;vertical-align:top;padding:.35rem .7rem;border-bottom:1px solid #d5dae2}
td.sign{font-family:ui-monospace,monospace;font-weight:bold;white-space:nowrap}
.pass{background:#1b7a43;color:#fff}.excepted{background:#cfd8e6}.unproven{background:#f6e3a1}.fail{background:#9c1c1c;color:#fff}
svg{max-width:100%;height:auto}ul{margin:0;padding-left:1.1rem}
</style>
)";

std::string list_html(const std::vector<std::string>& lines, std::string_view prefix) {
  std::string text;
  for (const std::string& line : lines) text += "<li>" + std::string(prefix) + escaped(line) + "</li>";
  return text;
}

std::string evidence_html(const Report& report, const Row& row) {
  std::vector<std::string> lines;
  for (const std::size_t position : row.statements) {
    const Statement& statement = report.statements[position];
    std::string line = std::string(name_of(statement.source)) + ": " + std::string(name_of(statement.claim));
    if (statement.flows != 0) line += ", " + std::to_string(statement.flows) + " connections";
    line += ", until " + to_rfc3339(statement.end) + (statement.detail.empty() ? "" : ", " + statement.detail);
    lines.push_back(std::move(line));
  }
  if (row.provider) lines.push_back("provider: " + row.provider->statement + " (" + row.provider->source + ")");
  return list_html(lines, "");
}

std::string row_html(const Report& report, const Row& row) {
  return "<tr><td class=\"sign " + std::string(name_of(row.outcome)) + "\">" + cell_sign(row.verdict, row.outcome) +
         "</td><td>" + escaped(row.from) + "</td><td>" + escaped(row.to) + "</td><td>" + port_text(row) + "</td><td>" +
         std::string(name_of(row.verdict)) + (row.edge ? "" : "<br>undeclared") + "</td><td><ul>" +
         list_html(row.reasons, "") + list_html(row.advice, "do: ") + "</ul></td><td><ul>" +
         evidence_html(report, row) + "</ul></td></tr>\n";
}

std::string legend_html() {
  std::string text = "<p>";
  for (std::size_t i = 0; i < kVerdictCount; ++i) {
    const auto verdict = static_cast<Verdict>(i);
    text +=
        "<b>" + cell_sign(verdict, Outcome::kPass).substr(0, 1) + "</b> " + std::string(name_of(verdict)) + " &nbsp; ";
  }
  text += "<br>";
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    const auto outcome = static_cast<Outcome>(i);
    text += "<span class=\"" + std::string(name_of(outcome)) + "\">&nbsp;" +
            cell_sign(Verdict::kUnknown, outcome).substr(1) + "&nbsp;</span> " + std::string(name_of(outcome)) +
            " &nbsp; ";
  }
  return text +
         "<br>Rows are clients, columns are servers. A dashed frame: an edge that nobody declared. Empty: no edge "
         "was declared or seen.</p>\n";
}

}  // namespace

std::string matrix_svg(const Report& report) {
  const Layout layout = layout_of(report);
  std::string text = "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"" + number(layout.width) +
                     "\" height=\"" + number(layout.height) + "\" viewBox=\"0 0 " + number(layout.width) + " " +
                     number(layout.height) + "\">\n<title>" + escaped(report.graph_id) + "</title>\n";
  text += std::string(kSvgStyle) + lines_svg(report, layout) + names_svg(report, layout);
  for (const auto& [pair, cell] : cells(report)) text += cell_svg(report, pair, cell, layout);
  return text + "</svg>\n";
}

std::string matrix_html(const Report& report) {
  const auto counts = report.counts();
  std::string summary;
  for (std::size_t i = 0; i < kOutcomeCount; ++i) {
    summary += (i == 0 ? "" : ", ") + number(counts[i]) + " " + std::string(name_of(static_cast<Outcome>(i)));
  }
  std::string text = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>" +
                     escaped(report.graph_id) + ": every pair</title>\n" + std::string(kHtmlStyle) +
                     "</head><body>\n<h1>" + escaped(report.graph_id) + ": every pair of components</h1>\n<p>" +
                     to_rfc3339(report.at) + ": " + summary + ".</p>\n" + matrix_svg(report) + legend_html();
  text +=
      "<h2>Edges</h2>\n<table><tr><th></th><th>from</th><th>to</th><th>port</th><th>verdict</th><th>why</th>"
      "<th>evidence</th></tr>\n";
  for (const Row& row : report.rows) text += row_html(report, row);
  text += "</table>\n";
  if (!report.findings.empty()) text += "<h2>Findings</h2>\n<ul>" + list_html(report.findings, "") + "</ul>\n";
  return text + "</body></html>\n";
}

}  // namespace cloister::probe::path
