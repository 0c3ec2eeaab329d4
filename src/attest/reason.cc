#include "attest/reason.h"

#include "base/result.h"

namespace cloister::attest {

std::string_view reason_name(Reason reason) {
  switch (reason) {
    case Reason::kMalformed: return "malformed";
    case Reason::kUnsupported: return "unsupported";
    case Reason::kBadSignature: return "bad-signature";
    case Reason::kBadChain: return "bad-chain";
    case Reason::kUntrustedRoot: return "untrusted-root";
    case Reason::kTestKey: return "test-key";
    case Reason::kExpired: return "expired";
    case Reason::kNotYetValid: return "not-yet-valid";
    case Reason::kRevoked: return "revoked";
    case Reason::kRevocationUnknown: return "revocation-unknown";
    case Reason::kBindingMismatch: return "binding-mismatch";
    case Reason::kNonceMismatch: return "nonce-mismatch";
    case Reason::kDebug: return "debug";
    case Reason::kSimulated: return "simulated";
    case Reason::kTcbUnsupported: return "tcb-unsupported";
    case Reason::kTcbRefused: return "tcb-refused";
    case Reason::kRollback: return "rollback";
    case Reason::kMeasurementMismatch: return "measurement-mismatch";
    case Reason::kReferenceMissing: return "reference-missing";
    case Reason::kNotAllowed: return "not-allowed";
  }
  CLOISTER_CHECK(false);
  return {};
}

}  // namespace cloister::attest
