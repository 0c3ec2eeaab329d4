// What a decision costs by the number of rules, beside the same rules asked one after the other: with their patterns
// compiled, and as text.
#include "policy/policy.h"
#include "bench.h"

namespace {

using namespace cloister;
using namespace cloister::policy;

constexpr std::size_t kCounts[] = {10, 1'000, 10'000};
constexpr std::size_t kRequests = 256;
const Time kNow{1'800'000'000'000};

// One rule, and the request it allows, of a policy of this shape.
struct Shape {
  const char* name;
  std::string (*caller_pattern)(std::size_t i);
  std::string (*caller)(std::size_t i);
  std::string (*tenant)(std::size_t i);
  std::string (*dataset)(std::size_t i);
};

std::string numbered(const char* text, std::size_t i) { return text + std::to_string(i); }

const Shape kShapes[] = {
    {"many tenants, ten rules each", [](std::size_t i) { return numbered("spiffe://mill.example/team", i) + "/*"; },
     [](std::size_t i) { return numbered("spiffe://mill.example/team", i) + "/job-7"; },
     [](std::size_t i) { return numbered("tenant-", i / 10); }, [](std::size_t) { return std::string("images"); }},
    {"one tenant, a rule a workload", [](std::size_t i) { return numbered("spiffe://mill.example/ns/", i) + "/sa/*"; },
     [](std::size_t i) { return numbered("spiffe://mill.example/ns/", i) + "/sa/trainer"; },
     [](std::size_t) { return std::string("acme"); }, [](std::size_t) { return std::string("images"); }},
    {"worst case: one caller, a rule a dataset",
     [](std::size_t) { return std::string("spiffe://mill.example/train/*"); },
     [](std::size_t) { return std::string("spiffe://mill.example/train/job-7"); },
     [](std::size_t) { return std::string("acme"); }, [](std::size_t i) { return numbered("set-", i); }},
};

struct TextRule {
  std::string caller, operation, tenant, environment, dataset, purpose;
};

struct OwnedRequest {
  std::string caller, tenant, dataset;
  Purpose purpose;
  Request view() const { return {caller, Operation::kUnwrap, tenant, "", dataset, purpose, 1, kNow}; }
};

struct Work {
  std::string text;
  std::vector<TextRule> rules;
  std::vector<OwnedRequest> requests;
};

// Half of the requests are allowed, a quarter are for another purpose, a quarter come from somebody else.
Work work_of(const Shape& shape, std::size_t count) {
  Work work;
  work.text = "version = 1\nid = \"bench\"\nnot_after = \"never\"\n";
  for (std::size_t i = 0; i < count; ++i) {
    const TextRule rule{shape.caller_pattern(i), "unwrap", shape.tenant(i), "any", shape.dataset(i), "train"};
    work.text += "[[allow]]\nname = \"rule " + std::to_string(i) + "\"\ncaller = \"" + rule.caller +
                 "\"\noperation = \"unwrap\"\ntenant = \"" + rule.tenant + "\"\nenvironment = \"any\"\ndataset = \"" +
                 rule.dataset + "\"\npurpose = \"train\"\n";
    work.rules.push_back(rule);
  }
  work.text += "[[quota]]\ntenant = \"any\"\nrequests_per_second = 1\nburst = 1\nkeys_per_batch = 1\n";
  for (std::size_t k = 0; k < kRequests; ++k) {
    const std::size_t i = k * 7919 % count;
    OwnedRequest request{shape.caller(i), shape.tenant(i), shape.dataset(i), Purpose::kTrain};
    if (k % 4 == 1) request.purpose = Purpose::kExport;
    if (k % 4 == 3) request.caller = "spiffe://elsewhere.example/train/job-7";
    work.requests.push_back(std::move(request));
  }
  return work;
}

// The simplest evaluator there is: text against text, segment by segment.
bool text_matches(std::string_view pattern, std::string_view text) {
  if (pattern == "any") return true;
  while (true) {
    const std::size_t pattern_end = std::min(pattern.find('/'), pattern.size());
    const std::size_t text_end = std::min(text.find('/'), text.size());
    const std::string_view part = pattern.substr(0, pattern_end), is = text.substr(0, text_end);
    const std::size_t star = part.find('*');
    if (star == std::string_view::npos ? part != is
                                       : !is.starts_with(part.substr(0, star)) || !is.ends_with(part.substr(star + 1)))
      return false;
    if (pattern_end == pattern.size() || text_end == text.size())
      return pattern_end == pattern.size() && text_end == text.size();
    pattern.remove_prefix(pattern_end + 1);
    text.remove_prefix(text_end + 1);
  }
}

bool decide_by_text(const std::vector<TextRule>& rules, const Request& request) {
  for (const TextRule& rule : rules) {
    if (text_matches(rule.operation, operation_name(request.operation)) && text_matches(rule.tenant, request.tenant) &&
        text_matches(rule.environment, request.environment) && text_matches(rule.caller, request.caller) &&
        text_matches(rule.dataset, request.dataset) && text_matches(rule.purpose, purpose_name(*request.purpose)))
      return true;
  }
  return false;
}

bool any_matches(const std::vector<NamePattern>& patterns, std::string_view name) {
  return std::ranges::any_of(patterns, [name](const NamePattern& pattern) { return pattern.matches(name); });
}

// Every rule of the loaded policy, compiled, without its index.
bool decide_without_index(const Policy& policy, const Request& request) {
  const auto caller = check_request(request);
  if (!caller.ok()) return false;
  return std::ranges::any_of(policy.rules(), [&](const Rule& rule) {
    return rule.operations.has(request.operation) && rule.purposes.has(*request.purpose) &&
           any_matches(rule.tenants, request.tenant) && any_matches(rule.environments, request.environment) &&
           any_matches(rule.datasets, request.dataset) && rule.validity.covers(request.now) &&
           std::ranges::any_of(rule.callers, [&](const CallerPattern& each) { return each.matches(*caller); });
  });
}

// Decisions a second, asked for at least a tenth of one.
double rate(const Work& work, const std::function<bool(const Request&)>& decide_one) {
  std::size_t done = 0, allowed = 0;
  const double start = monotonic_seconds();
  double seconds = 0;
  while (seconds < 0.1) {
    for (const OwnedRequest& request : work.requests) allowed += decide_one(request.view()) ? 1 : 0;
    done += work.requests.size();
    seconds = monotonic_seconds() - start;
  }
  if (allowed * 2 != done) bench::fail("an evaluator decides wrongly");
  return static_cast<double>(done) / seconds;
}

void measure(const Shape& shape, std::size_t count) {
  const Work work = work_of(shape, count);
  Policy policy;
  const double loading = bench::seconds_of([&] { policy = bench::must(load_policy(work.text)); });
  std::vector<double> by_text, without_index, with_index;
  for (int round = -1; round < bench::rounds(); ++round) {
    const double text = rate(work, [&](const Request& request) { return decide_by_text(work.rules, request); });
    const double linear = rate(work, [&](const Request& request) { return decide_without_index(policy, request); });
    const double indexed = rate(work, [&](const Request& request) { return decide(policy, request).allowed; });
    if (round < 0) continue;
    by_text.push_back(text);
    without_index.push_back(linear);
    with_index.push_back(indexed);
  }
  const double naive = bench::median(by_text), linear = bench::median(without_index), ours = bench::median(with_index);
  std::printf("  %6zu rules %12.0f/s %12.0f/s %12.0f/s %9.1f x %9.1f x   %8.1f ms\n", count, naive, linear, ours,
              ours / naive, ours / linear, loading * 1000);
  std::fflush(stdout);
}

}  // namespace

int main() {
  std::printf("decisions a second, one thread, median of %d rounds in turn; half allowed, half refused\n",
              bench::rounds());
  for (const Shape& shape : kShapes) {
    std::printf("%s\n  %12s %14s %14s %14s %11s %11s   %11s\n", shape.name, "", "text, linear", "no index", "decide",
                "to text", "to linear", "to load");
    for (const std::size_t count : kCounts) measure(shape, count);
  }
}
