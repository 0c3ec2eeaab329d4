// JSON straight into an answer's buffer, which is wiped when freed: keys don't pass through other memory.
#pragma once

#include <cstdint>
#include <string_view>

#include "net/buffer.h"

namespace cloister::service {

// Commas are written by themselves; that brackets match is the caller's to see to. Text is UTF-8.
class JsonWriter {
 public:
  explicit JsonWriter(net::Buffer& out) : out_(&out) {}

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& name(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(std::uint64_t number);
  JsonWriter& value(bool truth);
  JsonWriter& null();
  // A whole value that is JSON already.
  JsonWriter& json(std::string_view text);
  // As base64 with its padding.
  JsonWriter& bytes(ByteView bytes);

  template <typename Value>
  JsonWriter& member(std::string_view name_of_it, const Value& value_of_it) {
    return name(name_of_it).value(value_of_it);
  }

 private:
  void separate();

  net::Buffer* out_;
  bool comma_ = false;
};

}  // namespace cloister::service
