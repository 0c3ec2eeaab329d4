#include "audit/export_line.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "audit/flat_json.h"
#include "base/reader.h"

namespace cloister::audit {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kFormat = "cloister-audit-log";
constexpr std::uint64_t kVersion = 1;
constexpr std::string_view kExtras = "extras";
constexpr std::string_view kUnknownType = "type-";

// Members are taken out one by one; what is left in the end doesn't belong there.
class Members {
 public:
  explicit Members(FlatMembers members) : members_(std::move(members)) {}

  bool has(const std::string& name) const { return members_.contains(name); }

  template <typename Value>
  Result<Value> take(const std::string& name) {
    const auto found = members_.find(name);
    if (found == members_.end()) return Error(Code::kCorrupt, "it has no " + name);
    auto* value = std::get_if<Value>(&found->second);
    if (value == nullptr) return Error(Code::kCorrupt, "its " + name + " has the wrong type");
    Value taken = std::move(*value);
    members_.erase(found);
    return taken;
  }

  Result<std::string> text(const std::string& name) { return take<std::string>(name); }
  Result<std::uint64_t> number(const std::string& name) { return take<std::uint64_t>(name); }

  Status expect_none_left() const {
    if (members_.empty()) return {};
    return Error(Code::kCorrupt, "it has a member that doesn't belong there");
  }

 private:
  FlatMembers members_;
};

bool is_lower_hex(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<Bytes> lower_hex(std::string_view text, std::string_view name) {
  auto bytes = from_hex(text);
  if (bytes.ok() && is_lower_hex(text)) return bytes;
  return Error(Code::kCorrupt, "its " + std::string(name) + " isn't lower-case hexadecimal");
}

Result<Hash> take_leaf(Members& members) {
  CLOISTER_TRY(const std::string text, members.text("leaf"));
  CLOISTER_TRY(const Bytes raw, lower_hex(text, "leaf"));
  Hash leaf;
  if (raw.size() != leaf.size()) return Error(Code::kCorrupt, "its leaf isn't 32 bytes");
  std::ranges::copy(raw, leaf.begin());
  return leaf;
}

// "type-N" for an extra that whoever wrote the line had no name for.
Result<std::uint16_t> unknown_type(std::string_view name) {
  std::uint16_t type = 0;
  if (name.starts_with(kUnknownType)) {
    const std::string_view digits = name.substr(kUnknownType.size());
    const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), type);
    if (failure == std::errc() && std::to_string(type) == digits) return type;
  }
  return Error(Code::kUnsupported, "it has an extra by a name this program doesn't know");
}

Status add_extra(Extras& extras, const std::string& name, const FlatValue& value) {
  const auto* text = std::get_if<std::string>(&value);
  const ExtraField* field = find_extra(name);
  if (field == nullptr) {
    CLOISTER_TRY(const std::uint16_t type, unknown_type(name));
    if (text == nullptr) return Error(Code::kCorrupt, "its " + name + " has the wrong type");
    CLOISTER_TRY(const Bytes raw, lower_hex(*text, name));
    return extras.add(type, raw);
  }
  const auto type = static_cast<std::uint16_t>(field->type);
  if ((text == nullptr) != (field->kind == ExtraKind::kNumber)) {
    return Error(Code::kCorrupt, "its " + name + " has the wrong type");
  }
  if (field->kind == ExtraKind::kText) return extras.add(type, as_bytes(*text));
  if (field->kind == ExtraKind::kNumber) {
    std::array<std::uint8_t, 8> raw;
    store_le(raw.data(), std::get<std::uint64_t>(value));
    return extras.add(type, raw);
  }
  CLOISTER_TRY(const Bytes raw, lower_hex(*text, name));
  return extras.add(type, raw);
}

Result<ExportLine> parse_header(Members members) {
  CLOISTER_TRY(const std::string format, members.text("format"));
  CLOISTER_TRY(const std::uint64_t version, members.number("version"));
  if (format != kFormat) return Error(Code::kCorrupt, "it is the header of another format");
  if (version != kVersion) return Error(Code::kUnsupported, "the log was exported in another version than 1");
  CLOISTER_TRY(std::string origin, members.text("origin"));
  CLOISTER_RETURN_IF_ERROR(members.expect_none_left());
  return ExportLine(ExportHeader{std::move(origin)});
}

