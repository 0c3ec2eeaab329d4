#include "crypto/pem.h"

#include <algorithm>
#include <optional>

#include "base/base64.h"

namespace cloister::crypto {
namespace {

constexpr std::string_view kBegin = "-----BEGIN ";
constexpr std::string_view kEnd = "-----END ";
constexpr std::string_view kDashes = "-----";
constexpr std::size_t kLineMax = 76;
constexpr std::size_t kLineBytes = 48;  // 64 characters

bool is_white(char c) { return c == ' ' || c == '\t' || c == '\r'; }

std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  while (!line.empty() && is_white(line.back())) line.remove_suffix(1);
  return line;
}

bool is_mark(std::string_view line, std::string_view start, std::string_view label) {
  return line.size() == start.size() + label.size() + kDashes.size() && line.starts_with(start) &&
         line.substr(start.size(), label.size()) == label && line.ends_with(kDashes);
}

Error malformed(std::string_view label) {
  return Error(Code::kInvalid, "PEM block " + std::string(label) + " is malformed");
}

// The lines between BEGIN and END: `body` holds them with their line ends. Nothing when no block is left.
Result<std::optional<std::string_view>> next_body(std::string_view& text, std::string_view label) {
  while (!text.empty()) {
    const std::string_view line = next_line(text);
    if (!line.starts_with(kBegin)) continue;
    if (!is_mark(line, kBegin, label)) {
      return Error(Code::kInvalid, "a PEM block isn't a " + std::string(label));
    }
    const char* const start = text.data();
    while (!text.empty()) {
      const std::string_view inner = next_line(text);
      if (is_mark(inner, kEnd, label)) {
        return std::optional(std::string_view(start, static_cast<std::size_t>(inner.data() - start)));
      }
      if (inner.empty() || inner.size() > kLineMax) return malformed(label);
    }
    return malformed(label);
  }
  return std::optional<std::string_view>();
}

// Joins the lines of a body in place of `out`, which has room for all of it, and returns what was used.
std::size_t join_lines(std::string_view body, MutableByteView out) {
  std::size_t used = 0;
  while (!body.empty()) {
    const std::string_view line = next_line(body);
    std::copy(line.begin(), line.end(), out.begin() + static_cast<std::ptrdiff_t>(used));
    used += line.size();
  }
  return used;
}

std::size_t pem_size(std::size_t der_size, std::string_view label) {
  const std::size_t lines = (der_size + kLineBytes - 1) / kLineBytes;
  return kBegin.size() + kEnd.size() + 2 * (label.size() + kDashes.size() + 1) + base64_encoded_size(der_size) + lines;
}

// Fills `out`, which has that size.
void write_pem(ByteView der, std::string_view label, MutableByteView out) {
  std::size_t used = 0;
  const auto append = [&](std::string_view part) {
    std::copy(part.begin(), part.end(), out.begin() + static_cast<std::ptrdiff_t>(used));
    used += part.size();
  };
  const auto mark = [&](std::string_view start) {
    for (const std::string_view part : {start, label, kDashes, std::string_view("\n")}) append(part);
  };
  mark(kBegin);
  for (std::size_t at = 0; at < der.size(); at += kLineBytes) {
    const ByteView line = der.subspan(at, std::min(kLineBytes, der.size() - at));
    const std::size_t digits = base64_encoded_size(line.size());
    encode_base64(line, Base64::kStandard, out.subspan(used, digits));
    used += digits;
    append("\n");
  }
  mark(kEnd);
  CLOISTER_CHECK(used == out.size());
}

}  // namespace

Result<std::vector<Bytes>> parse_pem(std::string_view text, std::string_view label, std::size_t blocks_max) {
  std::vector<Bytes> blocks;
  while (true) {
    CLOISTER_TRY(const auto body, next_body(text, label));
    if (!body) break;
    if (blocks.size() == blocks_max) {
      return Error(Code::kInvalid, "more than " + std::to_string(blocks_max) + " PEM blocks");
    }
    std::string joined(body->size(), '\0');
    joined.resize(join_lines(*body, {reinterpret_cast<std::uint8_t*>(joined.data()), joined.size()}));
    auto block = from_base64(joined);
    if (!block.ok() || block->empty()) return malformed(label);
    blocks.push_back(std::move(block).value());
  }
  if (blocks.empty()) return Error(Code::kInvalid, "no PEM block " + std::string(label));
  return blocks;
}

std::string to_pem(ByteView der, std::string_view label) {
  std::string text(pem_size(der.size(), label), '\0');
  write_pem(der, label, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
  return text;
}

Result<Secret> parse_secret_pem(const Secret& text, std::string_view label) {
  std::string_view rest = as_text(text.expose());
  CLOISTER_TRY(const auto body, next_body(rest, label));
  if (!body) return Error(Code::kInvalid, "no PEM block " + std::string(label));
  if (rest.find(kBegin) != std::string_view::npos) return Error(Code::kInvalid, "more than one PEM block");
  Secret joined(body->size());
  const std::size_t used = join_lines(*body, joined.expose_mutable());
  const std::string_view digits = as_text(joined.expose().first(used));
  const auto size = base64_decoded_size(digits);
  if (!size.ok() || *size == 0) return malformed(label);
  Secret der(*size);
  if (!decode_base64(digits, Base64::kStandard, der.expose_mutable()).ok()) return malformed(label);
  return der;
}

Secret to_secret_pem(const Secret& der, std::string_view label) {
  Secret text(pem_size(der.size(), label));
  write_pem(der.expose(), label, text.expose_mutable());
  return text;
}

}  // namespace cloister::crypto
