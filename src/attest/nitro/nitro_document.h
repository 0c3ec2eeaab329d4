// Attestation documents of AWS Nitro Enclaves: COSE_Sign1 over a CBOR map, as aws-nitro-enclaves-nsm-api describes it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/cose_sign1.h"

namespace cloister::attest {

// A view: the bytes must outlive it. What it says is true only once its signature was verified.
struct NitroDocument {
  crypto::CoseSign1 signature;
  std::string module_id;
  Time timestamp;
  std::map<std::uint64_t, ByteView> pcrs;  // 0 to 31, 48 bytes each
  ByteView certificate;                    // DER, of the key that signs
  std::vector<ByteView> authorities;       // DER, the root first
  std::optional<ByteView> public_key, user_data, nonce;
  std::size_t size = 0;  // of the document itself; what follows it isn't AWS's

  // kInvalid for what isn't a document, for one with members missing, twice or of another type, for another digest
  // than SHA-384, and for more than kNitroTrailerMax bytes behind it.
  static Result<NitroDocument> parse(ByteView bytes);
};

inline constexpr std::size_t kNitroDocumentSizeMax = 32768;
inline constexpr std::size_t kNitroTrailerMax = 4096;
inline constexpr std::size_t kNitroAuthoritiesMax = 8;

}  // namespace cloister::attest
