// Makes X.509 certificates (RFC 5280) with a signing key that may live elsewhere. Byte for byte the same for the same
// fields and a signer that is deterministic.
#pragma once

#include "crypto/signer.h"
#include "crypto/x509.h"

namespace cloister::crypto {

enum class Critical { kYes, kNo };

struct CertificateFields {
  Bytes serial;     // big-endian, positive, 20 bytes at most
  Bytes issuer;     // DER Name
  Bytes subject;    // DER Name
  Time not_before;  // whole seconds are kept, the rest is cut off
  Time not_after;
  PublicKey public_key;
  std::vector<Bytes> extensions;  // DER Extension, each made by a function below
};

// Signed, and read back: a signature that doesn't verify under the signer's own public key is kInternal. kInvalid for
// fields no certificate can have. The signer's codes otherwise.
Result<Certificate> sign_certificate(const CertificateFields& fields, Signer& signer);

// A Name of one common name, at most 64 characters; and the empty one.
Bytes common_name(std::string_view text);
Bytes empty_name();

// The first 20 bytes of SHA-256 over the key's bits: RFC 7093 2, method 1.
Bytes key_id_of(const PublicKey& key);

Bytes extension_leaf();
Bytes extension_authority(std::uint8_t path_length);
Bytes extension_leaf_key_usage();       // digitalSignature
Bytes extension_authority_key_usage();  // keyCertSign, cRLSign
Bytes extension_server_and_client();
Bytes extension_subject_key_id(ByteView id);
Bytes extension_authority_key_id(ByteView id);
Bytes extension_uri(std::string_view uri, Critical critical);
// Name constraints: URIs below this authority have that host, or one below it for software that reads it so.
Bytes extension_permitted_uri_host(std::string_view host);

}  // namespace cloister::crypto
