// The home's evidence store, opened with a dataset's keys: who signs, what was kept, and what the audit log says of it.
#pragma once

#include "key_chain.h"
#include "posture/evidence/bundle.h"
#include "posture/evidence/log_proof.h"
#include "posture/evidence/store.h"

namespace cloister::cli {

inline constexpr const char* kEvidenceDataset = "posture/evidence";

struct StoreOptions {
  std::string folder;                      // empty: HOME/posture
  std::string dataset = kEvidenceDataset;  // made at the first need where it is this one
};
void add_store_options(CLI::App& verb, StoreOptions& options);

// The session, and so the home's keys, outlive it.
class OpenedStore {
 public:
  enum class IfNone { kMake, kRefuse };
  // kNotFound without a home, or with kRefuse where nothing was ever kept.
  static Result<std::unique_ptr<OpenedStore>> open(Session& session, const StoreOptions& options, IfNone if_none);

  const posture::EvidenceStore& store() const { return *store_; }
  const audit::VerifierKey& key() const { return *key_; }

  // The newest run that was kept, its signature and its facts verified; nothing where there is none.
  Result<std::optional<posture::ReadBundle>> newest() const;
  // The one whose id begins so. kNotFound, or kInvalid where several do.
  Result<posture::RunFile> find(const std::string& run) const;

  // The root that the audit log has of that run.
  Result<std::optional<std::string>> logged_root(const std::string& run);

  // That it is in the log, under its head of now. kNotFound for a run that isn't on record.
  Result<posture::LogProof> log_proof(const std::string& run);
  // Runs that the log has and that aren't here, although retention hasn't come to them: removed, or never kept.
  Result<std::vector<std::string>> missing_runs();

  // The bundle of these contents, signed; the signature is on record, under that action, first.
  struct SignedBundle {
    std::string file, root;
  };
  Result<SignedBundle> signed_bundle(const posture::BundleContents& contents, const std::string& run,
                                     const std::string& action) const;
  // Text of another kind, signed with the same key.
  Result<std::string> signed_note(const std::string& text) const;
  // The same for a run that is kept, after the bundle was verified. Returns its root.
  Result<std::string> keep(const posture::BundleContents& contents, const std::string& run);

 private:
  explicit OpenedStore(Session& session) : session_(&session) {}
  Status read_logged_roots();

  Session* session_;
  KeyOptions keys_;
  std::optional<KeyChain> chain_;
  std::optional<posture::EvidenceStore> store_;
  std::optional<audit::VerifierKey> key_;
  std::string origin_;
  struct Logged {
    std::string root;
    std::uint64_t index = 0;
    Time at;
  };
  std::optional<std::map<std::string, Logged>> logged_;  // by run
};

}  // namespace cloister::cli
