#include "kms/azure/azure_answer.h"

#include <algorithm>

#include "base/base64.h"
#include "base/json.h"
#include "kms/bearer_token.h"
#include "kms/plain_line.h"
#include "kms/retry_after.h"
#include "kms/wiped_json.h"

namespace cloister::kms {
namespace {

constexpr std::size_t kItemsMax = 1000;
constexpr std::size_t kWordMax = 64;
constexpr std::size_t kWrappedMax = 1024;
constexpr std::uint64_t kUnixSecondsMax = 253'402'300'799;  // the end of the year 9999

Error bad(std::string_view what) {
  return Error(Code::kCorrupt, "the vault's answer has no proper " + std::string(what));
}

Result<JsonValue> parse(ByteView body) {
  auto json = parse_json(as_text(body));
  if (!json.ok() || json->object() == nullptr) return bad("JSON");
  return json;
}

// Short and plain; empty when it isn't there.
Result<std::string> word(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.find(name);
  if (value == nullptr || value->is_null()) return std::string();
  if (value->string() == nullptr || value->string()->size() > kWordMax) return bad(name);
  return plain_line(*value->string());
}

Result<std::optional<bool>> flag(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.find(name);
  if (value == nullptr || value->is_null()) return std::optional<bool>();
  if (!value->boolean()) return bad(name);
  return value->boolean();
}

Result<std::optional<Time>> moment(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.find(name);
  if (value == nullptr || value->is_null()) return std::optional<Time>();
  const auto seconds = value->unsigned_integer();
  if (!seconds || *seconds > kUnixSecondsMax) return bad(name);
  return std::optional(Time{static_cast<std::int64_t>(*seconds) * 1000});
}

Result<AzureKeyAttributes> parse_attributes(const JsonValue& json) {
  const JsonValue* object = json.find("attributes");
  if (object == nullptr || object->object() == nullptr) return bad("attributes");
  AzureKeyAttributes attributes;
  CLOISTER_TRY(attributes.enabled, flag(*object, "enabled"));
  CLOISTER_TRY(attributes.not_before, moment(*object, "nbf"));
  CLOISTER_TRY(attributes.expires, moment(*object, "exp"));
  CLOISTER_TRY(attributes.created, moment(*object, "created"));
  CLOISTER_TRY(attributes.recovery_level, word(*object, "recoveryLevel"));
  CLOISTER_TRY(attributes.exportable, flag(*object, "exportable"));
  return attributes;
}

Result<AzureKeyId> key_id(const Endpoint& vault, std::string_view kid) {
  if (kid.find("://") == std::string_view::npos) return bad("kid");
  auto id = parse_azure_key_id(vault, kid);
  if (!id.ok()) return Error(Code::kCorrupt, "the vault's answer is about a key of another vault");
  return id;
}

std::string_view text_of(const JsonValue& object, std::string_view name) {
  const JsonValue* value = object.find(name);
  return value == nullptr || value->string() == nullptr ? std::string_view() : std::string_view(*value->string());
}

Result<std::optional<Duration>> duration(const JsonValue& object, std::string_view name, bool& calendar) {
  const std::string_view text = text_of(object, name);
  if (text.empty()) return std::optional<Duration>();
  const auto parsed = parse_iso_duration(text);
  if (!parsed.ok()) return bad(name);
  calendar = calendar || parsed->calendar;
  return std::optional(parsed->length);
}

bool same_word(std::string_view text, std::string_view lower_case) {
  return std::ranges::equal(text, lower_case, [](char given, char wanted) {
    return (given >= 'A' && given <= 'Z' ? static_cast<char>(given + 32) : given) == wanted;
  });
}

Code code_of(unsigned status) {
  switch (status) {
    case 400: return Code::kInvalid;
    case 401:
    case 403:
    case 409: return Code::kDenied;
    case 404: return Code::kNotFound;
    case 501: return Code::kUnsupported;
    default: return status == 408 || status == 429 || status >= 500 ? Code::kUnavailable : Code::kInvalid;
  }
}

std::string header_line(const net::Response& response, std::string_view name) {
  const std::string* value = response.headers.find(name);
  return value == nullptr ? std::string() : plain_line(*value);
}

// {"kid", "value"} of a wrap or an unwrap, in memory that is wiped.
struct KeyAndValue {
  WipedJson json;
  AzureKeyId id;
  std::string_view value() const { return view(json.find("value")->get_ref<const WipedText&>()); }
};

Result<KeyAndValue> parse_operation(const Endpoint& vault, ByteView body) {
  auto json = parse_wiped(body);
  if (!json.ok()) return bad("JSON");
  const auto kid = json->find("kid");
  const auto value = json->find("value");
  if (kid == json->end() || !kid->is_string()) return bad("kid");
  if (value == json->end() || !value->is_string()) return bad("value");
  CLOISTER_TRY(AzureKeyId id, key_id(vault, view(kid->get_ref<const WipedText&>())));
  return KeyAndValue{std::move(json).value(), std::move(id)};
}

}  // namespace

Result<AzureKey> parse_azure_key(const Endpoint& vault, ByteView body) {
  CLOISTER_TRY(const JsonValue json, parse(body));
  const JsonValue* material = json.find("key");
  if (material == nullptr || material->object() == nullptr) return bad("key");
  AzureKey key;
  CLOISTER_TRY(key.id, key_id(vault, text_of(*material, "kid")));
  CLOISTER_TRY(key.type, word(*material, "kty"));
  CLOISTER_TRY(key.curve, word(*material, "crv"));
  if (key.type.empty()) return bad("kty");
  if (const JsonValue* operations = material->find("key_ops");
      operations != nullptr && operations->array() != nullptr) {
    for (const JsonValue& operation : *operations->array()) {
      if (operation.string() == nullptr || operation.string()->size() > kWordMax) return bad("key_ops");
      key.operations.push_back(plain_line(*operation.string()));
    }
  }
  CLOISTER_TRY(key.attributes, parse_attributes(json));
  CLOISTER_TRY(const auto managed, flag(json, "managed"));
  key.managed = managed.value_or(false);
  CLOISTER_TRY(key.purge_scheduled, moment(json, "scheduledPurgeDate"));
  return key;
}

Result<AzureKeyPage> parse_azure_key_page(const Endpoint& vault, ByteView body) {
  CLOISTER_TRY(const JsonValue json, parse(body));
  AzureKeyPage page;
  const JsonValue* items = json.find("value");
  if (items == nullptr || items->array() == nullptr || items->array()->size() > kItemsMax) return bad("value");
  for (const JsonValue& item : *items->array()) {
    AzureKeyItem one;
    CLOISTER_TRY(one.id, key_id(vault, text_of(item, "kid")));
    CLOISTER_TRY(one.attributes, parse_attributes(item));
    page.items.push_back(std::move(one));
  }
  if (const std::string_view link = text_of(json, "nextLink"); !link.empty()) {
    CLOISTER_TRY(page.next, azure_link_target(vault, link));
  }
  return page;
}

Result<AzureRotationPolicy> parse_azure_rotation(ByteView body) {
  CLOISTER_TRY(const JsonValue json, parse(body));
  AzureRotationPolicy policy;
  const JsonValue* attributes = json.find("attributes");
  if (attributes != nullptr && attributes->object() != nullptr) {
    CLOISTER_TRY(policy.expiry, duration(*attributes, "expiryTime", policy.calendar));
  }
  const JsonValue* actions = json.find("lifetimeActions");
  if (actions == nullptr || actions->is_null()) return policy;
  if (actions->array() == nullptr || actions->array()->size() > kItemsMax) return bad("lifetimeActions");
  for (const JsonValue& entry : *actions->array()) {
    const JsonValue* action = entry.find("action");
    const JsonValue* trigger = entry.find("trigger");
    if (action == nullptr || trigger == nullptr || trigger->object() == nullptr) return bad("lifetimeActions");
    if (!same_word(text_of(*action, "type"), "rotate")) continue;
    CLOISTER_TRY(policy.after_create, duration(*trigger, "timeAfterCreate", policy.calendar));
    CLOISTER_TRY(policy.before_expiry, duration(*trigger, "timeBeforeExpiry", policy.calendar));
    policy.automatic = true;
  }
  return policy;
}

Result<AzureWrapped> parse_azure_wrapped(const Endpoint& vault, ByteView body) {
  CLOISTER_TRY(const KeyAndValue answer, parse_operation(vault, body));
  auto value = from_base64(answer.value(), Base64::kUrl);
  if (!value.ok() || value->empty() || value->size() > kWrappedMax) return bad("value");
  return AzureWrapped{answer.id, std::move(value).value()};
}

Result<AzureUnwrapped> parse_azure_unwrapped(const Endpoint& vault, ByteView body) {
  CLOISTER_TRY(const KeyAndValue answer, parse_operation(vault, body));
  const auto size = base64_decoded_size(answer.value(), Base64::kUrl);
  if (!size.ok() || *size == 0 || *size > kWrappedMax) return bad("value");
  crypto::Secret value(*size);
  if (!decode_base64(answer.value(), Base64::kUrl, value.expose_mutable()).ok()) return bad("value");
  return AzureUnwrapped{answer.id, std::move(value)};
}

Result<IsoDuration> parse_iso_duration(std::string_view text) {
  struct Unit {
    char letter;
    bool time;
    std::int64_t ms;
    bool calendar;
  };
  static constexpr Unit kUnits[] = {{'Y', false, days(365).ms, true}, {'M', false, days(30).ms, true},
                                    {'W', false, days(7).ms, false},  {'D', false, days(1).ms, false},
                                    {'H', true, hours(1).ms, false},  {'M', true, minutes(1).ms, false},
                                    {'S', true, seconds(1).ms, false}};
  const Error malformed(Code::kInvalid, "that is no ISO 8601 duration");
  if (!text.starts_with('P') || text.size() < 3 || text.size() > 32) return malformed;
  text.remove_prefix(1);
  IsoDuration out;
  bool in_time = false;
  const auto* unit = std::begin(kUnits);
  while (!text.empty()) {
    if (text.front() == 'T' && !in_time && text.size() > 1) {
      in_time = true;
      text.remove_prefix(1);
    }
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    if (digits == 0 || digits > 5 || digits == text.size()) return malformed;
    std::int64_t count = 0;
    for (const char digit : text.substr(0, digits)) count = count * 10 + (digit - '0');
    unit = std::find_if(unit, std::end(kUnits),
                        [&](const Unit& one) { return one.letter == text[digits] && one.time == in_time; });
    if (unit == std::end(kUnits)) return malformed;
    out.length.ms += count * unit->ms;
    out.calendar = out.calendar || unit->calendar;
    ++unit;
    text.remove_prefix(digits + 1);
  }
  return out;
}

Error azure_error(const net::Response& response) {
  std::string message = "it answered " + std::to_string(response.status);
  const auto json = parse(response.body);
  const JsonValue* error = json.ok() ? json->find("error") : nullptr;
  if (error != nullptr) {
    if (const auto code = text_of(*error, "code"); !code.empty()) message += " " + plain_line(code);
    const JsonValue* inner = error->find("innererror");
    const std::string_view reason = inner == nullptr ? std::string_view() : text_of(*inner, "code");
    if (!reason.empty()) message += " (" + plain_line(reason) + ")";
    const std::string_view said = text_of(*error, "message");
    if (!said.empty()) message += ": " + plain_line(said.substr(0, said.find_first_of("\r\n")));
  }
  if (const auto id = azure_request_id(response); !id.empty()) message += ", request " + id;
  const std::string region = header_line(response, "x-ms-keyvault-region");
  if (!region.empty()) message += " in " + region;
  return Error(code_of(response.status), message);
}

Verdict judge_azure(const net::Response& response) {
  const unsigned status = response.status;
  if (status == 401) return {Verdict::Kind::kRenew, {}};
  const bool passing = status == 408 || status == 429 || (status >= 500 && status != 501);
  return passing ? Verdict{Verdict::Kind::kRetry, retry_after(response)} : Verdict{};
}

std::string azure_request_id(const net::Response& response) { return header_line(response, "x-ms-request-id"); }

}  // namespace cloister::kms
