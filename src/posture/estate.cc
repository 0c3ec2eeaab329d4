// Estates out of TOML or YAML. docs/formats/estate.md.
#include "posture/estate.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "base/reader.h"
#include "base/toml_fields.h"
#include "crypto/hash.h"
#include "posture/estate_yaml.h"

namespace cloister::posture {
namespace {

using Words = std::span<const std::string_view>;

constexpr std::array<std::string_view, 8> kDataKinds = {"training-data", "features", "model",   "inference-log",
                                                        "secrets",       "backup",   "scratch", "other"};
constexpr std::array<std::string_view, 5> kSensitivities = {"regulated-personal-data", "third-party-ip",
                                                            "sensitive-business", "internal", "public"};
constexpr std::array<std::string_view, 6> kUses = {"training", "inference",   "federation",
                                                   "pipeline", "key-service", "other"};
constexpr std::array<std::string_view, 5> kKeyClasses = {"root", "kek", "dataset", "tls", "signing"};
constexpr std::array<std::string_view, 6> kTableNames = {"location", "workload",  "endpoint",
                                                         "key",      "component", "edge"};

constexpr std::array<std::string_view, 5> kTopKeys = {"version", "id", "evidence_days", "own_account", "home_owner"};
constexpr std::array<std::string_view, 8> kLocationKeys = {
    "name", "address", "kind", "owner", "environment", "tenant", "sensitivity", "plaintext_allowed"};
constexpr std::array<std::string_view, 10> kWorkloadKeys = {
    "name",  "use",          "owner",           "environment", "tenant",
    "reads", "host_trusted", "several_parties", "accelerator", "sensitivity"};
constexpr std::array<std::string_view, 6> kEndpointKeys = {"name",        "address", "owner",
                                                           "environment", "tenant",  "sensitivity"};
constexpr std::array<std::string_view, 8> kKeyKeys = {"name",  "account",     "class",  "cryptoperiod_days",
                                                      "owner", "environment", "tenant", "sensitivity"};

constexpr std::size_t kNameMax = 64;
constexpr std::size_t kTextMax = 512;
constexpr std::size_t kAddressMax = 2048;
constexpr std::uint32_t kCryptoperiodDaysMax = 36'500;

std::string in_quotes(std::string_view text) { return "\"" + std::string(text) + "\""; }

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= kNameMax && std::ranges::all_of(text, fits);
}

Result<std::string> take_name(TomlFields& fields, std::string_view table) {
  CLOISTER_TRY(std::string name, fields.text("name"));
  if (!is_name(name)) {
    return fields.error(fields.line_of("name"),
                        "a name is of lower-case letters, digits, '-', '_' and '.', 64 at most");
  }
  fields.set_what("[[" + std::string(table) + "]] " + in_quotes(name));
  return name;
}

Result<std::string> plain(const TomlFields& fields, std::string_view key, std::string text, std::size_t size_max) {
  if (text.size() <= size_max && is_plain_utf8(text)) return text;
  return fields.error(fields.line_of(key), std::string(key) + " is at most " + std::to_string(size_max) +
                                               " bytes of text without control characters");
}

// Empty where it isn't written.
Result<std::string> plain_text(const TomlFields& fields, std::string_view key, std::size_t size_max) {
  CLOISTER_TRY(auto text, fields.optional_text(key));
  return plain(fields, key, std::move(text).value_or(""), size_max);
}

Result<std::vector<std::string>> plain_words(const TomlFields& fields, std::string_view key) {
  std::vector<std::string> out;
  if (!fields.has(key)) return out;
  CLOISTER_TRY(const auto words, fields.words(key));
  for (const TomlFields::Word& word : words) {
    CLOISTER_TRY(std::string text, plain(fields, key, word.text, kTextMax));
    if (text.empty()) return fields.error(word.line, std::string(key) + " is empty");
    out.push_back(std::move(text));
  }
  return out;
}

// The position in a closed list.
Result<std::size_t> one_of(const TomlFields& fields, std::string_view key, Words words) {
  CLOISTER_TRY(const std::string text, fields.text(key));
  const auto found = std::ranges::find(words, text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  return fields.error(fields.line_of(key),
                      "there is no " + std::string(key) + " " + in_quotes(text) + suggestion(text, words));
}

Result<Label> parse_label(const TomlFields& fields) {
  Label label;
  CLOISTER_TRY(label.owner, plain_text(fields, "owner", kTextMax));
  CLOISTER_TRY(label.environment, plain_text(fields, "environment", kTextMax));
  CLOISTER_TRY(const auto tenants, plain_words(fields, "tenant"));
  for (const std::string& tenant : tenants) label.tenant += (label.tenant.empty() ? "" : ",") + tenant;
  if (fields.has("sensitivity")) {
    CLOISTER_TRY(const std::size_t position, one_of(fields, "sensitivity", kSensitivities));
    label.sensitivity = static_cast<Sensitivity>(position);
  }
  return label;
}

// Addresses are compared with what is seen, so each place has one spelling.
const char* trouble_with_address(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '+'; };
  const bool has_scheme =
      colon != std::string_view::npos && colon > 0 && std::ranges::all_of(text.substr(0, colon), fits);
  if (!has_scheme || colon + 1 == text.size()) return "an address is a scheme and a place: file:/srv/x, s3://bucket";
  const std::string_view place = text.substr(colon + 1);
  if (text.starts_with("file:")) {
    const bool is_normal = place.starts_with('/') && place.find("//") == std::string_view::npos &&
                           place.find("/../") == std::string_view::npos && !place.ends_with("/..") &&
                           place.find("/./") == std::string_view::npos && !place.ends_with("/.");
    if (!is_normal) return "file: is followed by an absolute path without //, . and ..";
    if (place.size() > 1 && place.ends_with('/')) return "an address doesn't end with /";
  } else if (text.ends_with('/')) {
    return "an address doesn't end with /";
  }
  return nullptr;
}

Result<Location> parse_location(const TomlTable& table) {
  TomlFields fields(table, "[[location]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kLocationKeys));
  Location location;
  location.line = table.line;
  CLOISTER_TRY(location.name, take_name(fields, "location"));
  CLOISTER_TRY(std::string address, fields.text("address"));
  CLOISTER_TRY(location.address, plain(fields, "address", std::move(address), kAddressMax));
  if (const char* trouble = trouble_with_address(location.address); trouble != nullptr) {
    return fields.error(fields.line_of("address"), trouble);
  }
  CLOISTER_TRY(const std::size_t kind, one_of(fields, "kind", kDataKinds));
  location.kind = static_cast<DataKind>(kind);
  CLOISTER_TRY(location.label, parse_label(fields));
  CLOISTER_TRY(location.plaintext_allowed, plain_text(fields, "plaintext_allowed", kTextMax));
  return location;
}

Result<Workload> parse_workload(const TomlTable& table, const std::set<std::string>& locations) {
  TomlFields fields(table, "[[workload]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kWorkloadKeys));
  Workload workload;
  workload.line = table.line;
  CLOISTER_TRY(workload.name, take_name(fields, "workload"));
  CLOISTER_TRY(const std::size_t use, one_of(fields, "use", kUses));
  workload.use = static_cast<WorkloadUse>(use);
  CLOISTER_TRY(workload.label, parse_label(fields));
  CLOISTER_TRY(workload.reads, plain_words(fields, "reads"));
  for (const std::string& name : workload.reads) {
    if (!locations.contains(name)) {
      return fields.error(fields.line_of("reads"), "there is no location " + in_quotes(name));
    }
  }
  CLOISTER_TRY(workload.host_trusted, fields.boolean_or("host_trusted", false));
  CLOISTER_TRY(workload.several_parties, fields.boolean_or("several_parties", false));
  CLOISTER_TRY(workload.accelerator, fields.boolean_or("accelerator", false));
  return workload;
}

bool is_host_and_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view port = text.substr(colon + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (port.empty() || port.size() > 5 || port.front() == '0' || !std::ranges::all_of(port, is_digit)) return false;
  if (text.find_first_of(" /\\@") != std::string_view::npos) return false;
  return std::stoul(std::string(port)) <= 65535;
}

Result<Endpoint> parse_endpoint(const TomlTable& table) {
  TomlFields fields(table, "[[endpoint]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kEndpointKeys));
  Endpoint endpoint;
  endpoint.line = table.line;
  CLOISTER_TRY(endpoint.name, take_name(fields, "endpoint"));
  CLOISTER_TRY(std::string address, fields.text("address"));
  CLOISTER_TRY(endpoint.address, plain(fields, "address", std::move(address), kAddressMax));
  if (!is_host_and_port(endpoint.address)) {
    return fields.error(fields.line_of("address"), "an endpoint's address is HOST:PORT");
  }
  CLOISTER_TRY(endpoint.label, parse_label(fields));
  return endpoint;
}

Result<DeclaredKey> parse_key(const TomlTable& table) {
  TomlFields fields(table, "[[key]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeyKeys));
  DeclaredKey key;
  key.line = table.line;
  CLOISTER_TRY(std::string name, fields.text("name"));
  CLOISTER_TRY(key.name, plain(fields, "name", std::move(name), kAddressMax));
  if (key.name.empty()) return fields.error(fields.line_of("name"), "a key's name is empty");
  fields.set_what("[[key]] " + in_quotes(key.name));
  CLOISTER_TRY(key.account, plain_text(fields, "account", kTextMax));
  CLOISTER_TRY(const std::size_t position, one_of(fields, "class", kKeyClasses));
  key.key_class = kKeyClasses.at(position);
  if (fields.has("cryptoperiod_days")) {
    CLOISTER_TRY(const std::uint32_t count, fields.integer("cryptoperiod_days", 1, kCryptoperiodDaysMax));
    key.cryptoperiod = days(count);
  }
  CLOISTER_TRY(key.label, parse_label(fields));
  return key;
}

Status check_table_names(const TomlDocument& document) {
  for (const TomlTable& table : document.tables) {
    const bool is_known = std::ranges::find(kTableNames, table.name) != kTableNames.end();
    if (!is_known) {
      return Error(Code::kInvalid, "line " + std::to_string(table.line) + ": there is no table [[" + table.name + "]]" +
                                       suggestion(table.name, kTableNames));
    }
    if (!table.listed) {
      return Error(Code::kInvalid, "line " + std::to_string(table.line) + ": write [[" + table.name + "]]");
    }
  }
  return {};
}

Status parse_top(const TomlDocument& document, Estate& estate) {
  const TomlFields top(document.top, "");
  CLOISTER_TRY(const std::uint32_t version, top.integer("version", 1, UINT32_MAX));
  if (version != 1) {
    return Error(Code::kUnsupported, "version " + std::to_string(version) + " is newer than this program");
  }
  CLOISTER_RETURN_IF_ERROR(top.expect_only(kTopKeys));
  CLOISTER_TRY(estate.id, top.text("id"));
  if (!is_name(estate.id)) return top.error(top.line_of("id"), "an id is of the letters a name is of");
  CLOISTER_TRY(estate.own_accounts, plain_words(top, "own_account"));
  CLOISTER_TRY(estate.home_owner, plain_text(top, "home_owner", kTextMax));
  return {};
}

// Every [[table]] of one name, made by `parse`, none with the name of another.
template <typename Entry, typename Parse>
Status parse_each(const TomlDocument& document, std::string_view name, std::vector<Entry>& out, const Parse& parse) {
  std::set<std::string> names;
  for (const TomlTable& table : document.tables) {
    if (table.name != name) continue;
    CLOISTER_TRY(Entry entry, parse(table));
    if (!names.insert(entry.name).second) {
      const TomlFields fields(table, "[[" + std::string(name) + "]] " + in_quotes(entry.name));
      return fields.error(table.line, "that name is taken");
    }
    out.push_back(std::move(entry));
  }
  return {};
}

Status check_addresses(const Estate& estate) {
  std::set<std::string_view> addresses;
  for (const Location& location : estate.locations) {
    if (addresses.insert(location.address).second) continue;
    return Error(Code::kInvalid, "line " + std::to_string(location.line) + ": [[location]] " +
                                     in_quotes(location.name) + ": another location has that address");
  }
  return {};
}

// The part of the document that the path audit reads.
Status parse_paths(const TomlDocument& document, Estate& estate) {
  TomlDocument part;
  for (const TomlEntry& entry : document.top.entries) {
    const bool is_ours = entry.key == "own_account" || entry.key == "home_owner";
    if (!is_ours) part.top.entries.push_back(entry);
  }
  for (const TomlTable& table : document.tables) {
    if (table.name == "component" || table.name == "edge") part.tables.push_back(table);
  }
  if (part.tables.empty()) return {};
  CLOISTER_TRY(estate.graph, probe::path::parse_graph(part));
  return {};
}

}  // namespace

std::string_view name_of(DataKind kind) { return kDataKinds[static_cast<std::size_t>(kind)]; }
std::string_view name_of(Sensitivity sensitivity) { return kSensitivities[static_cast<std::size_t>(sensitivity)]; }
std::string_view name_of(WorkloadUse use) { return kUses[static_cast<std::size_t>(use)]; }

Result<Estate> parse_estate(std::string_view text, std::string_view name) {
  const bool is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
  CLOISTER_TRY(const TomlDocument document,
               is_yaml ? parse_tables_from_yaml(text) : parse_toml(text, TomlSubset::kSettings));
  Estate estate;
  CLOISTER_RETURN_IF_ERROR(parse_top(document, estate));
  CLOISTER_RETURN_IF_ERROR(check_table_names(document));
  CLOISTER_RETURN_IF_ERROR(parse_each(document, "location", estate.locations, parse_location));
  CLOISTER_RETURN_IF_ERROR(check_addresses(estate));
  std::set<std::string> locations;
  for (const Location& location : estate.locations) locations.insert(location.name);
  CLOISTER_RETURN_IF_ERROR(parse_each(document, "workload", estate.workloads,
                                      [&](const TomlTable& table) { return parse_workload(table, locations); }));
  CLOISTER_RETURN_IF_ERROR(parse_each(document, "endpoint", estate.endpoints, parse_endpoint));
  CLOISTER_RETURN_IF_ERROR(parse_each(document, "key", estate.keys, parse_key));
  CLOISTER_RETURN_IF_ERROR(parse_paths(document, estate));
  estate.digest = to_hex(crypto::sha256(as_bytes(text)));
  return estate;
}

}  // namespace cloister::posture
