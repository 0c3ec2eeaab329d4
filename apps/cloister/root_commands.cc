// cloister root: the keys that wrap the tenants' KEKs, and what the home keeps for itself.
#include <algorithm>

#include "commands.h"
#include "cost.h"
#include "home/rooted_settings.h"
#include "kms/software_key.h"
#include "root_options.h"
#include "root_text.h"
#include "secret_input.h"

namespace cloister::cli {
namespace {

struct RootRequest {
  std::string name, kind;
  std::vector<std::string> options;  // "name=value"
  std::string secret_file;
  bool ask_secret = false;
  bool open = false;
  bool empty = false;
};

constexpr const char* kManual = R"(EXAMPLES
  cloister root list
  cloister root add hsm pkcs11 module=/usr/lib/softhsm/libsofthsm2.so \
      token=cloister key=root --pin-file /run/pin
  cloister root add second software --passphrase
  cloister root add aws aws-kms key=alias/cloister region=eu-west-1
      docs/providers/ and docs/formats/home-config.md have every kind's options
  cloister tenant create acme --root hsm
  cloister key move globex --to hsm
  cloister key move --all --to hsm
      every tenant's KEK; interrupted, it is run again and goes on
  cloister root default hsm
      what the home keeps for itself, and the KEKs of tenants to come
  cloister root check first --empty
      says what is still under a root; fails unless nothing is
  cloister root check hsm --open
      opens everything that is under it
  cloister root remove first

NOTES
  A root is a key that wraps tenants' key-encryption keys; what a home was made
  with is called `first`. Moving touches the store alone: a few hundred bytes a
  dataset, whatever the datasets' sizes. Every new wrap is opened once before it
  takes the old one's place, and the change happens whole or not at all.
  Removing a root forgets it here, once nothing is under it. Its key stays where
  it is: backups of the store from before are still under it.
  A daemon that is running finds a root that was added by itself.
)";

Result<RootConfig> config_of(const RootRequest& request) {
  RootConfig root;
  root.kind = request.kind;
  CLOISTER_RETURN_IF_ERROR(add_root_options(request.options, root));
  const bool takes_secret = root.kind == "software" || root.kind == "pkcs11";
  if (!takes_secret && (request.ask_secret || !request.secret_file.empty())) {
    return invalid("a root of kind " + root.kind + " takes no passphrase and no PIN");
  }
  if (request.ask_secret || root.kind == "pkcs11") root.passphrase = RootConfig::Passphrase::kPrompt;
  if (!request.secret_file.empty()) {
    if (names_descriptor(request.secret_file)) return invalid("the passphrase's file must be one that stays");
    root.passphrase = RootConfig::Passphrase::kFile;
    std::error_code ignored;
    root.passphrase_file = std::filesystem::absolute(request.secret_file, ignored).string();
  }
  if (root.kind == "software" && root.options.empty()) root.options["key_file"] = "roots/" + request.name + ".key";
  CLOISTER_RETURN_IF_ERROR(home::check_root(root));
  return root;
}

// Interrupted after this, the next run finds the file: nothing is under its key yet.
Status make_key_file_if_absent(Session& session, const RootConfig& root, const std::optional<crypto::Secret>& secret) {
  const Path path = home::key_file_of(session.home(), root);
  std::error_code error;
  if (std::filesystem::exists(path, error)) return {};
  CLOISTER_RETURN_IF_ERROR(create_directories(path.parent_path(), 0700));
  auto copy = secret ? std::optional(crypto::Secret::copy_of(secret->expose())) : std::nullopt;
  return kms::create_key_file(path, std::move(copy), crypto::Argon2Cost{}, session.random());
}

// Roots of a configuration from before there were several say who they are from now on.
Status name_ids(HomeConfig& config, keys::Store& store) {
  CLOISTER_TRY(const auto known, keys::known_roots(store));
  for (auto& [name, root] : config.roots) {
    const auto found = std::ranges::find(known, name, &keys::KnownRoot::name);
    if (root.id.empty() && found != known.end()) root.id = found->id;
  }
  return {};
}

Result<Outcome> add(Session& session, const RootRequest& request) {
  CLOISTER_RETURN_IF_ERROR(keys::check_root_name(request.name));
  CLOISTER_TRY(RootConfig root, config_of(request));
  CLOISTER_TRY(const HomeConfig before, session.read_config());
  if (before.roots.contains(request.name)) return Error(Code::kExists, "there is a root " + request.name + " already");
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  const Path key_file = home::key_file_of(session.home(), root);
  std::error_code error;
  const bool is_new = root.kind == "software" && !std::filesystem::exists(key_file, error);
  CLOISTER_TRY(auto secret,
               session.root_secret(request.name, root, is_new ? Session::Ask::kTwice : Session::Ask::kOnce));
  if (is_new) CLOISTER_RETURN_IF_ERROR(make_key_file_if_absent(session, root, secret));
  CLOISTER_TRY(const keys::OpenedRoot opened,
               home::open_root(session.home(), root, std::move(secret), home::IfNoKey::kMake, session.random()));
  // First the store: what it doesn't know nothing can be put under.
  CLOISTER_TRY(const keys::KnownRoot known, hierarchy->add_root(request.name, opened, session.caller()));
  root.id = known.id;
  const auto with_it = [&](HomeConfig& config) -> Status {
    CLOISTER_RETURN_IF_ERROR(name_ids(config, hierarchy->store()));
    if (config.roots.emplace(request.name, root).second) return {};
    return Error(Code::kExists, "there is a root " + request.name + " already");
  };
  CLOISTER_RETURN_IF_ERROR(session.edit_config(with_it));
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "root " + known.name + " is " + known.id + "\n";
  outcome.text += "next: cloister key move --all --to " + known.name + ", or cloister tenant create NAME --root " +
                  known.name + "\n";
  outcome.json = {{"root", known.name}, {"kind", root.kind}, {"root_id", known.id}};
  return outcome;
}

Result<Outcome> list(Session& session, const RootRequest&) {
  CLOISTER_TRY(const HomeConfig config, session.read_config());
  CLOISTER_TRY(keys::Store * store, session.store());
  CLOISTER_TRY(const auto known, keys::known_roots(*store));
  const home::RootedSettings settings(session.random());
  Table table({"ROOT", "KIND", "KEY", "THE HOME'S", "TENANTS", "KEK VERSIONS"});
  Json rows = Json::array();
  for (const keys::KnownRoot& root : known) {
    const auto found = config.roots.find(root.name);
    const std::string kind = found == config.roots.end() ? "not configured here" : found->second.kind;
    CLOISTER_TRY(const keys::RootUse use, keys::root_use(*store, root.id, settings.all()));
    table.row({root.name, kind, root.id, root.home ? "yes" : "no", std::to_string(use.tenants.size()),
               std::to_string(use.kek_versions)});
    rows.push_back({{"root", root.name}, {"kind", kind}, {"root_id", root.id}, {"home", root.home}});
    rows.back().update(use_json(use));
  }
  Outcome outcome;
  outcome.text = table.text();
  outcome.json = {{"roots", rows}};
  return outcome;
}

Result<Outcome> check(Session& session, const RootRequest& request) {
  const home::RootedSettings settings(session.random());
  std::uint64_t opened = 0;
  if (request.open) {
    CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
    CLOISTER_TRY(opened, hierarchy->open_all_under(request.name, settings.all()));
  }
  CLOISTER_TRY(keys::Store * store, session.store());
  CLOISTER_TRY(const keys::KnownRoot root, keys::known_root(*store, request.name));
  CLOISTER_TRY(const keys::RootUse use, keys::root_use(*store, root.id, settings.all()));
  Outcome outcome;
  outcome.text = use_text(root, use);
  if (request.open) outcome.text += "all of it opens: " + count_text(opened, "wrap") + "\n";
  outcome.json = {{"root", root.name}, {"root_id", root.id}, {"home", root.home}, {"empty", use.empty()}};
  outcome.json.update(use_json(use));
  if (request.open) outcome.json["opened"] = opened;
  if (request.empty && !use.empty()) outcome.failure = Error(Code::kDenied, "root " + root.name + " is still needed");
  return outcome;
}

Result<Outcome> remove(Session& session, const RootRequest& request) {
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  const home::RootedSettings settings(session.random());
  CLOISTER_TRY(const HomeConfig config, session.read_config());
  const Status removed = hierarchy->remove_root(request.name, settings.all(), session.caller());
  // Interrupted in between, or removed by another machine with this store: here it is still configured.
  const bool left_over =
      !removed.ok() && removed.error().code() == Code::kNotFound && config.roots.contains(request.name);
  if (!removed.ok() && !left_over) return removed.error();
  const auto without_it = [&](HomeConfig& now) -> Status {
    CLOISTER_RETURN_IF_ERROR(name_ids(now, hierarchy->store()));
    now.roots.erase(request.name);
    return {};
  };
  CLOISTER_RETURN_IF_ERROR(session.edit_config(without_it));
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "root " + request.name + " is none of this home's any more; its key stays where it is\n";
  outcome.json = {{"root", request.name}};
  return outcome;
}

Result<Outcome> make_default(Session& session, const RootRequest& request) {
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  const home::RootedSettings settings(session.random());
  CLOISTER_TRY(const keys::Move move, hierarchy->move_home(request.name, settings.all(), session.caller()));
  CLOISTER_TRY(const keys::KnownRoot root, keys::known_root(hierarchy->store(), request.name));
  Outcome outcome = cost_outcome(
      move.nothing_to_do()
          ? "root " + root.name + " is the home's own already, and nothing of it is elsewhere"
          : "root " + root.name + " is the home's own: " + count_text(move.wraps, "key") + " brought under it",
      move.cost);
  CLOISTER_TRY(const std::string proof, proof_text(hierarchy->store(), settings.all(), root.name));
  outcome.text += proof;
  outcome.json["root"] = root.name;
  outcome.json["root_id"] = root.id;
  outcome.json["moved"] = move.wraps;
  return outcome;
}

void add_adding(CLI::App& group, Run& run, const std::shared_ptr<RootRequest>& request) {
  CLI::App* verb = add_verb(group, "add", "make a root known; a key that isn't there yet is made", "");
  verb->add_option("NAME", request->name, "what it is called from now on")->required();
  std::vector<std::string> kinds;
  for (const home::RootKind& kind : home::root_kinds()) kinds.emplace_back(kind.name);
  verb->add_option("KIND", request->kind, "where its key lives")->required()->check(CLI::IsMember(kinds));
  verb->add_option("SETTING", request->options, "OPTION=VALUE: what a root of that kind is told");
  verb->add_flag("--passphrase", request->ask_secret, "software: under a passphrase, asked for at each use");
  verb->add_option("--passphrase-file,--pin-file", request->secret_file,
                   "the passphrase, or the token's PIN, read from FILE (0600)")
      ->type_name("FILE");
  set_action(verb, run, request, add);
}

}  // namespace

void add_root(CLI::App& app, Run& run) {
  CLI::App* group = add_verb(app, "root", "where the keys are that wrap the tenants' keys", kManual);
  group->require_subcommand(1);
  auto request = std::make_shared<RootRequest>();
  const auto named = [&](const char* verb_name, const char* about) {
    CLI::App* verb = add_verb(*group, verb_name, about, "");
    verb->add_option("NAME", request->name, "which root")->required();
    return verb;
  };
  set_action(add_verb(*group, "list", "list the roots and what is under them", ""), run, request, list);
  add_adding(*group, run, request);
  CLI::App* checking = named("check", "say what is under a root");
  checking->add_flag("--open", request->open, "and open all of it");
  checking->add_flag("--empty", request->empty, "and fail unless nothing is");
  set_action(checking, run, request, check);
  set_action(named("default", "make it the home's own: what isn't a tenant's moves there"), run, request, make_default);
  set_action(named("remove", "forget a root that nothing is under"), run, request, remove);
}

}  // namespace cloister::cli
