// Roots of a home: made known, moved between, removed. docs/formats/key-hierarchy.md, KH-9 and on.
#include <algorithm>

#include "keys/hierarchy_state.h"

namespace cloister::keys {
namespace {

constexpr std::string_view kRootId = "root_id";
constexpr int kLooksMax = 5;

std::string setting_of(std::string_view root_name) { return "root:" + std::string(root_name); }

void add_once(std::vector<std::string>& list, const std::string& text) {
  if (std::ranges::find(list, text) == list.end()) list.push_back(text);
}

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& one : list) text += (text.empty() ? "" : ", ") + one;
  return text;
}

// A home from before there were several roots begins to name them.
Status name_roots(Store& store, Store::Change& change) {
  CLOISTER_TRY(const auto known, known_roots(store));
  for (const KnownRoot& root : known) CLOISTER_RETURN_IF_ERROR(change.put_setting(setting_of(root.name), root.id));
  return {};
}

// What it wraps names it, opens again, and opens nowhere else.
Status probe(const OpenedRoot& root, const Bytes& home_id, crypto::Random& random) {
  const crypto::KeyMaterial key = crypto::KeyMaterial::random(random);
  crypto::WrapContext context{"", "", home_id, "probe", crypto::key_commitment(key, "probe")};
  CLOISTER_TRY(const crypto::WrappedKey wrapped, crypto::wrap_proven(*root.key, key, context));
  if (wrapped.key_id != root.id) {
    return Error(Code::kUnsupported, "its wraps name the key " + wrapped.key_id + ", and not " + root.id);
  }
  context.purpose = "probe-elsewhere";
  const auto elsewhere = root.key->unwrap(wrapped, context);
  if (!elsewhere.ok() && elsewhere.error().code() == Code::kUnavailable) return elsewhere.error();
  if (!elsewhere.ok()) return {};
  return Error(Code::kUnsupported, "a wrap of it opens in a context that it wasn't made for");
}

std::string use_text(const RootUse& use) {
  std::vector<std::string> parts;
  if (use.kek_versions != 0) {
    parts.push_back(counted(use.kek_versions, "KEK version") + " of " + counted(use.tenants.size(), "tenant") + " (" +
                    use.tenants.front() + (use.tenants.size() > 1 ? ", …" : "") + ")");
  }
  if (!use.settings.empty()) parts.push_back("the home's " + joined(use.settings));
  if (!use.strangers.empty()) parts.push_back("what this program doesn't know: " + joined(use.strangers));
  return joined(parts);
}

}  // namespace

Result<OpenedRoot> Hierarchy::State::home_root() {
  CLOISTER_TRY(const std::string id, store.setting(kRootId));
  return roots->with_id(id);
}

Result<OpenedRoot> Hierarchy::State::named_root(std::string_view name) {
  CLOISTER_TRY(const KnownRoot known, known_root(store, name));
  return roots->with_id(known.id);
}

Result<OpenedRoot> Hierarchy::State::root_for(const TenantRecord& tenant) {
  const auto there = std::find_if(tenant.versions.rbegin(), tenant.versions.rend(),
                                  [](const KekVersion& version) { return version.state != KeyState::kDestroyed; });
  return there == tenant.versions.rend() ? home_root() : roots->with_id(there->wrapped.key_id);
}

Status Hierarchy::State::check_still_known(std::string_view id) {
  CLOISTER_TRY(const auto known, known_roots(store));
  if (std::ranges::find(known, id, &KnownRoot::id) != known.end()) return {};
  return Error(Code::kDenied, "root " + std::string(id) + " isn't one of this home any more");
}

Status Hierarchy::State::bring_over(const TenantRecord& tenant, KekVersion& version, const OpenedRoot& target) {
  CLOISTER_TRY(crypto::Kek kek, unwrap_kek(tenant, version));
  CLOISTER_TRY(const crypto::WrapContext context, kek_context(tenant, version));
  CLOISTER_TRY(version.wrapped, crypto::wrap_proven(*target.key, kek.material(), context));
  if (version.state != KeyState::kEnabled) return {};
  keep_open(tenant, version,
            std::make_shared<KekWrapper>(kek_key_id(tenant.kek_id), version.version, std::move(kek), *random));
  return {};
}

