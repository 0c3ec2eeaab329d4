// TLS to servers that aren't ours: a cloud's KMS, a Vault, a KMIP server. Their names are proven as the web does it, by
// authorities that are given or the system's. TLS 1.3, and 1.2 with ECDHE and an AEAD cipher, because some of them
// speak nothing newer. RFC 9325, RFC 9525.
#pragma once

#include "crypto/x509.h"
#include "net/tls.h"

namespace cloister::net {

// The certificates of a PEM file. kInvalid when it holds none, or something that isn't a certificate.
Result<std::vector<crypto::Certificate>> read_authorities(const Path& file);
// Those that the system's administrator trusts. What can't be read as a certificate vouches for nobody and is left out;
// kNotFound when there are none.
Result<std::vector<crypto::Certificate>> system_authorities();

// There is no way to turn verification off. Any thread may use it.
class WebTls {
 public:
  // A server's certificate must lead to one of `authorities`, or be one of them. `own` is shown to servers that ask;
  // null: nothing is. kInvalid when a part is missing.
  static Result<std::shared_ptr<const WebTls>> create(std::vector<crypto::Certificate> authorities,
                                                      std::shared_ptr<const Credentials> own, Clock clock);
  ~WebTls();

  // A session on a connected non-blocking socket, which must outlive it. The server must prove to be `host`, a DNS name
  // or an address.
  Result<std::unique_ptr<TlsSession>> connect(int socket, const std::string& host, Speaks speaks) const;

  Time now() const;

  struct Core;

 private:
  explicit WebTls(std::shared_ptr<Core> core);
  std::shared_ptr<Core> core_;
};

}  // namespace cloister::net
