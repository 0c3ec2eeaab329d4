// The home's evidence store, and its keys.
#include "posture_store.h"

#include "audit/origin.h"
#include "audit/record.h"

namespace cloister::cli {
namespace {

constexpr Duration kEvidenceKekPeriod = days(90);

// Of a home that never kept evidence: the tenant and the dataset that it goes under.
Status make_dataset(Session& session, const keys::DatasetName& name) {
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  keys::Store& store = hierarchy->store();
  const auto known = store.dataset(name.tenant, name.environment, name.dataset);
  if (known.ok()) return {};
  if (known.error().code() != Code::kNotFound) return known.error();
  const auto tenant = store.tenant(name.tenant, name.environment);
  if (!tenant.ok() && tenant.error().code() != Code::kNotFound) return tenant.error();
  if (!tenant.ok()) {
    const auto made = hierarchy->create_tenant({name.tenant, name.environment}, kEvidenceKekPeriod, session.caller());
    if (!made.ok()) return made.error();
  }
  return hierarchy->create_dataset(name, session.caller());
}

}  // namespace

void add_store_options(CLI::App& verb, StoreOptions& options) {
  verb.add_option("--store", options.folder, "where evidence is kept; else in the home")->type_name("DIR");
  verb.add_option("--dataset", options.dataset, "what it is sealed under")
      ->type_name("TENANT[/ENV]/NAME")
      ->capture_default_str();
}

Result<std::unique_ptr<OpenedStore>> OpenedStore::open(Session& session, const StoreOptions& options, IfNone if_none) {
  CLOISTER_TRY(const bool home, session.has_home());
  if (!home) return Error(Code::kNotFound, "evidence is kept in a home, and there is none: `cloister init`");
  const Path folder = options.folder.empty() ? session.home() / "posture" : Path(options.folder);
  std::error_code unknown;
  if (if_none == IfNone::kRefuse && !std::filesystem::is_directory(folder, unknown)) {
    return Error(Code::kNotFound, "no evidence was kept yet in " + folder.string());
  }
  CLOISTER_TRY(const keys::DatasetName name, keys::parse_dataset_name(options.dataset).with_context("--dataset"));
  if (if_none == IfNone::kMake && options.dataset == kEvidenceDataset) {
    CLOISTER_RETURN_IF_ERROR(make_dataset(session, name));
  }
  std::unique_ptr<OpenedStore> opened(new OpenedStore(session));
  opened->keys_.dataset = options.dataset;
  CLOISTER_TRY(KeyChain chain, KeyChain::create(session, opened->keys_, "evidence"));
  opened->chain_.emplace(std::move(chain));
  CLOISTER_TRY(const Wrappers wrappers, opened->chain_->for_sealing());
  CLOISTER_TRY(seal::PublicContext context, opened->chain_->context());
  CLOISTER_TRY(opened->store_,
               posture::EvidenceStore::open(folder, std::move(context), wrappers.list, session.random()));
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session.hierarchy());
  CLOISTER_TRY(const std::string server, hierarchy->store().log_server());
  CLOISTER_TRY(opened->origin_, audit::tree_origin(server, ""));
  CLOISTER_TRY(opened->key_, hierarchy->log_key(opened->origin_));
  return opened;
}

Result<std::optional<posture::ReadBundle>> OpenedStore::newest() const {
  CLOISTER_TRY(const std::vector<posture::RunFile> runs, store_->runs());
  if (runs.empty()) return std::optional<posture::ReadBundle>();
  CLOISTER_TRY(const std::string text, store_->read(runs.back()));
  CLOISTER_TRY(posture::ReadBundle bundle,
               posture::verify_signed(text, {&*key_, 1}).with_context("run " + runs.back().run));
  return std::optional(std::move(bundle));
}

Result<posture::RunFile> OpenedStore::find(const std::string& run) const {
  CLOISTER_TRY(const std::vector<posture::RunFile> runs, store_->runs());
  if (runs.empty()) return Error(Code::kNotFound, "no run was kept yet");
  if (run.empty()) return runs.back();
  const posture::RunFile* found = nullptr;
  for (const posture::RunFile& one : runs) {
    if (!one.run.starts_with(run)) continue;
    if (found != nullptr) return invalid("several runs begin with " + run);
    found = &one;
  }
  if (found == nullptr) return Error(Code::kNotFound, "there is no run " + run + " in the evidence store");
  return *found;
}

