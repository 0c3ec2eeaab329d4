#include "posture/collect/cloud/google_keys.h"

#include "kms/google/google_kms.h"
#include "kms/google/google_name.h"

namespace cloister::posture {
namespace {

constexpr std::size_t kKeysMax = 1000;  // a store whose objects name more keys than that is hostile

}  // namespace

Result<kms::KeyPosture> GoogleKeys::describe(const std::string& key) {
  const std::string location = key.substr(0, key.find("/keyRings/"));
  auto& provider = providers_[location];
  if (provider == nullptr) {
    kms::GoogleKmsOptions options;
    options.endpoint = options_.kms_endpoint;
    options.location = location;
    options.credential = options_.credential;
    options.web = options_.web;
    CLOISTER_TRY(provider, kms::GoogleKms::create(std::move(options), nullptr, waiting_, connect_));
  }
  return provider->describe(key);
}

void GoogleKeys::resolve(StorageView& view) {
  if (view.key.empty()) return;
  auto found = known_.find(view.key);
  if (found == known_.end()) {
    if (known_.size() >= kKeysMax) {
      view.notes.emplace_back("more keys are named than are looked at");
      return;
    }
    auto posture = describe(view.key);
    const auto managed_by = posture.ok() ? posture->managed_by : kms::Assessed<kms::ManagedBy>();
    std::string manager = key_manager(managed_by, kms::google_project(view.key), own_);
    found = known_.emplace(view.key, Known{std::move(posture), std::move(manager)}).first;
  }
  view.key_manager = found->second.manager;
  if (!found->second.posture.ok()) view.notes.push_back(found->second.posture.error().message());
  if (own_.empty()) {
    view.notes.emplace_back("the estate names no project as its own, so no key can be told to be the operator's");
  }
}

void GoogleKeys::report(const FactMaker& maker, FactSink& sink) const {
  for (const auto& [name, key] : known_) {
    sink.add(key.posture.ok()
                 ? key_posture_fact(maker, *key.posture, key.manager)
                 : maker.not_assessed("key.posture", {SubjectKind::kKey, name}, key.posture.error().message()));
  }
}

}  // namespace cloister::posture
