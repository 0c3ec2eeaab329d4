#include "mesh/registration/entry.h"

#include <algorithm>

#include "base/json.h"
#include "base/reader.h"
#include "crypto/hash.h"

namespace cloister::mesh {
namespace {

constexpr std::size_t kIdBytes = 16;
constexpr std::string_view kReservedPath = "/cloister/";

Error wrong(const std::string& what) { return Error(Code::kInvalid, what); }

template <typename Item>
void sort_unique(std::vector<Item>& items) {
  std::ranges::sort(items);
  const auto twins = std::ranges::unique(items);
  items.erase(twins.begin(), twins.end());
}

Status check_ttl(const std::optional<Duration>& ttl, Duration min, Duration max, std::string_view name) {
  if (!ttl || (ttl->ms % 1000 == 0 && *ttl >= min && *ttl <= max)) return {};
  return wrong(std::string(name) + " is from " + std::to_string(min.ms / 1000) + " to " +
               std::to_string(max.ms / 1000) + " seconds");
}

// The same callers for the same identity are the same entry, whoever registers it.
std::string id_of(const RegistrationEntry& entry) {
  Writer writer;
  writer.text16("CLSR1 entry").text16(entry.spiffe_id.uri());
  for (const Selector& selector : entry.selectors) writer.text16(selector.to_string());
  return to_hex(ByteView(crypto::sha256(writer.view())).first(kIdBytes));
}

Result<std::string> text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.find(name);
  if (member == nullptr || member->string() == nullptr) return wrong("a stored entry has no " + std::string(name));
  return *member->string();
}

// Nothing where it isn't there.
Result<std::optional<std::int64_t>> number_of(const JsonValue& object, std::string_view name) {
  const JsonValue* member = object.find(name);
  if (member == nullptr) return std::optional<std::int64_t>();
  const auto number = member->unsigned_integer();
  if (!number || *number > (std::uint64_t{1} << 53))
    return wrong("a stored entry's " + std::string(name) + " is wrong");
  return std::optional(static_cast<std::int64_t>(*number));
}

Result<std::vector<std::string>> texts_of(const JsonValue& object, std::string_view name) {
  std::vector<std::string> texts;
  const JsonValue* member = object.find(name);
  if (member == nullptr) return texts;
  if (member->array() == nullptr) return wrong("a stored entry's " + std::string(name) + " is no list");
  for (const JsonValue& one : *member->array()) {
    if (one.string() == nullptr)
      return wrong("a stored entry's " + std::string(name) + " has something else than text");
    texts.push_back(*one.string());
  }
  return texts;
}

}  // namespace

bool RegistrationEntry::matches(const std::set<Selector>& caller) const {
  return std::ranges::all_of(selectors, [&](const Selector& selector) { return caller.contains(selector); });
}

Status check_entry(RegistrationEntry& entry) {
  sort_unique(entry.selectors);
  sort_unique(entry.federates_with);
  if (entry.selectors.empty()) return wrong("an entry has a selector at least: without one it would be everybody");
  if (entry.selectors.size() > kEntrySelectorsMax) return wrong("an entry has 32 selectors at most");
  for (const Selector& selector : entry.selectors) {
    if (!is_plain_utf8(selector.value)) return wrong("a selector is plain text");
  }
  const std::string& path = entry.spiffe_id.path();
  if (path.empty()) return wrong(entry.spiffe_id.uri() + " names a trust domain, not a workload");
  if (path.starts_with(kReservedPath)) return wrong(entry.spiffe_id.uri() + " is a name of the service itself");
  CLOISTER_RETURN_IF_ERROR(check_ttl(entry.x509_ttl, minutes(1), days(1), "the lifetime of certificates"));
  CLOISTER_RETURN_IF_ERROR(check_ttl(entry.jwt_ttl, seconds(10), hours(1), "the lifetime of tokens"));
  if (entry.hint.size() > kHintMax || !is_plain_utf8(entry.hint))
    return wrong("a hint is up to 256 bytes of plain text");
  if (entry.federates_with.size() > kEntryFederatedMax)
    return wrong("an entry federates with 32 trust domains at most");
  if (std::ranges::binary_search(entry.federates_with, entry.spiffe_id.trust_domain())) {
    return wrong("an entry doesn't federate with its own trust domain");
  }
  entry.id = id_of(entry);
  return {};
}

std::string format_entry(const RegistrationEntry& entry) {
  JsonValue::Array selectors, federates_with;
  for (const Selector& selector : entry.selectors) selectors.emplace_back(selector.to_string());
  for (const identity::TrustDomain& domain : entry.federates_with) federates_with.emplace_back(domain.name());
  JsonValue::Object members{{"spiffe_id", entry.spiffe_id.uri()}, {"selectors", std::move(selectors)}};
  if (entry.x509_ttl) members.emplace_back("x509_ttl_seconds", entry.x509_ttl->ms / 1000);
  if (entry.jwt_ttl) members.emplace_back("jwt_ttl_seconds", entry.jwt_ttl->ms / 1000);
  if (!entry.hint.empty()) members.emplace_back("hint", entry.hint);
  if (!federates_with.empty()) members.emplace_back("federates_with", std::move(federates_with));
  if (entry.expires) members.emplace_back("expires_ms", entry.expires->unix_ms);
  members.emplace_back("created_ms", entry.created.unix_ms);
  return JsonValue(std::move(members)).serialize();
}

Result<RegistrationEntry> parse_entry(std::string_view text) {
  CLOISTER_TRY(const JsonValue object, parse_json(text));
  CLOISTER_TRY(const std::string uri, text_of(object, "spiffe_id"));
  CLOISTER_TRY(identity::SpiffeId spiffe_id, identity::SpiffeId::parse(uri));
  RegistrationEntry entry{{}, std::move(spiffe_id), {}, {}, {}, {}, {}, {}, {}};
  CLOISTER_TRY(const auto selectors, texts_of(object, "selectors"));
  for (const std::string& one : selectors) {
    CLOISTER_TRY(Selector selector, parse_selector(one));
    entry.selectors.push_back(std::move(selector));
  }
  CLOISTER_TRY(const auto domains, texts_of(object, "federates_with"));
  for (const std::string& one : domains) {
    CLOISTER_TRY(identity::TrustDomain domain, identity::TrustDomain::parse(one));
    entry.federates_with.push_back(std::move(domain));
  }
  CLOISTER_TRY(const auto x509_ttl, number_of(object, "x509_ttl_seconds"));
  CLOISTER_TRY(const auto jwt_ttl, number_of(object, "jwt_ttl_seconds"));
  if (x509_ttl) entry.x509_ttl = Duration{*x509_ttl * 1000};
  if (jwt_ttl) entry.jwt_ttl = Duration{*jwt_ttl * 1000};
  if (object.find("hint") != nullptr) {
    CLOISTER_TRY(entry.hint, text_of(object, "hint"));
  }
  CLOISTER_TRY(const auto expires, number_of(object, "expires_ms"));
  if (expires) entry.expires = Time{*expires};
  CLOISTER_TRY(const auto created, number_of(object, "created_ms"));
  if (!created) return wrong("a stored entry has no created_ms");
  entry.created = Time{*created};
  CLOISTER_RETURN_IF_ERROR(check_entry(entry));
  return entry;
}

}  // namespace cloister::mesh
