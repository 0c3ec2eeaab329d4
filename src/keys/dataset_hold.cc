#include "keys/dataset_hold.h"

#include <charconv>

#include "keys/hierarchy_state.h"

namespace cloister::keys {
namespace {

constexpr std::string_view kPrefix = "dataset_hold:";
constexpr std::string_view kScheduled = "destruction ";

std::string setting_of(const DatasetName& name) { return std::string(kPrefix) + name.text(); }

std::string text_of(const DatasetHold& hold) {
  switch (hold.state) {
    case HoldState::kNone: break;
    case HoldState::kDisabled: return "disabled";
    case HoldState::kDestructionScheduled:
      return std::string(kScheduled) + std::to_string(hold.destroy_at.value_or(Time{}).unix_ms);
    case HoldState::kDestroyed: return "destroyed";
  }
  return "none";
}

Result<DatasetHold> parse_hold(std::string_view text) {
  if (text == "disabled") return DatasetHold{HoldState::kDisabled, {}};
  if (text == "destroyed") return DatasetHold{HoldState::kDestroyed, {}};
  if (text.starts_with(kScheduled)) {
    text.remove_prefix(kScheduled.size());
    Time at;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), at.unix_ms);
    if (read.ec == std::errc() && read.ptr == text.data() + text.size()) {
      return DatasetHold{HoldState::kDestructionScheduled, at};
    }
  }
  return Error(Code::kCorrupt, "a dataset's hold is malformed");
}

Error wrong_state(const DatasetName& name, std::string_view what) {
  return Error(Code::kDenied, name.text() + " " + std::string(what));
}

}  // namespace

Result<DatasetHold> dataset_hold(Store& store, const DatasetName& name) {
  const auto text = store.setting(setting_of(name));
  if (!text.ok() && text.error().code() == Code::kNotFound) return DatasetHold{};
  if (!text.ok()) return text.error();
  return parse_hold(*text);
}

Result<std::vector<DatasetName>> datasets_to_destroy(Store& store, Time now) {
  std::vector<DatasetName> due;
  CLOISTER_TRY(const auto holds, store.settings(kPrefix));
  for (const auto& [setting, text] : holds) {
    CLOISTER_TRY(const DatasetHold hold, parse_hold(text));
    if (hold.state != HoldState::kDestructionScheduled || now < *hold.destroy_at) continue;
    CLOISTER_TRY(DatasetName name, parse_dataset_name(std::string_view(setting).substr(kPrefix.size())));
    due.push_back(std::move(name));
  }
  return due;
}

Status check_usable(const DatasetHold& hold, const DatasetName& name) {
  switch (hold.state) {
    case HoldState::kNone: return {};
    case HoldState::kDisabled: return wrong_state(name, "is disabled");
    case HoldState::kDestructionScheduled: return wrong_state(name, "is to be destroyed");
    case HoldState::kDestroyed: break;
  }
  return wrong_state(name, "is destroyed");
}

// The dataset's row is written too, as it is: its version counts up, so that nobody goes on with keys from a cache.
Status Hierarchy::State::change_hold(const DatasetName& name, std::string_view action, const Caller& caller,
                                     const HoldTransition& transition) {
  const AuditEntry entry = make_entry(caller, action, TenantName{name.tenant, name.environment}.text(), name.text());
  const Status status = store.change(entry, [&](Store::Change& change) -> Status {
    CLOISTER_TRY(DatasetRecord dataset, store.dataset(name.tenant, name.environment, name.dataset));
    CLOISTER_TRY(const DatasetHold before, dataset_hold(store, name));
    CLOISTER_TRY(const DatasetHold after, transition(before, dataset));
    if (after.state == HoldState::kNone) {
      CLOISTER_RETURN_IF_ERROR(change.remove_setting(setting_of(name)));
    } else {
      CLOISTER_RETURN_IF_ERROR(change.put_setting(setting_of(name), text_of(after)));
    }
    if (after.destroy_at) change.event().detail = "at " + to_rfc3339(*after.destroy_at);
    return change.update_dataset(dataset);
  });
  if (!status.ok()) return refuse(entry, status.error());
  return {};
}

Status Hierarchy::disable_dataset(const DatasetName& name, const Caller& caller) {
  return state_->change_hold(name, "dataset.disable", caller,
                             [&](const DatasetHold& before, DatasetRecord&) -> Result<DatasetHold> {
                               if (before.state != HoldState::kDisabled) {
                                 CLOISTER_RETURN_IF_ERROR(check_usable(before, name));
                               }
                               return DatasetHold{HoldState::kDisabled, {}};
                             });
}

