#include "keys/postgres_rules.h"

#include <algorithm>
#include <vector>

namespace cloister::keys {
namespace {

constexpr int kOldestVersion = 150000;

// "a,b" is two hosts, "" one that isn't named.
std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t comma = list.find(',');
    parts.push_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    list.remove_prefix(comma + 1);
  }
}

std::string_view option(const ConnectionOptions& given, const ConnectionOptions& standard, std::string_view name) {
  for (const ConnectionOptions* options : {&given, &standard}) {
    const auto found = options->find(name);
    if (found != options->end() && !found->second.empty()) return found->second;
  }
  return "";
}

// The first host that is another machine; empty when none is.
std::string_view foreign_host(std::string_view hosts, std::string_view addresses) {
  const auto host = split(hosts);
  const auto address = split(addresses);
  for (std::size_t i = 0; i < std::max(host.size(), address.size()); ++i) {
    // Where an address is given, that is where libpq connects to, whatever the name.
    std::string_view place = i < address.size() ? address[i] : "";
    if (place.empty() && i < host.size()) place = host[i];
    if (!is_local_host(place)) return place;
  }
  return "";
}

// What somebody asked for; libpq's own "prefer" is nobody's wish.
std::string wanted_tls(const ConnectionOptions& given, const ConnectionOptions& standard) {
  if (const auto own = given.find("sslmode"); own != given.end()) return own->second;
  const auto other = standard.find("sslmode");
  return other == standard.end() || other->second == "prefer" ? "" : other->second;
}

}  // namespace

bool is_local_host(std::string_view host) {
  return host.empty() || host.starts_with('/') || host.starts_with('@') || host == "localhost" || host == "::1" ||
         (host.starts_with("127.") &&
          std::ranges::all_of(host, [](char c) { return c == '.' || (c >= '0' && c <= '9'); }));
}

Result<ConnectionOptions> checked_options(const ConnectionOptions& given, const ConnectionOptions& standard) {
  if (given.contains("service")) {
    return Error(Code::kInvalid, "a connection file says host, port, dbname and user itself: service isn't taken");
  }
  if (standard.contains("password")) {
    return Error(Code::kDenied,
                 "the environment has a password (PGPASSWORD): put it into the connection file or a passfile");
  }
  ConnectionOptions options = given;
  const std::string_view host = option(given, standard, "host");
  const std::string_view foreign = foreign_host(host, option(given, standard, "hostaddr"));
  if (!foreign.empty()) {
    const std::string mode = wanted_tls(given, standard);
    if (!mode.empty() && mode != "verify-full") {
      return Error(Code::kDenied, "sslmode " + mode + " isn't enough for " + std::string(foreign) +
                                      ": to another machine it is verify-full");
    }
    options["sslmode"] = "verify-full";
    options.try_emplace("ssl_min_protocol_version", "TLSv1.3");
  }
  options["gssencmode"] = "disable";
  options["target_session_attrs"] = "read-write";
  options["client_encoding"] = "UTF8";
  options.try_emplace("application_name", "cloister");
  options.try_emplace("connect_timeout", "5");
  options.try_emplace("tcp_user_timeout", "10000");
  options.try_emplace("keepalives_idle", "10");
  options.try_emplace("keepalives_interval", "5");
  options.try_emplace("keepalives_count", "3");
  return options;
}

Status check_schema_name(std::string_view name) {
  const auto letter = [](char c) { return c >= 'a' && c <= 'z'; };
  const auto fits = [&](char c) { return letter(c) || c == '_' || (c >= '0' && c <= '9'); };
  if (!name.empty() && name.size() <= 63 && letter(name.front()) && std::ranges::all_of(name, fits) &&
      !name.starts_with("pg_") && name != "public" && name != "information_schema") {
    return {};
  }
  return Error(
      Code::kInvalid,
      "a schema's name is needed: at most 63 of a-z 0-9 _, starting with a letter, and neither public nor pg_…");
}

Status check_server(const ServerFacts& facts) {
  if (facts.version < kOldestVersion) {
    return Error(Code::kUnsupported,
                 "the server is PostgreSQL " + std::to_string(facts.version / 10000) + "; 15 or newer is needed");
  }
  if (facts.synchronous_commit != "on" && facts.synchronous_commit != "remote_apply") {
    return Error(Code::kDenied,
                 "the server has synchronous_commit = " + facts.synchronous_commit +
                     " for this role: it acknowledges what a crash can lose; set it to on or remote_apply");
  }
  if (facts.fsync != "on" || facts.full_page_writes != "on") {
    return Error(Code::kDenied, "the server runs with fsync = " + facts.fsync + " and full_page_writes = " +
                                    facts.full_page_writes + ": both must be on, or a power cut loses keys");
  }
  if (facts.encoding != "UTF8") {
    return Error(Code::kInvalid, "the database's encoding is " + facts.encoding + ", not UTF8");
  }
  return {};
}

Status check_standby(const StandbyFacts& facts) {
  if (facts.names.empty()) {
    return Error(Code::kUnavailable,
                 "the server has no synchronous_standby_names, and this home writes nothing without a standby");
  }
  if (facts.attached > 0) return {};
  if (facts.hidden > 0) {
    return Error(Code::kDenied, "this role may not see whether a standby is attached: GRANT pg_monitor to it");
  }
  return Error(Code::kUnavailable, "no synchronous standby is attached, and this home writes nothing without one");
}

Code code_of_sqlstate(std::string_view sqlstate) {
  if (sqlstate == "23505") return Code::kExists;       // unique_violation
  if (sqlstate == "42501") return Code::kDenied;       // insufficient_privilege
  if (sqlstate == "42P01") return Code::kNotFound;     // undefined_table
  if (sqlstate == "55P03") return Code::kUnavailable;  // lock_not_available
  if (trouble_of_sqlstate(sqlstate) != Trouble::kNone) return Code::kUnavailable;
  const std::string_view category = sqlstate.substr(0, 2);
  if (category == "23") return Code::kCorrupt;      // a constraint that our own changes never break
  if (category == "28") return Code::kDenied;       // authorization
  if (category == "3D") return Code::kNotFound;     // no such database
  if (category == "53") return Code::kUnavailable;  // memory, disk, connections
  if (sqlstate == "XX001" || sqlstate == "XX002") return Code::kCorrupt;  // damaged data, damaged index
  return Code::kInternal;
}

Trouble trouble_of_sqlstate(std::string_view sqlstate) {
  if (sqlstate == "40001" || sqlstate == "40P01") return Trouble::kConflict;
  // Shutting down, starting up, no longer the primary, idle for too long in a transaction.
  for (const std::string_view lost : {"57P01", "57P02", "57P03", "57P05", "25006", "25P03"}) {
    if (sqlstate == lost) return Trouble::kLost;
  }
  return sqlstate.starts_with("08") ? Trouble::kLost : Trouble::kNone;
}

}  // namespace cloister::keys
