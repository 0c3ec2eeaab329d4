// Text, and which: JSON lines, a table, a log. All of it is readable, so the kind is for people.
#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace cloister::posture::content {

// True where nearly all of it (95 in a hundred bytes) is UTF-8 that people write. A character cut off at the end
// counts.
bool is_mostly_text(ByteView bytes);

// "jsonl", "json", "csv", "log", "xml", "yaml" or "text", by its first lines; `whole`: these are all of its bytes.
std::string_view text_type(std::string_view text, bool whole);

// Where the text is base64 and nothing else (line breaks aside): what it stands for, up to the bytes that are here.
// Nothing for anything else, and for fewer than 128 characters.
std::optional<Bytes> decode_all_base64(std::string_view text);

}  // namespace cloister::posture::content
