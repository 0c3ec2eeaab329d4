// What one TLS connection keeps, and the two callbacks OpenSSL reaches it by. Shared by tls.cc and tls_session.cc.
#pragma once

#include "crypto/hash.h"
#include "net/openssl_handles.h"
#include "net/socket_bio.h"
#include "net/tls_session.h"

namespace cloister::net {

// Where OpenSSL's object keeps the way to its State: the slot that is an application's own.
inline constexpr int kStateIndex = 0;

struct TlsSession::State {
  std::shared_ptr<const PeerVerifier> verifier;  // null only for ServerOnlyTls
  Clock clock;
  std::string expected_id;  // of a client
  Ssl ssl;
  bool shaken = false;
  // Handshake messages since application data last came: a peer that only updates keys is cut off.
  unsigned messages_without_data = 0;
  std::shared_ptr<const std::string> protocols;  // of a stream, as ALPN sends them; null: those of HTTP
  std::optional<Peer> peer;
  std::optional<crypto::Sha256Digest> peer_leaf;  // of a stream's peer
  std::optional<crypto::Sha256Digest> peer_key;   // of any other
  SocketOutput output;
  std::optional<Error> failure;
  bool refused_by_peer = false;
};

// SSL_CTX_set_cert_verify_callback: hands the chain to the verifier and its verdict to OpenSSL.
int verify_chain(X509_STORE_CTX* store, void*);
// SSL_CTX_set_msg_callback.
void count_handshake_messages(int is_write, int version, int content_type, const void* data, std::size_t size, SSL* ssl,
                              void*);

}  // namespace cloister::net
