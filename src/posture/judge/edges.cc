// TRN-06 to TRN-10: what goes between components.
#include <algorithm>
#include <array>

#include "posture/judge/judge.h"
#include "posture/judge/proof.h"
#include "posture/subjects.h"

namespace cloister::posture {
namespace {

// What a client shows in turn; the server may take the first alone.
constexpr std::string_view kExpected = "expected";
constexpr std::array<std::string_view, 4> kImpostors = {"no-certificate", "expired", "other-trust-domain",
                                                        "other-workload"};
constexpr std::int64_t kSvidMinutesMax = 24 * 60;

std::vector<Subject> known_edges(const View& view) {
  std::vector<Subject> out = known_subjects(view);
  std::erase_if(out, [](const Subject& subject) { return subject.kind != SubjectKind::kEdge; });
  return out;
}

const probe::path::Edge* declared_edge(const View& view, const Subject& subject) {
  const auto& graph = view.estate().graph;
  const auto found = std::ranges::find_if(
      graph.edges, [&](const probe::path::Edge& edge) { return edge_subject(graph, edge) == subject; });
  return found == graph.edges.end() ? nullptr : &*found;
}

// Without one, the server that an edge leads to: what it refuses, it refuses on every edge.
std::vector<const Fact*> drills_of(const View& view, const Subject& edge) {
  std::vector<const Fact*> facts = view.about("mtls.drill", edge);
  const probe::path::Edge* declared = declared_edge(view, edge);
  if (!facts.empty() || declared == nullptr) return facts;
  return view.about("mtls.drill", {SubjectKind::kWorkload, view.estate().graph.components[declared->to].name});
}

Finding look_at_drill(const Fact& fact) {
  const auto* accepted = fact.list("accepted");
  const auto* refused = fact.list("refused");
  if (accepted == nullptr || refused == nullptr) return unproven("the drill doesn't say whom it took");
  const auto impostor = std::ranges::find_if(*accepted, [](const std::string& one) { return one != kExpected; });
  if (impostor != accepted->end())
    return fails("it takes a client with " + *impostor, "let it ask for a certificate, and take one SPIFFE ID alone");
  if (!contains(accepted, kExpected)) return unproven("it refused the right client too: the drill proves nothing");
  for (const std::string_view impostor_case : kImpostors) {
    if (!contains(refused, impostor_case)) return unproven(std::string(impostor_case) + " wasn't tried");
  }
  const auto modern = fact.truth("tls13");
  if (!modern) return unproven("the version of TLS isn't known");
  if (!*modern) return fails("it doesn't speak TLS 1.3", "let both ends speak TLS 1.3 alone");
  return passes("the expected client alone is taken, by TLS 1.3");
}

// Where an edge declares that less than mutual TLS is enough, one end isn't the operator's.
std::vector<SubjectVerdict> mutual_tls(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const Subject& edge : known_edges(view)) {
    const probe::path::Edge* declared = declared_edge(view, edge);
    if (declared != nullptr && (declared->requires_at_least != probe::path::Protection::kMutualTls ||
                                declared->transport == probe::path::Transport::kRdma))
      continue;
    const Question question = {edge, "no client was tried on it", "cloister redteam run RT-T04 --authorised-by NAME"};
    out.push_back(judge_by(view, question, drills_of(view, edge), look_at_drill));
  }
  return out;
}

Finding look_at_mesh(const Fact& fact) {
  const auto strict = fact.truth("strict");
  const auto refused = fact.truth("plaintext_refused");
  const auto shared = fact.number("shared_identities");
  const auto minutes = fact.number("svid_ttl_minutes");
  const auto rotation = fact.truth("rotation_seen");
  if (strict && !*strict)
    return fails("its mesh lets plaintext through by policy", "set mTLS to STRICT, without exclusions");
  if (refused && !*refused)
    return fails("it answers plaintext from outside of the mesh", "enrol it, and exclude no port");
  if (shared && *shared > 0)
    return fails(std::to_string(*shared) + " identities are shared", "give every workload an identity of its own");
  if (minutes && *minutes > kSvidMinutesMax)
    return fails("its certificate lives for " + std::to_string(*minutes) + " minutes, more than a day",
                 "let certificates live for a day at most");
  if (rotation && !*rotation) return fails("its certificate isn't renewed in time", "repair the issuer's renewal");
  if (!strict || !refused || shared != 0 || minutes.value_or(0) < 1 || !rotation)
    return unproven("not all of its mesh was looked at");
  return passes("strict, plaintext refused, its own certificate of " + std::to_string(*minutes) + " minutes, renewed");
}

std::vector<SubjectVerdict> mesh(const View& view) {
  const std::vector<const Fact*> platform = view.about("mesh.policy", the_platform());
  std::vector<SubjectVerdict> out;
  for (const Workload& workload : view.estate().workloads) {
    const Subject subject = {SubjectKind::kWorkload, workload.name};
    std::vector<const Fact*> facts = view.about("mesh.policy", subject);
    if (facts.empty()) facts = platform;
    const Question question = {subject, "nobody looked at its mesh", "cloister mesh audit"};
    out.push_back(judge_by(view, question, facts, look_at_mesh));
  }
  return out;
}

Finding look_at_edge(const Fact& fact) {
  const std::string* verdict = fact.text("verdict");
  const std::string* outcome = fact.text("outcome");
  if (verdict == nullptr || outcome == nullptr) return unproven("the fact has no verdict");
  const std::string repair = "put cloister-relay or the mesh's mutual TLS at both ends, and let nothing else through";
  if (verdict->starts_with("plaintext")) return fails("it is " + *verdict, repair);
  if (*outcome == "fail") return fails("something speaks against its encryption", repair);
  if (*outcome != "pass")
    return unproven("it is " + *verdict + ", which is too little",
                    "collect a second class of evidence: cloister paths check");
  if (*verdict != "enforced" && *verdict != "observed" && *verdict != "refusing")
    return unproven("it is " + *verdict + ", which nobody saw");
  const auto* classes = fact.list("classes");
  if (classes == nullptr || classes->empty()) return unproven("its verdict rests on nothing");
  return passes("it is " + *verdict + ", by " + joined(*classes, " and "));
}

SubjectVerdict judge_edge(const View& view, const Subject& edge, const Look& look) {
  const Question question = {edge, "nobody looked at it", "cloister paths check"};
  return judge_by(view, question, view.about("path.edge", edge), look);
}

std::vector<SubjectVerdict> each_edge(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const Subject& edge : known_edges(view)) out.push_back(judge_edge(view, edge, look_at_edge));
  return out;
}

