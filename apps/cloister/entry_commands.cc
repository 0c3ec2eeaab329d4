// cloister entry: which workloads of this machine become which identity.
#include <algorithm>
#include <map>

#include "commands.h"
#include "home/registration.h"

namespace cloister::cli {
namespace {

using mesh::RegistrationEntry;

constexpr std::uint64_t kEntryFileMax = std::uint64_t{4} << 20;

struct EntryRequest {
  std::string id;
  std::string spiffe_id;
  std::vector<std::string> selectors, federates_with;
  std::optional<std::uint32_t> x509_ttl, jwt_ttl;
  std::string hint, expires;
  std::string file;  // instead of all that
};

constexpr const char* kManual = R"(EXAMPLES
  cloister entry create --spiffe-id spiffe://acme.example/ml/vllm \
      --selector unix:uid:1000 --selector unix:path:/usr/bin/vllm
  cloister entry create --from entries.toml
  cloister entry list --selector unix:uid:1000
  cloister entry delete 4f0c6a1d2e3b4a5968778695a4b3c2d1

NOTES
  A process that calls the Workload API is given the identity of each entry
  whose selectors are all its own. cloisterd sees a change within seconds, and
  so do workloads that are connected. docs/registration.md has the selectors.
)";

std::string joined(const std::vector<std::string>& texts, std::string_view between) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : std::string(between)) + text;
  return all;
}

std::vector<std::string> selector_texts(const RegistrationEntry& entry) {
  std::vector<std::string> texts;
  for (const mesh::Selector& selector : entry.selectors) texts.push_back(selector.to_string());
  return texts;
}

std::vector<std::string> domain_texts(const RegistrationEntry& entry) {
  std::vector<std::string> texts;
  for (const identity::TrustDomain& domain : entry.federates_with) texts.push_back(domain.name());
  return texts;
}

Json entry_json(const RegistrationEntry& entry) {
  Json json = {{"id", entry.id}, {"spiffe_id", entry.spiffe_id.uri()}, {"selectors", selector_texts(entry)}};
  if (entry.x509_ttl) json["x509_ttl_seconds"] = entry.x509_ttl->ms / 1000;
  if (entry.jwt_ttl) json["jwt_ttl_seconds"] = entry.jwt_ttl->ms / 1000;
  if (!entry.hint.empty()) json["hint"] = entry.hint;
  if (!entry.federates_with.empty()) json["federates_with"] = domain_texts(entry);
  if (entry.expires) json["expires"] = to_rfc3339(*entry.expires);
  json["created"] = to_rfc3339(entry.created);
  return json;
}

std::string entry_text(const RegistrationEntry& entry) {
  std::string text = "entry " + entry.id + "\n  identity: " + entry.spiffe_id.uri() + "\n";
  for (const std::string& selector : selector_texts(entry)) text += "  selector: " + selector + "\n";
  if (entry.x509_ttl)
    text += "  certificates last: " + seconds_text(static_cast<double>(entry.x509_ttl->ms) / 1000) + "\n";
  if (entry.jwt_ttl) text += "  tokens last: " + seconds_text(static_cast<double>(entry.jwt_ttl->ms) / 1000) + "\n";
  if (!entry.hint.empty()) text += "  hint: " + entry.hint + "\n";
  if (!entry.federates_with.empty()) text += "  federates with: " + joined(domain_texts(entry), ", ") + "\n";
  if (entry.expires) text += "  expires: " + to_rfc3339(*entry.expires) + "\n";
  return text + "  created: " + to_rfc3339(entry.created) + "\n";
}

