// Intel's signed JSON as PCS answers it: an object, and a signature over the very bytes of that object.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "base/json.h"

namespace cloister::attest::intel {

inline constexpr std::size_t kSignedJsonSizeMax = 1 << 20;

struct SignedJson {
  std::string_view text;  // the inner object as it is signed; within the bytes that were read
  JsonValue value;        // the same, read
  Bytes signature;        // r, s: 64 bytes
};

// {"<member>": {…}, "signature": "<128 hex digits>"}, in any order and nothing else. The bytes must outlive it.
// kInvalid for anything else.
Result<SignedJson> parse_signed_json(ByteView bytes, std::string_view member);

// Members of Intel's objects. kInvalid, with the name, when one is missing or of another type.
Result<std::string> text_member(const JsonValue& object, std::string_view name);
Result<std::uint64_t> number_member(const JsonValue& object, std::string_view name, std::uint64_t max);
Result<Bytes> hex_member(const JsonValue& object, std::string_view name, std::size_t size);  // either case
Result<Time> time_member(const JsonValue& object, std::string_view name);
Result<const JsonValue::Array*> array_member(const JsonValue& object, std::string_view name, std::size_t max);
// Empty where there is no such member.
Result<std::vector<std::string>> advisories_of(const JsonValue& level);

}  // namespace cloister::attest::intel
