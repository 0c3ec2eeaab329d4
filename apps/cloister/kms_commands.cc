// cloister kms: what the providers behind the roots say of their keys.
#include <algorithm>

#include "commands.h"
#include "evidence_folder.h"
#include "home/providers.h"

namespace cloister::cli {
namespace {

constexpr std::size_t kPagesMax = 10'000;  // a provider whose pages go in circles must not keep us for ever

struct KmsRequest {
  std::string root, key;
  std::string evidence;  // a folder; empty: none is kept
};

constexpr const char* kManual = R"(EXAMPLES
  cloister kms describe hsm
      the root's own key: whose it is, where it lives, its state, its rotation
  cloister kms describe aws alias/other --json
  cloister kms list hsm
  cloister kms health aws
  cloister kms describe aws --evidence evidence/
      and every answer of the provider, as it came, in a file each

NOTES
  Reads only. What couldn't be looked at is "not assessed", with the reason, and
  is not to be read as "good". A key in a file has no provider to be asked.
)";

struct Asked {
  std::shared_ptr<kms::Provider> provider;
  std::shared_ptr<EvidenceFolder> evidence;
  RootConfig root;
};

Result<Asked> open(Session& session, const KmsRequest& request) {
  CLOISTER_TRY(const HomeConfig config, session.read_config());
  const auto found = config.roots.find(request.root);
  if (found == config.roots.end()) {
    return Error(Code::kNotFound, "this home has no root " + request.root + ": `cloister root list`");
  }
  Asked asked{nullptr, nullptr, found->second};
  home::ProviderContext context;
  if (!request.evidence.empty()) {
    CLOISTER_TRY(asked.evidence, EvidenceFolder::open(request.evidence));
    context.evidence = asked.evidence;
  }
  if (asked.root.kind == "pkcs11") {
    CLOISTER_TRY(context.pin, session.root_secret(request.root, asked.root, Session::Ask::kOnce));
  }
  CLOISTER_TRY(asked.provider, home::open_provider(asked.root, std::move(context)));
  return asked;
}

// What was asked for is worth nothing without the evidence that was asked for.
Result<Outcome> with_evidence(Outcome outcome, const Asked& asked) {
  if (!asked.evidence) return outcome;
  CLOISTER_TRY(const std::uint64_t kept, asked.evidence->kept());
  outcome.text += "evidence: " + count_text(kept, "answer") + " kept\n";
  outcome.json["evidence_kept"] = kept;
  return outcome;
}

std::string words_of(std::string name) {
  std::ranges::replace(name, '_', ' ');
  return name;
}

// One line a fact; docs/formats/key-posture.md has them.
std::string fact_text(const Json& fact) {
  if (fact.is_null()) return "none";
  if (fact.is_boolean()) return fact.get<bool>() ? "yes" : "no";
  if (fact.is_string()) return printable(fact.get<std::string>());
  if (fact.is_object() && fact.contains("not_assessed")) {
    return "not assessed: " + printable(fact["not_assessed"].get<std::string>());
  }
  if (fact.is_number()) return fact.dump();
  std::string text;
  for (const auto& [name, member] : fact.items()) {
    const std::string said = fact_text(member);
    text += (text.empty()      ? ""
             : fact.is_array() ? "; "
                               : ", ") +
            (fact.is_array() ? said : words_of(name) + " " + said);
  }
  return text.empty() ? "none" : text;
}

Result<Outcome> describe(Session& session, const KmsRequest& request) {
  CLOISTER_TRY(const Asked asked, open(session, request));
  const std::string key = request.key.empty() ? home::provider_key(asked.root) : request.key;
  CLOISTER_TRY(const kms::KeyPosture posture, asked.provider->describe(key));
  Outcome outcome;
  outcome.json = Json::parse(kms::to_json(posture));
  for (const auto& [name, fact] : outcome.json.items()) {
    outcome.text += words_of(name) + ": " + fact_text(fact) + "\n";
  }
  return with_evidence(std::move(outcome), asked);
}

Result<Outcome> list(Session& session, const KmsRequest& request) {
  CLOISTER_TRY(const Asked asked, open(session, request));
  Outcome outcome;
  outcome.json = {{"provider", asked.provider->name()}, {"keys", Json::array()}};
  std::string cursor;
  std::size_t pages = 0;
  do {
    CLOISTER_TRY(const kms::KeyPage page, asked.provider->list(cursor));
    if (++pages > kPagesMax || (!page.next.empty() && page.next == cursor)) {
      return Error(Code::kCorrupt, asked.provider->name() + ": the list of keys doesn't end");
    }
    for (const std::string& key : page.keys) {
      outcome.text += printable(key) + "\n";
      outcome.json["keys"].push_back(key);
    }
    cursor = page.next;
  } while (!cursor.empty());
  return with_evidence(std::move(outcome), asked);
}

Result<Outcome> health(Session& session, const KmsRequest& request) {
  CLOISTER_TRY(const Asked asked, open(session, request));
  CLOISTER_TRY(const kms::ProviderHealth health, asked.provider->health());
  Outcome outcome;
  outcome.text = asked.provider->name() + (health.serving ? " serves" : " doesn't serve") +
                 (health.detail.empty() ? "" : ": " + printable(health.detail)) + "\n";
  outcome.json = {{"provider", asked.provider->name()}, {"serving", health.serving}, {"detail", health.detail}};
  if (!health.serving) outcome.failure = Error(Code::kUnavailable, asked.provider->name() + " doesn't serve");
  return with_evidence(std::move(outcome), asked);
}

}  // namespace

void add_kms(CLI::App& app, Run& run) {
  CLI::App* group = add_verb(app, "kms", "what the providers behind the roots say of their keys", kManual);
  group->require_subcommand(1);
  auto request = std::make_shared<KmsRequest>();
  const auto on_root = [&](const char* name, const char* about) {
    CLI::App* verb = add_verb(*group, name, about, "");
    verb->add_option("ROOT", request->root, "which root: `cloister root list`")->required();
    verb->add_option("--evidence", request->evidence, "keep the provider's answers in a folder")->type_name("DIR");
    return verb;
  };
  CLI::App* describing = on_root("describe", "the posture of a key");
  describing->add_option("KEY", request->key, "another key than the root's, as the provider names it");
  set_action(describing, run, request, describe);
  set_action(on_root("list", "the provider's keys"), run, request, list);
  set_action(on_root("health", "whether the provider serves"), run, request, health);
}

}  // namespace cloister::cli
