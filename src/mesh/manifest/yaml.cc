// Trees from libyaml's events. The library keeps its own bounded stack; ours is the frames below.
#include "mesh/manifest/yaml.h"

#include <yaml.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "base/error.h"

namespace cloister::mesh {
namespace {

using Kind = YamlValue::Kind;

struct Parser {
  Parser() { CLOISTER_CHECK(yaml_parser_initialize(&state) == 1); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() { yaml_parser_delete(&state); }
  yaml_parser_t state;
};

struct Event {
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { yaml_event_delete(&data); }
  std::uint32_t line() const { return static_cast<std::uint32_t>(data.start_mark.line + 1); }
  yaml_event_t data = {};
};

Error refusal(std::uint32_t line, const std::string& message) {
  return Error(Code::kInvalid, "line " + std::to_string(line) + ": " + message);
}

std::string anchor_of(const yaml_char_t* anchor) {
  return anchor == nullptr ? std::string() : std::string(reinterpret_cast<const char*>(anchor));
}

bool is_null_word(std::string_view text) {
  return text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL";
}

class Builder {
 public:
  explicit Builder(const YamlLimits& limits) : limits_(limits) {}

  Status take(const Event& event) {
    switch (event.data.type) {
      case YAML_DOCUMENT_START_EVENT: return start_document(event);
      case YAML_SCALAR_EVENT: return scalar(event);
      case YAML_ALIAS_EVENT: return alias(event);
      case YAML_SEQUENCE_START_EVENT: return open(event, Kind::kList, event.data.data.sequence_start.anchor);
      case YAML_MAPPING_START_EVENT: return open(event, Kind::kMap, event.data.data.mapping_start.anchor);
      case YAML_SEQUENCE_END_EVENT:
      case YAML_MAPPING_END_EVENT: return close();
      default: return ok_status();
    }
  }
  std::vector<YamlValue> documents() { return std::move(documents_); }

 private:
  struct Frame {
    YamlValue value;
    std::string anchor;
    std::optional<YamlMember> key;  // of a map: the name whose value comes next
    std::vector<YamlValue> merged;  // of a map: what "<<" brings
  };

  Status start_document(const Event& event) {
    anchors_.clear();
    if (documents_.size() >= limits_.documents) return refusal(event.line(), "too many documents in one file");
    return ok_status();
  }

  Status scalar(const Event& event) {
    const auto& from = event.data.data.scalar;
    YamlValue value;
    value.line = event.line();
    value.text.assign(reinterpret_cast<const char*>(from.value), from.length);
    value.plain = from.style == YAML_PLAIN_SCALAR_STYLE;
    value.kind = value.plain && is_null_word(value.text) ? Kind::kNull : Kind::kText;
    CLOISTER_RETURN_IF_ERROR(count(value));
    return finish(std::move(value), anchor_of(from.anchor));
  }

  Status alias(const Event& event) {
    const std::string name = anchor_of(event.data.data.alias.anchor);
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) return refusal(event.line(), "an alias of something that isn't whole before it");
    CLOISTER_RETURN_IF_ERROR(count(found->second));
    return place(YamlValue(found->second));
  }

  Status open(const Event& event, Kind kind, const yaml_char_t* anchor) {
    if (frames_.size() >= limits_.depth) return refusal(event.line(), "nested too deeply");
    Frame frame;
    frame.value.kind = kind;
    frame.value.line = event.line();
    frame.anchor = anchor_of(anchor);
    CLOISTER_RETURN_IF_ERROR(count(frame.value));
    frames_.push_back(std::move(frame));
    return ok_status();
  }

  Status close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    if (frame.value.is_map()) {
      CLOISTER_RETURN_IF_ERROR(expect_unique(frame.value));
      merge(frame);
    }
    return finish(std::move(frame.value), frame.anchor);
  }

  Status finish(YamlValue value, const std::string& anchor) {
    if (!anchor.empty()) {
      CLOISTER_RETURN_IF_ERROR(count(value));
      anchors_.insert_or_assign(anchor, value);
    }
    return place(std::move(value));
  }

  Status place(YamlValue value) {
    if (frames_.empty()) {
      documents_.push_back(std::move(value));
      return ok_status();
    }
    Frame& frame = frames_.back();
    if (frame.value.is_list()) {
      frame.value.items.push_back(std::move(value));
    } else if (!frame.key) {
      if (value.is_list() || value.is_map()) return refusal(value.line, "a name in a map isn't text");
      frame.key = YamlMember{std::move(value.text), value.line, {}};
    } else if (frame.key->name == "<<") {
      CLOISTER_RETURN_IF_ERROR(keep_merged(frame, std::move(value)));
      frame.key.reset();
    } else {
      frame.key->value = std::move(value);
      frame.value.members.push_back(std::move(*frame.key));
      frame.key.reset();
    }
    return ok_status();
  }

