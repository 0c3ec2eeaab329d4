// Which versions of a model may be loaded: a numbered list that its signer signs anew with every change, so that a
// version that was withdrawn isn't loaded again with its old, right signature. docs/formats/model-ledger.md.
#pragma once

#include <optional>

#include "crypto/signer.h"
#include "model/verify.h"

namespace cloister::model {

inline constexpr std::size_t kLedgerVersionsMax = 10'000;
inline constexpr std::size_t kLedgerSizeMax = std::size_t{8} << 20;
inline constexpr std::string_view kLedgerPayloadType = "application/vnd.cloister.model-ledger+json";

struct LedgerVersion {
  std::string version;
  crypto::Sha256Digest root{};           // the statement's
  std::optional<std::string> withdrawn;  // why; nothing while it may be loaded
};

struct Ledger {
  std::string model;
  std::uint64_t sequence = 0;  // one more with every change
  std::vector<LedgerVersion> versions;
};

// kCorrupt for anything malformed, a version or a root twice.
Result<Ledger> parse_ledger(ByteView payload);

// kExists when the version, or these files as another version, are there already.
Status approve(Ledger& ledger, const std::string& version, const crypto::Sha256Digest& root);
// kNotFound when there is no such version; one that was withdrawn stays so.
Status withdraw(Ledger& ledger, const std::string& version, const std::string& reason);

// kInvalid for a ledger that parse_ledger() would refuse.
Result<Bundle> sign_ledger(const Ledger& ledger, crypto::Signer& signer);
struct SignedLedger : Voucher {
  Ledger ledger;
};
// The codes of verify_signature(), and kUnsupported when it is a signature over something else.
Result<SignedLedger> verify_ledger(const Bundle& bundle, std::span<const TrustedSigner> trusted, Time now);

// kDenied unless who signed the model signed the ledger too: nobody else who is trusted says which of its versions
// count.
Status check_signer(const Voucher& ledger, const Voucher& model);
// kDenied unless a version with these files is listed and not withdrawn.
Status check_version(const Ledger& ledger, const crypto::Sha256Digest& root);

// The newest ledger of a model that was ever seen: what is older, or another of the same number, isn't taken again.
struct LedgerFloor {
  std::uint64_t sequence = 0;
  crypto::Sha256Digest digest{};  // of the payload
  std::string model;
};
// kDenied for a ledger below the floor, and for another model's.
Result<LedgerFloor> raise_floor(const std::optional<LedgerFloor>& floor, const Ledger& ledger, const Bundle& bundle);
// "7 HEX MODEL", a line.
std::string to_text(const LedgerFloor& floor);
Result<LedgerFloor> parse_floor(std::string_view text);

}  // namespace cloister::model
