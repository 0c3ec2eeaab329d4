// Certificates made by tests, good ones and every kind of bad one: each extension can be left out, changed or added.
#pragma once

#include <optional>

#include "crypto/certificate_writer.h"

namespace cloister::testing {

inline constexpr Time kNow{1'795'526'589'000};  // 2026-11-24T13:23:09Z

crypto::PrivateKey key_of_seed(std::uint64_t seed, crypto::KeyType type = crypto::KeyType::kEcP256);

// The DER Extension of any OID and value.
Bytes raw_extension(std::string_view oid_hex, crypto::Critical critical, ByteView value);
// subjectAltName with these GeneralNames: {tag number, content}. 6 is a URI, 2 a DNS name, 1 an e-mail address.
Bytes names_extension(const std::vector<std::pair<std::uint8_t, std::string>>& names,
                      crypto::Critical critical = crypto::Critical::kYes);
// keyUsage of any bits, the first at 0x80: digitalSignature 0x80, keyCertSign 0x04, cRLSign 0x02.
Bytes usage_extension(std::uint8_t bits, crypto::Critical critical = crypto::Critical::kYes);
// extKeyUsage of these, each the last number of 1.3.6.1.5.5.7.3.*: 1 server, 2 client.
Bytes extended_usage_extension(const std::vector<std::uint8_t>& uses);

// A field that is empty leaves its extension out.
struct LeafParts {
  std::string uri = "spiffe://example.org/workload";
  std::optional<Bytes> names = {};  // instead of the URI alone
  Bytes basic = crypto::extension_leaf();
  Bytes usage = crypto::extension_leaf_key_usage();
  Bytes extended = crypto::extension_server_and_client();
  Bytes more = {};
  Bytes subject = crypto::empty_name();
  Time not_before = kNow + minutes(-5);
  Time not_after = kNow + hours(1);
};

struct AuthorityParts {
  std::string uri = "spiffe://example.org";
  std::string permitted_host = {};
  Bytes basic = crypto::extension_authority(2);
  Bytes usage = crypto::extension_authority_key_usage();
  Bytes more = {};
  Time not_before = kNow + days(-1);
  Time not_after = kNow + days(6);
};

// An authority with a key from `seed`: a root when nobody is above it.
class TestAuthority {
 public:
  explicit TestAuthority(std::uint64_t seed, const AuthorityParts& parts = {}, TestAuthority* issuer = nullptr);

  const crypto::Certificate& certificate() const { return *certificate_; }
  crypto::Signer& signer() { return signer_; }
  // For the key of `key_seed`.
  crypto::Certificate issue(const LeafParts& parts = {}, std::uint64_t key_seed = 1000);

 private:
  crypto::MemorySigner signer_;
  Bytes name_;
  std::optional<crypto::Certificate> certificate_;
  std::uint8_t serial_ = 1;
};

}  // namespace cloister::testing
