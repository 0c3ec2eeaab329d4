// Escapes of RFC 8259, and commas.
#include "posture/report/json_writer.h"

#include <array>
#include <cstdio>

#include "base/reader.h"

namespace cloister::posture::report {
namespace {

std::size_t size_by_lead(unsigned char lead) { return lead < 0x80 ? 1U : lead < 0xE0 ? 2U : lead < 0xF0 ? 3U : 4U; }

void append_escape(std::string& out, unsigned char byte, const char* pattern) {
  std::array<char, 8> buffer{};
  std::snprintf(buffer.data(), buffer.size(), pattern, byte);
  out += buffer.data();
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    if (lead >= 0x20 && lead < 0x7F && lead != '"' && lead != '\\') {
      ++i;
      continue;
    }
    const std::string_view character = text.substr(i, size_by_lead(lead));
    if (lead >= 0x80 && is_plain_utf8(character)) {
      i += character.size();
      continue;
    }
    out.append(text, begin, i - begin);
    if (lead == '"' || lead == '\\') {
      out.append({'\\', static_cast<char>(lead)});
    } else {
      append_escape(out, lead, lead < 0x80 ? "\\u%04x" : "\\\\x%02x");
    }
    begin = ++i;
  }
  out.append(text, begin);
  out += '"';
}

}  // namespace

void JsonWriter::separate() {
  if (!first_) out_ += ',';
  first_ = false;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::name(std::string_view name) {
  separate();
  append_quoted(out_, name);
  out_ += ':';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  append_quoted(out_, value);
  return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) {
  separate();
  out_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::truth(bool value) {
  separate();
  out_ += value ? "true" : "false";
  return *this;
}

}  // namespace cloister::posture::report
