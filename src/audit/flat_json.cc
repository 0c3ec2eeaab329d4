#include "audit/flat_json.h"

#include <nlohmann/json.hpp>

#include "base/reader.h"

namespace cloister::audit {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMembersMax = 64;

// Takes events of the JSON reader and says no, which ends the reading, to whatever the shape hasn't.
class FlatReader final : public nlohmann::json_sax<Json> {
 public:
  explicit FlatReader(std::string_view inner_name) : inner_name_(inner_name) {}

  FlatObject take() { return std::move(object_); }
  const std::string& why() const { return why_; }

  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("true or false"); }
  // The reader's word for a number with a minus sign.
  bool number_integer(number_integer_t) override { return refuse("a number with a sign"); }
  bool number_unsigned(number_unsigned_t number) override { return put(FlatValue(number)); }
  bool number_float(number_float_t, const string_t&) override { return refuse("a number that isn't a whole one"); }
  bool string(string_t& text) override { return put(FlatValue(std::move(text))); }
  bool binary(binary_t&) override { return refuse("bytes"); }
  bool start_array(std::size_t) override { return refuse("an array"); }
  bool end_array() override { return refuse("an array"); }

  bool start_object(std::size_t) override {
    if (depth_ == 0) {
      ++depth_;
      return true;
    }
    if (depth_ != 1 || name_ != inner_name_) return refuse("an object where none belongs");
    if (object_.inner) return refuse("the name " + name_ + " twice");
    object_.inner.emplace();
    ++depth_;
    return true;
  }

  bool end_object() override {
    --depth_;
    return true;
  }

  bool key(string_t& name) override {
    name_ = name;
    const FlatMembers& members = depth_ == 1 ? object_.members : *object_.inner;
    if (members.contains(name) || (depth_ == 1 && object_.inner && name == inner_name_)) {
      return refuse("the name " + printable(name) + " twice");
    }
    return members.size() < kMembersMax || refuse("too many members");
  }

  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
    return refuse("something that isn't JSON");
  }

 private:
  static std::string printable(const std::string& name) {
    return name.size() <= 64 && is_plain_utf8(name) ? name : std::string("of some member");
  }

  bool refuse(std::string why) {
    why_ = std::move(why);
    return false;
  }

  bool put(FlatValue value) {
    if (depth_ == 0) return refuse("no object");
    FlatMembers& members = depth_ == 1 ? object_.members : *object_.inner;
    members.emplace(name_, std::move(value));
    return true;
  }

  std::string inner_name_;
  FlatObject object_;
  std::string name_;
  std::string why_;
  int depth_ = 0;
};

}  // namespace

Result<FlatObject> parse_flat_json(std::string_view text, std::string_view inner_name) {
  // The library skips a byte order mark and takes a zero byte for the end of its input.
  if (!is_plain_utf8(text)) return Error(Code::kCorrupt, "it isn't plain UTF-8 text");
  if (!text.starts_with('{') || !text.ends_with('}')) return Error(Code::kCorrupt, "it isn't one JSON object");
  FlatReader reader(inner_name);
  if (Json::sax_parse(text.begin(), text.end(), &reader)) return reader.take();
  return Error(Code::kCorrupt, "it holds " + reader.why());
}

}  // namespace cloister::audit
