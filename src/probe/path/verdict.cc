#include "probe/path/verdict.h"

#include <algorithm>
#include <tuple>

#include "probe/path/attribution.h"

namespace cloister::probe::path {
namespace {

constexpr std::array<std::string_view, kVerdictCount> kVerdicts = {"enforced",           "observed",      "refusing",
                                                                   "configured",         "provider-only", "unknown",
                                                                   "plaintext-possible", "plaintext-seen"};
constexpr std::array<std::string_view, kOutcomeCount> kOutcomes = {"pass", "excepted", "unproven", "fail"};
constexpr Duration kClockSlack = minutes(5);
constexpr Duration kProviderAgeMax = days(400);

bool is_adverse(Claim claim) {
  return claim == Claim::kPlaintextAccepted || claim == Claim::kPlaintextSeen || claim == Claim::kBypass ||
         claim == Claim::kClientNotProven || claim == Claim::kUnrecognised;
}

// Whether it says that somebody did talk to somebody.
bool is_traffic(const Statement& statement) {
  return statement.source == Source::kCapture || statement.source == Source::kSockets ||
         statement.source == Source::kReceipt;
}

bool covers(const Edge& edge, const Statement& statement) {
  if (edge.transport != statement.transport) return false;
  return statement.port == 0 || (edge.port <= statement.port && statement.port <= edge.port_last);
}

// Puts each statement where it belongs: to rows, or into a count.
class Sorter {
 public:
  Sorter(const Graph& graph, Report& report) : graph_(&graph), report_(&report) {
    for (std::size_t i = 0; i < graph.edges.size(); ++i) {
      const Edge& edge = graph.edges[i];
      Row row;
      row.from = graph.components[edge.from].name;
      row.to = graph.components[edge.to].name;
      row.edge = i;
      row.cell_from = edge.from;
      row.cell_to = edge.to;
      row.transport = edge.transport;
      row.port = edge.port;
      row.port_last = edge.port_last;
      report.rows.push_back(std::move(row));
    }
  }

  void sort(std::size_t position) {
    const Statement& statement = report_->statements[position];
    const Candidates from = candidates(*graph_, statement.from);
    const Candidates to = listening(*graph_, candidates(*graph_, statement.to), statement.transport, statement.port);
    if (to.any || (to.outside() && (from.any || from.outside()))) {
      ++report_->outside;
    } else if (stays_inside(statement, from, to)) {
      ++report_->inside;
    } else {
      place(position, from, to);
    }
  }

 private:
  bool stays_inside(const Statement& statement, const Candidates& from, const Candidates& to) const {
    const auto hands_on = [&](std::size_t component) {
      const auto& ports = graph_->components[component].inside_ports;
      return (from.any || from.has(component)) && std::ranges::find(ports, statement.port) != ports.end();
    };
    if (std::ranges::any_of(to.components, hands_on)) return true;
    const bool one = from.components.size() == 1 && from.components == to.components;
    return one && statement.from.address && statement.from.address == statement.to.address &&
           !declared(from, to, statement);
  }

  bool declared(const Candidates& from, const Candidates& to, const Statement& statement) const {
    return !matching(from, to, statement).empty();
  }

  std::vector<std::size_t> matching(const Candidates& from, const Candidates& to, const Statement& statement) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < graph_->edges.size(); ++i) {
      const Edge& edge = graph_->edges[i];
      if ((from.any || from.has(edge.from)) && to.has(edge.to) && covers(edge, statement)) found.push_back(i);
    }
    return found;
  }

  // A statement about a listener is one about all its clients, one about two parties only about them.
  bool is_ambiguous(const Candidates& from, const std::vector<std::size_t>& edges) const {
    return std::ranges::any_of(edges, [&](std::size_t i) {
      const Edge& first = graph_->edges[edges.front()];
      const Edge& edge = graph_->edges[i];
      return edge.to != first.to || (!from.any && edge.from != first.from);
    });
  }

