#include "mesh/relay/config_tables.h"

#include <algorithm>
#include <array>
#include <limits>

namespace cloister::mesh {
namespace {

using Direction = ListenerSettings::Direction;
constexpr std::uint32_t kUserMax = std::numeric_limits<std::uint32_t>::max() - 1;  // -1 is no user
constexpr std::uint32_t kDaySeconds = 86'400;
constexpr std::size_t kTargetsMax = 64;
constexpr std::size_t kNameMax = 64;

Result<Path> read_path(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(const std::string text, fields.text(key));
  if (!Path(text).is_absolute()) return fields.error(fields.line_of(key), std::string(key) + " isn't a whole path");
  return Path(text);
}

Result<RelayAddress> address_of(const TomlFields& fields, const TomlFields::Word& word, std::string_view key) {
  auto address = parse_relay_address(word.text);
  if (!address.ok()) return fields.error(word.line, std::string(key) + ": " + address.error().message());
  return address;
}

Result<RelayAddress> read_address(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(std::string text, fields.text(key));
  return address_of(fields, {std::move(text), fields.line_of(key)}, key);
}

Result<std::vector<RelayAddress>> read_addresses(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(const auto words, fields.words(key));
  std::vector<RelayAddress> addresses;
  for (const auto& word : words) {
    CLOISTER_TRY(RelayAddress address, address_of(fields, word, key));
    if (!address.is_unix() && address.tcp.port == 0) return fields.error(word.line, std::string(key) + " has no port");
    addresses.push_back(std::move(address));
  }
  if (addresses.size() > kTargetsMax) return fields.error(fields.line_of(key), "more than 64 addresses");
  return addresses;
}

Result<AllowList> read_peers(const TomlFields& fields, std::string_view key) {
  if (!fields.has(key)) return fields.error(fields.line(), std::string(key) + " isn't written: nobody would be let in");
  CLOISTER_TRY(const auto words, fields.words(key));
  std::vector<std::string> patterns;
  for (const auto& word : words) patterns.push_back(word.text);
  auto list = AllowList::parse(patterns);
  if (!list.ok()) return fields.error(fields.line_of(key), std::string(key) + ": " + list.error().message());
  return list;
}

// Plaintext stays on this machine: a Unix socket, or an address of loopback.
Status check_local(const TomlFields& fields, std::string_view key, const RelayAddress& address) {
  if (address.is_unix()) return {};
  const auto numeric = net::numeric_address(address.tcp);
  const bool loopback = numeric.ok() && (address.tcp.host == "::1" || address.tcp.host.starts_with("127."));
  if (loopback) return {};
  return fields.error(fields.line_of(key), std::string(key) + " is " + address.to_string() +
                                               ": plaintext stays on 127.0.0.1, ::1 or a Unix socket");
}

Status read_seconds(const TomlFields& fields, std::string_view key, Duration& target) {
  if (!fields.has(key)) return {};
  CLOISTER_TRY(const std::uint32_t number, fields.integer(key, 1, 365 * kDaySeconds));
  target = seconds(number);
  return {};
}

Status read_count(const TomlFields& fields, std::string_view key, std::uint32_t& target) {
  CLOISTER_TRY(target, fields.integer_or(key, 1, 10'000'000, target));
  return {};
}

Status read_key_exchange(const TomlFields& fields, ListenerSettings& listener) {
  using KeyExchange = net::StreamOptions::KeyExchange;
  CLOISTER_TRY(const auto word, fields.optional_text("key_exchange"));
  if (!word || *word == "hybrid-first") return {};
  listener.key_exchange = *word == "classical" ? KeyExchange::kClassical : KeyExchange::kHybridRequired;
  if (*word == "classical" || *word == "hybrid-required") return {};
  return fields.error(fields.line_of("key_exchange"),
                      "key_exchange is \"hybrid-first\", \"hybrid-required\" or \"classical\"");
}

// What inbound and outbound listeners have in common.
Status read_common(const TomlFields& fields, ListenerSettings& listener) {
  CLOISTER_TRY(listener.name, fields.text("name"));
  static constexpr std::string_view kNameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  const bool plain = listener.name.find_first_not_of(kNameLetters) == std::string::npos;
  if (listener.name.empty() || listener.name.size() > kNameMax || !plain) {
    return fields.error(fields.line_of("name"), "a name has 1 to 64 letters, digits, dots, hyphens and underscores");
  }
  CLOISTER_TRY(listener.listen, read_address(fields, "listen"));
  if (!listener.listen.is_unix() && !net::numeric_address(listener.listen.tcp).ok()) {
    return fields.error(fields.line_of("listen"), "listen is a numeric address, or unix:/path");
  }
  if (fields.has("alpn")) {
    CLOISTER_TRY(const auto words, fields.words("alpn"));
    for (const auto& word : words) {
      if (word.text.empty() || word.text.size() > 255) return fields.error(word.line, "alpn has 1 to 255 bytes each");
      listener.protocols.push_back(word.text);
    }
    if (listener.protocols.size() > 16) return fields.error(fields.line_of("alpn"), "alpn has more than 16 names");
  }
  CLOISTER_TRY(listener.end_with_proof, fields.boolean_or("end_with_proof", false));
  CLOISTER_RETURN_IF_ERROR(read_key_exchange(fields, listener));
  if (!fields.has("transparent")) return {};
  CLOISTER_TRY(const std::string how, fields.text("transparent"));
  if (how != "redirect" && how != "tproxy") {
    return fields.error(fields.line_of("transparent"), "transparent is \"redirect\" or \"tproxy\"");
  }
  if (listener.listen.is_unix()) return fields.error(fields.line_of("listen"), "a Unix socket can't be transparent");
  listener.interception = how == "redirect" ? Interception::kRedirect : Interception::kTproxy;
  return {};
}

}  // namespace

Status read_relay_identity(const TomlFields& fields, RelayConfig& config) {
  static constexpr std::array<std::string_view, 6> kKeys = {"certificate",       "key",        "bundle", "workload_api",
                                                            "workload_api_user", "conformance"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  IdentitySettings& identity = config.identity;
  CLOISTER_TRY(const auto conformance, fields.optional_text("conformance"));
  if (conformance && *conformance != "strict" && *conformance != "go-spiffe") {
    return fields.error(fields.line_of("conformance"), "conformance is strict or go-spiffe");
  }
  if (conformance == "go-spiffe") identity.conformance = identity::Conformance::kGoSpiffe;
  if (!fields.has("workload_api")) {
    CLOISTER_TRY(identity.certificate, read_path(fields, "certificate"));
    CLOISTER_TRY(identity.key, read_path(fields, "key"));
    CLOISTER_TRY(identity.bundle, read_path(fields, "bundle"));
    if (fields.has("workload_api_user")) return fields.error(fields.line(), "workload_api_user without workload_api");
    return {};
  }
  if (fields.has("certificate") || fields.has("key") || fields.has("bundle")) {
    return fields.error(fields.line(), "write workload_api, or certificate, key and bundle");
  }
  CLOISTER_TRY(identity.workload_api, fields.text("workload_api"));
  CLOISTER_TRY(identity.workload_api_user, fields.integer_or("workload_api_user", 0, kUserMax, 0));
  return {};
}

Status read_relay_federated(const TomlFields& fields, RelayConfig& config) {
  static constexpr std::array<std::string_view, 2> kKeys = {"trust_domain", "bundle"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(const std::string name, fields.text("trust_domain"));
  auto domain = identity::TrustDomain::parse(name);
  if (!domain.ok()) return fields.error(fields.line_of("trust_domain"), domain.error().message());
  CLOISTER_TRY(Path file, read_path(fields, "bundle"));
  for (const BundleFile& other : config.identity.federated) {
    if (other.trust_domain == *domain) return fields.error(fields.line(), name + " is there twice");
  }
  config.identity.federated.push_back({std::move(*domain), std::move(file)});
  return {};
}

Status read_relay_process(const TomlFields& fields, RelayConfig& config) {
  static constexpr std::array<std::string_view, 3> kKeys = {"threads", "drain_seconds", "mark"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(config.threads, fields.integer_or("threads", 1, 64, 0));
  CLOISTER_TRY(config.mark, fields.integer_or("mark", 1, kUserMax, 0));
  return read_seconds(fields, "drain_seconds", config.drain);
}

Status read_relay_limits(const TomlFields& fields, RelayConfig& config) {
  static constexpr std::array<std::string_view, 9> kKeys = {
      "connections",  "connections_per_address", "connections_per_peer",
      "handshakes",   "handshake_seconds",       "connect_seconds",
      "idle_seconds", "half_open_seconds",       "connection_seconds"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  RelayLimits& limits = config.limits;
  CLOISTER_RETURN_IF_ERROR(read_count(fields, "connections", limits.connections));
  CLOISTER_RETURN_IF_ERROR(read_count(fields, "connections_per_address", limits.connections_per_address));
  CLOISTER_RETURN_IF_ERROR(read_count(fields, "connections_per_peer", limits.connections_per_peer));
  CLOISTER_RETURN_IF_ERROR(read_count(fields, "handshakes", limits.handshakes));
  CLOISTER_RETURN_IF_ERROR(read_seconds(fields, "handshake_seconds", limits.handshake_time));
  CLOISTER_RETURN_IF_ERROR(read_seconds(fields, "connect_seconds", limits.connect_time));
  CLOISTER_RETURN_IF_ERROR(read_seconds(fields, "idle_seconds", limits.idle_time));
  CLOISTER_RETURN_IF_ERROR(read_seconds(fields, "half_open_seconds", limits.half_open_time));
  return read_seconds(fields, "connection_seconds", limits.connection_time);
}

Status read_relay_log(const TomlFields& fields, RelayConfig& config) {
  static constexpr std::array<std::string_view, 2> kKeys = {"level", "format"};
  static constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(const auto level, fields.optional_text("level"));
  if (level) {
    const auto found = std::ranges::find(kLevels, *level);
    if (found == kLevels.end()) return fields.error(fields.line_of("level"), "level is debug, info, warning or error");
    config.log_level = static_cast<RelayLogLevel>(found - kLevels.begin());
  }
  CLOISTER_TRY(const auto format, fields.optional_text("format"));
  if (format && *format != "json" && *format != "text") {
    return fields.error(fields.line_of("format"), "format is json or text");
  }
  config.log_text = format == "text";
  return {};
}

Status read_relay_metrics(const TomlFields& fields, RelayConfig& config) {
  static constexpr std::array<std::string_view, 1> kKeys = {"listen"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(config.metrics, read_address(fields, "listen"));
  return check_local(fields, "listen", *config.metrics);
}

Status read_relay_receipts(const TomlFields& fields, RelayConfig& config) {
  static constexpr std::array<std::string_view, 1> kKeys = {"folder"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(config.receipts, read_path(fields, "folder"));
  return {};
}

Status read_relay_inbound(const TomlFields& fields, RelayConfig& config) {
  static constexpr std::array<std::string_view, 9> kKeys = {
      "key_exchange", "name", "listen", "workload", "allow", "alpn", "proxy_protocol", "end_with_proof", "transparent"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  ListenerSettings listener;
  listener.direction = Direction::kInbound;
  CLOISTER_RETURN_IF_ERROR(read_common(fields, listener));
  CLOISTER_TRY(listener.peers, read_peers(fields, "allow"));
  CLOISTER_TRY(listener.targets, read_addresses(fields, "workload"));
  for (const RelayAddress& workload : listener.targets) {
    CLOISTER_RETURN_IF_ERROR(check_local(fields, "workload", workload));
    if (workload.is_unix() && listener.interception != Interception::kNone) {
      return fields.error(fields.line_of("workload"), "a transparent listener finds its workload by the port");
    }
  }
  CLOISTER_TRY(listener.proxy_header, fields.boolean_or("proxy_protocol", false));
  config.listeners.push_back(std::move(listener));
  return {};
}

Status read_relay_outbound(const TomlFields& fields, RelayConfig& config) {
  static constexpr std::array<std::string_view, 10> kKeys = {"key_exchange",   "name",       "listen", "user",
                                                             "target",         "expect",     "alpn",   "server_name",
                                                             "end_with_proof", "transparent"};
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  ListenerSettings listener;
  listener.direction = Direction::kOutbound;
  CLOISTER_RETURN_IF_ERROR(read_common(fields, listener));
  CLOISTER_RETURN_IF_ERROR(check_local(fields, "listen", listener.listen));
  CLOISTER_TRY(listener.peers, read_peers(fields, "expect"));
  CLOISTER_TRY(listener.targets, read_addresses(fields, "target"));
  CLOISTER_TRY(const auto server_name, fields.optional_text("server_name"));
  listener.server_name = server_name.value_or("");
  if (fields.has("user")) {
    CLOISTER_TRY(listener.user, fields.integer("user", 0, kUserMax));
    if (!listener.listen.is_unix()) return fields.error(fields.line_of("user"), "user goes with a Unix socket");
  }
  config.listeners.push_back(std::move(listener));
  return {};
}

}  // namespace cloister::mesh
