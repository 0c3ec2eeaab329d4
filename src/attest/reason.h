// Why evidence was refused, in one stable word a class: tests, records and people compare them.
#pragma once

#include <string_view>

namespace cloister::attest {

enum class Reason {
  kMalformed,            // length, type, duplicate key, missing member, trailing bytes that aren't allowed
  kUnsupported,          // a known form that is refused
  kBadSignature,         // and r or s that is 0, not below the order, or too long
  kBadChain,             // a missing link, an issuer of the wrong kind, no path
  kUntrustedRoot,        // a path to a root that isn't the vendor's
  kTestKey,              // a key whose private part was published, or a simulator's
  kExpired,              // a certificate, revocation list, collateral or signer at the time of the question
  kNotYetValid,          // the same, before its time
  kRevoked,              // "on hold" counts
  kRevocationUnknown,    // no answer, or an old one
  kBindingMismatch,      // one part doesn't belong to the other: report data, hash of a key, FWID
  kNonceMismatch,        // evidence of another question
  kDebug,                // the host may look into it
  kSimulated,            // insecure_software where hardware is asked for
  kTcbUnsupported,       // no level of the vendor's list matches
  kTcbRefused,           // status or advisory that isn't allowed
  kRollback,             // collateral older than what was seen before
  kMeasurementMismatch,  // what runs there isn't what was expected
  kReferenceMissing,     // nothing to compare with
  kNotAllowed,           // chip, platform, generation, VMPL, kind of signer, another rule
};
std::string_view reason_name(Reason reason);  // "bad-signature"

}  // namespace cloister::attest