Status OpenedStore::read_logged_roots() {
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session_->hierarchy());
  std::map<std::string, Logged> runs;
  const auto note = [&](const audit::LogRecord& record) -> Status {
    const audit::Event& event = record.event();
    if (event.action == posture::kRunAction && event.detail.starts_with("root ")) {
      runs[event.subject] = {event.detail.substr(5), record.index(), event.time};
    }
    return {};
  };
  CLOISTER_TRY(const audit::TreeHead head, hierarchy->store().tree_head(origin_));
  CLOISTER_RETURN_IF_ERROR(hierarchy->store().for_each_record(origin_, 0, head.size, note));
  logged_ = std::move(runs);
  return {};
}

Result<std::optional<std::string>> OpenedStore::logged_root(const std::string& run) {
  if (!logged_) CLOISTER_RETURN_IF_ERROR(read_logged_roots());
  const auto found = logged_->find(run);
  return found == logged_->end() ? std::optional<std::string>() : std::optional(found->second.root);
}

Result<posture::LogProof> OpenedStore::log_proof(const std::string& run) {
  if (!logged_) CLOISTER_RETURN_IF_ERROR(read_logged_roots());
  const auto found = logged_->find(run);
  if (found == logged_->end()) return Error(Code::kNotFound, "run " + run + " isn't on the audit log");
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session_->hierarchy());
  keys::Store& store = hierarchy->store();
  CLOISTER_TRY(const std::string checkpoint, hierarchy->sign_checkpoint(origin_, session_->caller().now));
  // The head that was signed, which others may have gone beyond meanwhile.
  CLOISTER_TRY(const audit::VerifiedCheckpoint signed_head, audit::verify_checkpoint(checkpoint, {*key_}));
  std::optional<audit::LogRecord> record;
  CLOISTER_RETURN_IF_ERROR(
      store.for_each_record(origin_, found->second.index, 1, [&](const audit::LogRecord& one) -> Status {
        record = one;
        return {};
      }));
  if (!record) return Error(Code::kCorrupt, "the log's record of run " + run + " is gone");
  CLOISTER_TRY(auto path,
               audit::inclusion_proof(found->second.index, signed_head.checkpoint.head.size,
                                      [&](const audit::NodeId& id) { return store.tree_node(origin_, id); }));
  return posture::LogProof{std::move(*record), std::move(path), checkpoint};
}

Result<std::vector<std::string>> OpenedStore::missing_runs() {
  if (!logged_) CLOISTER_RETURN_IF_ERROR(read_logged_roots());
  CLOISTER_TRY(const std::vector<posture::RunFile> runs, store_->runs());
  CLOISTER_TRY(const std::int64_t kept, store_->retention_days());
  const Time since = session_->caller().now + days(-kept);
  std::vector<std::string> missing;
  for (const auto& [run, logged] : *logged_) {
    if (logged.at >= since && std::ranges::find(runs, run, &posture::RunFile::run) == runs.end())
      missing.push_back(run);
  }
  return missing;
}

Result<std::string> OpenedStore::signed_note(const std::string& text) const {
  CLOISTER_TRY(keys::Hierarchy * hierarchy, session_->hierarchy());
  return hierarchy->sign_note(origin_, text, session_->caller().now);
}

Result<OpenedStore::SignedBundle> OpenedStore::signed_bundle(const posture::BundleContents& contents,
                                                             const std::string& run, const std::string& action) const {
  CLOISTER_TRY(const std::string lines, posture::bundle_lines(contents));
  CLOISTER_TRY(const std::string text, posture::bundle_text(lines));
  const std::string root = posture::root_of(text);
  CLOISTER_RETURN_IF_ERROR(session_->record(action, "", run, "root " + root));
  CLOISTER_TRY(const std::string note, signed_note(text));
  return SignedBundle{posture::format_bundle(lines, note), root};
}

Result<std::string> OpenedStore::keep(const posture::BundleContents& contents, const std::string& run) {
  CLOISTER_TRY(const SignedBundle bundle, signed_bundle(contents, run, std::string(posture::kRunAction)));
  // One that doesn't verify would stop every run after it.
  CLOISTER_TRY([[maybe_unused]] const posture::ReadBundle checked,
               posture::verify_signed(bundle.file, {&*key_, 1}).with_context("this run can't be kept"));
  CLOISTER_RETURN_IF_ERROR(store_->add(run, contents.materials.at, bundle.file));
  return bundle.root;
}

}  // namespace cloister::cli
