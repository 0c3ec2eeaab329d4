// cloister policy: writing a policy and finding out what it decides, before a service loads it.
#include "base/toml.h"
#include "commands.h"
#include "crypto/hash.h"
#include "policy/diff.h"

namespace cloister::cli {
namespace {

struct PolicyRequest {
  std::string file, other;
  std::string caller, operation, tenant, dataset, purpose, at;
  std::uint32_t keys = 1;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister policy check acme.toml
  cloister policy test acme.toml --caller spiffe://acme.example/train/job-7 \
      --operation unwrap --tenant acme/production --dataset images \
      --purpose train
  cloister policy diff acme.toml acme-new.toml

NOTES
  A policy is one TOML document: [[allow]] and [[deny]] rules over caller,
  operation, tenant, environment, dataset and purpose; [[quota]]; and [[expect]]
  tables that say what must be allowed and what refused. `check` holds the
  policy against them, and a service loads none for which one fails.
  What no rule allows is refused, and a deny beats every allow. A key that isn't
  written is a mistake: "any" is a word.
  `test` ends with 0 when the request is allowed and with 4 when it is refused.
  `diff` marks with ! what may give somebody more than they had.
)";

std::string word_list(const char* title, std::span<const std::string_view> words) {
  constexpr std::size_t kWidth = 80;
  std::string list = std::string("\n") + title, line = "\n ";
  for (const std::string_view word : words) {
    if (line.size() + 1 + word.size() > kWidth) {
      list += line;
      line = "\n ";
    }
    line += " " + std::string(word);
  }
  return list + line + "\n";
}

struct PolicyFile {
  std::string text;
  std::string sha256;
};

Result<PolicyFile> read_policy(const std::string& path) {
  CLOISTER_TRY(const Bytes bytes, read_file(path, kTomlSizeMax));
  return PolicyFile{std::string(as_text(bytes)), to_hex(crypto::sha256(bytes))};
}

Result<policy::Policy> load(const std::string& path, const PolicyFile& file) {
  return policy::load_policy(file.text).with_context(path);
}

std::string good_until(const policy::Validity& validity) {
  std::string text;
  if (validity.not_before) text = "from " + to_rfc3339(*validity.not_before) + " ";
  return text + "until " + (validity.not_after ? to_rfc3339(*validity.not_after) : "it is replaced");
}

Result<Outcome> check(Session&, const PolicyRequest& request) {
  CLOISTER_TRY(const PolicyFile file, read_policy(request.file));
  auto checked = policy::check_policy(file.text).with_context(request.file);
  if (!checked.ok()) return checked.error();
  const policy::CheckReport& report = *checked;
  const std::string id = report.id.empty() ? "the empty policy, which refuses everything" : report.id;
  Outcome outcome;
  outcome.text = "policy " + id + "\n  " + count_text(report.allow_rules, "allow rule") + ", " +
                 count_text(report.deny_rules, "deny rule") + ", " + count_text(report.quotas, "quota") + "\n  good " +
                 good_until(report.validity) + "\n  sha256 " + file.sha256 + "\n";
  for (const std::string& failure : report.failures) outcome.text += "finding: " + printable(failure) + "\n";
  const std::string expectations = count_text(report.expectations, "expectation");
  if (report.failures.empty()) {
    outcome.text += "  " + expectations + (report.expectations == 1 ? " holds\n" : " hold\n");
  } else {
    outcome.failure =
        invalid(request.file + ": " + std::to_string(report.failures.size()) + " of " + expectations + " failed");
  }
  outcome.terse = report.failures.empty();
  outcome.json = {{"id", report.id},
                  {"sha256", file.sha256},
                  {"allow_rules", report.allow_rules},
                  {"deny_rules", report.deny_rules},
                  {"quotas", report.quotas},
                  {"expectations", report.expectations},
                  {"failures", report.failures}};
  if (report.validity.not_before) outcome.json["not_before"] = to_rfc3339(*report.validity.not_before);
  if (report.validity.not_after) outcome.json["not_after"] = to_rfc3339(*report.validity.not_after);
  return outcome;
}

// Where --dataset is a whole name, like those of the other verbs, it says the tenant too.
Result<keys::DatasetName> parse_target(const PolicyRequest& request) {
  keys::DatasetName target{"", "", request.dataset};
  if (!request.tenant.empty()) {
    CLOISTER_TRY(const keys::TenantName tenant, keys::parse_tenant_name(request.tenant));
    target.tenant = tenant.tenant;
    target.environment = tenant.environment;
  }
  if (request.dataset.find('/') == std::string::npos) return target;
  CLOISTER_TRY(const keys::DatasetName whole, keys::parse_dataset_name(request.dataset));
  const bool agrees = target.tenant == whole.tenant && target.environment == whole.environment;
  if (request.tenant.empty() || agrees) return whole;
  return invalid("--tenant " + request.tenant + " isn't the tenant of --dataset " + request.dataset);
}

Result<Outcome> test(Session&, const PolicyRequest& request) {
  CLOISTER_TRY(const PolicyFile file, read_policy(request.file));
  CLOISTER_TRY(const policy::Policy loaded, load(request.file, file));
  CLOISTER_TRY(const keys::DatasetName target, parse_target(request));
  policy::Request asked;
  asked.caller = request.caller;
  asked.tenant = target.tenant;
  asked.environment = target.environment;
  asked.dataset = target.dataset;
  asked.keys = request.keys;
  asked.now = system_time();
  if (!request.at.empty()) {
    CLOISTER_TRY(asked.now, parse_rfc3339(request.at).with_context("--at"));
  }
  CLOISTER_TRY(asked.operation, policy::parse_operation(request.operation));
  if (!request.purpose.empty()) {
    CLOISTER_TRY(asked.purpose, policy::parse_purpose(request.purpose));
  }

  const policy::Decision decision = policy::decide(loaded, asked);
  Outcome outcome;
  outcome.terse = true;
  outcome.text = (decision.allowed ? "allowed: " + decision.reason : "refused") + "\npolicy " + loaded.id() +
                 ", sha256 " + file.sha256 + "\n";
  outcome.json = {{"allowed", decision.allowed},
                  {"rule", decision.rule},
                  {"reason", decision.reason},
                  {"time", to_rfc3339(asked.now)},
                  {"policy", {{"id", loaded.id()}, {"sha256", file.sha256}}}};
  if (decision.quota) {
    outcome.json["quota"] = {{"requests_per_second", decision.quota->requests_per_second},
                             {"burst", decision.quota->burst},
                             {"keys_per_batch", decision.quota->keys_per_batch}};
  }
  if (!decision.allowed) outcome.failure = Error(Code::kDenied, decision.reason);
  return outcome;
}

Result<Outcome> compare(Session&, const PolicyRequest& request) {
  CLOISTER_TRY(const PolicyFile file, read_policy(request.file));
  CLOISTER_TRY(const PolicyFile other, read_policy(request.other));
  CLOISTER_TRY(const policy::Policy before, load(request.file, file));
  CLOISTER_TRY(const policy::Policy after, load(request.other, other));
  const std::vector<policy::Change> changes = policy::diff(before, after);
  Table table({"", "RULE", "WHO", "WHAT"});
  Json rows = Json::array();
  std::size_t widening = 0;
  for (const policy::Change& change : changes) {
    if (change.widens) ++widening;
    table.row({change.widens ? "!" : "", printable(change.rule), printable(change.who), change.what});
    rows.push_back({{"rule", change.rule}, {"who", change.who}, {"what", change.what}, {"widens", change.widens}});
  }
  Outcome outcome;
  outcome.text = changes.empty() ? "they decide alike\n"
                                 : table.text() + count_text(changes.size(), "change") + ", " +
                                       std::to_string(widening) + " of which may give somebody more\n";
  outcome.json = {{"before", {{"id", before.id()}, {"sha256", file.sha256}}},
                  {"after", {{"id", after.id()}, {"sha256", other.sha256}}},
                  {"changes", rows}};
  return outcome;
}

// A closed list for completion, with a suggestion where a word isn't on it.
template <typename Word>
CLI::Validator one_of(std::span<const std::string_view> words, Result<Word> (*parse)(std::string_view)) {
  std::string list;
  for (const std::string_view word : words) list += (list.empty() ? "{" : ",") + std::string(word);
  return CLI::Validator(
      [parse](std::string& word) {
        const auto parsed = parse(word);
        return parsed.ok() ? std::string() : parsed.error().message();
      },
      list + "}");
}

}  // namespace

void add_policy(CLI::App& app, Run& run) {
  auto request = std::make_shared<PolicyRequest>();
  CLI::App* group = add_verb(
      app, "policy", "check, try and compare policies",
      kManual + word_list("OPERATIONS", policy::operation_names()) + word_list("PURPOSES", policy::purpose_names()));
  group->require_subcommand(1);

  CLI::App* checking = add_verb(*group, "check", "read a policy and hold it against its expectations", "");
  checking->add_option("FILE", request->file, "the policy")->required();
  set_action(checking, run, request, check);

  CLI::App* testing = add_verb(*group, "test", "what a policy decides for one request", "");
  testing->add_option("FILE", request->file, "the policy")->required();
  testing->add_option("--caller", request->caller, "the SPIFFE id that asks")->type_name("ID")->required();
  testing->add_option("--operation", request->operation, "what for: unwrap, kek.rotate, …")
      ->check(one_of(policy::operation_names(), policy::parse_operation))
      ->required();
  testing->add_option("--tenant", request->tenant, "whose")->type_name("TENANT[/ENV]");
  testing->add_option("--dataset", request->dataset, "which, alone or as TENANT[/ENV]/DATASET")->type_name("DATASET");
  testing->add_option("--purpose", request->purpose, "why: train, infer, …; without it everything is refused")
      ->check(one_of(policy::purpose_names(), policy::parse_purpose));
  testing->add_option("--keys", request->keys, "how many keys at once")->type_name("N")->capture_default_str();
  testing->add_option("--at", request->at, "when, like 2027-01-01T00:00:00Z; now if left out")->type_name("TIME");
  set_action(testing, run, request, test);

  CLI::App* comparing = add_verb(*group, "diff", "who may do what by a new policy that they couldn't, and back", "");
  comparing->add_option("BEFORE", request->file, "the policy in use")->required();
  comparing->add_option("AFTER", request->other, "the one to review")->required();
  set_action(comparing, run, request, compare);
}

}  // namespace cloister::cli
