// A TLS server that isn't ours, made of OpenSSL alone: of any version and cipher, with any certificate.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "crypto/asymmetric_key.h"
#include "crypto/x509.h"
#include "net/socket.h"

namespace cloister::testing {

struct ForeignServerOptions {
  std::vector<crypto::Certificate> chain;  // leaf first
  std::uint64_t key_seed = 1000;           // of key_of_seed()
  enum class Version { kTls12, kTls13 } newest = Version::kTls13;
  std::string tls12_ciphers = {};  // as OpenSSL names them; empty: its defaults
  // An authority of clients: they must show a certificate. Empty: none is asked for.
  std::string clients_pem = {};
  enum class Does { kAnswers, kEchoes } does = Does::kAnswers;  // "hello" to each HTTP request; what came, as it came
};

// What it saw of one connection whose handshake was done.
struct ForeignConnection {
  std::string version, cipher, protocol, server_name, request;
};

// Serves one connection at a time on 127.0.0.1 until destroyed. Stops the process when OpenSSL fails.
class ForeignServer {
 public:
  explicit ForeignServer(ForeignServerOptions options);
  ~ForeignServer();

  std::uint16_t port() const { return port_; }
  std::vector<ForeignConnection> seen() const;

 private:
  void serve(int client);

  const ForeignServerOptions options_;
  void* context_ = nullptr;
  net::Socket listener_;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::vector<ForeignConnection> seen_;
  std::thread thread_;
};

}  // namespace cloister::testing
