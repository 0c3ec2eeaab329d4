// Which key protects what, and which key protects that key: a picture from data to tenant, and a list.
#include <algorithm>
#include <map>
#include <set>

#include "posture/report/markup.h"

namespace cloister::posture::report {
namespace {

constexpr std::size_t kNodesDrawn = 24;  // in a column
constexpr std::size_t kKeyColumns = 4;
constexpr std::size_t kKeysShown = 60;
constexpr long kBox = 190, kGap = 70, kRow = 40, kHead = 26;

struct Node {
  std::size_t column = 0;
  std::string title, under, look = "n-box";
  const Fact* fact = nullptr;
  long y = 0;
};

// Nodes by a name that says what sort they are: "l:corpus", "k:cloister:…", "t:acme".
struct Chart {
  std::map<std::string, Node> nodes;
  std::set<std::pair<std::string, std::string>> lines;
  std::size_t columns = 0;
};

// Days since the key was made or last rotated; nothing where neither is known.
std::optional<std::int64_t> age_days(const Run& run, const Fact& fact) {
  for (const std::string_view name : {"last_rotated", "created"}) {
    const std::string* text = fact.text(name);
    if (text == nullptr) continue;
    const Result<Time> time = parse_rfc3339(*text);
    if (time.ok()) return (run.at() - *time).ms / days(1).ms;
  }
  return std::nullopt;
}

std::string age_words(const Run& run, const Fact& fact) {
  const std::optional<std::int64_t> age = age_days(run, fact);
  const std::optional<std::int64_t> period = fact.number("cryptoperiod_days");
  if (!age) return period ? "age not known, of " + std::to_string(*period) + " d" : "age not known";
  return std::to_string(*age) + " d" + (period ? " of " + std::to_string(*period) + " d" : "");
}

Status status_of(const Run& run, const Fact& fact) {
  const std::string* manager = fact.text("manager");
  if (fact.not_assessed || run.expired(fact) || manager == nullptr || *manager == "unknown")
    return Status::kNotAssessed;
  return *manager == "operator" ? Status::kPass : Status::kFail;
}

std::string_view look_of(Status status) {
  return status == Status::kPass ? "b-pass" : status == Status::kFail ? "b-fail" : "f-open";
}

// The key above it; null: none is known, or the key was there already.
const std::string* add_one_key(Chart& chart, const Run& run, const std::string& key) {
  const auto [node, added] = chart.nodes.try_emplace("k:" + key);
  if (!added) return nullptr;
  node->second.title = key;
  node->second.look = "f-open";
  node->second.under = "nobody looked";
  const Fact* fact = run.index->newest("key.posture", {SubjectKind::kKey, key});
  if (fact == nullptr) return nullptr;
  node->second.fact = fact;
  node->second.look = look_of(status_of(run, *fact));
  node->second.under = fact->not_assessed ? "could not look" : age_words(run, *fact);
  if (const std::vector<std::string>* tenants = fact->list("tenants"); tenants != nullptr) {
    for (const std::string& tenant : *tenants) {
      chart.nodes.try_emplace("t:" + tenant, Node{.column = 0, .title = tenant, .under = "tenant", .fact = nullptr});
      chart.lines.emplace("k:" + key, "t:" + tenant);
    }
  }
  const std::string* above = fact->text("wrapped_by");
  return above == nullptr || above->empty() ? nullptr : above;
}

// Facts say how long a chain of keys is, and whether it ends.
void add_key(Chart& chart, const Run& run, const std::string& key) {
  const std::string* below = &key;
  while (const std::string* above = add_one_key(chart, run, *below)) {
    chart.lines.emplace("k:" + *below, "k:" + *above);
    below = above;
  }
}

void add_location(Chart& chart, const Run& run, const Fact& fact, const std::string& key) {
  if (fact.subject.kind != SubjectKind::kLocation || key.empty()) return;
  const std::string name = "l:" + fact.subject.id;
  chart.nodes.try_emplace(name, Node{.column = 0, .title = fact.subject.id, .under = "location", .fact = &fact});
  add_key(chart, run, key);
  chart.lines.emplace(name, "k:" + key);
}

// Keys stand as many columns behind the data as there are wraps between.
void place_keys(Chart& chart) {
  for (auto& [name, node] : chart.nodes) {
    if (name.starts_with("k:")) node.column = 1;
  }
  for (std::size_t round = 1; round < kKeyColumns; ++round) {
    for (const auto& [from, to] : chart.lines) {
      if (!from.starts_with("k:") || !to.starts_with("k:")) continue;
      Node& above = chart.nodes[to];
      above.column = std::min(std::max(above.column, chart.nodes[from].column + 1), kKeyColumns);
    }
  }
  std::size_t last = 1;
  for (const auto& [name, node] : chart.nodes) last = std::max(last, node.column);
  for (auto& [name, node] : chart.nodes) {
    if (name.starts_with("t:")) node.column = last + 1;
  }
  chart.columns = last + 2;
}

Chart chart_of(const Run& run) {
  Chart chart;
  for (const std::size_t at : run.index->of_kind("storage.encryption")) {
    const Fact& fact = run.posture().facts[at];
    if (const std::string* key = fact.text("key"); key != nullptr) add_location(chart, run, fact, *key);
  }
  for (const std::size_t at : run.index->of_kind("seal.location")) {
    const Fact& fact = run.posture().facts[at];
    const std::vector<std::string>* rings = fact.list("keyring_ids");
    if (rings == nullptr) continue;
    for (const std::string& ring : *rings) add_location(chart, run, fact, "cloister:keyring:" + ring);
  }
  for (const std::size_t at : run.index->of_kind("key.posture"))
    add_key(chart, run, run.posture().facts[at].subject.id);
  place_keys(chart);
  return chart;
}

long column_x(std::size_t column) { return static_cast<long>(column) * (kBox + kGap); }

std::string box_svg(const Run& run, const Node& node) {
  const std::string x = std::to_string(column_x(node.column)), y = std::to_string(node.y);
  std::string text = "<title>" + html(node.title) + ", " + html(node.under) + "</title><rect class=\"" + node.look +
                     "\" x=\"" + x + "\" y=\"" + y + "\" rx=\"6\" width=\"" + std::to_string(kBox) +
                     "\" height=\"34\"/><text class=\"t-mono\" x=\"" + std::to_string(column_x(node.column) + 8) +
                     "\" y=\"" + std::to_string(node.y + 15) + "\">" + html(tail_text(node.title, 24)) +
                     "</text><text class=\"t-soft\" x=\"" + std::to_string(column_x(node.column) + 8) + "\" y=\"" +
                     std::to_string(node.y + 28) + "\">" + html(node.under) + "</text>";
  if (node.fact == nullptr) return "<g>" + text + "</g>\n";
  return "<a href=\"#" + run.prefix + "e" + run.index->id_of(*node.fact).substr(0, kShortId) + "\">" + text + "</a>\n";
}

std::string chart_svg(const Run& run, Chart chart) {
  std::vector<std::size_t> used(chart.columns, 0);
  for (auto& [name, node] : chart.nodes) node.y = kHead + static_cast<long>(used[node.column]++) * kRow;
  const std::size_t tallest = *std::ranges::max_element(used);
  const long width = column_x(chart.columns - 1) + kBox + 2, height = kHead + static_cast<long>(tallest) * kRow + 4;
  std::string text = "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"" + std::to_string(width) +
                     "\" height=\"" + std::to_string(height) + "\" viewBox=\"0 0 " + std::to_string(width) + " " +
                     std::to_string(height) + "\"><title>From data by its keys to tenants</title>";
  for (std::size_t i = 0; i < chart.columns; ++i) {
    const std::string_view title = i == 0                   ? "data"
                                   : i + 1 == chart.columns ? "tenant"
                                   : i == 1                 ? "key"
                                                            : "key above it";
    text +=
        "<text class=\"t-soft\" x=\"" + std::to_string(column_x(i)) + "\" y=\"14\">" + std::string(title) + "</text>";
  }
  for (const auto& [from, to] : chart.lines) {
    const Node &left = chart.nodes[from], &right = chart.nodes[to];
    const long x = column_x(left.column) + kBox, y = left.y + 17, end = column_x(right.column), half = (x + end) / 2;
    text += "<path class=\"l-edge\" d=\"M" + std::to_string(x) + " " + std::to_string(y) + "C" + std::to_string(half) +
            " " + std::to_string(y) + " " + std::to_string(half) + " " + std::to_string(right.y + 17) + " " +
            std::to_string(end) + " " + std::to_string(right.y + 17) + "\"/>";
  }
  for (const auto& [name, node] : chart.nodes) text += box_svg(run, node);
  return text + "</svg>\n";
}

bool fits(const Chart& chart) {
  std::vector<std::size_t> used(chart.columns, 0);
  for (const auto& [name, node] : chart.nodes) ++used[node.column];
  return *std::ranges::max_element(used) <= kNodesDrawn;
}

void add_row(Markup& page, const Run& run, const Fact& fact) {
  const auto text_of = [&fact](std::string_view name) {
    const std::string* text = fact.text(name);
    return text == nullptr ? std::string("not known") : *text;
  };
  page.raw("<tr><td>").badge(status_of(run, fact)).raw("</td><td class=\"mono\">").text(fact.subject.id).raw("</td>");
  if (fact.not_assessed) {
    page.raw("<td colspan=\"5\">").text(*fact.not_assessed).raw("</td>");
  } else {
    page.cell(text_of("key_class"))
        .cell(text_of("manager"))
        .cell(text_of("protection") + ", " + text_of("state"))
        .cell(age_words(run, fact));
    const std::vector<std::string>* tenants = fact.list("tenants");
    page.cell(tenants == nullptr ? "" : value_text(*tenants));
  }
  page.raw("<td class=\"nowrap\">");
  add_age(page, run, fact);
  page.raw("</td></tr>\n");
}

}  // namespace

void add_keys(Markup& page, const Run& run) {
  begin_section(page, run, "keys", "Keys",
                "From the data by the key that protects it, and the key above that, to the tenant. Hatched: nobody "
                "looked, or could.");
  const std::span<const std::size_t> facts = run.index->of_kind("key.posture");
  const Chart chart = chart_of(run);
  if (chart.nodes.empty()) {
    add_nothing(page, "No key is known.");
    end_section(page);
    return;
  }
  if (fits(chart)) {
    page.raw(chart_svg(run, chart));
  } else {
    add_nothing(page, "Too many keys for a picture; the list has them all.");
  }
  const auto add_rows = [&](std::span<const std::size_t> positions) {
    begin_table(page, "keys", {"managed", "key", "class", "manager", "held", "age of its period", "tenants", "seen"});
    for (const std::size_t at : positions) add_row(page, run, run.posture().facts[at]);
    end_table(page);
  };
  const std::size_t shown = std::min(facts.size(), kKeysShown);
  if (shown != 0) add_rows(facts.first(shown));
  if (facts.size() > shown) {
    page.raw("<details class=\"bulk\"><summary>").raw(counted(facts.size() - shown, "more key")).raw("</summary>");
    add_rows(facts.subspan(shown));
    page.raw("</details>");
  }
  end_section(page);
}

}  // namespace cloister::posture::report
