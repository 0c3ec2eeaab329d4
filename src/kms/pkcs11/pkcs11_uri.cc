#include "kms/pkcs11/pkcs11_uri.h"

#include <algorithm>

#include "base/reader.h"

namespace cloister::kms {
namespace {

constexpr std::string_view kScheme = "pkcs11:";

bool is_unreserved(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') || std::string_view("-._~").find(character) != std::string_view::npos;
}

enum class Part { kPath, kQuery };

// RFC 7512 2.3: pk11-pchar and pk11-qchar.
bool may_stand(char character, Part part) {
  const std::string_view more = part == Part::kPath ? ":[]@!$'()*+,=&" : ":[]@!$'()*+,=/?|";
  return is_unreserved(character) || more.find(character) != std::string_view::npos;
}

int digit_of(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  if (character >= 'A' && character <= 'F') return character - 'A' + 10;
  return -1;
}

Result<std::string> percent_decode(std::string_view text, Part part) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      if (!may_stand(text[i], part)) return Error(Code::kInvalid, "a character that must be percent-encoded");
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? digit_of(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? digit_of(text[i + 2]) : -1;
    if (high < 0 || low < 0) return Error(Code::kInvalid, "% without two hexadecimal digits");
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

std::string percent_encode(ByteView bytes, bool all) {
  std::string out;
  for (const std::uint8_t byte : bytes) {
    if (!all && is_unreserved(static_cast<char>(byte))) {
      out += static_cast<char>(byte);
      continue;
    }
    static constexpr std::string_view kDigits = "0123456789ABCDEF";
    out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

std::string_view type_word(Pkcs11Uri::Type type) {
  switch (type) {
    case Pkcs11Uri::Type::kSecretKey: return "secret-key";
    case Pkcs11Uri::Type::kPrivateKey: return "private";
    case Pkcs11Uri::Type::kPublicKey: return "public";
  }
  return {};
}

Status set_type(Pkcs11Uri& uri, std::string_view word) {
  using enum Pkcs11Uri::Type;
  for (const auto type : {kSecretKey, kPrivateKey, kPublicKey}) {
    if (word == type_word(type)) uri.type = type;
  }
  if (!uri.type) return Error(Code::kUnsupported, "a type that isn't a key's");
  return {};
}

std::optional<std::string>* text_attribute(Pkcs11Uri& uri, std::string_view name, Part part) {
  if (part == Part::kQuery) {
    if (name == "module-path") return &uri.module_path;
    return name == "pin-source" ? &uri.pin_source : nullptr;
  }
  if (name == "token") return &uri.token;
  if (name == "manufacturer") return &uri.manufacturer;
  if (name == "model") return &uri.model;
  if (name == "serial") return &uri.serial;
  return name == "object" ? &uri.object : nullptr;
}

Status set_attribute(Pkcs11Uri& uri, std::string_view name, std::string_view encoded, Part part) {
  if (name == "pin-value") return Error(Code::kInvalid, "a PIN stands in it: name a file by pin-source instead");
  CLOISTER_TRY(std::string value, percent_decode(encoded, part));
  const std::string twice = "the attribute " + std::string(name) + " twice";
  if (part == Part::kPath && name == "id") {
    if (uri.id) return Error(Code::kInvalid, twice);
    uri.id = to_bytes(as_bytes(value));
    return {};
  }
  if (!is_plain_utf8(value)) return Error(Code::kInvalid, "text that isn't plain UTF-8");
  if (part == Part::kPath && name == "type") {
    if (uri.type) return Error(Code::kInvalid, twice);
    return set_type(uri, value);
  }
  std::optional<std::string>* attribute = text_attribute(uri, name, part);
  if (attribute == nullptr) return Error(Code::kUnsupported, "an attribute that isn't understood");
  if (attribute->has_value()) return Error(Code::kInvalid, twice);
  *attribute = std::move(value);
  return {};
}

Status parse_part(Pkcs11Uri& uri, std::string_view text, Part part) {
  const char separator = part == Part::kPath ? ';' : '&';
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    const std::string_view attribute = text.substr(0, end);
    const std::size_t equals = attribute.find('=');
    if (equals == std::string_view::npos || equals == 0) return Error(Code::kInvalid, "an attribute is name=value");
    CLOISTER_RETURN_IF_ERROR(set_attribute(uri, attribute.substr(0, equals), attribute.substr(equals + 1), part));
    if (end + 1 == text.size()) return Error(Code::kInvalid, "it ends with a separator");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

Result<Pkcs11Uri> parse_whole(std::string_view text) {
  if (text.size() > kPkcs11UriMax || !text.starts_with(kScheme)) {
    return Error(Code::kInvalid, "it begins with pkcs11: and has 2048 bytes at most");
  }
  text.remove_prefix(kScheme.size());
  const std::size_t question = std::min(text.find('?'), text.size());
  Pkcs11Uri uri;
  CLOISTER_RETURN_IF_ERROR(parse_part(uri, text.substr(0, question), Part::kPath));
  if (question < text.size()) CLOISTER_RETURN_IF_ERROR(parse_part(uri, text.substr(question + 1), Part::kQuery));
  return uri;
}

}  // namespace

// The text itself isn't repeated: it may hold a PIN.
Result<Pkcs11Uri> parse_pkcs11_uri(std::string_view text) { return parse_whole(text).with_context("read PKCS#11 URI"); }

std::string to_string(const Pkcs11Uri& uri) {
  std::string path;
  std::string query;
  const auto add = [](std::string& out, char separator, std::string_view name, const std::string& value) {
    if (!out.empty()) out += separator;
    out.append(name).append("=").append(value);
  };
  const auto add_text = [&](std::string_view name, const std::optional<std::string>& value) {
    if (value) add(path, ';', name, percent_encode(as_bytes(*value), false));
  };
  add_text("token", uri.token);
  add_text("manufacturer", uri.manufacturer);
  add_text("model", uri.model);
  add_text("serial", uri.serial);
  add_text("object", uri.object);
  if (uri.id) add(path, ';', "id", percent_encode(*uri.id, true));
  if (uri.type) add(path, ';', "type", std::string(type_word(*uri.type)));
  if (uri.module_path) add(query, '&', "module-path", percent_encode(as_bytes(*uri.module_path), false));
  if (uri.pin_source) add(query, '&', "pin-source", percent_encode(as_bytes(*uri.pin_source), false));
  return std::string(kScheme) + path + (query.empty() ? "" : "?" + query);
}

}  // namespace cloister::kms
