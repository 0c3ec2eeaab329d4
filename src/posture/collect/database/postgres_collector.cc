#include "posture/collect/database/postgres_collector.h"

#include <algorithm>
#include <charconv>

#include "kms/plain_line.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kPrefixes[] = {"postgresql://", "postgres://", "db:postgresql://"};

std::string first_value(const Result<SqlRows>& rows) {
  return rows.ok() && !rows->empty() && !rows->front().empty() ? rows->front().front() : std::string();
}

// A setting; empty where the server has none of that name.
std::string setting(SqlReader& reader, const std::string& name) {
  return first_value(reader.query("SELECT current_setting('" + name + "', true)"));
}

// A number of rows; nothing where it can't be told.
std::optional<std::int64_t> count(SqlReader& reader, const std::string& sql) {
  const std::string text = first_value(reader.query(sql));
  std::int64_t number = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = problem == std::errc() && end == text.data() + text.size() && !text.empty();
  return whole ? std::optional(number) : std::nullopt;
}

void note_transit(SqlReader& reader, StorageView& view) {
  if (setting(reader, "ssl") == "off") view.notes.emplace_back("the server takes no TLS");
  const std::string least = setting(reader, "ssl_min_protocol_version");
  if (!least.empty()) view.notes.push_back("the least version of TLS is " + kms::plain_line(least));
  const auto rules = count(
      reader, "SELECT count(*) FROM pg_hba_file_rules WHERE type IN ('host','hostnossl') AND auth_method <> 'reject'");
  if (rules && *rules > 0)
    view.notes.push_back(std::to_string(*rules) + " rules of pg_hba.conf allow connections without TLS");
  const auto sessions = count(reader,
                              "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) "
                              "WHERE NOT s.ssl AND a.client_addr IS NOT NULL");
  if (sessions && *sessions > 0)
    view.notes.push_back(std::to_string(*sessions) + " sessions over the network are without TLS");
}

void set_cipher(std::string_view cipher, StorageView& view) {
  view.integrity = "none";  // CBC
  if (cipher.find("256") != std::string_view::npos) {
    view.algorithm = "aes-256-cbc";
    view.key_bits = 256;
  } else if (cipher.find("128") != std::string_view::npos) {
    view.algorithm = "aes-128-cbc";
    view.key_bits = 128;
  } else {
    view.algorithm = "aes-cbc";
    view.notes.emplace_back("pg_tde doesn't say how long its keys are");
  }
}

// A key in a file lies beside the data; one of a Vault or KMIP server is the operator's where the estate declares it.
void set_key(SqlReader& reader, const Estate& estate, StorageView& view) {
  const auto info = reader.query("SELECT key_name, provider_name FROM pg_tde_key_info()");
  if (!info.ok() || info->empty() || info->front().size() < 2) {
    view.notes.emplace_back(info.ok() ? "pg_tde names no key" : info.error().message());
    return;
  }
  view.key = info->front()[0];
  const std::string& provider = info->front()[1];
  const auto providers = reader.query(
      "SELECT name, type FROM pg_tde_list_all_database_key_providers() UNION SELECT name, type FROM "
      "pg_tde_list_all_global_key_providers()");
  std::string type;
  for (const auto& row : providers.ok() ? *providers : SqlRows{}) {
    if (row.size() >= 2 && row[0] == provider) type = row[1];
  }
  const auto declared = [&](const DeclaredKey& key) { return key.name == view.key; };
  if (type == "file") {
    view.key_manager = "none";
    view.notes.emplace_back("the key lies in a file");
  } else if (!type.empty() && std::ranges::any_of(estate.keys, declared)) {
    view.key_manager = "operator";
  } else {
    view.notes.push_back(type.empty()
                             ? "the key's provider isn't known"
                             : "the estate doesn't declare the key, which a " + kms::plain_line(type) + " has");
  }
}

StorageView tde_view(SqlReader& reader, const Estate& estate) {
  StorageView view;
  view.scheme = "tde";
  static constexpr std::string_view kTables =
      "SELECT count(*) FROM pg_class c JOIN pg_am a ON a.oid = c.relam JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.relkind IN ('r','m') AND n.nspname NOT IN ('pg_catalog','information_schema') AND a.amname ";
  const auto sealed = count(reader, std::string(kTables) + "= 'tde_heap'");
  const auto plain = count(reader, std::string(kTables) + "<> 'tde_heap'");
  const std::string wal = setting(reader, "pg_tde.wal_encrypt");
  if (!sealed || !plain) {
    view.notes.emplace_back("which tables are encrypted can't be told");
    return view;
  }
  view.encrypted = *plain == 0 && wal == "on" ? "yes" : "no";
  if (*plain > 0) view.notes.push_back(std::to_string(*plain) + " tables aren't encrypted");
  if (wal != "on") view.notes.emplace_back("the write-ahead log isn't encrypted");
  view.notes.emplace_back("system catalogues and temporary files aren't covered by pg_tde");
  set_cipher(setting(reader, "pg_tde.cipher"), view);
  set_key(reader, estate, view);
  return view;
}

// EDB's server says of which version its encryption is; the community's has no such column.
bool is_edb_encrypted(SqlReader& reader) {
  const std::string version = first_value(reader.query("SELECT data_encryption_version FROM pg_control_init()"));
  return !version.empty() && version != "0";
}

}  // namespace

Result<StorageView> postgres_view(SqlReader& reader, const Estate& estate) {
  CLOISTER_TRY(const SqlRows version, reader.query("SELECT version()"));
  CLOISTER_TRY(const SqlRows extensions, reader.query("SELECT extname FROM pg_extension"));
  const auto has = [&extensions](std::string_view name) {
    return std::ranges::any_of(extensions, [&](const auto& row) { return !row.empty() && row[0] == name; });
  };
  StorageView view;
  if (has("pg_tde")) {
    view = tde_view(reader, estate);
  } else if (is_edb_encrypted(reader)) {
    view.encrypted = "yes";
    view.scheme = "tde";
    view.notes.emplace_back("EDB's encryption: the server names neither algorithm nor key");
  } else {
    view.notes.emplace_back("the server encrypts nothing itself: what its disk does counts");
    const std::string folder = setting(reader, "data_directory");
    if (!folder.empty()) view.notes.push_back("its data lies in " + folder);
  }
  if (has("pgcrypto")) {
    view.notes.emplace_back("pgcrypto encrypts single values only, with keys that statements and logs carry");
  }
  if (!version.empty() && !version.front().empty()) view.notes.push_back(kms::plain_line(version.front().front()));
  note_transit(reader, view);
  return view;
}

void PostgresCollector::collect(const CollectContext& context, FactSink& sink) {
  const FactMaker maker(name(), "what the database tells its role", context);
  for (const Location& location : context.estate->locations) {
    const auto begins = [&location](std::string_view prefix) { return location.address.starts_with(prefix); };
    if (!std::ranges::any_of(kPrefixes, begins)) continue;
    const Subject subject{SubjectKind::kLocation, location.name};
    const bool named = location.address.starts_with("db:");
    const bool stopped = context.progress != nullptr && context.progress->stop_requested();
    auto reader = stopped ? Result<std::unique_ptr<SqlReader>>(Error(Code::kUnavailable, "it was stopped"))
                          : open_(named ? location.address.substr(3) : location.address);
    const auto view = reader.ok() ? postgres_view(**reader, *context.estate) : Result<StorageView>(reader.error());
    sink.add(view.ok() ? maker.storage(subject, *view, {})
                       : maker.not_assessed("storage.encryption", subject, view.error().message()));
  }
}

}  // namespace cloister::posture
