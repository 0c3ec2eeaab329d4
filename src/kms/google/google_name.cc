#include "kms/google/google_name.h"

#include <algorithm>
#include <array>
#include <span>

namespace cloister::kms {
namespace {

constexpr std::array<std::string_view, 5> kKinds = {"projects", "locations", "keyRings", "cryptoKeys",
                                                    "cryptoKeyVersions"};
constexpr std::size_t kPartMax = 128;

bool is_part(std::string_view text) {
  if (text.empty() || text.size() > kPartMax || text == "." || text == "..") return false;
  return std::ranges::all_of(text, [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || std::string_view("-_.:").find(character) != std::string_view::npos;
  });
}

std::string_view take_part(std::string_view& rest) {
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string_view part = rest.substr(0, slash);
  rest.remove_prefix(std::min(slash + 1, rest.size()));
  return part;
}

// "kind/part" for each of the first `depth` kinds, and nothing else.
bool is_name(std::string_view text, std::size_t depth) {
  if (text.ends_with('/')) return false;
  for (const std::string_view kind : std::span(kKinds).first(depth)) {
    if (take_part(text) != kind || !is_part(take_part(text))) return false;
  }
  return text.empty();
}

}  // namespace

bool is_google_location(std::string_view name) { return is_name(name, 2); }
bool is_google_key_ring(std::string_view name) { return is_name(name, 3); }
bool is_google_key(std::string_view name) { return is_name(name, 4); }

bool is_google_version_of(std::string_view key, std::string_view name) {
  return is_name(name, 5) && name.size() > key.size() && name.starts_with(key) && name[key.size()] == '/';
}

Result<std::string> parse_google_key_name(std::string_view text, std::string_view key_ring) {
  if (is_google_key(text)) return std::string(text);
  if (is_part(text) && !key_ring.empty()) return std::string(key_ring) + "/cryptoKeys/" + std::string(text);
  return Error(Code::kInvalid, "\"" + std::string(text.substr(0, 300)) +
                                   "\" is no key's name: projects/…/locations/…/keyRings/…/cryptoKeys/…");
}

std::string_view google_project(std::string_view name) {
  take_part(name);
  return take_part(name);
}

}  // namespace cloister::kms
