// JSON that may hold keys: its text is wiped when freed. (What fits into the object itself, under 16 characters, is no
// key.)
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "net/buffer.h"

namespace cloister::kms {

using WipedText = std::basic_string<char, std::char_traits<char>, net::WipingAllocator<char>>;
using WipedJson = nlohmann::basic_json<std::map, std::vector, WipedText, bool, std::int64_t, std::uint64_t, double>;

inline std::string_view view(const WipedText& text) { return {text.data(), text.size()}; }
inline WipedText wiped(std::string_view text) { return {text.data(), text.size()}; }

// kInvalid for anything but an object, and for one nested deeper than 16.
inline Result<WipedJson> parse_wiped(ByteView bytes) {
  const auto shallow = [](int depth, WipedJson::parse_event_t, WipedJson&) { return depth <= 16; };
  WipedJson json = WipedJson::parse(bytes.begin(), bytes.end(), shallow, false);
  if (!json.is_object()) return Error(Code::kInvalid, "it isn't a JSON object");
  return json;
}

}  // namespace cloister::kms
