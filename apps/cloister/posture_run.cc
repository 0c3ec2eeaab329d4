// One audit as the command line asks for it.
#include "posture_run.h"

#include <unistd.h>

#include <thread>

#include "crypto/hash.h"
#include "posture/collect/input_file.h"
#include "posture/evidence/history.h"
#include "posture/evidence/record.h"
#include "posture/evidence/self_check.h"
#include "posture/evidence/store_check.h"
#include "posture/fact_lines.h"
#include "posture/inventory.h"
#include "posture/report/json.h"
#include "verifier_key.h"

namespace cloister::cli {
namespace {

constexpr std::size_t kTrendMax = 1000;
constexpr std::uint64_t kInputSizeMax = std::uint64_t{16} << 20;

Result<std::string> read_text(const std::string& path, std::uint64_t size_max) {
  CLOISTER_TRY(const Bytes bytes, read_file(path, size_max));
  return std::string(as_text(bytes));
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof(name) - 1) == 0 ? std::string(name) : std::string("unknown");
}

unsigned thread_count(const Globals& globals) {
  return globals.threads != 0 ? globals.threads : std::max(1U, std::thread::hardware_concurrency());
}

// All that decides what is looked at: who has the same files makes the same evidence with it.
std::string command_of(const AuditOptions& options) {
  std::string command = "cloister posture audit";
  const auto add = [&command](std::string_view option, const std::string& value) {
    if (!value.empty()) command += " " + std::string(option) + " " + value;
  };
  const auto add_all = [&add](std::string_view option, const std::vector<std::string>& values) {
    for (const std::string& value : values) add(option, value);
  };
  add("--estate", options.estate);
  add("--exceptions", options.exceptions);
  add_all("--facts", options.facts);
  add_all("--evidence", options.path_evidence);
  add_all("--bundle", options.path_bundles);
  add_all("--scan", options.scans);
  add_all("--mesh", options.mesh);
  add_all("--ct", options.logs);
  add_all("--ct-known", options.known);
  add_all("--crypto-inventory", options.cboms);
  add_all("--s3-inventory", options.s3_inventory);
  add_all("--kubernetes", options.kubernetes);
  add_all("--iac", options.iac);
  add("--policy", options.policy);
  add("--service-config", options.service_config);
  add_all("--log-checkpoint", options.log_checkpoints);
  add_all("--log-witness", options.log_witnesses);
  add("--model-signers", options.model_signers);
  if (options.aws) command += " --aws";
  if (options.azure) command += " --azure";
  if (options.google) command += " --google";
  if (options.databases) command += " --postgresql";
  add_all("--only", options.only);
  add_all("--skip", options.skip);
  return command;
}

// Whose certificates and whose word were taken for granted: what they are, beside where they were read.
Status add_trusted(const AuditOptions& options, posture::Materials& materials) {
  for (const std::string& path : options.known) {
    CLOISTER_TRY(const std::string text, read_text(path, posture::kInputFileMax));
    materials.context["known certificates of " + printable(path)] = "sha256 " + to_hex(crypto::sha256(as_bytes(text)));
  }
  for (const std::string& witness : options.log_witnesses) {
    CLOISTER_TRY(const audit::VerifierKey key, read_verifier_key(witness));
    materials.context["log witness " + printable(witness)] = printable(key.text());
  }
  return {};
}

// Facts that others collected count as theirs: what the file said, and its digest, are in the report's context.
Status add_facts(const std::vector<std::string>& files, posture::Materials& materials) {
  for (const std::string& path : files) {
    CLOISTER_TRY(const std::string text, read_text(path, posture::kFactFileSizeMax));
    CLOISTER_TRY(auto facts, posture::parse_fact_lines(text).with_context(path));
    materials.context["facts from " + printable(path)] =
        std::to_string(facts.size()) + ", sha256 " + to_hex(crypto::sha256(as_bytes(text)));
    for (posture::Fact& fact : facts) {
      if (posture::is_of_people(fact)) {
        return invalid(path + ": what people say is signed: use `cloister posture record`");
      }
      if (posture::is_of_run_itself(fact)) {
        return invalid(path + ": facts of " + printable(fact.collector) + " are made by the run itself");
      }
      materials.facts.push_back(std::move(fact));
    }
  }
  return {};
}

struct Input {
  posture::Estate estate;
  std::vector<posture::Exception> exceptions;
};

Result<Input> read_input(const Session& session, const AuditOptions& options, posture::Materials& materials) {
  Input input;
  CLOISTER_TRY(EstateFile estate, read_estate(options.estate));
  input.estate = std::move(estate.estate);
  materials.estate = std::move(estate.text);
  materials.estate_name = Path(options.estate).filename().string();
  materials.catalogue = std::string(posture::built_in_catalogue_text());
  if (!options.exceptions.empty()) {
    CLOISTER_TRY(input.exceptions, read_exceptions(options.exceptions));
    CLOISTER_TRY(materials.exceptions, read_text(options.exceptions, kInputSizeMax));
  }
  const keys::Caller caller = session.caller();
  materials.at = caller.now;
  materials.program = "cloister " CLOISTER_VERSION;
  materials.context = {{"user", caller.actor}, {"host", host_name()}, {"command", printable(command_of(options))}};
  CLOISTER_RETURN_IF_ERROR(add_trusted(options, materials));
  CLOISTER_RETURN_IF_ERROR(add_facts(options.facts, materials));
  return input;
}

// Null where nothing is to be kept, or there is no home to keep it in; with kRefuse also where nothing was kept yet.
Result<std::unique_ptr<OpenedStore>> open_store(Session& session, const AuditOptions& options,
                                                OpenedStore::IfNone if_none) {
  std::unique_ptr<OpenedStore> none;
  if (options.without_store) return none;
  CLOISTER_TRY(const bool home, session.has_home());
  if (!home) return none;
  auto store = OpenedStore::open(session, options.store, if_none);
  if (!store.ok() && store.error().code() == Code::kNotFound && if_none == OpenedStore::IfNone::kRefuse) return none;
  return store;
}

// The run before this one, as the store has it.
struct Before {
  std::vector<posture::Fact> facts;
  std::optional<posture::StoredReport> report;
  posture::StoredHistory history;
  std::string root;
};

Result<Before> read_before(const OpenedStore* store) {
  Before before;
  if (store == nullptr) return before;
  CLOISTER_TRY(std::optional<posture::ReadBundle> newest, store->newest());
  if (!newest) return before;
  CLOISTER_TRY(before.report, posture::parse_report(newest->contents.verdicts));
  CLOISTER_TRY(before.history, posture::parse_history(newest->contents.history));
  auto& trend = before.history.trend;
  if (trend.size() >= kTrendMax) trend.erase(trend.begin(), trend.end() - (kTrendMax - 1));
  before.facts = std::move(newest->contents.materials.facts);
  before.root = posture::root_of(newest->text);
  return before;
}

// What people said; a record that isn't signed as it is kept stops the audit.
Status add_records(const OpenedStore& store, posture::Materials& materials) {
  CLOISTER_TRY(const std::vector<std::string> records, store.store().records());
  for (const std::string& line : records) {
    CLOISTER_TRY(posture::Fact fact, posture::parse_fact(line).with_context("records"));
    const audit::VerifierKey& key = store.key();
    CLOISTER_RETURN_IF_ERROR(posture::verify_record(fact, {&key, 1}));
    materials.facts.push_back(std::move(fact));
  }
  return {};
}

Status look(Session& session, const AuditOptions& options, const Input& input, const Before& before,
            posture::Materials& materials) {
  CLOISTER_TRY(const auto collectors, make_collectors(session, options, input.estate));
  const posture::CollectContext context{&input.estate, materials.at, &session.progress(),
                                        thread_count(session.globals())};
  std::vector<posture::Fact>& facts = materials.facts;
  for (posture::Fact& fact : posture::collect(collectors, context)) facts.push_back(std::move(fact));
  std::string names;
  for (const auto& collector : collectors) names += (names.empty() ? "" : ", ") + std::string(collector->name());
  materials.context["collectors"] = names.empty() ? "none" : names;
  // Looking may have taken hours: judged is as of its end.
  materials.at = session.caller().now;
  for (posture::Fact& fact : posture::carried(input.estate, before.facts, facts, materials.at)) {
    facts.push_back(std::move(fact));
  }
  facts = posture::dated(std::move(facts), materials.at);
  for (posture::Fact& fact : posture::inventory_facts(input.estate, facts, materials.at)) {
    facts.push_back(std::move(fact));
  }
  facts = posture::settled(std::move(facts));
  return {};
}

// What the run says of itself, and of the store that it goes into.
Status check_itself(const Input& input, OpenedStore* store, posture::Materials& materials) {
  std::vector<posture::Fact>& facts = materials.facts;
  const posture::Catalogue& catalogue = posture::built_in_catalogue();
  std::vector<posture::Fact> found =
      posture::self_check(catalogue, input.estate, facts, input.exceptions, materials.at);
  if (store != nullptr) {
    const auto logged = [store](const std::string& run) -> std::optional<std::string> {
      const auto root = store->logged_root(run);
      return root.ok() ? *root : std::nullopt;
    };
    posture::Fact fact =
        posture::check_store(store->store(), store->key(), catalogue, logged, materials.program, materials.at);
    // An audit log that can't be read says nothing about the runs.
    if (!store->logged_root("").ok()) fact.values.erase("anchored");
    const posture::Assessment so_far = posture::assess(catalogue, input.estate, facts, input.exceptions, materials.at);
    if (!fact.not_assessed) {
      fact.values["passes_without_fresh_evidence"] =
          static_cast<std::int64_t>(posture::passes_without_evidence(so_far, facts, materials.at));
    }
    found.push_back(std::move(fact));
  }
  for (posture::Fact& fact : found) facts.push_back(std::move(fact));
  facts = posture::settled(std::move(facts));
  return {};
}

}  // namespace

