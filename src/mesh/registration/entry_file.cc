// Entries as people write them.
#include <array>

#include "base/toml_fields.h"
#include "mesh/registration/entry.h"

namespace cloister::mesh {
namespace {

constexpr std::array<std::string_view, 7> kKeys = {"spiffe_id", "selectors",      "x509_ttl_seconds", "jwt_ttl_seconds",
                                                   "hint",      "federates_with", "expires"};

Result<RegistrationEntry> read_entry(const TomlFields& fields) {
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  CLOISTER_TRY(const std::string uri, fields.text("spiffe_id"));
  auto id = identity::SpiffeId::parse(uri);
  if (!id.ok()) return fields.error(fields.line_of("spiffe_id"), id.error().message());
  RegistrationEntry entry{{}, std::move(*id), {}, {}, {}, {}, {}, {}, {}};
  CLOISTER_TRY(const auto selectors, fields.words("selectors"));
  for (const TomlFields::Word& word : selectors) {
    auto selector = parse_selector(word.text);
    if (!selector.ok()) return fields.error(word.line, selector.error().message());
    entry.selectors.push_back(std::move(*selector));
  }
  if (fields.has("federates_with")) {
    CLOISTER_TRY(const auto domains, fields.words("federates_with"));
    for (const TomlFields::Word& word : domains) {
      auto domain = identity::TrustDomain::parse(word.text);
      if (!domain.ok()) return fields.error(word.line, domain.error().message());
      entry.federates_with.push_back(std::move(*domain));
    }
  }
  for (const auto& [key, ttl] : {std::pair{"x509_ttl_seconds", &entry.x509_ttl}, {"jwt_ttl_seconds", &entry.jwt_ttl}}) {
    if (!fields.has(key)) continue;
    CLOISTER_TRY(const std::uint32_t number, fields.integer(key, 1, 86'400));
    *ttl = seconds(number);
  }
  CLOISTER_TRY(const auto hint, fields.optional_text("hint"));
  entry.hint = hint.value_or(std::string());
  CLOISTER_TRY(entry.expires, fields.optional_time("expires"));
  if (const Status good = check_entry(entry); !good.ok()) return fields.error(fields.line(), good.error().message());
  return entry;
}

}  // namespace

Result<std::vector<RegistrationEntry>> parse_entry_file(std::string_view text) {
  CLOISTER_TRY(const TomlDocument document, parse_toml(text));
  if (!document.top.entries.empty()) {
    return Error(Code::kInvalid, "line " + std::to_string(document.top.entries.front().value.line) +
                                     ": everything is said below an [[entry]]");
  }
  if (document.tables.size() > kEntriesMax) return Error(Code::kInvalid, "there are more than 10000 entries");
  std::vector<RegistrationEntry> entries;
  for (const TomlTable& table : document.tables) {
    const TomlFields fields(table, "[[entry]]");
    if (table.name != "entry") return fields.error(table.line, "there is no table " + table.name + " here");
    CLOISTER_TRY(RegistrationEntry entry, read_entry(fields));
    entries.push_back(std::move(entry));
  }
  return entries;
}

}  // namespace cloister::mesh
