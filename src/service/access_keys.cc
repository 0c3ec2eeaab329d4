#include "service/access_keys.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "service/body_fields.h"
#include "service/enrolment.h"
#include "service/json_writer.h"
#include "service/verbs.h"

namespace cloister::service {
namespace {

constexpr std::string_view kPrefix = "access_key:";
constexpr std::string_view kIdPrefix = "CLAK";
constexpr std::size_t kIdRandom = 16;
constexpr std::size_t kAccessKeysMax = 4096;
constexpr std::uint64_t kLifetimeMax = 3660ULL * 24 * 3600;

std::string name_of(std::string_view id) { return std::string(kPrefix) + std::string(id); }

std::string make_id(crypto::Random& random) {
  static constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id(kIdPrefix);
  for (const std::uint8_t byte : crypto::random_array<kIdRandom>(random)) id += kAlphabet[byte & 31];
  return id;
}

crypto::Secret secret_text(const crypto::KeyMaterial& key) {
  crypto::Secret text(base64_encoded_size(crypto::kKeySize, Base64::kUrl));
  encode_base64(key.secret().expose(), Base64::kUrl, text.expose_mutable());
  return text;
}

std::string value_of(const AccessKey& key, ByteView wrapped) {
  return key.caller.uri() + "\n" + key.tenant.text() + "\n" + std::string(policy::purpose_name(key.purpose)) + "\n" +
         std::to_string(key.created.unix_ms) + "\n" + (key.expires ? std::to_string(key.expires->unix_ms) : "-") +
         "\n" + to_hex(wrapped);
}

Result<Time> parse_time(std::string_view text) {
  Time time;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), time.unix_ms);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) return time;
  return Error(Code::kCorrupt, "a stored access key is malformed");
}

struct StoredKey {
  AccessKey key;
  Bytes wrapped;
};

Result<StoredKey> parse_value(std::string_view id, std::string_view value) {
  std::vector<std::string_view> lines;
  while (true) {
    const std::size_t end = value.find('\n');
    lines.push_back(value.substr(0, end));
    if (end == std::string_view::npos) break;
    value.remove_prefix(end + 1);
  }
  if (lines.size() != 6) return Error(Code::kCorrupt, "a stored access key is malformed");
  CLOISTER_TRY(identity::SpiffeId caller, identity::SpiffeId::parse(lines[0]));
  AccessKey key{std::string(id), std::move(caller), {}, {}, {}, {}};
  CLOISTER_TRY(key.tenant, keys::parse_tenant_name(lines[1]));
  CLOISTER_TRY(key.purpose, policy::parse_purpose(lines[2]));
  CLOISTER_TRY(key.created, parse_time(lines[3]));
  if (lines[4] != "-") {
    CLOISTER_TRY(key.expires, parse_time(lines[4]));
  }
  CLOISTER_TRY(Bytes wrapped, from_hex(lines[5]));
  return StoredKey{std::move(key), std::move(wrapped)};
}

Result<StoredKey> open_row(const AuthenticSettings& settings, const std::string& name, const std::string& stored) {
  CLOISTER_TRY(const std::string value, settings.open_value(name, stored));
  return parse_value(std::string_view(name).substr(kPrefix.size()), value);
}

void write_key(JsonWriter& json, const AccessKey& key) {
  json.member("access_key_id", key.id).member("caller", key.caller.uri()).member("tenant", key.tenant.text());
  json.member("purpose", policy::purpose_name(key.purpose)).member("created", to_rfc3339(key.created));
  if (key.expires) json.member("expires", to_rfc3339(*key.expires));
}

keys::AuditEntry entry_of(const Call& call, std::string_view action, const std::string& id, std::string detail) {
  audit::Event event{
      call.now,         call.caller, std::string(action), call.target.tenant_text(), id, audit::Outcome::kAllowed,
      std::move(detail)};
  return {std::move(event), call.extras(), call.request_key};
}

Reply json_reply(unsigned status) {
  Reply reply;
  reply.response.status = status;
  reply.response.headers.add("content-type", "application/json");
  return reply;
}

}  // namespace

Status AccessKeys::refresh(keys::Store& store) {
  CLOISTER_TRY(const auto rows, store.settings(kPrefix));
  auto next = std::make_shared<Table>();
  for (const auto& [name, stored] : rows) {
    // What isn't ours proves nothing: it is in nobody's way but its own.
    const auto row = open_row(settings_, name, stored);
    if (!row.ok()) continue;
    const auto key = settings_.unwrap(name, row->wrapped);
    if (key.ok()) next->emplace(row->key.id, std::make_shared<const Entry>(Entry{row->key, secret_text(*key)}));
  }
  const std::lock_guard lock(mutex_);
  table_ = std::move(next);
  return {};
}

std::shared_ptr<const AccessKeys::Entry> AccessKeys::find(const std::string& id) const {
  std::shared_ptr<const Table> table;
  {
    const std::lock_guard lock(mutex_);
    table = table_;
  }
  const auto found = table->find(id);
  return found == table->end() ? nullptr : found->second;
}

Status AccessKeys::remove_expired(keys::Store& store, keys::Store::Change& change, Time now) const {
  CLOISTER_TRY(const auto rows, store.settings(kPrefix));
  std::size_t left = rows.size();
  for (const auto& [name, stored] : rows) {
    const auto row = open_row(settings_, name, stored);
    if (row.ok() && (!row->key.expires || now < *row->key.expires)) continue;
    CLOISTER_RETURN_IF_ERROR(change.remove_setting(name));
    --left;
  }
  if (left >= kAccessKeysMax) return Error(Code::kDenied, "there are too many access keys: revoke some");
  return {};
}

