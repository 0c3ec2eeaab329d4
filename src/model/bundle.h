// A Sigstore bundle around a model's signature: OpenSSF model signing v1.0, and DSSE. docs/formats/model-signature.md.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"

namespace cloister::model {

inline constexpr std::size_t kBundleSizeMax = std::size_t{64} << 20;
inline constexpr std::size_t kCertificatesMax = 10;
inline constexpr std::string_view kBundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json";
inline constexpr std::string_view kPayloadType = "application/vnd.in-toto+json";

enum class Method { kKey, kCertificate, kSigstore };
std::string_view method_name(Method method);

// Whose signature it is said to be, and over what. Nothing in it is true before somebody who is trusted vouched for it.
struct Bundle {
  Method method = Method::kKey;
  std::string hint;                 // kKey: hex SHA-256 of the key's PEM; empty: there is none
  std::vector<Bytes> certificates;  // kCertificate: DER, the leaf first
  std::string payload_type;
  Bytes payload;  // as it was signed
  Bytes signature;
};

// kCorrupt for anything that isn't one whole bundle with one kind of material and one signature; kUnsupported for
// another media type.
Result<Bundle> parse_bundle(std::string_view text);
// Of a key or a chain of certificates.
std::string serialize_bundle(const Bundle& bundle);

// The bytes that are signed: DSSE's PAE.
Bytes signed_bytes(std::string_view payload_type, ByteView payload);

}  // namespace cloister::model