Finding look_at_default(const Fact& fact) {
  const auto alone = fact.truth("provider_default_only");
  const auto verified = fact.truth("provider_verified");
  if (!alone) return unproven("whether it relies on its provider's network isn't known");
  if (!*alone) return passes("it doesn't rely on its provider's network");
  if (!verified) return unproven("whether its provider's default was verified isn't known");
  if (!*verified)
    return fails("it relies on a default of its provider that nobody verified",
                 "turn TLS on for it, and see that it holds");
  return passes("its provider's default was verified");
}

std::vector<SubjectVerdict> provider_defaults(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const Subject& edge : known_edges(view)) out.push_back(judge_edge(view, edge, look_at_default));
  return out;
}

bool seen_as_fabric(const View& view, const Subject& edge) {
  return std::ranges::any_of(view.about("path.edge", edge),
                             [](const Fact* fact) { return fact->truth("fabric").value_or(false); });
}

std::vector<SubjectVerdict> fabrics(const View& view) {
  std::vector<SubjectVerdict> out;
  for (const Subject& edge : known_edges(view)) {
    const probe::path::Edge* declared = declared_edge(view, edge);
    if ((declared == nullptr || !is_fabric(*declared)) && !seen_as_fabric(view, edge)) continue;
    out.push_back(judge_edge(view, edge, look_at_edge));
  }
  return out;
}

constexpr std::array<JudgeOf, 5> kJudges = {{{"TRN-06", mutual_tls},
                                             {"TRN-07", mesh},
                                             {"TRN-08", each_edge},
                                             {"TRN-09", provider_defaults},
                                             {"TRN-10", fabrics}}};

}  // namespace

std::span<const JudgeOf> edge_judges() { return kJudges; }

}  // namespace cloister::posture
