#include "posture/collect/cloud/aws_keys.h"

#include "kms/aws/endpoints.h"
#include "kms/aws/key_policy.h"
#include "kms/plain_line.h"

namespace cloister::posture {
namespace {

constexpr std::size_t kKeysMax = 1000;  // a store whose objects name more keys than that is hostile
constexpr int kUnreachableMax = 3;      // then no more keys are asked about: each may cost minutes

bool is_alias(std::string_view key) {
  return key.starts_with("alias/") || key.find(":alias/") != std::string_view::npos;
}

// "eu-west-1" of "arn:aws:kms:eu-west-1:111122223333:key/…".
std::string region_of(std::string_view arn, const std::string& otherwise) {
  if (!arn.starts_with("arn:")) return otherwise;
  for (int i = 0; i < 3; ++i) {
    const std::size_t colon = arn.find(':');
    if (colon == std::string_view::npos) return otherwise;
    arn.remove_prefix(colon + 1);
  }
  const std::string region(arn.substr(0, arn.find(':')));
  return kms::check_aws_region(region).ok() ? region : otherwise;
}

}  // namespace

bool is_aws_default_alias(std::string_view key) {
  return key.starts_with("alias/aws/") ||
         (key.starts_with("arn:") && key.find(":alias/aws/") != std::string_view::npos);
}

Result<kms::KeyPosture> AwsKeys::describe(const std::string& key, const std::string& region) {
  if (unreachable_ >= kUnreachableMax) return Error(Code::kUnavailable, "AWS KMS was out of reach before");
  CLOISTER_TRY(kms::Provider * provider, access_.keys(region));
  auto posture = provider->describe(key);
  if (!posture.ok() && posture.error().code() == Code::kUnavailable) ++unreachable_;
  return posture;
}

const AwsKeys::Known& AwsKeys::known(const std::string& key, const std::string& region) {
  const std::string where = region_of(key, region);
  const std::string name = where + " " + key;
  if (const auto found = known_.find(name); found != known_.end()) return found->second;
  static const Known kTooMany{Error(Code::kUnsupported, "more keys are named than are looked at"), "unknown"};
  if (known_.size() >= kKeysMax) return kTooMany;
  auto posture = describe(key, where);
  const bool told = posture.ok() && posture->managed_by.known();
  const std::string account = kms::aws_account_of(told ? posture->key : key);
  const auto managed_by = posture.ok() ? posture->managed_by : kms::Assessed<kms::ManagedBy>();
  std::string manager = key_manager(managed_by, account, own_);
  return known_.emplace(name, Known{std::move(posture), std::move(manager)}).first->second;
}

void AwsKeys::resolve(StorageView& view, const std::string& region) {
  if (view.key.empty()) return;
  if (is_aws_default_alias(view.key)) {
    view.key_manager = "platform_default";
    return;
  }
  const bool alias = is_alias(view.key);
  const Known& key = known(view.key, region);
  view.key_manager = key.manager;
  if (alias) {
    view.notes.push_back("the key is named by an alias (" + kms::plain_line(view.key) +
                         "), which is resolved in the account of whoever writes");
  }
  if (!key.posture.ok()) {
    view.notes.push_back(key.posture.error().message());
  } else if (!key.posture->managed_by.known()) {
    view.notes.push_back(key.posture->managed_by.why_not());
  } else {
    view.key = key.posture->key;
  }
  if (key.manager == "unknown" && own_.empty()) {
    view.notes.emplace_back("the estate names no account as its own, so no key can be told to be the operator's");
  }
}

void AwsKeys::report(const FactMaker& maker, FactSink& sink) const {
  std::set<std::string> reported;
  for (const auto& [name, key] : known_) {
    const std::string full = key.posture.ok() ? key.posture->key : name.substr(name.find(' ') + 1);
    if (!reported.insert(full).second) continue;
    if (key.posture.ok()) {
      sink.add(key_posture_fact(maker, *key.posture, key.manager));
    } else {
      sink.add(maker.not_assessed("key.posture", {SubjectKind::kKey, full}, key.posture.error().message()));
    }
  }
}

}  // namespace cloister::posture
