// Certificates for tests: a small authority, what it issues, and a verifier that trusts it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/tls.h"

namespace cloister::testing {

inline constexpr Time kTestTime{1'790'000'000'000};  // 2026-09-21

// What to put into a certificate, and what to leave out.
struct Issue {
  std::string id = "spiffe://acme.test/workload";
  Time not_before{kTestTime.unix_ms - 3'600'000};
  Time not_after{kTestTime.unix_ms + 3'600'000};
};

struct Identity {
  std::vector<Bytes> chain;  // DER, leaf first
  std::string chain_pem;
  std::string key_pem;

  std::shared_ptr<const net::Credentials> credentials() const;
};

// One self-signed P-256 authority. Stops the process when OpenSSL fails.
class TlsAuthority {
 public:
  explicit TlsAuthority(const std::string& name = "acme.test");
  ~TlsAuthority();

  Identity issue(const Issue& issue = {}) const;
  const std::string& certificate_pem() const { return certificate_pem_; }
  std::shared_ptr<const net::PeerVerifier> verifier() const;

 private:
  struct Keys;
  std::unique_ptr<Keys> keys_;
  std::string certificate_pem_;
};

// Everything one end needs, on a clock that stands still.
std::shared_ptr<const net::MutualTls> mutual_tls(const TlsAuthority& trusted, const Identity& own,
                                                 Time now = kTestTime);

}  // namespace cloister::testing
