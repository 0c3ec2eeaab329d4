// Every pair of components as a heat map, and every edge in words.
#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "posture/report/markup.h"

namespace cloister::posture::report {
namespace {

constexpr std::size_t kComponentsDrawn = 40;
constexpr long kCell = 34, kLetter = 8;
constexpr std::size_t kEdgesShown = 60;

struct Ends {
  std::string from, to, port;
};

// Of "from>to/tcp/443" or "from>to/rdma": names may hold slashes, so from behind.
Ends ends_of(const std::string& id) {
  const std::size_t arrow = id.find('>');
  if (arrow == std::string::npos) return {id, "", ""};
  std::size_t slash = id.rfind('/');
  if (slash == std::string::npos || slash < arrow) return {id.substr(0, arrow), id.substr(arrow + 1), ""};
  const bool port = slash + 1 < id.size() && id[slash + 1] >= '0' && id[slash + 1] <= '9';
  const std::size_t before = id.rfind('/', slash - 1);
  if (port && before != std::string::npos && before > arrow) slash = before;
  return {id.substr(0, arrow), id.substr(arrow + 1, slash - arrow - 1), id.substr(slash + 1)};
}

struct Line {
  Ends ends;
  const Fact* fact = nullptr;
  Status status = Status::kNotAssessed;
  std::string verdict;
};

Status status_of(const Run& run, const Fact& fact) {
  const std::string* outcome = fact.text("outcome");
  if (fact.not_assessed || run.expired(fact) || outcome == nullptr) return Status::kNotAssessed;
  if (*outcome == "pass") return Status::kPass;
  if (*outcome == "fail") return Status::kFail;
  return *outcome == "excepted" ? Status::kException : Status::kNotAssessed;
}

int badness(Status status) {
  switch (status) {
    case Status::kFail: return 3;
    case Status::kNotAssessed: return 2;
    case Status::kException: return 1;
    default: return 0;
  }
}

std::vector<Line> lines_of(const Run& run) {
  std::vector<Line> lines;
  const Subject* last = nullptr;
  for (const std::size_t at : run.index->of_kind("path.edge")) {
    const Fact& fact = run.posture().facts[at];
    if (last != nullptr && *last == fact.subject) continue;  // an older one about the same
    last = &fact.subject;
    const std::string* verdict = fact.text("verdict");
    lines.push_back({ends_of(fact.subject.id), &fact, status_of(run, fact), verdict == nullptr ? "unknown" : *verdict});
  }
  // What is declared and nobody looked at is a hole, not an absence.
  std::set<std::pair<std::string, std::string>> looked;
  for (const Line& line : lines) looked.emplace(line.ends.from, line.ends.to);
  const probe::path::Graph& graph = run.posture().estate.graph;
  for (const probe::path::Edge& edge : graph.edges) {
    const std::string &from = graph.components[edge.from].name, &to = graph.components[edge.to].name;
    if (looked.contains({from, to})) continue;
    lines.push_back({{from, to, std::to_string(edge.port)}, nullptr, Status::kNotAssessed, "nobody looked"});
  }
  std::ranges::sort(lines, [](const Line& a, const Line& b) {
    if (badness(a.status) != badness(b.status)) return badness(a.status) > badness(b.status);
    return std::tie(a.ends.from, a.ends.to, a.ends.port) < std::tie(b.ends.from, b.ends.to, b.ends.port);
  });
  return lines;
}

std::string_view sign_of(Status status) {
  switch (status) {
    case Status::kPass: return "+";
    case Status::kFail: return "!";
    case Status::kException: return "~";
    default: return "?";
  }
}

std::string number(long value) { return std::to_string(value); }

std::string names_svg(const std::vector<std::string>& names, long margin) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const long middle = margin + static_cast<long>(i) * kCell + kCell / 2;
    text += "<text class=\"t-end\" x=\"" + number(margin - 8) + "\" y=\"" + number(middle + 4) + "\">" +
            html(tail_text(names[i], 28)) + "</text>";
    const std::string x = number(middle + 4), y = number(margin - 8);
    text += "<text transform=\"rotate(-90 " + x + " " + y + ")\" x=\"" + x + "\" y=\"" + y + "\">" +
            html(tail_text(names[i], 28)) + "</text>";
  }
  return text;
}

std::string cell_svg(const Run& run, const Line& line, long x, long y) {
  const std::string words =
      line.ends.from + " to " + line.ends.to + ": " + line.verdict + ", " + std::string(status_text(line.status));
  std::string cell = "<title>" + html(words) + "</title><rect class=\"f-" + class_of(line.status) + "\" x=\"" +
                     number(x + 1) + "\" y=\"" + number(y + 1) + "\" width=\"" + number(kCell - 2) + "\" height=\"" +
                     number(kCell - 2) + "\" rx=\"4\"/><text class=\"" +
                     (line.status == Status::kPass || line.status == Status::kFail ? "t-on" : "t-strong") +
                     " t-mid\" x=\"" + number(x + kCell / 2) + "\" y=\"" + number(y + kCell / 2 + 5) + "\">" +
                     std::string(sign_of(line.status)) + "</text>";
  if (line.fact == nullptr) return "<g>" + cell + "</g>\n";
  return "<a href=\"#" + run.prefix + "e" + run.index->id_of(*line.fact).substr(0, kShortId) + "\">" + cell + "</a>\n";
}

