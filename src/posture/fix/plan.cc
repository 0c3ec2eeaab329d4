#include "posture/fix/plan.h"

#include <algorithm>

#include "base/reader.h"
#include "posture/collect/content/content_collector.h"
#include "posture/shell_word.h"

namespace cloister::posture::fix {
namespace {

bool is_readable(const std::string& verdict) {
  return verdict == "plaintext" || verdict == "plaintext_unknown_type" || verdict == "compressed";
}

void plan_object(const Path& root, const std::string& name, const Fact& fact, Plan& plan) {
  const std::string* verdict = fact.text("verdict");
  const std::string* type = fact.text("type");
  if (verdict == nullptr || type == nullptr) return;
  if (*verdict == "high_entropy_unknown" || *verdict == "unreadable") {
    plan.left.push_back(shell_word(name) + ": " + (fact.raw.empty() ? "it isn't known what it is" : fact.raw));
  } else if (type->starts_with("key:")) {
    plan.left.push_back(shell_word(name) + ": a key in the clear: replace it, then erase it");
  } else if (is_readable(*verdict)) {
    const std::int64_t bytes = fact.number("bytes").value_or(0);
    const std::string* head = fact.text("sha256_head");
    // Of a location that is one file, the object has no name within it.
    plan.steps.push_back({.source = name.empty() ? root : root / name,
                          .type = *type,
                          .bytes = static_cast<std::uint64_t>(std::max<std::int64_t>(bytes, 0)),
                          .root = name.empty() ? root.parent_path() : root,
                          .folder = Path(name).parent_path().native(),
                          .sha256_head = head == nullptr ? "" : *head});
  }
}

// What the scan of an incomplete one couldn't look at, a line each; objects that are named already aren't repeated.
void plan_gaps(const Fact& scan, Plan& plan) {
  plan.complete = false;
  std::string_view rest = scan.raw;
  if (rest.empty()) rest = "not all of it was looked at";
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    std::string text = is_plain_utf8(line) ? std::string(line) : shell_word(line);
    if (std::ranges::find(plan.left, text) == plan.left.end()) plan.left.push_back(std::move(text));
  }
}

}  // namespace

Result<Plan> plan_for(const Location& location, std::span<const Fact> facts) {
  const auto root = content::local_path(location.address);
  if (!root) return Error(Code::kInvalid, "location " + location.name + " is no path on this machine");
  if (!location.plaintext_allowed.empty()) return Plan{};
  Plan plan;
  const Fact* scan = nullptr;
  const std::string prefix = location.name + "#";
  for (const Fact& fact : facts) {
    if (fact.kind == "content.scan" && fact.subject == Subject{SubjectKind::kLocation, location.name}) {
      if (fact.not_assessed) return Error(Code::kUnavailable, "location " + location.name + ": " + *fact.not_assessed);
      if (fact.truth("canaries_right") != true) {
        return Error(Code::kUnavailable,
                     "location " + location.name + ": its scan is void, since canaries were misjudged");
      }
      scan = &fact;
    }
    if (fact.kind != "content.object" || !fact.subject.id.starts_with(prefix)) continue;
    plan_object(*root, fact.subject.id.substr(prefix.size()), fact, plan);
  }
  if (scan == nullptr) return Error(Code::kNotFound, "nobody looked at location " + location.name);
  if (scan->truth("complete") != true) plan_gaps(*scan, plan);
  std::ranges::sort(plan.steps, {}, &Step::source);
  return plan;
}

std::string commands(const Plan& plan, std::string_view dataset) {
  std::string out;
  for (const Step& step : plan.steps) {
    const std::string source = shell_word(step.source.native()), target = shell_word(step.target().native());
    out += "cloister seal " + source + " " + target + " --dataset " + shell_word(dataset) + " && cloister verify " +
           target + " && rm " + source + "\n";
  }
  return out;
}

}  // namespace cloister::posture::fix
