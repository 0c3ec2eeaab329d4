// What all TLS of ours has in common, client or server. Used by the TLS sources alone.
#pragma once

#include "net/openssl_handles.h"
#include "net/tls_session_state.h"
#include "net/web_tls.h"

namespace cloister::net {

// A client that could do the hybrid and sent a share of another is asked again.
inline constexpr const char* kGroups = "?X25519MLKEM768/X25519:P-256";

// Both false when OpenSSL refuses.
bool use_credentials(SSL_CTX* context, const Credentials::Parts& parts);
// TLS 1.3 only, our groups and suites; no tickets, early data, renegotiation, compression.
bool set_common(SSL_CTX* context, IdleBuffers idle_buffers);

// ALPN as it is sent: each name behind its length. kInvalid as MutualTls::create_for_streams() says.
Result<std::string> protocol_list(std::span<const std::string> names);

Result<std::unique_ptr<TlsSession>> session_on(int socket, Ssl ssl, std::unique_ptr<TlsSession::State> state);

// How a client judges its server.
struct Expectation {
  std::shared_ptr<const PeerVerifier> verifier;
  Clock clock;
  std::string id;
};

Result<std::unique_ptr<TlsSession>> client_session(int socket, Ssl ssl, const std::string& host,
                                                   Expectation expectation, Speaks speaks = Speaks::kHttp);

// Sends `host` as the server's name unless it is an address.
bool name_server(SSL* ssl, const std::string& host);

}  // namespace cloister::net
