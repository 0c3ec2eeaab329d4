// Identities that are refused although their SVIDs verify: for the minutes until a short-lived one runs out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "identity/x509_svid.h"

namespace cloister::identity {

inline constexpr std::size_t kDenyEntriesMax = 10'000;
inline constexpr std::size_t kDenyReasonMax = 256;
inline constexpr std::size_t kDenyListSizeMax = 2400 * kDenyEntriesMax;

struct DeniedId {
  SpiffeId id;
  Time until;  // whole seconds
  std::string reason;
  friend bool operator==(const DeniedId&, const DeniedId&) = default;
};

// One certificate.
struct DeniedSerial {
  TrustDomain trust_domain;
  Bytes serial;  // as CertificateFacts has it
  Time until;
  std::string reason;
  friend bool operator==(const DeniedSerial&, const DeniedSerial&) = default;
};

// Immutable, sorted. Any thread may ask.
class DenyList {
 public:
  DenyList() = default;
  // kInvalid for more than kDenyEntriesMax entries, an id or serial number twice, a serial number that is empty or over
  // 20 bytes, a time that isn't of the years 1970 to 9999, a reason that is over its bound or not plain text.
  static Result<DenyList> create(std::vector<DeniedId> ids, std::vector<DeniedSerial> serials);

  // kDenied, with the reason, when the list has the peer's id or its certificate and the entry hasn't run out.
  Status check(const VerifiedSvid& svid, Time now) const;
  Status check(const SpiffeId& id, Time now) const;

  // Without what has run out.
  DenyList current(Time now) const;

  const std::vector<DeniedId>& ids() const { return ids_; }
  const std::vector<DeniedSerial>& serials() const { return serials_; }
  friend bool operator==(const DenyList&, const DenyList&) = default;

 private:
  std::vector<DeniedId> ids_;
  std::vector<DeniedSerial> serials_;
};

// The text form of docs/formats/identity.md. Parsing takes exactly what formatting writes: kInvalid, with the line's
// number, for everything else.
Result<DenyList> parse_deny_list(std::string_view text);
std::string format_deny_list(const DenyList& list);

}  // namespace cloister::identity
