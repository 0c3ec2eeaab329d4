// Certificates that logs have seen for declared endpoints: answers of monitors, as files; no log is asked.
#pragma once

#include <set>

#include "crypto/x509.h"
#include "posture/collect/input_file.h"
#include "posture/collector.h"

namespace cloister::posture {

inline constexpr std::string_view kTransparencyCollector = "ct/1";

// One certificate that a log has.
struct LoggedCertificate {
  std::string serial;  // hexadecimal in lower case, without leading zeros
  std::string issuer;  // its name's parts in order; with the serial number it says which certificate this is
  std::vector<std::string> names;
  Time not_after;
  bool known = false;    // the monitor says that it is one of ours
  bool told_of = false;  // the monitor, which knew others, said then that it isn't
};

// From the first entry to the one before `to`.
struct LogEntries {
  std::uint64_t from = 0, to = 0;
};

// What a monitor's answer says.
struct TransparencyAnswer {
  std::optional<Time> at;            // when the monitor looked; nothing: the answer doesn't say
  std::vector<std::string> domains;  // that it looked for, with all below them; empty: it doesn't say
  std::vector<LoggedCertificate> certificates;
  std::string log;          // whose entries it read, of one look; empty: an answer about all logs
  LogEntries entries = {};  // that this look read
  std::string incomplete;   // why something may be missing; empty: nothing is
};
// Of `cloister scan logs --json`, of crt.sh (output=json) or of Cert Spotter's API (expand=dns_names,cert_der).
// kInvalid for anything else.
Result<TransparencyAnswer> parse_transparency(std::string_view json);

// One `ct.monitor` for each declared endpoint that an answer speaks of: certificates that name it, haven't expired and
// aren't known. Known are those that the monitor says are, and those of `known`, by issuer and serial number. An alert
// was seen where a monitor that knew others told of a certificate that wasn't known then, and that is known now. Looks
// at a log count together: they are proof of nothing good unless they read every entry of it. Answers of crt.sh and
// Cert Spotter show what isn't known, and alone prove nothing good.
class TransparencyCollector final : public Collector {
 public:
  TransparencyCollector(std::vector<InputFile> files, const std::vector<crypto::Certificate>& known);
  std::string_view name() const override { return kTransparencyCollector; }
  void collect(const CollectContext& context, FactSink& sink) override;

 private:
  std::vector<InputFile> files_;
  std::set<std::string> known_;  // serial numbers and issuers
};

}  // namespace cloister::posture
