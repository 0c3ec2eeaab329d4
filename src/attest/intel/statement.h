// Whether a statement of Intel's (TCB Info, an identity of an enclave) is signed by the key for such, up to the root.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "attest/intel/signed_json.h"
#include "attest/verifier.h"
#include "crypto/x509.h"

namespace cloister::attest::intel {

struct Refusal {
  Reason reason = Reason::kMalformed;
  std::string detail;
};

// One as it was read: where its text stands in the item's body, r and s, and what it says.
template <typename Content>
struct Statement {
  std::size_t text_at = 0, text_size = 0;
  Bytes signature;
  Result<Content> content;
};
// `digest` is the item's. kInvalid as parse_signed_json(); what the text says may still be refused: `content`.
template <typename Content>
Result<std::shared_ptr<const Statement<Content>>> read_statement(crypto::VerificationCache* cache,
                                                                 const CollateralItem& item,
                                                                 const crypto::Sha256Digest& digest,
                                                                 std::string_view member,
                                                                 Result<Content> (*read)(const JsonValue& value)) {
  if (cache != nullptr) {
    if (auto known = cache->find<Statement<Content>>(digest)) return known;
  }
  CLOISTER_TRY(SignedJson json, parse_signed_json(item.body, member));
  const auto text_at = static_cast<std::size_t>(as_bytes(json.text).data() - item.body.data());
  auto statement = std::make_shared<const Statement<Content>>(
      Statement<Content>{text_at, json.text.size(), std::move(json.signature), read(json.value)});
  if (cache != nullptr && statement->content.ok()) cache->keep(digest, statement, 4 * item.body.size());
  return statement;
}

// For one question: chains that were verified are remembered, since both statements usually come with the same one.
class Signers {
 public:
  explicit Signers(const Question& question) : question_(question) {}

  // Nothing when the signature is that of a TCB Signing certificate whose chain ends at Intel's root and is valid now.
  // `signature` is r and s, 32 bytes each, over that text.
  std::optional<Refusal> verify(const CollateralItem& item, std::string_view text, ByteView signature);
  // The certificates that signed, where their chains hold: to be looked up in the root's revocation list.
  const std::vector<crypto::Certificate>& certificates() const { return certificates_; }

 private:
  struct Chain {
    std::string text;
    std::optional<Refusal> refusal;
    std::optional<crypto::Certificate> signer;
  };
  const Chain& chain(const std::string& text);
  std::optional<Refusal> verify_path(const std::vector<crypto::Certificate>& path) const;

  const Question& question_;
  std::vector<Chain> chains_;
  std::vector<crypto::Certificate> certificates_;
};

// Why something with these dates can't be used at that time; nothing when it can.
std::optional<Refusal> outside(Time from, Time until, Time now, std::string_view what);

}  // namespace cloister::attest::intel
