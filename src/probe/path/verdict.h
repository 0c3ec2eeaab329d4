// What the evidence amounts to, for each declared edge and each one that was seen. Pure: the same graph, evidence and
// time give the same report, today and when somebody checks it later. docs/data-paths.md.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "probe/path/evidence.h"

namespace cloister::probe::path {

// Strongest first.
enum class Verdict {
  kEnforced,           // plaintext was tried and is refused, and the configuration lets nothing else through
  kObserved,           // encrypted traffic was seen, or signed for
  kRefusing,           // plaintext was tried and is refused; what clients really do wasn't seen
  kConfigured,         // configuration alone
  kProviderOnly,       // what the cloud says of its network, alone
  kUnknown,            // no evidence
  kPlaintextPossible,  // plaintext is accepted, or configured to get through
  kPlaintextSeen,      // plaintext went over the wire
};
inline constexpr std::size_t kVerdictCount = 8;
std::string_view name_of(Verdict verdict);  // "enforced", "observed", …

enum class Outcome {
  kPass,      // two classes of evidence or more agree, nothing contradicts, and it is at least what was asked for
  kExcepted,  // doesn't pass, and somebody answers for that until a date
  kUnproven,  // nothing speaks against it, and too little for it
  kFail,      // something speaks against it
};
inline constexpr std::size_t kOutcomeCount = 4;
std::string_view name_of(Outcome outcome);  // "pass", "excepted", "unproven", "fail"

// What a cloud says of the network under an edge (cloud_facts.h).
struct ProviderSays {
  bool encrypts = false;      // always, whatever the operator does
  std::string statement;      // one line
  std::string operator_must;  // what is still to be turned on; empty: nothing, or nothing helps
  std::string source;         // a URL
  Time retrieved;
};

struct Row {
  std::string from, to;             // names of components; for who is none an address, or "a|b"
  std::optional<std::size_t> edge;  // position in Graph::edges; nothing: it was seen, and nobody declared it
  std::optional<std::size_t> cell_from, cell_to;  // positions in Graph::components; nothing: not one component
  Transport transport = Transport::kTcp;
  std::uint16_t port = 0;
  std::uint16_t port_last = 0;
  Verdict verdict = Verdict::kUnknown;
  Outcome outcome = Outcome::kUnproven;
  std::vector<std::string> reasons;     // why it isn't a pass, each a line; for a pass, what makes it one
  std::vector<std::string> advice;      // what would help
  std::vector<std::size_t> statements;  // positions in Report::statements: those it rests on
  std::vector<Source> classes;          // that support it, each once
  std::uint64_t flows = 0;              // connections seen, of all kinds
  std::optional<Time> begin, end;       // of what was seen
  std::optional<ProviderSays> provider;
};

struct Report {
  std::string graph_id;
  Time at;
  std::vector<Row> rows;                // declared ones in their order, then the others
  std::vector<std::string> findings;    // what no row has
  std::vector<Statement> statements;    // all, in the order they were given
  std::vector<std::string> components;  // names, in the order of the graph
  std::uint64_t expired = 0;            // statements that are too old
  std::uint64_t from_the_future = 0;    // statements that can't be yet
  std::uint64_t outside = 0;            // statements between ends that are no components
  std::uint64_t inside = 0;             // statements about what stays within one component
  std::uint64_t ambiguous = 0;          // statements for an edge that fit several, and so proved none

  std::array<std::size_t, kOutcomeCount> counts() const;
  // True when every row passes or is excepted, and there is no finding.
  bool passes() const;
};

// `provider`: for each edge of the graph, in its order.
Report judge(const Graph& graph, std::vector<Statement> statements,
             const std::vector<std::optional<ProviderSays>>& provider, Time now);

// The rows between two components as one cell of a matrix: the worst outcome, and of those rows the worst verdict.
struct Cell {
  Verdict verdict = Verdict::kEnforced;
  Outcome outcome = Outcome::kPass;
  std::size_t rows = 0;
  std::size_t undeclared = 0;
};
// By (from, to). Pairs without a row aren't in it.
std::map<std::pair<std::size_t, std::size_t>, Cell> cells(const Report& report);

}  // namespace cloister::probe::path
