// Watches a certificate log for certificates that name our domains: every entry is read, and the whole of them held
// against the head that the log signed. c2sp.org/static-ct-api, c2sp.org/tlog-tiles.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "audit/merkle.h"
#include "crypto/asymmetric_key.h"
#include "probe/transparency/tile_leaf.h"

namespace cloister::probe {

// A log's signed head: a signed note whose signature is that of RFC 6962 3.5 (type 05).
struct LogHead {
  std::string origin;
  audit::TreeHead tree;
  Time at;
};
// kDenied when the log's key didn't sign it. kCorrupt when the note is malformed.
Result<LogHead> verify_log_head(std::string_view note, const crypto::PublicKey& log_key);

// How far a log was read: what must be kept between two looks.
struct LogPosition {
  std::string origin;       // empty: nothing yet
  audit::Frontier entries;  // of all entries read
};
// JSON, as format_position() writes it. kInvalid for anything else.
Result<LogPosition> parse_position(std::string_view json);
std::string format_position(const LogPosition& position);

struct MonitorQuestion {
  std::vector<std::string> domains;  // "example.org": it, everything below it, and its wildcards
  std::set<Bytes> known;             // certificate_key() of certificates that are ours
};
// Issuer and serial number: the same for a certificate and its precertificate. kInvalid when it can't be read.
Result<Bytes> certificate_key(ByteView der);

struct Sighting {
  std::uint64_t index = 0;
  Time at;
  bool precertificate = false, known = false;
  std::vector<std::string> names;  // those of our domains
  std::string issuer;
  std::string serial;  // hexadecimal
  Time not_before, not_after;
};

struct MonitorReport {
  LogHead head;
  std::uint64_t read = 0;        // entries, this time
  std::uint64_t unreadable = 0;  // of these: what they hold is no certificate that can be read
  std::vector<Sighting> sightings;
};

// One resource of the log: "checkpoint", "tile/data/000".
using LogFetch = std::function<Result<Bytes>(const std::string& path)>;

// The position after everything that is in the log now: what comes later is what will be looked at. Reads only the
// hashes that the log publishes, and checks them against its head; the codes of monitor_log().
Result<LogPosition> position_at_head(const LogFetch& fetch, const crypto::PublicKey& log_key);

// Reads from `position` on to the log's head, and moves it there. kCorrupt when the entries aren't those of the head,
// when the log is another than before or has become smaller: it shows different people different things, or lost
// something. Position is untouched then.
Result<MonitorReport> monitor_log(const LogFetch& fetch, const crypto::PublicKey& log_key,
                                  const MonitorQuestion& question, LogPosition& position);

}  // namespace cloister::probe