Result<Hierarchy::State::MovedTenant> Hierarchy::State::prepare_move(TenantRecord tenant, const OpenedRoot& target,
                                                                     Time now) {
  if (tenant.versions.empty()) return Error(Code::kCorrupt, "tenant " + tenant.name() + " has no KEK");
  MovedTenant moved;
  for (KekVersion& version : tenant.versions) {
    if (version.state == KeyState::kDestroyed || version.wrapped.key_id == target.id) continue;
    add_once(moved.sources, version.wrapped.key_id);
    ++moved.versions;
    moved.fresh = version.state == KeyState::kEnabled && version.version == tenant.versions.back().version;
    const std::string doing = "bring version " + std::to_string(version.version) + " under " + target.id;
    CLOISTER_RETURN_IF_ERROR(bring_over(tenant, version, target).with_context(doing));
  }
  if (moved.fresh) {
    CLOISTER_TRY(const auto datasets, store.datasets(tenant.tenant, tenant.environment));
    CLOISTER_RETURN_IF_ERROR(open_keks_of(tenant, datasets));
    CLOISTER_TRY(KekVersion made, make_kek(tenant, tenant.versions.back().version + 1, target, now));
    CLOISTER_TRY(auto kek, open_kek(tenant, made));
    keep_open(tenant, made, std::move(kek));
    tenant.versions.push_back(std::move(made));
  }
  moved.tenant = std::move(tenant);
  return moved;
}

Result<Move> Hierarchy::move_kek(const TenantName& name, std::string_view root, const Caller& caller) {
  const Meter meter(state_->store);
  const AuditEntry entry = make_entry(caller, "kek.move", name.text(), name.text());
  const auto target = state_->named_root(root);
  if (!target.ok()) return state_->refuse(entry, target.error());
  for (int look = 1;; ++look) {
    const auto tenant = state_->store.tenant(name.tenant, name.environment);
    if (!tenant.ok()) return state_->refuse(entry, tenant.error());
    const State::KeepsOpen guard(*state_);
    const auto moved = state_->prepare_move(*tenant, *target, caller.now);
    if (!moved.ok()) return state_->refuse(entry, moved.error());
    if (moved->versions == 0) return Move{};
    Move move{{}, moved->versions, moved->sources};
    const Status status = state_->store.change(entry, [&](Store::Change& change) -> Status {
      move.cost = Cost{};
      CLOISTER_RETURN_IF_ERROR(state_->check_still_known(target->id));
      CLOISTER_RETURN_IF_ERROR(change.update_tenant(moved->tenant));
      if (moved->fresh) CLOISTER_RETURN_IF_ERROR(state_->rewrap_keyrings(change, moved->tenant, move.cost));
      change.event().subject = kek_subject(moved->tenant, moved->tenant.versions.back().version);
      change.event().detail = "from " + joined(moved->sources) + " to " + target->id + "; " +
                              counted(moved->versions, "version") + " and " +
                              counted(move.cost.objects_touched, "keyring") + " rewrapped";
      return {};
    });
    if (status.ok()) {
      move.cost.objects_touched += moved->versions + (moved->fresh ? 1 : 0);
      meter.stop(move.cost);
      return move;
    }
    // Changed while the roots were asked: what was prepared is of no use, and nothing happened.
    const auto now = state_->store.tenant(name.tenant, name.environment);
    if (!now.ok() || now->row_version == tenant->row_version || look == kLooksMax) {
      return state_->refuse(entry, status.error());
    }
  }
}

Result<KnownRoot> Hierarchy::add_root(std::string_view name, const OpenedRoot& root, const Caller& caller) {
  AuditEntry entry = make_entry(caller, "root.add", "", setting_of(name));
  if (const Status valid = check_root_name(name); !valid.ok()) return state_->refuse(entry, valid.error());
  const Status fit = probe(root, state_->home_id, *state_->random);
  if (!fit.ok()) return state_->refuse(entry, Error(fit.error()).with_context("try root " + std::string(name)));
  entry.event.detail = root.id;
  CLOISTER_TRY(const auto before, known_roots(state_->store));
  for (const KnownRoot& one : before) {
    if (one.name == name && one.id == root.id) return one;
  }
  const Status status = state_->store.change(entry, [&](Store::Change& change) -> Status {
    CLOISTER_TRY(const auto known, known_roots(state_->store));
    for (const KnownRoot& other : known) {
      if (other.name == name) return Error(Code::kExists, "there is a root " + other.name + " already: " + other.id);
      if (other.id == root.id) return Error(Code::kExists, "that key is root " + other.name + " already");
    }
    CLOISTER_RETURN_IF_ERROR(name_roots(state_->store, change));
    return change.put_setting(setting_of(name), root.id);
  });
  if (!status.ok()) return state_->refuse(entry, status.error());
  return KnownRoot{std::string(name), root.id, false};
}

Status Hierarchy::remove_root(std::string_view name, std::span<const RootedSetting* const> settings,
                              const Caller& caller) {
  const AuditEntry entry = make_entry(caller, "root.remove", "", setting_of(name));
  const Status status = state_->store.change(entry, [&](Store::Change& change) -> Status {
    CLOISTER_TRY(const KnownRoot root, known_root(state_->store, name));
    if (root.home) {
      return Error(Code::kDenied, "root " + root.name + " is the home's own: `cloister root default` makes another it");
    }
    CLOISTER_TRY(const RootUse use, root_use(state_->store, root.id, settings));
    if (!use.empty()) return Error(Code::kDenied, "under root " + root.name + " is still " + use_text(use));
    change.event().detail = root.id;
    return change.remove_setting(setting_of(name));
  });
  if (!status.ok()) return state_->refuse(entry, status.error());
  return {};
}

