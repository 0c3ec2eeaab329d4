#include "keys/hierarchy.h"

#include <algorithm>

#include "audit/origin.h"
#include "keys/hierarchy_state.h"
#include "keys/log_key.h"
#include "keys/root_check.h"

namespace cloister::keys {
namespace {

constexpr std::string_view kHomeId = "home_id";
constexpr std::string_view kRootId = "root_id";
constexpr std::string_view kRootCheck = "root_check";
constexpr std::string_view kLogServer = "log_server";
constexpr std::string_view kLogKey = "log_key";
constexpr std::size_t kLogServerSizeMax = 190;  // an origin adds a slash and a tenant, and is at most 255
constexpr std::size_t kHomeIdSize = 16;

// KH-1: a key wrapped by the root for nothing but to recognise the root by authentication.
crypto::WrapContext home_context(const Bytes& home_id, const std::array<std::uint8_t, 32>& commitment) {
  return {"", "", home_id, "home", commitment};
}

Status verify_root(crypto::KeyWrapper& root, const Bytes& home_id, const RootCheck& check) {
  const auto key = root.unwrap(check.wrapped, home_context(home_id, check.commitment));
  const bool another_key = !key.ok() && key.error().code() == Code::kNotFound;
  if (another_key) return Error(Code::kDenied, "the home is under another root: " + key.error().message());
  if (!key.ok()) return Error(key.error()).with_context("the root doesn't open this home");
  if (!crypto::equal_constant_time(crypto::key_commitment(*key, "home"), check.commitment)) {
    return Error(Code::kCorrupt, "the root check doesn't fit its commitment");
  }
  return {};
}

Status check_log_server(const std::string& server) {
  if (server.size() <= kLogServerSizeMax && audit::tree_origin(server, "").ok()) return {};
  return Error(Code::kInvalid, "the name of the log's server is 1 to 190 bytes of text without spaces and '+'");
}

Status check_rotate_after(const std::optional<Duration>& rotate_after) {
  if (rotate_after && rotate_after->ms <= 0) return Error(Code::kInvalid, "a rotation period is longer than nothing");
  return {};
}

}  // namespace

std::string counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string kek_subject(const TenantRecord& tenant, std::uint32_t version) {
  return kek_key_id(tenant.kek_id) + ":" + std::to_string(version);
}

AuditEntry make_entry(const Caller& caller, std::string_view action, std::string tenant, std::string subject) {
  AuditEntry entry{{}, caller.extras, caller.request};
  entry.event.time = caller.now;
  entry.event.actor = caller.actor;
  entry.event.action = action;
  entry.event.tenant = std::move(tenant);
  entry.event.subject = std::move(subject);
  return entry;
}

Meter::Meter(const Store& store)
    : store_(&store), bytes_before_(store.bytes_written()), started_(monotonic_seconds()) {}

void Meter::stop(Cost& cost) const {
  cost.bytes_written += store_->bytes_written() - bytes_before_;
  cost.seconds += monotonic_seconds() - started_;
}

Error Hierarchy::State::refuse(AuditEntry entry, Error error) {
  if (store.is_done(error)) return error;  // it has its row, which says that it happened
  const bool failed = error.code() == Code::kUnavailable || error.code() == Code::kInternal;
  entry.event.outcome = failed ? audit::Outcome::kFailed : audit::Outcome::kRefused;
  entry.event.detail = error.message();
  const Status recorded = store.record(entry);
  if (recorded.ok()) return error;
  return Error(error.code(), error.message() + " (and the audit couldn't be told: " + recorded.error().message() + ")");
}

Hierarchy::Hierarchy(std::unique_ptr<State> state) : state_(std::move(state)) {}
Hierarchy::Hierarchy(Hierarchy&&) noexcept = default;
Hierarchy& Hierarchy::operator=(Hierarchy&&) noexcept = default;
Hierarchy::~Hierarchy() = default;

Result<Hierarchy> Hierarchy::create(Store store, crypto::KeyWrapper& root, HomeNames names, crypto::Random& random,
                                    const Caller& caller) {
  if (!names.log_server.empty()) CLOISTER_RETURN_IF_ERROR(check_log_server(names.log_server));
  const auto recorded = store.setting(kRootId);
  if (recorded.ok()) return Error(Code::kExists, "the home is set up already, with root " + *recorded);
  if (recorded.error().code() != Code::kNotFound) return recorded.error();

  Bytes home_id(kHomeIdSize);
  random.fill(home_id);
  const crypto::KeyMaterial key = crypto::KeyMaterial::random(random);
  RootCheck check;
  check.commitment = crypto::key_commitment(key, "home");
  CLOISTER_TRY(check.wrapped, root.wrap(key, home_context(home_id, check.commitment)).with_context("use the root"));

  CLOISTER_TRY(const std::string log_key, make_log_key(home_id, root, random));
  AuditEntry entry = make_entry(caller, "home.create", "", "home:" + to_hex(home_id));
  entry.event.detail = "root " + names.root_id;
  auto state = std::make_unique<State>(std::move(store), Roots::only(root, names.root_id), random, std::move(home_id));
  const Status status = state->store.change(entry, [&](Store::Change& change) -> Status {
    // Again, now that nobody else can set it up meanwhile.
    const auto meanwhile = state->store.setting(kRootId);
    if (meanwhile.ok()) return Error(Code::kExists, "the home is set up already");
    if (meanwhile.error().code() != Code::kNotFound) return meanwhile.error();
    CLOISTER_RETURN_IF_ERROR(change.put_setting(kHomeId, to_hex(state->home_id)));
    CLOISTER_RETURN_IF_ERROR(change.put_setting(kRootCheck, serialize_root_check(check)));
    if (!names.log_server.empty()) CLOISTER_RETURN_IF_ERROR(change.put_setting(kLogServer, names.log_server));
    CLOISTER_RETURN_IF_ERROR(change.put_setting("root:" + std::string(kFirstRoot), names.root_id));
    CLOISTER_RETURN_IF_ERROR(change.put_setting(kLogKey, log_key));
    return change.put_setting(kRootId, names.root_id);
  });
  if (!status.ok()) return status.error();
  return Hierarchy(std::move(state));
}

Result<Hierarchy> Hierarchy::open(Store store, crypto::KeyWrapper& root, std::string root_id, crypto::Random& random) {
  const auto recorded = store.setting(kRootId);
  if (recorded.ok() && *recorded != root_id) {
    return Error(Code::kDenied, "the home uses root " + *recorded + ", not " + root_id);
  }
  return open(std::move(store), Roots::only(root, std::move(root_id)), random);
}

Result<Hierarchy> Hierarchy::open(Store store, std::shared_ptr<Roots> roots, crypto::Random& random) {
  const auto recorded = store.setting(kRootId);
  if (!recorded.ok() && recorded.error().code() == Code::kNotFound) {
    return Error(Code::kNotFound, "the home has no root yet: it was never set up to the end");
  }
  if (!recorded.ok()) return recorded.error();
  const auto root = roots->with_id(*recorded);
  if (!root.ok()) return Error(root.error()).with_context("the home uses root " + *recorded);
  CLOISTER_TRY(const std::string home_text, store.setting(kHomeId));
  CLOISTER_TRY(Bytes home_id, from_hex(home_text));
  CLOISTER_TRY(const std::string check_text, store.setting(kRootCheck));
  CLOISTER_TRY(const RootCheck check, parse_root_check(check_text).with_context("read the root check"));
  CLOISTER_RETURN_IF_ERROR(verify_root(*root->key, home_id, check));
  return Hierarchy(std::make_unique<State>(std::move(store), std::move(roots), random, std::move(home_id)));
}

Result<std::vector<std::string>> datasets_under(Store& store, const TenantName& name, std::uint32_t version) {
  CLOISTER_TRY(const TenantRecord tenant, store.tenant(name.tenant, name.environment));
  CLOISTER_TRY(const auto datasets, store.datasets(name.tenant, name.environment));
  std::vector<std::string> under;
  for (const DatasetRecord& dataset : datasets) {
    const auto outline = seal::parse_keyring(dataset.keyring);
    if (outline.ok() && outline->ring_key.key_id == kek_key_id(tenant.kek_id) &&
        outline->ring_key.key_version == version) {
      under.push_back(dataset.name());
    }
  }
  return under;
}

Store& Hierarchy::store() { return state_->store; }

Status Hierarchy::record(const AuditEntry& entry) { return state_->store.record(entry); }

Result<TenantRecord> Hierarchy::create_tenant(const TenantName& name, std::optional<Duration> rotate_after,
                                              const Caller& caller, std::string_view root_name) {
  AuditEntry entry = make_entry(caller, "tenant.create", name.text(), name.text());
  if (const auto valid = parse_tenant_name(name.text()); !valid.ok()) return state_->refuse(entry, valid.error());
  if (const Status valid = check_rotate_after(rotate_after); !valid.ok()) return state_->refuse(entry, valid.error());

  TenantRecord tenant;
  tenant.tenant = name.tenant;
  tenant.environment = name.environment;
  tenant.kek_id = to_hex(crypto::random_array<16>(*state_->random));
  tenant.created = caller.now;
  tenant.rotate_after = rotate_after;
  const auto root = root_name.empty() ? state_->home_root() : state_->named_root(root_name);
  if (!root.ok()) return state_->refuse(entry, root.error());
  auto version = state_->make_kek(tenant, 1, *root, caller.now);
  if (!version.ok()) return state_->refuse(entry, version.error());
  tenant.versions.push_back(std::move(*version));
  const Status status = state_->store.change(entry, [&](Store::Change& change) -> Status {
    CLOISTER_RETURN_IF_ERROR(state_->check_still_known(root->id));
    change.event().detail = kek_subject(tenant, 1) + " under " + root->id;
    return change.add_tenant(tenant);
  });
  if (!status.ok()) return state_->refuse(entry, status.error());
  return state_->store.tenant(name.tenant, name.environment);
}

Status Hierarchy::set_rotate_after(const TenantName& name, std::optional<Duration> rotate_after, const Caller& caller) {
  const AuditEntry entry = make_entry(caller, "tenant.set_rotation", name.text(), name.text());
  if (const Status valid = check_rotate_after(rotate_after); !valid.ok()) return state_->refuse(entry, valid.error());
  const Status status = state_->store.change(entry, [&](Store::Change& change) -> Status {
    CLOISTER_TRY(TenantRecord tenant, state_->store.tenant(name.tenant, name.environment));
    tenant.rotate_after = rotate_after;
    change.event().detail =
        rotate_after ? "rotate after " + std::to_string(rotate_after->ms / 1000) + " s" : "rotate by hand";
    return change.update_tenant(tenant);
  });
  if (!status.ok()) return state_->refuse(entry, status.error());
  return {};
}

}  // namespace cloister::keys
