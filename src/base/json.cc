#include "base/json.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace cloister {
namespace {

constexpr std::size_t kFewMembers = 16;

// Builds the tree from the library's events, so that a limit stops the parse where it is passed. The library's parser
// keeps its own stack; depth costs it one bit a level.
class Builder {
 public:
  explicit Builder(const JsonLimits& limits) : limits_(limits) {}

  bool null() { return add(JsonValue()); }
  bool boolean(bool value) { return add(JsonValue(value)); }
  bool number_integer(std::int64_t value) { return add(JsonValue(value)); }
  bool number_unsigned(std::uint64_t value) { return add(JsonValue(value)); }
  bool number_float(double value, const std::string&) { return add(JsonValue(value)); }
  bool string(std::string& value) { return add(JsonValue(std::move(value))); }
  bool binary(std::vector<std::uint8_t>&) { return false; }

  bool start_object(std::size_t) { return open(Frame{true, {}, {}, {}}); }
  bool start_array(std::size_t) { return open(Frame{false, {}, {}, {}}); }
  bool key(std::string& name) {
    frames_.back().name = std::move(name);
    return true;
  }
  bool end_array() {
    JsonValue whole(std::move(frames_.back().array));
    frames_.pop_back();
    return place(std::move(whole));
  }
  bool end_object() {
    JsonValue::Object object = std::move(frames_.back().object);
    frames_.pop_back();
    if (!names_are_unique(object)) return refuse("has an object with the same name twice");
    return place(JsonValue(std::move(object)));
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::json::exception&) {
    return refuse("is not JSON from byte " + std::to_string(position) + " on");
  }

  const std::string& fault() const { return fault_; }
  JsonValue take() { return std::move(root_); }

 private:
  struct Frame {
    bool is_object;
    JsonValue::Array array;
    JsonValue::Object object;
    std::string name;
  };

  bool refuse(std::string fault) {
    if (fault_.empty()) fault_ = std::move(fault);
    return false;
  }
  bool count() { return ++values_ <= limits_.values || refuse("has too many values"); }
  bool add(JsonValue value) { return count() && place(std::move(value)); }
  bool open(Frame frame) {
    if (!count()) return false;
    if (frames_.size() >= limits_.depth) return refuse("is nested too deeply");
    frames_.push_back(std::move(frame));
    return true;
  }
  bool place(JsonValue value) {
    if (frames_.empty()) {
      root_ = std::move(value);
    } else if (frames_.back().is_object) {
      frames_.back().object.emplace_back(std::move(frames_.back().name), std::move(value));
    } else {
      frames_.back().array.push_back(std::move(value));
    }
    return true;
  }
  static bool names_are_unique(const JsonValue::Object& object) {
    // Most objects have a few members: comparing each with each is quicker than sorting.
    if (object.size() <= kFewMembers) {
      for (std::size_t i = 1; i < object.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
          if (object[i].first == object[j].first) return false;
        }
      }
      return true;
    }
    std::vector<std::string_view> names;
    names.reserve(object.size());
    for (const JsonValue::Member& member : object) names.push_back(member.first);
    std::ranges::sort(names);
    return std::ranges::adjacent_find(names) == names.end();
  }

  JsonLimits limits_;
  std::vector<Frame> frames_;
  JsonValue root_;
  std::size_t values_ = 0;
  std::string fault_;
};

void write_text(std::string& out, std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20) {
      out.append("\\u00").push_back(kDigits[byte >> 4]);
      out.push_back(kDigits[byte & 15]);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

void write_double(std::string& out, double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  out.append(text, end.ptr);
}

}  // namespace

JsonValue::JsonValue(std::int64_t value) {
  if (value >= 0) {
    value_ = static_cast<std::uint64_t>(value);
  } else {
    value_ = value;
  }
}

std::optional<bool> JsonValue::boolean() const {
  const bool* value = std::get_if<bool>(&value_);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::uint64_t> JsonValue::unsigned_integer() const {
  const auto* value = std::get_if<std::uint64_t>(&value_);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<std::int64_t> JsonValue::integer() const {
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return *value;
  const auto* value = std::get_if<std::uint64_t>(&value_);
  if (value == nullptr || *value > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

std::optional<double> JsonValue::number() const {
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<std::int64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  return std::nullopt;
}

const JsonValue* JsonValue::find(std::string_view name) const {
  const Object* members = object();
  if (members == nullptr) return nullptr;
  for (const Member& member : *members) {
    if (member.first == name) return &member.second;
  }
  return nullptr;
}

JsonValue JsonValue::take(std::string_view name) {
  auto* members = std::get_if<Object>(&value_);
  if (members == nullptr) return {};
  for (Member& member : *members) {
    if (member.first == name) return std::exchange(member.second, JsonValue());
  }
  return {};
}

std::string JsonValue::serialize() const {
  std::string out;
  write(out);
  return out;
}

void JsonValue::write(std::string& out) const {
  if (const auto* text = string()) return write_text(out, *text);
  if (const auto* value = std::get_if<std::uint64_t>(&value_)) {
    out.append(std::to_string(*value));
  } else if (const auto* negative = std::get_if<std::int64_t>(&value_)) {
    out.append(std::to_string(*negative));
  } else if (const auto* real = std::get_if<double>(&value_)) {
    write_double(out, *real);
  } else if (const auto* truth = std::get_if<bool>(&value_)) {
    out.append(*truth ? "true" : "false");
  } else if (const Array* items = array()) {
    for (std::size_t i = 0; i < items->size(); ++i) {
      out.push_back(i == 0 ? '[' : ',');
      (*items)[i].write(out);
    }
    out.append(items->empty() ? "[]" : "]");
  } else if (const Object* members = object()) {
    for (std::size_t i = 0; i < members->size(); ++i) {
      out.push_back(i == 0 ? '{' : ',');
      write_text(out, (*members)[i].first);
      out.push_back(':');
      (*members)[i].second.write(out);
    }
    out.append(members->empty() ? "{}" : "}");
  } else {
    out.append("null");
  }
}

Result<JsonValue> parse_json(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.size) {
    return Error(Code::kInvalid, "the text has " + std::to_string(text.size()) + " bytes, at most " +
                                     std::to_string(limits.size) + " are read");
  }
  // The library takes a zero byte for the end of the text, and passes over a byte order mark.
  if (text.find('\0') != std::string_view::npos || text.starts_with("\xEF\xBB\xBF")) {
    return Error(Code::kInvalid, "the text is not JSON");
  }
  Builder builder(limits);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder, nlohmann::json::input_format_t::json, true)) {
    return Error(Code::kInvalid, "the text " + (builder.fault().empty() ? "is not JSON" : builder.fault()));
  }
  return builder.take();
}

}  // namespace cloister
