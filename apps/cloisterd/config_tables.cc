#include "cloisterd/config_tables.h"

#include <algorithm>
#include <array>

#include "base/reader.h"

namespace cloister::daemon {
namespace {

constexpr std::uint32_t kDaySeconds = 86'400;
constexpr std::size_t kAddressesMax = 16;
constexpr std::size_t kServerNameMax = 128;

// A key whose value is a number, and where it goes.
template <typename Number>
struct NumberKey {
  std::string_view key;
  Number* target;
  std::uint32_t min, max;
};

template <typename Number>
Status read_numbers(const TomlFields& fields, std::initializer_list<NumberKey<Number>> keys) {
  for (const NumberKey<Number>& one : keys) {
    if (!fields.has(one.key)) continue;
    CLOISTER_TRY(const std::uint32_t number, fields.integer(one.key, one.min, one.max));
    *one.target = static_cast<Number>(number);
  }
  return {};
}

// The same for time, in units of `unit`.
struct TimeKey {
  std::string_view key;
  Duration* target;
  std::uint32_t min, max;
  Duration unit = seconds(1);
};

Status read_times(const TomlFields& fields, std::initializer_list<TimeKey> keys) {
  for (const TimeKey& one : keys) {
    if (!fields.has(one.key)) continue;
    CLOISTER_TRY(const std::uint32_t number, fields.integer(one.key, one.min, one.max));
    *one.target = Duration{one.unit.ms * number};
  }
  return {};
}

template <typename Choice, std::size_t kCount>
Status read_choice(const TomlFields& fields, std::string_view key,
                   const std::array<std::pair<std::string_view, Choice>, kCount>& choices, Choice& target) {
  if (!fields.has(key)) return {};
  CLOISTER_TRY(const std::string word, fields.text(key));
  std::vector<std::string_view> words;
  for (const auto& [name, choice] : choices) {
    words.push_back(name);
    if (name != word) continue;
    target = choice;
    return {};
  }
  std::string list;
  for (const std::string_view name : words) list += (list.empty() ? "" : ", ") + std::string(name);
  return fields.error(fields.line_of(key), std::string(key) + " is one of " + list + suggestion(word, words));
}

// The SPIFFE ID that `key` says, one of this trust domain.
Result<identity::SpiffeId> read_id(const TomlFields& fields, std::string_view key, const Config& config) {
  CLOISTER_TRY(const std::string text, fields.text(key));
  auto id = identity::SpiffeId::parse(text);
  if (!id.ok()) return fields.error(fields.line_of(key), std::string(key) + ": " + id.error().message());
  if (id->trust_domain() != config.trust_domain || id->path().empty()) {
    return fields.error(fields.line_of(key),
                        std::string(key) + " isn't an identity of trust domain " + config.trust_domain.name());
  }
  return id;
}

}  // namespace

Result<std::vector<net::TcpAddress>> read_addresses(const TomlFields& fields, std::string_view key) {
  std::vector<net::TcpAddress> addresses;
  if (!fields.has(key)) return addresses;
  CLOISTER_TRY(const auto words, fields.words(key));
  if (words.size() > kAddressesMax) return fields.error(fields.line_of(key), std::string(key) + " has more than 16");
  for (const TomlFields::Word& word : words) {
    auto address = net::parse_tcp_address(word.text);
    const Status numeric = address.ok() ? [&]() -> Status {
      CLOISTER_TRY([[maybe_unused]] const auto checked, net::numeric_address(*address));
      return {};
    }()
        : Status(address.error());
    if (!numeric.ok()) return fields.error(word.line, std::string(key) + ": " + numeric.error().message());
    addresses.push_back(std::move(*address));
  }
  return addresses;
}

Status check_apart(const TomlFields& fields, const Config& config) {
  std::vector<std::string> all;
  std::vector<const std::vector<net::TcpAddress>*> lists = {&config.tls, &config.enroll};
  if (config.aws) lists.push_back(&config.aws->listen);
  if (config.kbs) lists.push_back(&config.kbs->listen);
  if (config.vault) lists.insert(lists.end(), {&config.vault->tls, &config.vault->mutual_tls});
  if (config.bundle_endpoint) lists.push_back(&config.bundle_endpoint->listen);
  for (const auto* list : lists) {
    for (const net::TcpAddress& address : *list) {
      if (address.port != 0) all.push_back(address.to_string());
    }
  }
  std::ranges::sort(all);
  const auto twin = std::ranges::adjacent_find(all);
  if (twin == all.end()) return {};
  return fields.error(fields.line(), *twin + " is there twice: each address has one kind of caller");
}

Status check_absolute(const TomlFields& fields, std::string_view key, const std::string& value) {
  const bool good = value.starts_with('/') && is_plain_utf8(value);
  if (good) return {};
  return fields.error(fields.line_of(key), std::string(key) + " is an absolute path");
}

Result<std::string> read_socket_path(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(std::string path, fields.text(key));
  CLOISTER_RETURN_IF_ERROR(check_absolute(fields, key, path));
  const auto fits = net::unix_address(path);
  if (!fits.ok()) return fields.error(fields.line_of(key), std::string(key) + ": " + fits.error().message());
  return path;
}

Status read_server(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 1> kKeys = {"id"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(config.server_id, fields.text("id"));
  const bool good =
      !config.server_id.empty() && config.server_id.size() <= kServerNameMax && is_plain_utf8(config.server_id);
  if (good) return {};
  return fields.error(fields.line_of("id"), "id is 1 to 128 bytes of plain text");
}

Status read_listen(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 4> kKeys = {"tls", "enroll", "unix", "unix_everybody"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(config.tls, read_addresses(fields, "tls"));
  CLOISTER_TRY(config.enroll, read_addresses(fields, "enroll"));
  CLOISTER_RETURN_IF_ERROR(check_apart(fields, config));
  CLOISTER_TRY(config.unix_everybody, fields.boolean_or("unix_everybody", false));
  if (!fields.has("unix")) {
    if (!config.unix_everybody) return {};
    return fields.error(fields.line_of("unix_everybody"), "unix_everybody belongs to unix");
  }
  CLOISTER_TRY(config.unix_socket, read_socket_path(fields, "unix"));
  return {};
}

Status read_policy(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 1> kKeys = {"file"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(config.policy_file, fields.text("file"));
  return check_absolute(fields, "file", config.policy_file);
}

Status read_identity(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 8> kKeys = {
      "id",           "svid_lifetime_seconds", "token_lifetime_seconds", "authority_lifetime_seconds",
      "poll_seconds", "refresh_hint_seconds",  "propagation_seconds",    "name_constraints"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  if (fields.has("id")) {
    CLOISTER_TRY(config.own_id, read_id(fields, "id", config));
  }
  identity::AuthorityRules& rules = config.rules;
  CLOISTER_TRY(const bool constrained, fields.boolean_or("name_constraints", true));
  rules.name_constraints = constrained ? identity::NameConstraints::kTrustDomain : identity::NameConstraints::kNone;
  return read_times(fields, {{"svid_lifetime_seconds", &rules.x509_svid_lifetime, 60, kDaySeconds},
                             {"token_lifetime_seconds", &rules.jwt_svid_lifetime, 10, 3600},
                             {"authority_lifetime_seconds", &rules.authority_lifetime, 600, 366 * kDaySeconds},
                             {"refresh_hint_seconds", &rules.refresh_hint, 1, kDaySeconds},
                             {"propagation_seconds", &rules.propagation, 2, 183 * kDaySeconds},
                             {"poll_seconds", &config.poll, 1, 300}});
}

Status read_leases(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 1> kKeys = {"seconds"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  return read_times(fields, {{"seconds", &config.lease, 1, kDaySeconds}});
}

Status read_limits(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 12> kKeys = {"connections",
                                                      "connections_per_address",
                                                      "connections_per_peer",
                                                      "body_bytes",
                                                      "io_threads",
                                                      "workers",
                                                      "queue",
                                                      "cached_keyrings",
                                                      "idle_seconds",
                                                      "answer_seconds",
                                                      "drain_seconds",
                                                      "handshakes"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  net::Limits& limits = config.limits;
  CLOISTER_RETURN_IF_ERROR(
      read_numbers<std::uint32_t>(fields, {{"connections", &limits.connections, 1, 1'000'000},
                                           {"connections_per_address", &limits.connections_per_address, 1, 1'000'000},
                                           {"connections_per_peer", &limits.connections_per_peer, 1, 1'000'000},
                                           {"handshakes", &limits.handshakes, 1, 100'000},
                                           {"io_threads", &config.io_threads, 0, 256},
                                           {"workers", &config.workers, 1, 256},
                                           {"queue", &config.queue, 1, 1'000'000},
                                           {"cached_keyrings", &config.cached_keyrings, 1, 1'000'000}}));
  CLOISTER_RETURN_IF_ERROR(
      read_numbers<std::size_t>(fields, {{"body_bytes", &limits.body_bytes, 4096, std::uint32_t{64} << 20}}));
  return read_times(fields, {{"idle_seconds", &limits.idle_time, 1, kDaySeconds},
                             {"answer_seconds", &limits.answer_time, 1, 3600},
                             {"drain_seconds", &config.drain, 1, 3600}});
}

Status read_log(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 2> kKeys = {"level", "format"};
  constexpr std::array<std::pair<std::string_view, LogLevel>, 4> kLevels = {{{"debug", LogLevel::kDebug},
                                                                             {"info", LogLevel::kInfo},
                                                                             {"warning", LogLevel::kWarning},
                                                                             {"error", LogLevel::kError}}};
  constexpr std::array<std::pair<std::string_view, LogFormat>, 2> kFormats = {
      {{"json", LogFormat::kJson}, {"text", LogFormat::kText}}};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_RETURN_IF_ERROR(read_choice(fields, "level", kLevels, config.log_level));
  return read_choice(fields, "format", kFormats, config.log_format);
}

Status read_rotation(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 3> kKeys = {"enabled", "check_every_seconds", "jitter_seconds"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(config.rotate, fields.boolean_or("enabled", true));
  return read_times(fields, {{"check_every_seconds", &config.rotation_check, 1, kDaySeconds},
                             {"jitter_seconds", &config.rotation_jitter, 0, 3600}});
}

Status read_anomalies(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 6> kKeys = {"enabled",      "webhook_path",    "webhook_socket",
                                                     "webhook_user", "webhook_address", "webhook_id"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(config.anomalies, fields.boolean_or("enabled", true));
  const bool by_socket = fields.has("webhook_socket"), by_address = fields.has("webhook_address");
  if (!by_socket && !by_address) {
    for (const std::string_view key : {kKeys[1], kKeys[3], kKeys[5]}) {
      if (fields.has(key)) {
        return fields.error(fields.line_of(key), std::string(key) + " needs webhook_socket or webhook_address");
      }
    }
    return {};
  }
  if (by_socket && by_address) {
    return fields.error(fields.line_of("webhook_address"), "webhook_socket or webhook_address, not both");
  }
  Webhook webhook;
  CLOISTER_TRY(webhook.target, fields.text("webhook_path"));
  if (!webhook.target.starts_with('/')) {
    return fields.error(fields.line_of("webhook_path"), "webhook_path begins with a slash");
  }
  if (by_socket) {
    CLOISTER_TRY(const std::string path, fields.text("webhook_socket"));
    CLOISTER_RETURN_IF_ERROR(check_absolute(fields, "webhook_socket", path));
    webhook.socket = path;
    CLOISTER_TRY(webhook.server_user, fields.integer("webhook_user", 0, kUserMax));
  } else {
    CLOISTER_TRY(const std::string address, fields.text("webhook_address"));
    auto parsed = net::parse_tcp_address(address);
    if (!parsed.ok()) return fields.error(fields.line_of("webhook_address"), parsed.error().message());
    webhook.address = std::move(*parsed);
    CLOISTER_TRY(const identity::SpiffeId id, read_id(fields, "webhook_id", config));
    webhook.server_id = id.uri();
  }
  config.webhook = std::move(webhook);
  return {};
}

Status read_unix_user(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 2> kKeys = {"uid", "id"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(const std::uint32_t uid, fields.integer("uid", 0, kUserMax));
  CLOISTER_TRY(const identity::SpiffeId id, read_id(fields, "id", config));
  if (config.unix_callers.emplace(uid, id.uri()).second) return {};
  return fields.error(fields.line_of("uid"), "user " + std::to_string(uid) + " is there twice");
}

Status read_unix_workload(const TomlFields& fields, Config& config) {
  constexpr std::array<std::string_view, 4> kKeys = {"uid", "gid", "executable", "id"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(identity::SpiffeId id, read_id(fields, "id", config));
  UnixWorkload workload{.gid = {}, .executable = {}, .id = std::move(id)};
  CLOISTER_TRY(workload.uid, fields.integer("uid", 0, kUserMax));
  if (fields.has("gid")) {
    CLOISTER_TRY(workload.gid, fields.integer("gid", 0, kUserMax));
  }
  if (fields.has("executable")) {
    CLOISTER_TRY(workload.executable, fields.text("executable"));
    CLOISTER_RETURN_IF_ERROR(check_absolute(fields, "executable", workload.executable));
  }
  config.unix_workloads.push_back(std::move(workload));
  return {};
}

}  // namespace cloister::daemon
