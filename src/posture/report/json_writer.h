// JSON text as it grows: reports over a hundred thousand findings are written once, from front to back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cloister::posture::report {

// The caller opens and closes in pairs and names every member of an object. Text from outside may be any bytes: what is
// no well-formed UTF-8 becomes \xNN, as facts have it.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& name(std::string_view name);
  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::int64_t value);
  JsonWriter& truth(bool value);

  // A member of an object.
  JsonWriter& text(std::string_view member, std::string_view value) { return name(member).text(value); }
  JsonWriter& number(std::string_view member, std::int64_t value) { return name(member).number(value); }
  JsonWriter& truth(std::string_view member, bool value) { return name(member).truth(value); }
  // Left out where it would be empty.
  JsonWriter& text_if(std::string_view member, std::string_view value) {
    return value.empty() ? *this : text(member, value);
  }
  JsonWriter& array(std::string_view member) { return name(member).begin_array(); }
  JsonWriter& object(std::string_view member) { return name(member).begin_object(); }

  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string out_;
  bool first_ = true;  // nothing stands before the next value in its list or object
};

}  // namespace cloister::posture::report
