#include "service/aws/body.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/base64.h"
#include "base/reader.h"

namespace cloister::service::aws {
namespace {

using WipedText = std::basic_string<char, std::char_traits<char>, net::WipingAllocator<char>>;
using Json = nlohmann::basic_json<std::map, std::vector, WipedText, bool, std::int64_t, std::uint64_t, double>;

constexpr std::size_t kTagKeyMax = 128;
constexpr std::size_t kTagValueMax = 256;

std::string_view view(const WipedText& text) { return {text.data(), text.size()}; }
WipedText key_of(std::string_view name) { return {name.data(), name.size()}; }
std::string copy_of(const Json& value) { return std::string(view(value.get_ref<const WipedText&>())); }

Error wrong(std::string_view name, std::string_view what) {
  return Error(Code::kInvalid, "the member " + std::string(name) + " " + std::string(what));
}

// Stops reading where a name comes twice or brackets go too deep: what comes after could be anything.
class Guard {
 public:
  bool operator()(int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (depth > static_cast<int>(kBodyDepthMax)) fault_ = true;
    if (event == Event::object_start) names_.emplace_back();
    if (event == Event::key && !names_.back().insert(copy_of(parsed)).second) fault_ = true;
    if (event == Event::object_end) names_.pop_back();
    return !fault_;
  }
  bool fault() const { return fault_; }

 private:
  std::vector<std::set<std::string>> names_;
  bool fault_ = false;
};

}  // namespace

struct Body::Root {
  Json json;
  const Json* find(std::string_view name) const {
    const auto found = json.find(key_of(name));
    return found == json.end() || found->is_null() ? nullptr : &*found;
  }
};

Body::Body(std::unique_ptr<Root> root) : root_(std::move(root)) {}
Body::Body(Body&&) noexcept = default;
Body::~Body() = default;

Result<Body> Body::parse(Call& call, std::initializer_list<std::string_view> known) {
  const net::Buffer& text = call.request.body;
  Guard guard;
  auto root = std::make_unique<Root>();
  if (text.size() <= kBodySizeMax) {
    root->json = Json::parse(text.begin(), text.end(), std::ref(guard), false);
  }
  if (guard.fault() || !root->json.is_object()) {
    call.fault = "SerializationException";
    return Error(Code::kInvalid, "the body is one JSON object of at most 128 KiB, with no name twice");
  }
  for (const auto& [name, value] : root->json.items()) {
    if (std::ranges::find(known, view(name)) != known.end()) continue;
    return Error(Code::kInvalid, "this operation has no member of that name: " + std::string(view(name).substr(0, 64)));
  }
  return Body(std::move(root));
}

bool Body::has(std::string_view name) const { return root_->find(name) != nullptr; }

Result<std::string> Body::text(std::string_view name, std::size_t size_max) const {
  const Json* value = root_->find(name);
  if (value == nullptr) return wrong(name, "is missing");
  if (!value->is_string()) return wrong(name, "is text");
  if (view(value->get_ref<const WipedText&>()).size() > size_max) return wrong(name, "is too long");
  return copy_of(*value);
}

Result<std::string> Body::text_or(std::string_view name, std::size_t size_max, std::string_view otherwise) const {
  return has(name) ? text(name, size_max) : Result<std::string>(std::string(otherwise));
}

Result<net::Buffer> Body::blob(std::string_view name, std::size_t size_min, std::size_t size_max) const {
  const Json* value = root_->find(name);
  if (value == nullptr) return wrong(name, "is missing");
  if (!value->is_string()) return wrong(name, "is base64");
  const std::string_view text = view(value->get_ref<const WipedText&>());
  const auto size = base64_decoded_size(text);
  if (!size.ok()) return wrong(name, "is base64");
  if (*size < size_min || *size > size_max) {
    return wrong(name, "is " + std::to_string(size_min) + " to " + std::to_string(size_max) + " bytes");
  }
  net::Buffer bytes(*size);
  if (!decode_base64(text, Base64::kStandard, bytes).ok()) return wrong(name, "is base64");
  return bytes;
}

Result<std::optional<std::uint64_t>> Body::number(std::string_view name, std::uint64_t min, std::uint64_t max) const {
  const Json* value = root_->find(name);
  if (value == nullptr) return std::optional<std::uint64_t>();
  const std::string bounds = "is a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  if (!value->is_number_unsigned()) return wrong(name, bounds);
  const auto number = value->get<std::uint64_t>();
  if (number < min || number > max) return wrong(name, bounds);
  return std::optional<std::uint64_t>(number);
}

Result<bool> Body::flag(std::string_view name) const {
  const Json* value = root_->find(name);
  if (value == nullptr) return false;
  if (!value->is_boolean()) return wrong(name, "is true or false");
  return value->get<bool>();
}

Result<std::vector<std::string>> Body::texts(std::string_view name, std::size_t count_max, std::size_t size_max) const {
  std::vector<std::string> all;
  const Json* value = root_->find(name);
  if (value == nullptr) return all;
  if (!value->is_array() || value->size() > count_max) return wrong(name, "is a short list of texts");
  for (const Json& one : *value) {
    if (!one.is_string() || one.get_ref<const WipedText&>().size() > size_max) {
      return wrong(name, "is a short list of texts");
    }
    all.push_back(copy_of(one));
  }
  return all;
}

Result<std::map<std::string, std::string>> Body::texts_by_name(std::string_view name, std::size_t count_max,
                                                               std::size_t size_max) const {
  std::map<std::string, std::string> all;
  const Json* value = root_->find(name);
  if (value == nullptr) return all;
  if (!value->is_object() || value->size() > count_max) return wrong(name, "is an object with few members");
  std::size_t size = 0;
  for (const auto& [key, one] : value->items()) {
    if (!one.is_string() || key.empty()) return wrong(name, "has texts under names that aren't empty");
    size += key.size() + one.get_ref<const WipedText&>().size();
    if (size > size_max) return wrong(name, "is too long");
    all.emplace(view(key), copy_of(one));
  }
  return all;
}

Result<std::map<std::string, std::string>> Body::tags(std::string_view name, std::size_t count_max) const {
  std::map<std::string, std::string> all;
  const Json* value = root_->find(name);
  if (value == nullptr) return all;
  const Error malformed = wrong(name, "is a list of TagKey and TagValue, each TagKey once");
  if (!value->is_array() || value->size() > count_max) return malformed;
  for (const Json& one : *value) {
    const auto key = one.find(key_of("TagKey"));
    const auto text = one.find(key_of("TagValue"));
    if (!one.is_object() || one.size() != 2 || key == one.end() || text == one.end() || !key->is_string() ||
        !text->is_string()) {
      return malformed;
    }
    std::string tag = copy_of(*key), tag_value = copy_of(*text);
    if (tag.empty() || tag.size() > kTagKeyMax || tag_value.size() > kTagValueMax || !is_plain_utf8(tag) ||
        !is_plain_utf8(tag_value) || !all.emplace(std::move(tag), std::move(tag_value)).second) {
      return malformed;
    }
  }
  return all;
}

}  // namespace cloister::service::aws
