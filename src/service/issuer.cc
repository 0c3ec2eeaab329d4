#include "service/issuer.h"

#include "base/base64.h"
#include "identity/authority_store.h"

namespace cloister::service {
namespace {

constexpr std::string_view kSetting = "identity_authorities";
constexpr int kStepsMax = 16;  // a trust domain that was asleep for long has a few to take

audit::Event step_event(const keys::Caller& caller, std::string_view action, const identity::AuthorityId& id,
                        std::uint64_t sequence) {
  audit::Event event;
  event.time = caller.now;
  event.actor = caller.actor;
  event.action = action;
  event.subject = "authority:" + to_hex(id);
  event.detail = "bundle sequence " + std::to_string(sequence);
  return event;
}

}  // namespace

Result<std::unique_ptr<Issuer>> Issuer::open(keys::Store& store, crypto::KeyWrapper& root, crypto::Random& random,
                                             IssuerOptions options, const keys::Caller& caller) {
  CLOISTER_RETURN_IF_ERROR(identity::check_rules(options.rules));
  std::unique_ptr<Issuer> issuer(new Issuer(root, random, std::move(options)));
  CLOISTER_RETURN_IF_ERROR(
      issuer->refresh(store, caller).with_context("open the authority of " + issuer->trust_domain().name()));
  return issuer;
}

std::shared_ptr<const Issuing> Issuer::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

Status Issuer::refresh(keys::Store& store, const keys::Caller& caller) {
  for (int i = 0; i < kStepsMax; ++i) {
    CLOISTER_RETURN_IF_ERROR(load(store, caller));
    const auto step = rotation_->next_step(caller.now);
    if (!step) return {};
    CLOISTER_RETURN_IF_ERROR(take(store, *step, caller));
  }
  return Error(Code::kInternal, "the authority's rotation doesn't come to rest");
}

Status Issuer::load(keys::Store& store, const keys::Caller& caller) {
  auto stored = store.setting(kSetting);
  if (!stored.ok() && stored.error().code() == Code::kNotFound) {
    if (rotation_) return Error(Code::kCorrupt, "the authorities are gone from the store");
    CLOISTER_RETURN_IF_ERROR(begin(store, caller));
    stored = store.setting(kSetting);
  }
  if (!stored.ok()) return stored.error();
  if (rotation_ && *stored == stored_) return {};
  const auto bytes = from_base64(*stored);
  if (!bytes.ok()) return Error(Code::kCorrupt, "the stored authorities aren't base64");
  CLOISTER_TRY(identity::Rotation rotation,
               identity::parse_rotation(*bytes, options_.trust_domain, "", options_.rules, root_));
  if (rotation_ && rotation.sequence() < rotation_->sequence()) {
    return Error(Code::kCorrupt, "the stored authorities are older than they were: sequence " +
                                     std::to_string(rotation.sequence()) + " after " +
                                     std::to_string(rotation_->sequence()));
  }
  rotation_ = std::move(rotation);
  stored_ = std::move(*stored);
  return publish();
}

Result<identity::AuthorityRecord> Issuer::make_record(Time now) {
  const identity::SignerContext context{"", options_.trust_domain};
  CLOISTER_TRY(auto x509, identity::SoftwareSigner::create(context, root_, random_));
  CLOISTER_TRY(auto jwt, identity::SoftwareSigner::create(context, root_, random_));
  Bytes reference = identity::serialize_signers({std::move(x509.stored), std::move(jwt.stored)});
  return identity::make_authority(options_.trust_domain, options_.rules, {&x509.signer, &jwt.signer},
                                  std::move(reference), now, random_);
}

Status Issuer::begin(keys::Store& store, const keys::Caller& caller) {
  CLOISTER_TRY(identity::AuthorityRecord first, make_record(caller.now));
  const identity::AuthorityId id = first.id;
  CLOISTER_TRY(const identity::Rotation rotation,
               identity::Rotation::begin(options_.trust_domain, options_.rules, std::move(first), caller.now));
  stored_.clear();
  return replace(store, rotation, step_event(caller, "identity.begin", id, rotation.sequence()));
}

Status Issuer::take(keys::Store& store, const identity::RotationStep& step, const keys::Caller& caller) {
  identity::Rotation next = *rotation_;
  switch (step.kind) {
    case identity::RotationStepKind::kPublish: {
      CLOISTER_TRY(identity::AuthorityRecord made, make_record(caller.now));
      const identity::AuthorityId id = made.id;
      CLOISTER_RETURN_IF_ERROR(next.publish(std::move(made), caller.now));
      return replace(store, next, step_event(caller, "identity.publish", id, next.sequence()));
    }
    case identity::RotationStepKind::kActivate:
      CLOISTER_RETURN_IF_ERROR(next.activate(step.id, caller.now));
      return replace(store, next, step_event(caller, "identity.activate", step.id, next.sequence()));
    case identity::RotationStepKind::kDrop:
      CLOISTER_RETURN_IF_ERROR(next.drop(step.id, caller.now));
      return replace(store, next, step_event(caller, "identity.drop", step.id, next.sequence()));
  }
  return Error(Code::kInternal, "a step of no known kind");
}

Status Issuer::replace(keys::Store& store, const identity::Rotation& next, const audit::Event& event) {
  CLOISTER_TRY(const Bytes bytes, identity::serialize_rotation(next, "", root_, random_));
  bool beaten = false;
  const Status status = store.change(event, [&](keys::Store::Change& change) -> Status {
    const auto now = store.setting(kSetting);
    if (!now.ok() && now.error().code() != Code::kNotFound) return now.error();
    beaten = (now.ok() ? *now : std::string()) != stored_;
    if (beaten) return Error(Code::kExists, "another server took the step");
    return change.put_setting(kSetting, to_base64(bytes));
  });
  if (beaten) return {};
  return status;
}

Status Issuer::publish() {
  auto issuing = std::make_shared<Issuing>(rotation_->bundle(), rotation_->sequence());
  if (const identity::AuthorityRecord* active = rotation_->active()) {
    const identity::SignerContext context{"", options_.trust_domain};
    CLOISTER_TRY(const identity::WrappedSigners wrapped, identity::parse_signers(active->signer));
    CLOISTER_TRY(issuing->x509_, identity::SoftwareSigner::open(wrapped.x509, context, root_));
    CLOISTER_TRY(issuing->jwt_, identity::SoftwareSigner::open(wrapped.jwt, context, root_));
    CLOISTER_TRY(issuing->authority_, identity::Authority::open(*rotation_, {&*issuing->x509_, &*issuing->jwt_}));
  }
  const std::lock_guard lock(mutex_);
  current_ = std::move(issuing);
  return {};
}

}  // namespace cloister::service
