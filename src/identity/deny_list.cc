#include "identity/deny_list.h"

#include <algorithm>

#include "base/reader.h"

namespace cloister::identity {
namespace {

constexpr std::string_view kFirstLine = "cloister deny-list 1";
constexpr std::size_t kSerialMax = 20;
constexpr Time kYear10000{253'402'300'800'000};

bool less_id(const DeniedId& a, const DeniedId& b) { return a.id < b.id; }
bool less_serial(const DeniedSerial& a, const DeniedSerial& b) {
  return a.trust_domain != b.trust_domain ? a.trust_domain < b.trust_domain : a.serial < b.serial;
}

Status check_entry(Time& until, const std::string& reason) {
  if (until < Time{0} || until >= kYear10000) return Error(Code::kInvalid, "an entry ends outside 1970 to 9999");
  until = Time{until.unix_ms - until.unix_ms % 1000};
  if (reason.size() <= kDenyReasonMax && is_plain_utf8(reason) && !reason.starts_with(' ')) return {};
  return Error(Code::kInvalid, "an entry's reason is longer than 256 bytes, not plain text or begins with a space");
}

Error denied(std::string_view what, Time until, const std::string& reason) {
  std::string text = std::string(what) + " is denied until " + to_rfc3339(until);
  if (!reason.empty()) text += ": " + reason;
  return Error(Code::kDenied, std::move(text));
}

// The word in front; the rest stays. Words are separated by one space.
std::string_view take_word(std::string_view& line) {
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(std::min(line.size(), word.size() + 1));
  return word;
}

// The written form is the only one: "2026-11-24T13:23:09Z".
std::string date_of(Time time) { return to_rfc3339(time).substr(0, 19) + "Z"; }

Status parse_line(std::string_view line, std::vector<DeniedId>& ids, std::vector<DeniedSerial>& serials) {
  const std::string_view kind = take_word(line);
  const std::string_view name = take_word(line);
  if (kind == "id") {
    CLOISTER_TRY(SpiffeId id, SpiffeId::parse(name));
    CLOISTER_TRY(const Time until, parse_rfc3339(take_word(line)));
    ids.push_back({std::move(id), until, std::string(line)});
    return {};
  }
  if (kind != "serial") return Error(Code::kInvalid, "an entry begins with id or serial");
  CLOISTER_TRY(TrustDomain trust_domain, TrustDomain::parse(name));
  CLOISTER_TRY(Bytes serial, from_hex(take_word(line)));
  CLOISTER_TRY(const Time until, parse_rfc3339(take_word(line)));
  serials.push_back({std::move(trust_domain), std::move(serial), until, std::string(line)});
  return {};
}

void write_end(std::string& out, Time until, const std::string& reason) {
  out += " " + date_of(until);
  if (!reason.empty()) out += " " + reason;
  out += "\n";
}

}  // namespace

Result<DenyList> DenyList::create(std::vector<DeniedId> ids, std::vector<DeniedSerial> serials) {
  if (ids.size() + serials.size() > kDenyEntriesMax) return Error(Code::kInvalid, "a deny list has too many entries");
  for (DeniedId& one : ids) CLOISTER_RETURN_IF_ERROR(check_entry(one.until, one.reason));
  for (DeniedSerial& one : serials) {
    CLOISTER_RETURN_IF_ERROR(check_entry(one.until, one.reason));
    if (one.serial.empty() || one.serial.size() > kSerialMax || one.serial[0] == 0) {
      return Error(Code::kInvalid, "a denied serial number is positive and has 20 bytes at most");
    }
  }
  std::ranges::sort(ids, less_id);
  std::ranges::sort(serials, less_serial);
  const auto same_id = [](const DeniedId& a, const DeniedId& b) { return !less_id(a, b); };
  const auto same_serial = [](const DeniedSerial& a, const DeniedSerial& b) { return !less_serial(a, b); };
  if (std::ranges::adjacent_find(ids, same_id) != ids.end() ||
      std::ranges::adjacent_find(serials, same_serial) != serials.end()) {
    return Error(Code::kInvalid, "a deny list has an entry twice");
  }
  DenyList list;
  list.ids_ = std::move(ids);
  list.serials_ = std::move(serials);
  return list;
}

Status DenyList::check(const SpiffeId& id, Time now) const {
  const auto found = std::ranges::lower_bound(ids_, id, {}, &DeniedId::id);
  if (found == ids_.end() || found->id != id || now >= found->until) return {};
  return denied(id.uri(), found->until, found->reason);
}

Status DenyList::check(const VerifiedSvid& svid, Time now) const {
  CLOISTER_RETURN_IF_ERROR(check(svid.id, now));
  const DeniedSerial key{svid.id.trust_domain(), svid.serial, {}, {}};
  const auto found = std::ranges::lower_bound(serials_, key, less_serial);
  if (found == serials_.end() || less_serial(key, *found) || now >= found->until) return {};
  return denied("certificate " + to_hex(svid.serial) + " of " + svid.id.uri(), found->until, found->reason);
}

DenyList DenyList::current(Time now) const {
  DenyList kept = *this;
  std::erase_if(kept.ids_, [now](const DeniedId& one) { return now >= one.until; });
  std::erase_if(kept.serials_, [now](const DeniedSerial& one) { return now >= one.until; });
  return kept;
}

Result<DenyList> parse_deny_list(std::string_view text) {
  if (text.size() > kDenyListSizeMax) return Error(Code::kInvalid, "a deny list is too long");
  std::vector<DeniedId> ids;
  std::vector<DeniedSerial> serials;
  std::string_view rest = text;
  for (std::size_t number = 1; !rest.empty() || number == 1; ++number) {
    const std::size_t end = rest.find('\n');
    const std::string doing = "line " + std::to_string(number) + " of a deny list";
    if (end == std::string_view::npos) return Error(Code::kInvalid, doing + " doesn't end");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (number == 1) {
      if (line != kFirstLine) return Error(Code::kInvalid, doing + " isn't \"" + std::string(kFirstLine) + "\"");
      continue;
    }
    CLOISTER_RETURN_IF_ERROR(parse_line(line, ids, serials).with_context(doing));
  }
  CLOISTER_TRY(DenyList list, DenyList::create(std::move(ids), std::move(serials)));
  // One text for each list, so that lists can be compared and signed as text: sorted, lower case, single spaces.
  if (format_deny_list(list) != text) return Error(Code::kInvalid, "a deny list isn't in its one written form");
  return list;
}

std::string format_deny_list(const DenyList& list) {
  std::string out = std::string(kFirstLine) + "\n";
  for (const DeniedId& one : list.ids()) {
    out += "id " + one.id.uri();
    write_end(out, one.until, one.reason);
  }
  for (const DeniedSerial& one : list.serials()) {
    out += "serial " + one.trust_domain.name() + " " + to_hex(one.serial);
    write_end(out, one.until, one.reason);
  }
  return out;
}

}  // namespace cloister::identity