  void place(std::size_t position, const Candidates& from, const Candidates& to) {
    const Statement& statement = report_->statements[position];
    const std::vector<std::size_t> edges = matching(from, to, statement);
    if (edges.empty()) return place_undeclared(position, from, to);
    if (!is_adverse(statement.claim) && is_ambiguous(from, edges)) {
      ++report_->ambiguous;
      return;
    }
    for (const std::size_t edge : edges) report_->rows[edge].statements.push_back(position);
  }

  void place_undeclared(std::size_t position, const Candidates& from, const Candidates& to) {
    const Statement& statement = report_->statements[position];
    const std::string target = label(*graph_, to, statement.to) + " port " + std::to_string(statement.port);
    if (is_traffic(statement)) {
      Row& row = undeclared_row(statement, from, to);
      row.statements.push_back(position);
    } else if (!to.outside() && is_adverse(statement.claim)) {
      report_->findings.push_back(target + ": " + std::string(name_of(statement.claim)) + " (" +
                                  std::string(name_of(statement.source)) + "), and no edge leads there");
    } else if (!statement.to.component.empty() && to.outside()) {
      report_->findings.push_back("evidence about " + statement.to.to_string() + ", which is no component");
    }
  }

  Row& undeclared_row(const Statement& statement, const Candidates& from, const Candidates& to) {
    const auto key = std::tuple(label(*graph_, from, statement.from), label(*graph_, to, statement.to),
                                statement.transport, statement.port);
    const auto [found, is_new] = undeclared_.try_emplace(key, report_->rows.size());
    if (is_new) {
      Row row;
      row.from = std::get<0>(key);
      row.to = std::get<1>(key);
      if (from.components.size() == 1) row.cell_from = from.components.front();
      if (to.components.size() == 1) row.cell_to = to.components.front();
      row.transport = statement.transport;
      row.port = row.port_last = statement.port;
      report_->rows.push_back(std::move(row));
    }
    return report_->rows[found->second];
  }

  const Graph* graph_;
  Report* report_;
  std::map<std::tuple<std::string, std::string, Transport, std::uint16_t>, std::size_t> undeclared_;
};

// One row's evidence, gone through once.
struct Weighed {
  std::array<bool, kSourceCount> supports{};
  std::optional<Protection> shown;  // the most that any of it shows
  bool plaintext_seen = false, plaintext_possible = false;
  bool refuses = false, enforced = false, observed = false;
  std::vector<std::string> against;
};

void note(std::vector<std::string>& lines, const std::string& line) {
  if (std::ranges::find(lines, line) == lines.end()) lines.push_back(line);
}

std::string who_says(const Statement& statement) {
  return std::string(name_of(statement.source)) + (statement.detail.empty() ? "" : ": " + statement.detail);
}

std::string connections(std::uint64_t flows) {
  if (flows == 0) return "traffic";
  return std::to_string(flows) + (flows == 1 ? " connection" : " connections");
}

void weigh_support(const Statement& statement, const Edge* edge, Weighed& weighed) {
  const bool by_listener = statement.source == Source::kProbe;
  const bool refusal_on_the_wire = statement.claim == Claim::kPlaintextRefused && !by_listener;
  if (refusal_on_the_wire) return;
  // That TLS is spoken doesn't say that nothing else is.
  if (!(by_listener && statement.claim == Claim::kEncrypted)) {
    weighed.supports[static_cast<std::size_t>(statement.source)] = true;
  }
  if (statement.claim == Claim::kPlaintextRefused) weighed.refuses = true;
  if (statement.claim == Claim::kEnforced) weighed.enforced = true;
  if (statement.claim == Claim::kEncrypted && is_traffic(statement)) weighed.observed = true;
  if (statement.claim == Claim::kPlaintextRefused) return;
  weighed.shown = std::max(weighed.shown.value_or(Protection::kEncrypted), statement.protection);
  if (edge == nullptr) return;
  if (edge->requires_at_least >= Protection::kTls && statement.protection < Protection::kTls) {
    note(weighed.against, "not by TLS, as it is declared (" + who_says(statement) + ")");
  }
  if (statement.tls_version != 0 && statement.tls_version < edge->tls_min) {
    note(weighed.against, "TLS " + tls_version_text(statement.tls_version) + " is below " +
                              tls_version_text(edge->tls_min) + " (" + who_says(statement) + ")");
  }
}

