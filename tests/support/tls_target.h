// A TLS server of OpenSSL's, as good or as bad as a test wants it, for probes to look at.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/tcp_server.h"

namespace cloister::testing {

struct TlsTargetOptions {
  enum class Key { kEcP256, kRsa };

  Key key = Key::kEcP256;
  int oldest = 0x0303, newest = 0x0304;
  std::string ciphers = "DEFAULT:@SECLEVEL=0";  // up to TLS 1.2
  std::string suites = {};                      // of TLS 1.3; empty: OpenSSL's
  std::string groups = {};                      // empty: OpenSSL's
  std::string signature_algorithms = {};
  bool server_prefers = false;
  bool renegotiation = false;  // started by clients
  bool tickets = true;
  std::uint32_t early_data = 0;
  std::vector<std::string> protocols = {};  // ALPN; others are refused
  std::string server_name = {};             // others are refused; empty: any
  bool asks_clients = false;                // requires a certificate
};

// Serves on 127.0.0.1 until destroyed. Stops the process when OpenSSL fails.
class TlsTarget {
 public:
  explicit TlsTarget(TlsTargetOptions options);
  ~TlsTarget();

  std::uint16_t port() const { return server_->port(); }
  std::size_t connections() const { return server_->connections(); }

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  std::unique_ptr<TcpServer> server_;
};

// A self-signed certificate, DER, of the key such a target has.
Bytes target_certificate(TlsTargetOptions::Key key);

}  // namespace cloister::testing
