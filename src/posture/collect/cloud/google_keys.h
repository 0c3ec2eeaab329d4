// Whose keys those are that Google's services name: by their project, once Cloud KMS has described them.
#pragma once

#include "kms/provider.h"
#include "posture/collect/cloud/google_collector.h"
#include "posture/collect/key_facts.h"

namespace cloister::posture {

// One thread at a time.
class GoogleKeys {
 public:
  GoogleKeys(const GoogleOptions& options, const kms::Waiting& waiting, const kms::Connect& connect,
             std::set<std::string> own)
      : options_(options), waiting_(waiting), connect_(connect), own_(std::move(own)) {}

  // Fills in the manager of the view's key, and why it isn't known.
  void resolve(StorageView& view);
  // A key that the estate declares: it is reported, whatever names it.
  void look_at(const std::string& key);
  // A `key.posture` for every key that was resolved.
  void report(const FactMaker& maker, FactSink& sink) const;

 private:
  struct Known {
    Result<kms::KeyPosture> posture;
    std::string manager;
  };
  const Known* known(const std::string& key);
  Result<kms::KeyPosture> describe(const std::string& key);

  const GoogleOptions& options_;
  const kms::Waiting& waiting_;
  const kms::Connect& connect_;
  const std::set<std::string> own_;
  std::map<std::string, std::shared_ptr<kms::Provider>> providers_;  // by location
  std::map<std::string, Known> known_;
  int unreachable_ = 0;
};

}  // namespace cloister::posture
