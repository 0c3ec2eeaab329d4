// Evidence about who talks to whom and how, whatever it came from: statements, each with its class and its time.
// docs/formats/path-evidence.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "identity/spiffe_id.h"
#include "probe/path/graph.h"

namespace cloister::probe::path {

inline constexpr std::size_t kStatementsMax = 262'144;

// Classes that don't depend on each other: two of them must agree before anything passes.
enum class Source {
  kProbe,          // what a listener accepts, tried from outside
  kConfiguration,  // what was meant to be
  kCapture,        // packets on the wire
  kSockets,        // the kernel's table of sockets
  kReceipt,        // both ends of one connection, signed
  kProvider,       // what the cloud says of its network: never counts for a pass
};
inline constexpr std::size_t kSourceCount = 6;
std::string_view name_of(
    Source source);  // "active-probe", "configuration", "capture", "sockets", "receipt", "provider"

enum class Claim {
  kEncrypted,          // what was seen, or is accepted, is encrypted: `protection` says how
  kEnforced,           // configured so that nothing else gets through
  kPlaintextRefused,   // tried in the clear, and refused
  kPlaintextAccepted,  // tried in the clear, and answered
  kPlaintextSeen,      // in the clear on the wire
  kBypass,             // configured so that something can get through in the clear
  kClientNotProven,    // TLS to whoever comes: no client certificate is asked for
  kUnrecognised,       // bytes went over, and what they are can't be told
  kConnected,          // there is a connection; how it is protected isn't said
};
inline constexpr std::size_t kClaimCount = 9;
std::string_view name_of(Claim claim);  // "encrypted", "enforced", "plaintext-refused", …

// One end, as the evidence knows it. What is empty isn't known; all empty: any.
struct Party {
  std::string component;
  std::optional<IpAddress> address;
  std::optional<identity::SpiffeId> spiffe_id;
  std::string executable;
  std::string workload;

  bool is_any() const;
  std::string to_string() const;  // the most telling part
};

struct Statement {
  Source source = Source::kProbe;
  Claim claim = Claim::kConnected;
  Party from, to;
  std::uint16_t port = 0;  // of `to`; 0: all of its ports
  Transport transport = Transport::kTcp;
  Time begin, end;          // when it was so
  std::uint64_t flows = 0;  // connections behind it; 0 where nobody counts
  Protection protection = Protection::kEncrypted;
  std::uint16_t tls_version = 0;  // as on the wire; 0: not known
  std::string detail;             // one line, printable
  std::size_t item = 0;           // the position of the file it is from
};

// A file of statements that somebody else made, a collector or a person: of the classes active-probe, configuration,
// sockets and provider. Captures and receipts are read as what they are, never taken on somebody's word. kInvalid for
// what isn't such a file.
inline constexpr std::string_view kEvidenceFormat = "cloister-paths-statements/1";
inline constexpr std::size_t kEvidenceFileSizeMax = std::size_t{16} << 20;
Result<std::vector<Statement>> parse_evidence(std::string_view json);
std::string format_evidence(const std::vector<Statement>& statements);

// Text from a peer or a file, made harmless for a terminal and cut to 256 bytes.
std::string plain_detail(std::string_view text);

}  // namespace cloister::probe::path