Result<RegistrationEntry> entry_of(const EntryRequest& request) {
  if (request.spiffe_id.empty()) return invalid("--spiffe-id says which identity; or --from a file");
  CLOISTER_TRY(identity::SpiffeId id, identity::SpiffeId::parse(request.spiffe_id));
  RegistrationEntry entry{{}, std::move(id), {}, {}, {}, {}, {}, {}, {}};
  for (const std::string& text : request.selectors) {
    CLOISTER_TRY(mesh::Selector selector, mesh::parse_selector(text));
    entry.selectors.push_back(std::move(selector));
  }
  for (const std::string& name : request.federates_with) {
    CLOISTER_TRY(identity::TrustDomain domain, identity::TrustDomain::parse(name));
    entry.federates_with.push_back(std::move(domain));
  }
  if (request.x509_ttl) entry.x509_ttl = seconds(*request.x509_ttl);
  if (request.jwt_ttl) entry.jwt_ttl = seconds(*request.jwt_ttl);
  entry.hint = request.hint;
  if (!request.expires.empty()) {
    CLOISTER_TRY(entry.expires, parse_rfc3339(request.expires).with_context("--expires"));
  }
  CLOISTER_RETURN_IF_ERROR(mesh::check_entry(entry));
  return entry;
}

Result<std::vector<RegistrationEntry>> wanted_of(const EntryRequest& request) {
  if (request.file.empty()) {
    CLOISTER_TRY(RegistrationEntry entry, entry_of(request));
    return std::vector{std::move(entry)};
  }
  if (!request.spiffe_id.empty() || !request.selectors.empty()) return invalid("--from a file says everything itself");
  CLOISTER_TRY(const Bytes text, read_file(request.file, kEntryFileMax));
  return mesh::parse_entry_file(as_text(text)).with_context(request.file);
}

bool same_but_for_age(RegistrationEntry a, const RegistrationEntry& b) {
  a.created = b.created;
  return a == b;
}

// Those that aren't there yet. What is there as it is wanted stays; with a file that can be run again.
Result<std::vector<RegistrationEntry>> missing(const std::vector<RegistrationEntry>& wanted,
                                               const std::vector<RegistrationEntry>& there, bool from_file) {
  std::map<std::string, const RegistrationEntry*> by_id;
  for (const RegistrationEntry& entry : there) by_id.emplace(entry.id, &entry);
  std::vector<RegistrationEntry> left;
  for (const RegistrationEntry& entry : wanted) {
    const auto found = by_id.find(entry.id);
    if (found == by_id.end()) {
      left.push_back(entry);
    } else if (!from_file || !same_but_for_age(entry, *found->second)) {
      return Error(Code::kExists, "entry " + entry.id + " is for " + entry.spiffe_id.uri() +
                                      " and these selectors already: delete it first");
    }
  }
  if (there.size() + left.size() > mesh::kEntriesMax) return invalid("a home has 10000 entries at most");
  return left;
}

Result<Outcome> create(Session& session, const EntryRequest& request) {
  CLOISTER_TRY(const auto wanted, wanted_of(request));
  CLOISTER_TRY(const auto settings, session.service_settings());
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  keys::Store& store = hierarchy->store();
  CLOISTER_TRY(const auto there, home::read_entries(store, settings));
  CLOISTER_TRY(auto left, missing(wanted, there, !request.file.empty()));
  const keys::Caller caller = session.caller();
  Outcome outcome;
  Json made = Json::array();
  for (RegistrationEntry& entry : left) {
    entry.created = caller.now;
    CLOISTER_RETURN_IF_ERROR(home::create_entry(store, settings, entry, caller));
    outcome.text += entry_text(entry);
    made.push_back(entry_json(entry));
  }
  if (!request.file.empty()) {
    outcome.text += "created " + std::to_string(left.size()) + ", " + std::to_string(wanted.size() - left.size()) +
                    " there already\n";
  }
  outcome.json = {{"created", std::move(made)}, {"already_there", wanted.size() - left.size()}};
  return outcome;
}

