// X.509 certificates (RFC 5280): read within bounds, and verified at a given time against given anchors and no others.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "crypto/asymmetric_key.h"
#include "crypto/hash.h"

struct x509_st;

namespace cloister::crypto {

inline constexpr std::size_t kCertificateSizeMax = 65536;
inline constexpr std::size_t kChainLengthMax = 10;  // leaf and anchor included
inline constexpr std::size_t kAnchorsMax = 1024;

// The names of a subjectAltName extension, as they are written there: bytes that nobody has looked at yet.
struct AlternativeNames {
  std::vector<std::string> uris;
  std::vector<std::string> dns_names;
  std::vector<std::string> emails;
  std::vector<Bytes> ip_addresses;
  bool others = false;
};
// From the extension's DER GeneralNames. kInvalid when it is malformed or empty.
Result<AlternativeNames> parse_alternative_names(ByteView der);

struct KeyUsage {
  bool critical = false;
  bool digital_signature = false;
  bool certificate_sign = false;
  bool crl_sign = false;
};

// "Any" counts as neither: who means a purpose names it.
struct ExtendedKeyUsage {
  bool server = false;
  bool client = false;
};

// What a certificate says of itself. It is true only after somebody who is trusted vouched for it: verify_chain().
struct CertificateFacts {
  Bytes serial;  // big-endian, without leading zeros
  Bytes issuer;  // DER Name
  Bytes subject;
  bool has_subject = false;
  Time not_before, not_after;
  std::optional<PublicKey> public_key;  // empty for kinds of key that aren't used here
  AlternativeNames names;
  bool names_critical = false;
  bool is_authority = false;  // basicConstraints cA
  std::optional<KeyUsage> key_usage;
  std::optional<ExtendedKeyUsage> extended_key_usage;
  bool has_name_constraints = false;
  Bytes subject_key_id;    // empty when there is none
  Bytes authority_key_id;  // empty when there is none
};

// Which serial numbers are read: AMD signs every chip's certificate with serial number 0.
enum class SerialNumbers { kPositive, kAlsoZero };

// Immutable and cheap to copy. Any thread may call.
class Certificate {
 public:
  // Exactly one DER certificate of at most kCertificateSizeMax bytes. kInvalid for bytes that aren't strict DER, for a
  // version other than 3, a serial number that isn't positive, an extension twice or one that is malformed.
  static Result<Certificate> parse(ByteView der, SerialNumbers serials = SerialNumbers::kPositive);
  // One after the other without anything between, `count_max` at most: as the SPIFFE Workload API sends chains.
  static Result<std::vector<Certificate>> parse_all(ByteView der, std::size_t count_max);
  // The CERTIFICATE blocks of a text; a block of another label is refused.
  static Result<std::vector<Certificate>> parse_pem(std::string_view text, std::size_t count_max);

  const Bytes& der() const { return state_->der; }
  const CertificateFacts& facts() const { return state_->facts; }
  const Sha256Digest& fingerprint() const { return state_->fingerprint; }
  std::string to_pem() const;
  // kUnsupported when it is of a kind that isn't used here.
  Result<PublicKey> public_key() const;
  // What the extension of that type holds; `oid` is the type's content octets (DER without tag and length). Nothing
  // where there is none. Valid as long as a copy of the certificate is.
  std::optional<ByteView> extension(ByteView oid) const;
  // The DER SubjectPublicKeyInfo as it stands, of whatever kind, and its SHA-256, which vendors' roots are pinned by.
  const Bytes& spki() const { return state_->spki; }
  const Sha256Digest& spki_digest() const { return state_->spki_digest; }
  // Whether that certificate's key signed this one, by whatever algorithm both name. Nothing else is looked at: who may
  // sign what, and when, is verify_chain()'s.
  bool is_signed_by(const Certificate& issuer) const;

  x509_st* handle() const { return state_->handle.get(); }

  friend bool operator==(const Certificate& a, const Certificate& b) { return a.der() == b.der(); }

 private:
  struct State {
    Bytes der;
    CertificateFacts facts;
    Bytes spki;
    Sha256Digest fingerprint, spki_digest;
    std::shared_ptr<x509_st> handle;
  };
  explicit Certificate(std::shared_ptr<const State> state) : state_(std::move(state)) {}

  std::shared_ptr<const State> state_;
};

// What the leaf is going to be used for. Where it or an authority above it limits its extended key usage, that purpose
// must be among them.
enum class Purpose {
  kServer,
  kClient,
  kServerAndClient,
  kAny,  // extended key usage isn't looked at
};

enum class PathRules {
  kStrict,  // RFC 5280 as a validator may enforce it
  kCommon,  // without what many issuers leave out: key identifiers, critical marks, basicConstraints of a leaf
};

// Whether the leaf may be a certificate with basicConstraints cA: some tools make those for signers of code.
enum class LeafAuthority { kRefuse, kAllow };

struct ChainRequest {
  std::span<const Certificate> intermediates;  // what the peer sent besides its leaf: not trusted, in any order
  std::span<const Certificate> anchors;        // trusted as they stand, whether or not they are self-signed
  Purpose purpose = Purpose::kServerAndClient;
  Time at;
  PathRules rules = PathRules::kStrict;
  LeafAuthority leaf = LeafAuthority::kRefuse;
};

// The path from the leaf to an anchor, both included. RFC 5280 6.1 by OpenSSL at security level 2 (no SHA-1, no RSA
// below 2048 bits), name constraints of every form included; and beyond that: a leaf may not be an authority nor carry
// name constraints, its DNS names and e-mail addresses must be well-formed, and its wildcard may not cover a name that
// an authority above it excludes. Revocation lists are not read. kExpired: some certificate of the path isn't valid at
// that time. kDenied: any other reason; the message has it. kInvalid: more certificates than kChainLengthMax
// intermediates or kAnchorsMax anchors.
Result<std::vector<Certificate>> verify_chain(const Certificate& leaf, const ChainRequest& request);

// Whether the certificate names that host, DNS name or IP address: alternative names only, never the common name; a
// wildcard stands for one whole label. RFC 9525.
bool names_host(const Certificate& certificate, std::string_view host);

}  // namespace cloister::crypto