Status Hierarchy::enable_dataset(const DatasetName& name, const Caller& caller) {
  return state_->change_hold(name, "dataset.enable", caller,
                             [&](const DatasetHold& before, DatasetRecord&) -> Result<DatasetHold> {
                               if (before.state != HoldState::kDisabled) {
                                 CLOISTER_RETURN_IF_ERROR(check_usable(before, name));
                               }
                               return DatasetHold{};
                             });
}

Result<Time> Hierarchy::schedule_dataset_destruction(const DatasetName& name, Duration wait, const Caller& caller) {
  const Time at = caller.now + wait;
  const auto schedule = [&](const DatasetHold& before, DatasetRecord&) -> Result<DatasetHold> {
    if (wait < kDestructionWaitMin) return Error(Code::kInvalid, "a destruction waits at least seven days");
    if (before.state != HoldState::kDisabled) {
      CLOISTER_RETURN_IF_ERROR(check_usable(before, name));
    }
    return DatasetHold{HoldState::kDestructionScheduled, at};
  };
  CLOISTER_RETURN_IF_ERROR(state_->change_hold(name, "dataset.schedule-destruction", caller, schedule));
  return at;
}

Status Hierarchy::cancel_dataset_destruction(const DatasetName& name, const Caller& caller) {
  return state_->change_hold(name, "dataset.cancel-destruction", caller,
                             [&](const DatasetHold& before, DatasetRecord&) -> Result<DatasetHold> {
                               if (before.state != HoldState::kDestructionScheduled) {
                                 return wrong_state(name, "isn't to be destroyed");
                               }
                               return DatasetHold{HoldState::kDisabled, {}};
                             });
}

// A keyring always has a primary: the one that is left was never used.
Status Hierarchy::destroy_dataset(const DatasetName& name, const Caller& caller) {
  constexpr std::string_view kAction = "dataset.destroy";
  const State::KeepsOpen guard(*state_);
  const auto found = state_->store.dataset(name.tenant, name.environment, name.dataset);
  const Status ready = state_->open_for(name, found.ok() ? &*found : nullptr);
  if (!ready.ok()) {
    const std::string tenant = TenantName{name.tenant, name.environment}.text();
    return state_->refuse(make_entry(caller, kAction, tenant, name.text()), ready.error());
  }
  const Status status = state_->change_hold(
      name, kAction, caller, [&](const DatasetHold& before, DatasetRecord& dataset) -> Result<DatasetHold> {
        if (before.state != HoldState::kDestructionScheduled || caller.now < *before.destroy_at) {
          return wrong_state(name, "isn't due for destruction");
        }
        CLOISTER_TRY(const TenantRecord tenant, state_->store.tenant(name.tenant, name.environment));
        CLOISTER_TRY(seal::Keyring keyring, state_->unlock(tenant, dataset));
        CLOISTER_TRY(const std::uint32_t unused, keyring.rotate(caller.now));
        const std::vector<seal::DatasetKeyEntry> entries = keyring.outline().keys;
        for (const seal::DatasetKeyEntry& entry : entries) {
          if (entry.version == unused || entry.state == seal::DatasetKeyState::kDestroyed) continue;
          CLOISTER_RETURN_IF_ERROR(keyring.set_state(entry.version, seal::DatasetKeyState::kDestroyed));
        }
        CLOISTER_TRY(const auto kek, state_->open_newest_kek(tenant));
        CLOISTER_TRY(dataset.keyring, keyring.serialize(*kek, "ring"));
        return DatasetHold{HoldState::kDestroyed, {}};
      });
  // Whatever was said of it: one that was destroyed before, or whose destruction couldn't be noted, is gone too.
  const auto hold = dataset_hold(state_->store, name);
  const bool destroyed = status.ok() || (hold.ok() && hold->state == HoldState::kDestroyed);
  if (!destroyed) return status;
  const Status forgotten = state_->store.forget_overwritten(Overwritten::kKeyrings);
  if (forgotten.ok() || status.ok()) return status.ok() ? forgotten : status;
  return Error(Code::kUnavailable, name.text() + " is destroyed, but its keys are still in the store's files (" +
                                       forgotten.error().message() + "); " + status.error().message());
}

}  // namespace cloister::keys
