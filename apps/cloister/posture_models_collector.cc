#include "posture_models_collector.h"

#include <algorithm>

#include "model_input.h"
#include "objects.h"
#include "posture/collect/fact_maker.h"
#include "posture_model_signature.h"

namespace cloister::cli {
namespace {

using posture::Subject;
using posture::SubjectKind;

constexpr std::string_view kFile = "file:";
constexpr std::size_t kEntriesMax = 10'000;

bool is_local_model(const posture::Location& location) {
  return location.kind == posture::DataKind::kModel && location.address.starts_with(kFile);
}

// An error for what can't be looked at: that no manifest was seen there doesn't say that there is none.
Result<bool> is_sealed_directory(const Path& path) {
  std::error_code failed;
  const auto found = std::filesystem::status(path / seal::kManifestName, failed);
  if (found.type() == std::filesystem::file_type::not_found) return false;
  if (failed) return error_from_errno(failed.value(), "look for a manifest in " + path.string());
  return std::filesystem::is_regular_file(found);
}

// The label names the tenant, or the tenant whose environment it is, or nobody in particular.
bool is_of_tenant(const std::string& label, const std::string& tenant) {
  if (label.empty()) return true;
  std::size_t begin = 0;
  while (begin <= label.size()) {
    const std::size_t end = std::min(label.find(',', begin), label.size());
    const std::string name = label.substr(begin, end - begin);
    const std::size_t first = std::min(name.find_first_not_of(' '), name.size());
    const std::string one = name.substr(first, name.find_last_not_of(' ') + 1 - first);
    if (!one.empty() && (tenant == one || tenant.starts_with(one + "/"))) return true;
    begin = end + 1;
  }
  return false;
}

class ModelsCollector final : public posture::Collector {
 public:
  ModelsCollector(Session& session, std::vector<model::TrustedSigner> signers, const std::string& signers_file)
      : session_(session),
        signers_(std::move(signers)),
        signed_scope_("the model's files, and " +
                      (signers_file.empty() ? "nobody whose signature counts" : "the signers of " + signers_file)) {}
  std::string_view name() const override { return kModelsCollector; }

  void collect(const posture::CollectContext& context, posture::FactSink& sink) override {
    const posture::FactMaker maker(kModelsCollector, "the home " + session_.home().string() + " and its datasets' keys",
                                   context);
    for (const posture::Location& location : context.estate->locations) {
      if (is_local_model(location)) add_location(location, maker, sink);
    }
  }

 private:
  void add_location(const posture::Location& location, const posture::FactMaker& maker, posture::FactSink& sink) {
    const Path folder = location.address.substr(kFile.size());
    const auto sealed = is_sealed_directory(folder);
    if (!sealed.ok() || *sealed || signature_of_model(folder)) {
      return add_model(folder, {SubjectKind::kModel, location.name}, location, maker, sink);
    }
    std::error_code failed;
    std::filesystem::directory_iterator entry(folder, failed);
    std::size_t count = 0;
    for (; !failed && entry != std::filesystem::directory_iterator(); entry.increment(failed)) {
      if (is_a_files_signature(entry->path())) continue;
      const Subject subject{SubjectKind::kModel, location.name + "#" + entry->path().filename().string()};
      if (++count > kEntriesMax || session_.progress().stop_requested()) {
        sink.add(maker.not_assessed("model.signature", subject, "it stopped here"));
        return;
      }
      add_model(entry->path(), subject, location, maker, sink);
    }
    if (failed) {
      sink.add(maker.not_assessed("model.signature", {SubjectKind::kModel, location.name},
                                  "it can't be listed: " + failed.message()));
    }
  }

  void add_model(const Path& path, const Subject& subject, const posture::Location& location,
                 const posture::FactMaker& maker, posture::FactSink& sink) {
    posture::Fact fact = maker.make("model.signature", subject);
    fact.method = posture::Method::kTest;
    const auto sealed = is_sealed_directory(path);
    if (!sealed.ok()) {
      fact = maker.not_assessed("model.signature", subject, sealed.error().message());
    } else if (const auto signature = signature_of_model(path); !*sealed && signature) {
      const Status done =
          look_at_signature(path, *signature, signers_, fact.at, session_.globals().threads, session_.progress(), fact);
      if (!done.ok()) fact = maker.not_assessed("model.signature", subject, done.error().message());
    } else if (!*sealed) {
      fact.values = {{"signed", false}};
      fact.raw = "no sealed directory with a manifest, and no signature beside it";
    } else if (const Status done = verify(path, location, fact); !done.ok()) {
      fact = maker.not_assessed("model.signature", subject, done.error().message());
    }
    // Nothing of the home was asked.
    if (sealed.ok() && !*sealed) fact.scope = signed_scope_;
    sink.add(std::move(fact));
  }

  Status verify(const Path& path, const posture::Location& location, posture::Fact& fact) {
    CLOISTER_TRY(const Sealed sealed, look_at(path));
    const KeyOptions options;
    CLOISTER_TRY(KeyChain chain, KeyChain::create(session_, options, "verify"));
    CLOISTER_TRY(const Wrappers wrappers, chain.for_opening(sealed.outline.preamble, sealed.outline.slots.newest));
    CLOISTER_TRY(const DirectoryKeySet keys, directory_keys(wrappers, Signing::kNo));
    const AuditNote note = note_for("object.verify", sealed);
    const auto manifest = seal::read_manifest(path, keys.keys());
    if (!manifest.ok() && manifest.error().code() != Code::kCorrupt) return manifest.error();
    fact.values["signed"] = manifest.ok();
    fact.values["signer"] = "cloister:keyring:" + to_hex(wrappers.dataset->keyring_id);
    fact.values["signer_allowed"] = is_of_tenant(location.label.tenant, sealed.outline.preamble.context.tenant);
    std::vector<std::string> findings;
    const auto report = [&](const seal::DirectoryFinding& finding) {
      if (findings.size() < 16) findings.push_back(finding.name + ": " + finding.problem);
    };
    const auto whole =
        seal::verify_directory(path, keys.keys(), session_.globals().threads, report, session_.progress());
    if (!whole.ok() && whole.error().code() != Code::kCorrupt) return whole.error();
    fact.values["covered"] = whole.ok();
    for (const std::string& finding : findings) fact.raw += finding + "\n";
    return session_.record(note.action, note.tenant, note.subject, whole.ok() ? "no findings" : "findings");
  }

  // "a.safetensors.sig" beside "a.safetensors" is no model.
  static bool is_a_files_signature(const Path& path) {
    std::error_code failed;
    return path.extension() == ".sig" && std::filesystem::is_regular_file(path, failed) &&
           std::filesystem::exists(Path(path).replace_extension(), failed);
  }

  Session& session_;
  const std::vector<model::TrustedSigner> signers_;
  const std::string signed_scope_;  // of facts about models that aren't sealed
};

}  // namespace

Result<std::unique_ptr<posture::Collector>> make_models_collector(Session& session, const AuditOptions& options,
                                                                  const posture::Estate& estate) {
  std::vector<model::TrustedSigner> signers;
  if (!options.model_signers.empty()) {
    TrustOptions trust;
    trust.signers = options.model_signers;
    CLOISTER_TRY(signers, read_trust(trust));
  }
  CLOISTER_TRY(const bool home, session.has_home());
  if ((!home && signers.empty()) || !std::ranges::any_of(estate.locations, is_local_model)) {
    return std::unique_ptr<posture::Collector>();
  }
  return std::unique_ptr<posture::Collector>(
      std::make_unique<ModelsCollector>(session, std::move(signers), options.model_signers));
}

}  // namespace cloister::cli
