#include "service/json_writer.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"

namespace cloister::service {

void JsonWriter::separate() {
  if (comma_) out_->push_back(',');
  comma_ = true;
}

JsonWriter& JsonWriter::begin_object() {
  separate();
  out_->push_back('{');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_object() {
  out_->push_back('}');
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::begin_array() {
  separate();
  out_->push_back('[');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::end_array() {
  out_->push_back(']');
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::name(std::string_view name) {
  value(name);
  out_->push_back(':');
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  static constexpr char kDigits[] = "0123456789abcdef";
  separate();
  out_->push_back('"');
  while (!text.empty()) {
    const auto special = std::ranges::find_if(
        text, [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
    const auto plain = static_cast<std::size_t>(special - text.begin());
    net::append(*out_, text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto byte = static_cast<unsigned char>(text.front());
    out_->push_back('\\');
    if (byte >= 0x20) {
      out_->push_back(byte);
    } else {
      net::append(*out_, "u00");
      out_->push_back(static_cast<std::uint8_t>(kDigits[byte >> 4]));
      out_->push_back(static_cast<std::uint8_t>(kDigits[byte & 15]));
    }
    text.remove_prefix(1);
  }
  out_->push_back('"');
  return *this;
}

JsonWriter& JsonWriter::value(std::uint64_t number) {
  separate();
  char text[20];
  const auto end = std::to_chars(text, text + sizeof text, number);
  net::append(*out_, std::string_view(text, end.ptr));
  return *this;
}

JsonWriter& JsonWriter::value(bool truth) {
  separate();
  net::append(*out_, truth ? "true" : "false");
  return *this;
}

JsonWriter& JsonWriter::null() {
  separate();
  net::append(*out_, "null");
  return *this;
}

JsonWriter& JsonWriter::json(std::string_view text) {
  separate();
  net::append(*out_, text);
  return *this;
}

JsonWriter& JsonWriter::bytes(ByteView bytes) {
  separate();
  out_->push_back('"');
  const std::size_t at = out_->size();
  out_->resize(at + base64_encoded_size(bytes.size()));
  encode_base64(bytes, Base64::kStandard, MutableByteView(*out_).subspan(at));
  out_->push_back('"');
  return *this;
}

}  // namespace cloister::service
