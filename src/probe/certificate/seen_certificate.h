// A certificate as a stranger sent it: what it says, also where no verifier would take it (version 1, tiny keys, MD5).
// Nothing here is vouched for by anybody.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "crypto/x509.h"

namespace cloister::probe {

struct SeenKey {
  std::string type;   // "RSA", "EC P-256", "Ed25519", "ML-DSA-65", or the algorithm's OID
  unsigned bits = 0;  // 0: not known
  Bytes modulus;      // RSA alone, big-endian, without leading zeros
  Bytes exponent;
};

struct SeenCertificate {
  Bytes der;
  Bytes signed_part;          // TBSCertificate
  Bytes signature_algorithm;  // DER AlgorithmIdentifier
  std::string signature_oid;
  Bytes signature;
  unsigned version = 1;
  Bytes serial;  // the INTEGER's content
  Bytes issuer, subject;
  std::string common_name;  // the subject's last one
  Time not_before, not_after;
  Bytes spki;
  SeenKey key;
  std::optional<crypto::AlternativeNames> names;
  bool is_authority = false;
  std::optional<std::uint16_t> key_usage;  // bit 0 is 0x8000: digitalSignature
  bool key_usage_critical = false;
  std::optional<std::vector<std::string>> extended_usages;  // OIDs
  bool has_name_constraints = false;
  std::vector<std::string> ocsp_urls, issuer_urls, crl_urls;
  bool must_staple = false;     // TLS feature status_request, RFC 7633
  Bytes timestamps;             // SignedCertificateTimestampList; empty: none
  bool precertificate = false;  // has the poison of RFC 6962 3.1

  bool self_issued() const { return equal(issuer, subject); }
  // For crypto's verifier; its own refusal where it takes no such certificate.
  Result<crypto::Certificate> strict() const { return crypto::Certificate::parse(der); }
};

// kInvalid for bytes that aren't one DER certificate; everything beyond the outline that can't be read is left out.
Result<SeenCertificate> read_certificate(ByteView der);

// "CN=example.org, O=Example", printable; for people.
std::string name_text(ByteView der_name);
// What people call an algorithm of signatures: "sha256WithRSAEncryption". The OID where it has no name here.
std::string signature_name(std::string_view oid);
// MD2, MD4, MD5 or SHA-1.
bool signature_is_weak(std::string_view oid);

// The TBSCertificate that the logs signed: without the embedded timestamps. RFC 6962 3.2.
Result<Bytes> precertificate_part(const SeenCertificate& certificate);

}  // namespace cloister::probe