void weigh(const Statement& statement, const Edge* edge, Weighed& weighed) {
  switch (statement.claim) {
    case Claim::kEncrypted:
    case Claim::kEnforced:
    case Claim::kPlaintextRefused: weigh_support(statement, edge, weighed); break;
    case Claim::kPlaintextSeen:
      weighed.plaintext_seen = true;
      note(weighed.against, connections(statement.flows) + " in the clear (" + who_says(statement) + ")");
      break;
    case Claim::kPlaintextAccepted:
      weighed.plaintext_possible = true;
      note(weighed.against, "plaintext is accepted (" + who_says(statement) + ")");
      break;
    case Claim::kBypass:
      weighed.plaintext_possible = true;
      note(weighed.against, "configured to let plaintext through (" + who_says(statement) + ")");
      break;
    case Claim::kClientNotProven:
      if (edge != nullptr && edge->requires_at_least == Protection::kMutualTls) {
        note(weighed.against, "the client doesn't prove who it is (" + who_says(statement) + ")");
      }
      break;
    case Claim::kUnrecognised:
      note(weighed.against,
           connections(statement.flows) + " that can't be told to be encrypted (" + who_says(statement) + ")");
      break;
    case Claim::kConnected: break;
  }
}

Verdict verdict_of(const Weighed& weighed, bool provider) {
  if (weighed.plaintext_seen) return Verdict::kPlaintextSeen;
  if (weighed.plaintext_possible) return Verdict::kPlaintextPossible;
  if (weighed.refuses && weighed.enforced) return Verdict::kEnforced;
  if (weighed.observed) return Verdict::kObserved;
  if (weighed.refuses) return Verdict::kRefusing;
  if (weighed.enforced) return Verdict::kConfigured;
  return provider ? Verdict::kProviderOnly : Verdict::kUnknown;
}

void advise(const Weighed& weighed, const Edge& edge, Row& row) {
  const auto lacks = [&](Source source) { return !weighed.supports[static_cast<std::size_t>(source)]; };
  if (edge.transport == Transport::kRdma) {
    row.advice.push_back(
        "RDMA bypasses the kernel and no packet capture sees it: encrypt below it, or have an exception");
  } else if (row.classes.size() < 2) {
    if (lacks(Source::kProbe) && edge.transport == Transport::kTcp)
      row.advice.push_back("try its listener: cloister paths probe");
    if (lacks(Source::kConfiguration)) row.advice.push_back("audit its configuration: cloister mesh audit --json");
    if (lacks(Source::kCapture)) row.advice.push_back("watch the wire: cloister paths capture");
    if (lacks(Source::kReceipt)) row.advice.push_back("put cloister-relay at both ends, and collect its receipts");
  }
  if (row.provider && !row.provider->operator_must.empty()) row.advice.push_back(row.provider->operator_must);
}

void conclude_declared(const Weighed& weighed, const Edge& edge, Time now, Row& row) {
  std::vector<std::string> lacking;
  if (row.classes.size() < 2) {
    lacking.push_back(row.classes.empty() ? "no evidence"
                                          : "one class of evidence, " + std::string(name_of(row.classes.front())) +
                                                ", where two are needed");
  }
  if (!row.classes.empty() && weighed.shown.value_or(Protection::kEncrypted) < edge.requires_at_least) {
    lacking.push_back(edge.requires_at_least == Protection::kMutualTls
                          ? "nothing shows that both ends prove who they are"
                          : "nothing shows that it is TLS");
  }
  row.reasons = weighed.against;
  row.reasons.insert(row.reasons.end(), lacking.begin(), lacking.end());
  row.outcome = !weighed.against.empty() ? Outcome::kFail : !lacking.empty() ? Outcome::kUnproven : Outcome::kPass;
  if (row.outcome == Outcome::kPass) {
    std::string text;
    for (const Source source : row.classes) text += (text.empty() ? "" : " and ") + std::string(name_of(source));
    row.reasons.push_back("agreed by " + text);
    return;
  }
  advise(weighed, edge, row);
  if (!edge.exception) return;
  const std::string until = to_rfc3339(edge.exception->until);
  if (now <= edge.exception->until) {
    row.outcome = Outcome::kExcepted;
    row.reasons.push_back("excepted by " + plain_detail(edge.exception->owner) + " until " + until + ": " +
                          plain_detail(edge.exception->reason));
  } else {
    row.reasons.push_back("the exception of " + plain_detail(edge.exception->owner) + " ended at " + until);
  }
}

