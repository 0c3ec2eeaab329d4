#include "crypto/der_values.h"

#include <algorithm>

namespace cloister::crypto {
namespace {

constexpr std::size_t kOidNumbersMax = 20;
constexpr unsigned kExtensionsMax = 64;

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string oid_text(ByteView content) {
  if (content.empty() || content.back() >= 0x80) return "";
  std::vector<std::uint64_t> numbers;
  std::uint64_t number = 0;
  for (const std::uint8_t byte : content) {
    if (number > UINT64_MAX >> 7 || numbers.size() > kOidNumbersMax) return "";
    number = number << 7 | (byte & 0x7F);
    if (byte >= 0x80) continue;
    if (numbers.empty()) {
      const std::uint64_t first = std::min<std::uint64_t>(number / 40, 2);
      numbers.push_back(first);
      number -= first * 40;
    }
    numbers.push_back(number);
    number = 0;
  }
  std::string text;
  for (const std::uint64_t one : numbers) text += (text.empty() ? "" : ".") + std::to_string(one);
  return text;
}

Result<Time> read_time(const DerElement& element) {
  const Error malformed(Code::kInvalid, "a time is malformed");
  std::string digits(as_text(element.content));
  if (element.tag == der::kUtcTime && digits.size() == 13) {
    digits.insert(0, digits[0] >= '5' ? "19" : "20");
  } else if (element.tag != der::kGeneralizedTime) {
    return malformed;
  }
  if (digits.size() != 15 || digits.back() != 'Z' || !all_digits(std::string_view(digits).substr(0, 14))) {
    return malformed;
  }
  const auto part = [&](std::size_t at, std::size_t size) { return digits.substr(at, size); };
  return parse_rfc3339(part(0, 4) + "-" + part(4, 2) + "-" + part(6, 2) + "T" + part(8, 2) + ":" + part(10, 2) + ":" +
                       part(12, 2) + "Z");
}

Result<Time> next_time(DerReader& reader, std::string_view what) {
  CLOISTER_TRY(const DerElement element, reader.next(what));
  return read_time(element);
}

Status for_each_extension(ByteView sequence, const std::function<Status(const Extension&)>& each) {
  static constexpr std::string_view kWhat = "extensions";
  DerReader outer(sequence);
  CLOISTER_TRY(const ByteView content, outer.expect(der::kSequence, kWhat));
  DerReader reader(content);
  for (unsigned count = 0; !reader.at_end(); ++count) {
    if (count == kExtensionsMax) return Error(Code::kInvalid, "there are too many extensions");
    CLOISTER_TRY(const DerElement element, reader.next(kWhat));
    if (element.tag != der::kSequence) return Error(Code::kInvalid, "an extension is malformed");
    DerReader fields(element.content);
    CLOISTER_TRY(const ByteView oid, fields.expect(der::kOid, kWhat));
    CLOISTER_TRY(const auto critical, fields.maybe(der::kBoolean, kWhat));
    CLOISTER_TRY(const ByteView value, fields.expect(der::kOctetString, kWhat));
    CLOISTER_RETURN_IF_ERROR(fields.expect_end(kWhat));
    const bool is_critical = critical && critical->size() == 1 && (*critical)[0] != 0;
    CLOISTER_RETURN_IF_ERROR(each({oid_text(oid), is_critical, value, element.whole}));
  }
  return {};
}

}  // namespace cloister::crypto
