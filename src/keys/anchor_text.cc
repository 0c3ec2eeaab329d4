// The text of an anchor. docs/formats/store-anchor.md.
#include <algorithm>
#include <charconv>

#include "keys/anchor.h"
#include "keys/hierarchy.h"

namespace cloister::keys {
namespace {

constexpr std::string_view kFirstLine = "cloister store anchor v1";
constexpr std::size_t kIdDigits = 32;  // of a home, a KEK, a keyring

bool is_hex(std::string_view text, std::size_t digits) {
  return text.size() == digits &&
         std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

template <typename Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && std::to_string(out) == text;
}

// The line's value where the line begins with that word; the next line is next.
bool take(std::string_view& text, std::string_view word, std::string_view& value) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos || !text.starts_with(word) || text.substr(word.size(), 1) != " ") return false;
  value = text.substr(word.size() + 1, end - word.size() - 1);
  text.remove_prefix(end + 1);
  return true;
}

// OWNER ID:VERSION
bool read_destroyed(std::string_view value, DestroyedKey& key) {
  const std::size_t space = value.find(' '), colon = value.rfind(':');
  if (space == std::string_view::npos || colon == std::string_view::npos || colon < space) return false;
  key.owner = value.substr(0, space);
  key.id = value.substr(space + 1, colon - space - 1);
  const bool named = key.kek ? parse_tenant_name(key.owner).ok() : parse_dataset_name(key.owner).ok();
  return named && is_hex(key.id, kIdDigits) && read_number(value.substr(colon + 1), key.version) && key.version > 0;
}

Error malformed() { return Error(Code::kInvalid, "not the anchor of a store"); }

}  // namespace

std::string format_anchor(const AnchorPoint& point) {
  std::string text = std::string(kFirstLine) + "\nhome " + point.home_id + "\nrows " + std::to_string(point.head.rows) +
                     "\nhead " + to_hex(point.head.hash) + "\n";
  for (const DestroyedKey& key : point.destroyed) {
    text += (key.kek ? "kek " : "key ") + key.owner + " " + key.id + ":" + std::to_string(key.version) + "\n";
  }
  return text;
}

Result<AnchorPoint> parse_anchor(std::string_view text) {
  const std::string_view whole = text;
  AnchorPoint point;
  std::string_view value;
  if (!text.starts_with(kFirstLine) || text.substr(kFirstLine.size(), 1) != "\n") return malformed();
  text.remove_prefix(kFirstLine.size() + 1);
  if (!take(text, "home", value) || !is_hex(value, kIdDigits)) return malformed();
  point.home_id = value;
  if (!take(text, "rows", value) || !read_number(value, point.head.rows) || point.head.rows == 0) return malformed();
  if (!take(text, "head", value) || !is_hex(value, 2 * point.head.hash.size())) return malformed();
  CLOISTER_TRY(const Bytes hash, from_hex(value));
  std::ranges::copy(hash, point.head.hash.begin());
  while (!text.empty()) {
    DestroyedKey key;
    key.kek = text.starts_with("kek ");
    if (!take(text, key.kek ? "kek" : "key", value) || !read_destroyed(value, key)) return malformed();
    point.destroyed.insert(std::move(key));
  }
  // One spelling: what is there twice, or in another order, was written by something else.
  if (format_anchor(point) != whole) return malformed();
  return point;
}

}  // namespace cloister::keys