Result<Parsed> AccessKeys::parse_create(Call& call) {
  CLOISTER_TRY(const auto fields, BodyFields::parse(call.request, {"caller", "purpose", "lifetime_seconds"}));
  CLOISTER_TRY(const std::string uri, fields.text("caller"));
  CLOISTER_TRY(identity::SpiffeId caller, identity::SpiffeId::parse(uri));
  Target target = target_of_path(call);
  if (tenant_of(caller) != target.tenant) {
    return Error(Code::kInvalid, "a tenant's access keys speak for its own workloads: the id's path begins with it");
  }
  AccessKey wanted{{}, std::move(caller), target.tenant_name(), {}, call.now, {}};
  CLOISTER_TRY(const std::string purpose, fields.text("purpose"));
  CLOISTER_TRY(wanted.purpose, policy::parse_purpose(purpose));
  if (fields.has("lifetime_seconds")) {
    CLOISTER_TRY(const std::uint64_t lifetime, fields.number("lifetime_seconds", 60, kLifetimeMax));
    wanted.expires = call.now + seconds(static_cast<std::int64_t>(lifetime));
  }
  Parsed parsed;
  parsed.target = std::move(target);
  parsed.act = [this, wanted](Call& same, keys::Hierarchy* hierarchy) { return create(same, *hierarchy, wanted); };
  return parsed;
}

Result<Reply> AccessKeys::create(const Call& call, keys::Hierarchy& hierarchy, const AccessKey& wanted) {
  AccessKey key = wanted;
  key.id = make_id(random_);
  const crypto::KeyMaterial material = crypto::KeyMaterial::random(random_);
  const Bytes wrapped = settings_.wrap(name_of(key.id), material, random_);
  keys::Store& store = hierarchy.store();
  const auto entry = entry_of(call, "access-key.create", key.id, "for " + key.caller.uri());
  const Status changed = change_recorded(store, entry, [&](keys::Store::Change& change) -> Status {
    // A key for a tenant that doesn't exist would be one for whoever gets the name.
    CLOISTER_TRY([[maybe_unused]] const auto tenant, store.tenant(key.tenant.tenant, key.tenant.environment));
    CLOISTER_RETURN_IF_ERROR(remove_expired(store, change, call.now));
    return settings_.put(change, name_of(key.id), value_of(key, wrapped));
  });
  CLOISTER_RETURN_IF_ERROR(changed);
  CLOISTER_RETURN_IF_ERROR(refresh(store));
  Reply reply = json_reply(201);
  JsonWriter json(reply.response.body);
  json.begin_object();
  write_key(json, key);
  const crypto::Secret secret = secret_text(material);
  json.member("secret_access_key", as_text(secret.expose())).end_object();
  return reply;
}

Result<Reply> AccessKeys::list(const Call& call, keys::Hierarchy& hierarchy) {
  CLOISTER_RETURN_IF_ERROR(refresh(hierarchy.store()));
  Reply reply = json_reply(200);
  JsonWriter json(reply.response.body);
  json.begin_object().name("access_keys").begin_array();
  std::shared_ptr<const Table> table;
  {
    const std::lock_guard lock(mutex_);
    table = table_;
  }
  for (const auto& [id, entry] : *table) {
    if (entry->key.tenant.text() != call.target.tenant_text()) continue;
    json.begin_object();
    write_key(json, entry->key);
    json.end_object();
  }
  json.end_array().end_object();
  return reply;
}

Result<Reply> AccessKeys::revoke(const Call& call, keys::Hierarchy& hierarchy) {
  const std::string id(call.path.find("key"));
  keys::Store& store = hierarchy.store();
  const auto entry = entry_of(call, "access-key.revoke", id, "");
  const Status changed = change_recorded(store, entry, [&](keys::Store::Change& change) -> Status {
    const Error unknown(Code::kNotFound, "the tenant has no such access key");
    const auto value = settings_.read(store, name_of(id));
    if (!value.ok()) return value.error().code() == Code::kNotFound ? unknown : value.error();
    CLOISTER_TRY(const StoredKey row, parse_value(id, *value));
    if (row.key.tenant.text() != call.target.tenant_text()) return unknown;
    return change.remove_setting(name_of(id));
  });
  CLOISTER_RETURN_IF_ERROR(changed);
  CLOISTER_RETURN_IF_ERROR(refresh(store));
  Reply reply = json_reply(200);
  JsonWriter(reply.response.body).begin_object().member("access_key_id", id).member("revoked", true).end_object();
  return reply;
}

std::vector<Route> AccessKeys::routes() {
  std::vector<Route> routes;
  const auto add = [&](std::string method, std::string_view suffix, policy::Operation operation, Recording recording,
                       Parse parse) {
    add_of_tenant(routes, suffix,
                  {std::move(method), "", Access::kPolicy, operation, recording, Work::kWorker, std::move(parse)});
  };
  const auto bare = [](Result<Reply> (AccessKeys::*act)(const Call&, keys::Hierarchy&), AccessKeys* keys) -> Parse {
    return [act, keys](Call& call) -> Result<Parsed> {
      CLOISTER_RETURN_IF_ERROR(expect_bare(call));
      return Parsed{target_of_path(call),
                    [act, keys](Call& same, keys::Hierarchy* hierarchy) { return (keys->*act)(same, *hierarchy); }};
    };
  };
  add("POST", "/access-keys", policy::Operation::kIdentityIssue, Recording::kVerb,
      [this](Call& call) { return parse_create(call); });
  add("GET", "/access-keys", policy::Operation::kIdentityList, Recording::kService, bare(&AccessKeys::list, this));
  add("DELETE", "/access-keys/{key}", policy::Operation::kIdentityDeny, Recording::kVerb,
      bare(&AccessKeys::revoke, this));
  return routes;
}

}  // namespace cloister::service
