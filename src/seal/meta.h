// What is known about the payload and is nobody else's business: name, type, times. Encrypted CBOR.
// docs/formats/sealed-object.md, "META".
#pragma once

#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"

namespace cloister::seal {

struct Meta {
  std::optional<std::string> content_type;
  std::optional<std::string> name;
  std::optional<Time> sealed_at;
  std::optional<Time> modified_at;
  std::optional<std::uint32_t> mode;
};

Bytes serialize_meta(const Meta& meta);
// SO-11.
Result<Meta> parse_meta(ByteView cbor);

}  // namespace cloister::seal