void judge_row(const Graph& graph, const Report& report, Row& row) {
  const Edge* edge = row.edge ? &graph.edges[*row.edge] : nullptr;
  Weighed weighed;
  for (const std::size_t position : row.statements) {
    const Statement& statement = report.statements[position];
    weigh(statement, edge, weighed);
    if (!is_traffic(statement)) continue;
    row.flows += statement.flows;
    row.begin = std::min(row.begin.value_or(statement.begin), statement.begin);
    row.end = std::max(row.end.value_or(statement.end), statement.end);
  }
  for (std::size_t i = 0; i < kSourceCount; ++i) {
    const auto source = static_cast<Source>(i);
    if (weighed.supports[i] && source != Source::kProvider) row.classes.push_back(source);
  }
  const bool provider_encrypts =
      (row.provider && row.provider->encrypts) || weighed.supports[static_cast<std::size_t>(Source::kProvider)];
  row.verdict = verdict_of(weighed, provider_encrypts);
  if (edge != nullptr) return conclude_declared(weighed, *edge, report.at, row);
  row.outcome = Outcome::kFail;
  row.reasons.push_back("seen (" + connections(row.flows) + "), and nobody declared it");
  row.reasons.insert(row.reasons.end(), weighed.against.begin(), weighed.against.end());
}

}  // namespace

std::string_view name_of(Verdict verdict) { return kVerdicts[static_cast<std::size_t>(verdict)]; }
std::string_view name_of(Outcome outcome) { return kOutcomes[static_cast<std::size_t>(outcome)]; }

std::array<std::size_t, kOutcomeCount> Report::counts() const {
  std::array<std::size_t, kOutcomeCount> counts{};
  for (const Row& row : rows) ++counts[static_cast<std::size_t>(row.outcome)];
  return counts;
}

bool Report::passes() const {
  return findings.empty() && std::ranges::all_of(rows, [](const Row& row) {
           return row.outcome == Outcome::kPass || row.outcome == Outcome::kExcepted;
         });
}

Report judge(const Graph& graph, std::vector<Statement> statements,
             const std::vector<std::optional<ProviderSays>>& provider, Time now) {
  Report report;
  report.graph_id = graph.id;
  report.at = now;
  report.statements = std::move(statements);
  for (const Component& component : graph.components) report.components.push_back(component.name);
  Sorter sorter(graph, report);
  for (std::size_t i = 0; i < report.statements.size(); ++i) {
    const Statement& statement = report.statements[i];
    if (statement.begin > now + kClockSlack) {
      ++report.from_the_future;
    } else if (statement.end + graph.evidence_age_max < now) {
      ++report.expired;
    } else {
      sorter.sort(i);
    }
  }
  for (Row& row : report.rows) {
    if (row.edge && *row.edge < provider.size() && provider[*row.edge] &&
        now <= provider[*row.edge]->retrieved + kProviderAgeMax) {
      row.provider = provider[*row.edge];
    }
    judge_row(graph, report, row);
  }
  return report;
}

std::map<std::pair<std::size_t, std::size_t>, Cell> cells(const Report& report) {
  std::map<std::pair<std::size_t, std::size_t>, Cell> cells;
  for (const Row& row : report.rows) {
    if (!row.cell_from || !row.cell_to) continue;
    Cell& cell = cells[{*row.cell_from, *row.cell_to}];
    if (std::tuple(row.outcome, row.verdict) > std::tuple(cell.outcome, cell.verdict)) {
      cell.outcome = row.outcome;
      cell.verdict = row.verdict;
    }
    ++cell.rows;
    if (!row.edge) ++cell.undeclared;
  }
  return cells;
}

}  // namespace cloister::probe::path