Result<EstateFile> read_estate(const std::string& path) {
  EstateFile file;
  CLOISTER_TRY(file.text, read_text(path, kInputSizeMax));
  CLOISTER_TRY(file.estate, posture::parse_estate(file.text, Path(path).filename().string()).with_context(path));
  return file;
}

Result<std::vector<posture::Exception>> read_exceptions(const std::string& path) {
  CLOISTER_TRY(const std::string text, read_text(path, kInputSizeMax));
  return posture::parse_exceptions(text).with_context(path);
}

Result<Looked> look_once(Session& session, const AuditOptions& options) {
  posture::Materials materials;
  CLOISTER_TRY(Input input, read_input(session, options, materials));
  CLOISTER_TRY(const std::unique_ptr<OpenedStore> store, open_store(session, options, OpenedStore::IfNone::kRefuse));
  CLOISTER_TRY(const Before before, read_before(store.get()));
  if (store) CLOISTER_RETURN_IF_ERROR(add_records(*store, materials));
  CLOISTER_RETURN_IF_ERROR(look(session, options, input, before, materials));
  return Looked{std::move(input.estate), std::move(materials.facts), materials.at};
}

Result<AuditRun> run_audit(Session& session, const AuditOptions& options) {
  posture::Materials materials;
  CLOISTER_TRY(const Input input, read_input(session, options, materials));
  CLOISTER_TRY(const std::unique_ptr<OpenedStore> store, open_store(session, options, OpenedStore::IfNone::kMake));
  CLOISTER_TRY(const Before before, read_before(store.get()));
  if (store) CLOISTER_RETURN_IF_ERROR(add_records(*store, materials));
  CLOISTER_RETURN_IF_ERROR(look(session, options, input, before, materials));
  CLOISTER_RETURN_IF_ERROR(check_itself(input, store.get(), materials));

  AuditRun run;
  CLOISTER_TRY(run.posture, posture::posture_of(materials));
  const posture::StoredReport now = posture::stored(run.posture);
  run.posture.trend = before.history.trend;
  run.posture.trend.push_back(now.point);
  if (before.report) run.posture.changes = posture::changes(*before.report, now);
  if (!store) return run;
  const posture::BundleContents contents{std::move(materials), posture::verdicts_json(run.posture),
                                         posture::history_json(run.posture), before.root};
  CLOISTER_TRY(run.root, store->keep(contents, run.posture.run));
  return run;
}

}  // namespace cloister::cli
