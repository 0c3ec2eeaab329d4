// One use of a key, as the detectors see it; and what an operator tells them beforehand: planned jobs, facts of a key.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/clock.h"

namespace cloister::audit::anomaly {

enum class Operation : std::uint8_t {
  kOther,  // a record that is no use of a key; it still counts for the index and the clock
  kWrap,
  kUnwrap,
  kRewrap,
  kCreateKey,
  kRotateKey,
  kEnableKey,
  kDisableKey,
  kScheduleDeletion,
  kCancelDeletion,
  kDestroyKey,
  kImportMaterial,
  kRaiseMinimumVersion,
  kTrimVersions,
  kExportKey,
  kChangePolicy,
  kDisableAudit,
  kEnableAudit,
};
inline constexpr unsigned kOperations = 18;
std::string_view operation_name(Operation operation);

enum class UsageOutcome : std::uint8_t {
  kAllowed,
  kDenied,        // policy or state said no
  kWrongKey,      // the ciphertext belongs to another key
  kWrongContext,  // the authenticated context doesn't fit the ciphertext
  kWrongTenant,   // key, ciphertext or context of another tenant
  kMalformed,     // not a ciphertext at all
  kFailed,        // our own failure
};

// A view: every text must outlive the call it is passed to. Empty text and 0 mean "not known", and no detector takes
// the absence of a field for good or for evil. Names and numbers only: never key bytes, plaintext or ciphertext.
struct UsageEvent {
  Time time;
  std::string_view tenant;
  std::string_view principal;  // SPIFFE id
  Operation operation = Operation::kOther;
  std::string_view key_id;
  std::uint32_t key_version = 0;     // used by this operation
  std::uint32_t newest_version = 0;  // of that key, at that moment
  std::string_view dataset;
  std::uint32_t dek_count = 1;  // DEKs in this batch
  UsageOutcome outcome = UsageOutcome::kAllowed;
  std::string_view source;  // address or host name
  std::string_view region;
  std::string_view measurement;  // attested digest, in any one notation
  std::string_view job_id;
  Duration latency;
  bool throttled = false;
  std::uint64_t audit_index = 0;  // of the tenant's audit log: 1, 2, 3, …
};

// A job the scheduler announced. Its unwraps raise no alarm of volume, hour or place until they exceed what was said.
struct PlannedJob {
  std::string_view job_id;
  std::string_view principal;  // who will run it; its family counts
  std::string_view key_id;
  std::uint64_t dek_count = 0;  // expected
  Time from;
  Time until;
};

// What a provider says of a key: `describe`, looked at again and again.
struct KeyFacts {
  Time time;
  std::string_view tenant;
  std::string_view key_id;
  bool rotation_on = false;
  bool customer_managed = false;
  bool exportable = false;
  bool hardware_protected = false;
  bool policy_wildcard = false;       // the policy lets any principal use it
  bool attestation_required = false;  // unwrapping needs verified evidence
  bool flagged_for_deletion = false;
  std::uint64_t audit_index = 0;  // of the record that carries the description
};

// The size and root a tenant's audit log claimed to have.
struct LogHead {
  Time time;
  std::string_view tenant;
  std::uint64_t size = 0;
  std::string_view root;
};

}  // namespace cloister::audit::anomaly