  static Status keep_merged(Frame& frame, YamlValue value) {
    const std::uint32_t line = frame.key->line;
    if (value.is_map()) {
      frame.merged.push_back(std::move(value));
      return ok_status();
    }
    for (YamlValue& item : value.items) {
      if (!item.is_map()) return refusal(line, "<< takes a map, or a list of maps");
      frame.merged.push_back(std::move(item));
    }
    return value.is_list() ? ok_status() : Status(refusal(line, "<< takes a map, or a list of maps"));
  }

  // The map's own members come before what is merged into it, and earlier merges before later ones.
  static void merge(Frame& frame) {
    for (YamlValue& from : frame.merged) {
      std::vector<YamlMember> fresh;
      for (YamlMember& member : from.members) {
        if (frame.value.find(member.name) == nullptr) fresh.push_back(std::move(member));
      }
      std::ranges::move(fresh, std::back_inserter(frame.value.members));
    }
  }

  static Status expect_unique(const YamlValue& map) {
    std::vector<const YamlMember*> sorted;
    sorted.reserve(map.members.size());
    for (const YamlMember& member : map.members) sorted.push_back(&member);
    std::ranges::sort(sorted, {},
                      [](const YamlMember* member) { return std::pair(std::string_view(member->name), member->line); });
    const auto twice =
        std::ranges::adjacent_find(sorted, [](const YamlMember* a, const YamlMember* b) { return a->name == b->name; });
    if (twice == sorted.end()) return ok_status();
    return refusal((*std::next(twice))->line, "the same name twice in one map");
  }

  // Everything in a value that is made, or copied, counts.
  Status count(const YamlValue& value) {
    values_ += 1;
    text_ += value.text.size();
    if (values_ > limits_.values || text_ > limits_.text)
      return refusal(value.line, "too many values, with what aliases copy");
    for (const YamlValue& item : value.items) CLOISTER_RETURN_IF_ERROR(count(item));
    for (const YamlMember& member : value.members) {
      text_ += member.name.size();
      CLOISTER_RETURN_IF_ERROR(count(member.value));
    }
    return ok_status();
  }

  const YamlLimits limits_;
  std::vector<Frame> frames_;
  std::map<std::string, YamlValue, std::less<>> anchors_;
  std::vector<YamlValue> documents_;
  std::size_t values_ = 0, text_ = 0;
};

Error parser_error(const yaml_parser_t& parser) {
  const std::string message = parser.problem == nullptr ? "not YAML" : parser.problem;
  if (parser.error == YAML_READER_ERROR) {
    return Error(Code::kInvalid, "byte " + std::to_string(parser.problem_offset) + ": " + message);
  }
  return refusal(static_cast<std::uint32_t>(parser.problem_mark.line + 1), message);
}

Result<std::vector<YamlValue>> parse_events(yaml_parser_t& parser, const YamlLimits& limits) {
  Builder builder(limits);
  while (true) {
    Event event;
    if (yaml_parser_parse(&parser, &event.data) != 1) return parser_error(parser);
    if (event.data.type == YAML_STREAM_END_EVENT) return builder.documents();
    CLOISTER_RETURN_IF_ERROR(builder.take(event));
  }
}

}  // namespace

const YamlMember* YamlValue::find(std::string_view name) const {
  const auto found = std::ranges::find(members, name, &YamlMember::name);
  return found == members.end() ? nullptr : &*found;
}

const YamlValue& YamlValue::at(std::string_view name) const {
  static const YamlValue nothing;
  const YamlMember* member = find(name);
  return member == nullptr ? nothing : member->value;
}

const YamlValue& YamlValue::under(std::string_view path) const {
  const YamlValue* value = this;
  while (!path.empty()) {
    const std::size_t dot = path.find('.');
    value = &value->at(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1);
  }
  return *value;
}

std::optional<bool> YamlValue::truth() const {
  std::string word = text;
  for (char& c : word) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (word == "true") return true;
  if (word == "false") return false;
  if (!plain) return std::nullopt;
  if (word == "yes" || word == "on" || word == "y") return true;
  if (word == "no" || word == "off" || word == "n") return false;
  return std::nullopt;
}

std::optional<std::int64_t> YamlValue::integer() const {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return read.ec == std::errc() && read.ptr == end ? std::optional(number) : std::nullopt;
}

Result<std::vector<YamlValue>> parse_yaml(std::string_view text, const YamlLimits& limits) {
  if (text.size() > limits.size) {
    return Error(Code::kInvalid,
                 std::to_string(text.size()) + " bytes, at most " + std::to_string(limits.size) + " are read");
  }
  // The library takes a null pointer for a mistake of ours.
  if (text.empty()) return std::vector<YamlValue>();
  Parser parser;
  yaml_parser_set_encoding(&parser.state, YAML_UTF8_ENCODING);
  yaml_parser_set_input_string(&parser.state, reinterpret_cast<const unsigned char*>(text.data()), text.size());
  auto documents = parse_events(parser.state, limits);
  if (documents.ok() || text.find("{{") == std::string_view::npos) return documents;
  return Error(documents.error().code(),
               documents.error().message() + "; a chart's template is read as `helm template` renders it");
}

}  // namespace cloister::mesh