Result<ExportLine> parse_checkpoint_line(Members members) {
  CLOISTER_TRY(std::string note, members.text("checkpoint"));
  CLOISTER_RETURN_IF_ERROR(members.expect_none_left());
  return ExportLine(ExportCheckpoint{std::move(note)});
}

Result<ExportLine> parse_record(Members members, const FlatMembers& inner) {
  Event event;
  CLOISTER_TRY(const std::uint64_t index, members.number("index"));
  CLOISTER_TRY(const std::uint64_t time, members.number("time"));
  event.time.unix_ms = static_cast<std::int64_t>(std::min(time, kNumberMax));
  CLOISTER_TRY(const std::string outcome, members.text("outcome"));
  CLOISTER_TRY(event.outcome, parse_outcome(outcome));
  CLOISTER_TRY(event.actor, members.text("actor"));
  CLOISTER_TRY(event.action, members.text("action"));
  CLOISTER_TRY(event.tenant, members.text("tenant"));
  CLOISTER_TRY(event.subject, members.text("subject"));
  CLOISTER_TRY(event.detail, members.text("detail"));
  CLOISTER_TRY(const Hash leaf, take_leaf(members));
  CLOISTER_RETURN_IF_ERROR(members.expect_none_left());
  Extras extras;
  for (const auto& [name, value] : inner) CLOISTER_RETURN_IF_ERROR(add_extra(extras, name, value));
  CLOISTER_TRY(LogRecord record, LogRecord::check(index, std::move(event), std::move(extras)));
  return ExportLine(ExportRecord{std::move(record), leaf});
}

Json extras_json(const Extras& extras) {
  Json json = Json::object();
  for (const auto& [type, value] : extras.values()) {
    const ExtraField* field = find_extra(type);
    if (field == nullptr) {
      json[std::string(kUnknownType) + std::to_string(type)] = to_hex(value);
    } else if (field->kind == ExtraKind::kText) {
      json[std::string(field->name)] = as_text(value);
    } else if (field->kind == ExtraKind::kNumber) {
      json[std::string(field->name)] = load_le<std::uint64_t>(value.data());
    } else {
      json[std::string(field->name)] = to_hex(value);
    }
  }
  return json;
}

// Texts are plain UTF-8 by now, and what replaces bytes that aren't keeps the library from throwing.
std::string line_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n"; }

}  // namespace

Result<ExportLine> parse_export_line(std::string_view line) {
  if (line.size() > kExportLineSizeMax) return Error(Code::kCorrupt, "it is over 262144 bytes");
  CLOISTER_TRY(FlatObject object, parse_flat_json(line, kExtras));
  Members members(std::move(object.members));
  const bool is_record = members.has("index");
  if (object.inner && !is_record) return Error(Code::kCorrupt, "it has extras and isn't a record");
  if (is_record) return parse_record(std::move(members), object.inner.value_or(FlatMembers{}));
  if (members.has("format")) return parse_header(std::move(members));
  if (members.has("checkpoint")) return parse_checkpoint_line(std::move(members));
  return Error(Code::kCorrupt, "it is neither a header nor a record nor a checkpoint");
}

std::string export_header_line(std::string_view origin) {
  return line_of(Json{{"format", kFormat}, {"version", kVersion}, {"origin", origin}});
}

std::string export_record_line(const LogRecord& record) {
  const Event& event = record.event();
  Json json{{"index", record.index()},  {"time", event.time.unix_ms}, {"outcome", outcome_name(event.outcome)},
            {"actor", event.actor},     {"action", event.action},     {"tenant", event.tenant},
            {"subject", event.subject}, {"detail", event.detail}};
  if (!record.extras().empty()) json[std::string(kExtras)] = extras_json(record.extras());
  json["leaf"] = to_hex(leaf_hash(record.encode()));
  return line_of(json);
}

std::string export_checkpoint_line(std::string_view note) { return line_of(Json{{"checkpoint", note}}); }

}  // namespace cloister::audit