std::string matrix_svg(const Run& run, const std::vector<Line>& lines, const std::vector<std::string>& names) {
  std::size_t longest = 0;
  for (const std::string& name : names) longest = std::max(longest, name.size());
  const long margin = static_cast<long>(std::min<std::size_t>(longest, 28)) * kLetter + 16;
  const long grid = static_cast<long>(names.size()) * kCell, size = margin + grid + 8;
  std::string text = "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"" + number(size) + "\" height=\"" +
                     number(size) + "\" viewBox=\"0 0 " + number(size) + " " + number(size) +
                     "\"><title>Pairs of components: rows talk to columns</title>";
  text += "<path class=\"l-grid\" d=\"";
  for (std::size_t i = 0; i <= names.size(); ++i) {
    const std::string at = number(margin + static_cast<long>(i) * kCell);
    text += "M" + number(margin) + " " + at + "h" + number(grid) + "M" + at + " " + number(margin) + "v" + number(grid);
  }
  text += "\"/>" + names_svg(names, margin);
  std::map<std::pair<std::size_t, std::size_t>, const Line*> cells;  // the worst of each, which comes first
  const auto position = [&names](const std::string& name) {
    return static_cast<std::size_t>(std::ranges::find(names, name) - names.begin());
  };
  for (const Line& line : lines) cells.try_emplace({position(line.ends.from), position(line.ends.to)}, &line);
  for (const auto& [at, line] : cells) {
    if (at.first == names.size() || at.second == names.size()) continue;
    text += cell_svg(run, *line, margin + static_cast<long>(at.second) * kCell,
                     margin + static_cast<long>(at.first) * kCell);
  }
  return text + "</svg>\n";
}

std::vector<std::string> names_of(const std::vector<Line>& lines) {
  std::set<std::string> names;
  for (const Line& line : lines) {
    names.insert(line.ends.from);
    names.insert(line.ends.to);
  }
  return {names.begin(), names.end()};
}

void add_line(Markup& page, const Run& run, const Line& line) {
  page.raw("<tr><td>").badge(line.status).raw("</td>").cell(line.ends.from).cell(line.ends.to).cell(line.ends.port);
  page.raw("<td>").text(line.verdict);
  if (line.fact != nullptr && line.fact->truth("undeclared").value_or(false))
    page.raw(" <span class=\"tag critical\">undeclared</span>");
  if (line.fact != nullptr && line.fact->truth("fabric").value_or(false))
    page.raw(" <span class=\"tag\">fabric</span>");
  if (line.fact != nullptr && line.fact->not_assessed)
    page.raw("<br><span class=\"soft small\">").text(*line.fact->not_assessed).raw("</span>");
  page.raw("</td><td>");
  const std::vector<std::string>* classes = line.fact == nullptr ? nullptr : line.fact->list("classes");
  if (classes != nullptr) page.text(value_text(*classes));
  page.raw("</td><td class=\"nowrap\">");
  if (line.fact != nullptr) add_age(page, run, *line.fact);
  page.raw("</td></tr>\n");
}

void add_lines(Markup& page, const Run& run, std::span<const Line> lines) {
  begin_table(page, "edges", {"", "from", "to", "port", "what the evidence shows", "kinds of evidence", "seen"});
  for (const Line& line : lines) add_line(page, run, line);
  end_table(page);
}

}  // namespace

void add_paths(Markup& page, const Run& run) {
  begin_section(page, run, "paths", "Links between components",
                "Rows are clients, columns are servers. A pass needs two kinds of evidence that agree; a cell without "
                "evidence is hatched.");
  const std::vector<Line> lines = lines_of(run);
  if (lines.empty()) {
    add_nothing(page, "No link is declared, and none was seen.");
    end_section(page);
    return;
  }
  const std::vector<std::string> names = names_of(lines);
  if (names.size() <= kComponentsDrawn) page.raw(matrix_svg(run, lines, names));
  page.raw("<p class=\"legend\">+ ")
      .badge(Status::kPass)
      .raw(" ! ")
      .badge(Status::kFail)
      .raw(" ? ")
      .badge(Status::kNotAssessed);
  page.raw(" ~ ").badge(Status::kException).raw("</p>");
  const std::span<const Line> all(lines);
  const std::size_t shown = std::min(lines.size(), kEdgesShown);
  add_lines(page, run, all.first(shown));
  if (lines.size() > shown) {
    page.raw("<details class=\"bulk\"><summary>").raw(counted(lines.size() - shown, "more edge")).raw("</summary>");
    add_lines(page, run, all.subspan(shown));
    page.raw("</details>");
  }
  end_section(page);
}

}  // namespace cloister::posture::report
