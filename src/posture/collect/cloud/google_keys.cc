#include "posture/collect/cloud/google_keys.h"

#include "kms/google/google_kms.h"
#include "kms/google/google_name.h"

namespace cloister::posture {
namespace {

constexpr std::size_t kKeysMax = 1000;  // a store whose objects name more keys than that is hostile
constexpr int kUnreachableMax = 3;      // then no more keys are asked about: each may cost minutes

}  // namespace

Result<kms::KeyPosture> GoogleKeys::describe(const std::string& key) {
  if (unreachable_ >= kUnreachableMax) return Error(Code::kUnavailable, "Cloud KMS was out of reach before");
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
  auto posture = provider->describe(key);
  if (!posture.ok() && posture.error().code() == Code::kUnavailable) ++unreachable_;
  return posture;
}

const GoogleKeys::Known* GoogleKeys::known(const std::string& key) {
  if (const auto found = known_.find(key); found != known_.end()) return &found->second;
  if (known_.size() >= kKeysMax) return nullptr;
  auto posture = describe(key);
  const auto managed_by = posture.ok() ? posture->managed_by : kms::Assessed<kms::ManagedBy>();
  std::string manager = key_manager(managed_by, kms::google_project(key), own_);
  return &known_.emplace(key, Known{std::move(posture), std::move(manager)}).first->second;
}

void GoogleKeys::look_at(const std::string& key) { known(key); }

void GoogleKeys::resolve(StorageView& view) {
  if (view.key.empty()) return;
  const Known* key = known(view.key);
  if (key == nullptr) {
    view.notes.emplace_back("more keys are named than are looked at");
    return;
  }
  view.key_manager = key->manager;
  if (!key->posture.ok()) view.notes.push_back(key->posture.error().message());
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