Result<Outcome> list(Session& session, const EntryRequest& request) {
  std::vector<mesh::Selector> selectors;
  for (const std::string& text : request.selectors) {
    CLOISTER_TRY(mesh::Selector selector, mesh::parse_selector(text));
    selectors.push_back(std::move(selector));
  }
  CLOISTER_TRY(const auto settings, session.service_settings());
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const auto entries, home::read_entries(hierarchy->store(), settings));
  Table table({"ENTRY", "IDENTITY", "SELECTORS"});
  Json rows = Json::array();
  for (const RegistrationEntry& entry : entries) {
    if (!request.spiffe_id.empty() && entry.spiffe_id.uri() != request.spiffe_id) continue;
    const bool has_all = std::ranges::all_of(selectors, [&](const mesh::Selector& selector) {
      return std::ranges::binary_search(entry.selectors, selector);
    });
    if (!has_all) continue;
    table.row({entry.id, entry.spiffe_id.uri(), joined(selector_texts(entry), " ")});
    rows.push_back(entry_json(entry));
  }
  Outcome outcome;
  outcome.text = rows.empty() ? "no such entries: cloister entry create\n" : table.text();
  outcome.json = {{"entries", std::move(rows)}};
  return outcome;
}

Result<Outcome> show(Session& session, const EntryRequest& request) {
  CLOISTER_TRY(const auto settings, session.service_settings());
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const auto entry, home::find_entry(hierarchy->store(), settings, request.id));
  Outcome outcome;
  outcome.text = entry_text(entry);
  outcome.json = entry_json(entry);
  return outcome;
}

Result<Outcome> remove(Session& session, const EntryRequest& request) {
  CLOISTER_TRY(const auto settings, session.service_settings());
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_RETURN_IF_ERROR(home::delete_entry(hierarchy->store(), settings, request.id, session.caller()));
  Outcome outcome;
  outcome.terse = true;
  outcome.text = "deleted entry " + request.id + "\n";
  outcome.json = {{"deleted", request.id}};
  return outcome;
}

void add_create(CLI::App& group, Run& run, const std::shared_ptr<EntryRequest>& request) {
  CLI::App* verb = add_verb(group, "create", "register an identity for whoever has all the selectors", "");
  verb->add_option("--spiffe-id", request->spiffe_id, "the identity: spiffe://DOMAIN/PATH")->type_name("ID");
  verb->add_option("--selector", request->selectors, "type:value; again for each")->type_name("SELECTOR");
  verb->add_option("--x509-ttl", request->x509_ttl, "certificates end sooner than the authority's rule")
      ->type_name("SECONDS");
  verb->add_option("--jwt-ttl", request->jwt_ttl, "and tokens")->type_name("SECONDS");
  verb->add_option("--hint", request->hint, "which of its identities this is, for the workload");
  verb->add_option("--federates-with", request->federates_with, "trust domains whose bundles it gets too")
      ->type_name("DOMAIN");
  verb->add_option("--expires", request->expires, "when the entry ends: 2027-01-31T00:00:00Z")->type_name("TIME");
  verb->add_option("--from", request->file, "a TOML file of [[entry]] tables instead")->type_name("FILE");
  set_action(verb, run, request, create);
}

}  // namespace

void add_entry(CLI::App& app, Run& run) {
  auto request = std::make_shared<EntryRequest>();
  CLI::App* group = add_verb(app, "entry", "which workloads become which identity", kManual);
  group->require_subcommand(1);
  add_create(*group, run, request);
  CLI::App* listing = add_verb(*group, "list", "the entries, the oldest first", "");
  listing->add_option("--spiffe-id", request->spiffe_id, "only those of that identity")->type_name("ID");
  listing->add_option("--selector", request->selectors, "only those that name it")->type_name("SELECTOR");
  set_action(listing, run, request, list);
  CLI::App* showing = add_verb(*group, "show", "one entry", "");
  showing->add_option("ENTRY", request->id, "its id")->required();
  set_action(showing, run, request, show);
  CLI::App* deleting = add_verb(*group, "delete", "end an entry", "");
  deleting->add_option("ENTRY", request->id, "its id")->required();
  set_action(deleting, run, request, remove);
}

}  // namespace cloister::cli
