#include "crypto/der_values.h"

#include <algorithm>
#include <charconv>
#include <chrono>

namespace cloister::crypto {
namespace {

constexpr std::size_t kOidNumbersMax = 20;
constexpr unsigned kExtensionsMax = 64;

bool all_digits(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Error malformed_time() { return Error(Code::kInvalid, "a time is malformed"); }

}  // namespace

std::string oid_text(ByteView content) {
  if (content.empty() || content.back() >= 0x80) return "";
  std::string text;
  std::size_t count = 0;
  const auto append = [&text, &count](std::uint64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number);
    if (++count > 1) text.push_back('.');
    text.append(digits, end.ptr);
  };
  std::uint64_t number = 0;
  for (const std::uint8_t byte : content) {
    if (number > UINT64_MAX >> 7 || count > kOidNumbersMax) return "";
    number = number << 7 | (byte & 0x7F);
    if (byte >= 0x80) continue;
    if (count == 0) {
      const std::uint64_t first = std::min<std::uint64_t>(number / 40, 2);
      append(first);
      number -= first * 40;
    }
    append(number);
    number = 0;
  }
  return text;
}

Result<Time> read_time(const DerElement& element) {
  const ByteView digits = element.content;
  const bool is_short = element.tag == der::kUtcTime && digits.size() == 13;
  if (!is_short && (element.tag != der::kGeneralizedTime || digits.size() != 15)) return malformed_time();
  if (digits.back() != 'Z' || !all_digits(as_text(digits).substr(0, digits.size() - 1))) return malformed_time();
  const auto pair = [digits](std::size_t at) { return (digits[at] - '0') * 10 + (digits[at + 1] - '0'); };
  const int century = is_short ? (digits[0] >= '5' ? 19 : 20) : pair(0);
  const ByteView rest = is_short ? digits : digits.subspan(2);
  const auto part = [rest](std::size_t at) { return (rest[at] - '0') * 10 + (rest[at + 1] - '0'); };
  const std::chrono::year_month_day date{std::chrono::year(century * 100 + part(0)),
                                         std::chrono::month(static_cast<unsigned>(part(2))),
                                         std::chrono::day(static_cast<unsigned>(part(4)))};
  if (!date.ok() || part(6) > 23 || part(8) > 59 || part(10) > 59) return malformed_time();
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  return Time{(((days * 24 + part(6)) * 60 + part(8)) * 60 + part(10)) * 1000};
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