Result<std::vector<Hierarchy::State::MovedSetting>> Hierarchy::State::prepare_settings(
    std::span<const RootedSetting* const> settings, const OpenedRoot& target, Move& move) {
  HomeRoot sources(roots, {});
  std::vector<MovedSetting> moved;
  for (const RootedSetting* setting : settings) {
    MovedSetting one{std::string(setting->name()), {}, {}};
    const auto value = store.setting(one.name);
    if (!value.ok() && value.error().code() != Code::kNotFound) return value.error();
    if (value.ok()) {
      const std::string doing = "bring the setting " + one.name + " under " + target.id;
      one.before = *value;
      CLOISTER_TRY(const auto under, setting->roots(*value).with_context(doing));
      bool elsewhere = false;
      for (const std::string& id : under) {
        if (id == target.id) continue;
        elsewhere = true;
        add_once(move.sources, id);
      }
      if (elsewhere) {
        CLOISTER_TRY(one.after, setting->rewrap(*value, home_id, sources, *target.key).with_context(doing));
        ++move.wraps;
      }
    }
    moved.push_back(std::move(one));
  }
  return moved;
}

Result<Move> Hierarchy::move_home(std::string_view root, std::span<const RootedSetting* const> settings,
                                  const Caller& caller) {
  const Meter meter(state_->store);
  const AuditEntry entry = make_entry(caller, "root.default", "", setting_of(root));
  const auto target = state_->named_root(root);
  if (!target.ok()) return state_->refuse(entry, target.error());
  for (int look = 1;; ++look) {
    Move move;
    const auto moved = state_->prepare_settings(settings, *target, move);
    if (!moved.ok()) return state_->refuse(entry, moved.error());
    if (move.nothing_to_do()) return move;
    bool overtaken = false;
    const Status status = state_->store.change(entry, [&](Store::Change& change) -> Status {
      CLOISTER_RETURN_IF_ERROR(state_->check_still_known(target->id));
      overtaken = false;
      for (const State::MovedSetting& one : *moved) {
        const auto now = state_->store.setting(one.name);
        if (!now.ok() && now.error().code() != Code::kNotFound) return now.error();
        overtaken = overtaken || now.ok() != one.before.has_value() || (now.ok() && *now != *one.before);
        if (one.after) CLOISTER_RETURN_IF_ERROR(change.put_setting(one.name, *one.after));
      }
      if (overtaken) return Error(Code::kUnavailable, "what the home keeps was changed meanwhile: try again");
      CLOISTER_RETURN_IF_ERROR(name_roots(state_->store, change));
      change.event().detail =
          "from " + joined(move.sources) + " to " + target->id + "; " + counted(move.wraps, "setting") + " rewrapped";
      return change.put_setting(kRootId, target->id);
    });
    if (status.ok()) {
      move.cost.objects_touched = move.wraps;
      meter.stop(move.cost);
      return move;
    }
    if (!overtaken || look == kLooksMax) return state_->refuse(entry, status.error());
  }
}

Result<std::uint64_t> Hierarchy::open_all_under(std::string_view root, std::span<const RootedSetting* const> settings) {
  CLOISTER_TRY(const OpenedRoot opened, state_->named_root(root));
  CLOISTER_TRY(const auto tenants, state_->store.tenants());
  std::uint64_t count = 0;
  for (const TenantRecord& tenant : tenants) {
    for (const KekVersion& version : tenant.versions) {
      if (version.state == KeyState::kDestroyed || version.wrapped.key_id != opened.id) continue;
      CLOISTER_TRY([[maybe_unused]] const crypto::Kek kek, state_->unwrap_kek(tenant, version));
      ++count;
    }
  }
  HomeRoot sources(state_->roots, {});
  for (const RootedSetting* setting : settings) {
    const auto value = state_->store.setting(setting->name());
    if (!value.ok() && value.error().code() == Code::kNotFound) continue;
    if (!value.ok()) return value.error();
    const std::string doing = "open the setting " + std::string(setting->name());
    CLOISTER_TRY(const auto under, setting->roots(*value).with_context(doing));
    if (std::ranges::find(under, opened.id) == under.end()) continue;
    // Whatever can be brought under a root can be opened.
    CLOISTER_TRY([[maybe_unused]] const std::string again,
                 setting->rewrap(*value, state_->home_id, sources, *opened.key).with_context(doing));
    ++count;
  }
  return count;
}

}  // namespace cloister::keys
