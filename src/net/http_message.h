// Requests and responses of HTTP, whatever version carried them. RFC 9110.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "crypto/hash.h"
#include "net/buffer.h"
#include "net/peer.h"

namespace cloister::net {

struct Header {
  std::string name;  // lower case
  std::string value;
};

class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> headers) : all_(headers) {}

  // The first of that name; null when there is none.
  const std::string* find(std::string_view name) const;
  void add(std::string name, std::string value) { all_.push_back({std::move(name), std::move(value)}); }
  const std::vector<Header>& all() const { return all_; }

 private:
  std::vector<Header> all_;
};

enum class Protocol { kHttp1, kHttp2 };

// How a request came here. Immutable, shared by the requests of a connection.
struct ConnectionInfo {
  Protocol protocol = Protocol::kHttp1;
  std::optional<Peer> peer;                       // behind MutualTls: always there
  std::optional<UnixPeer> unix_peer;              // on a Unix socket: always there
  std::optional<ChannelBinding> channel_binding;  // behind TLS: always there
  // SHA-256 of the public keys (SPKI) in the certificates that were shown: by the peer, where there is one; by this
  // end, on a client behind MutualTls.
  std::optional<crypto::Sha256Digest> peer_key, own_key;
  std::string remote;     // "192.0.2.7:51820", or "unix"
  std::string tls_group;  // "X25519MLKEM768"
  std::string tls_cipher;
};

struct Request {
  std::string method;  // as sent: "POST"
  std::string target;  // "/v1/seal?dry-run=yes": begins with a slash, or is "*" with OPTIONS
  Headers headers;     // "host" is there, also with HTTP/2
  Buffer body;
  std::shared_ptr<const ConnectionInfo> connection;  // null on the client's side

  std::string_view path() const;   // up to the question mark
  std::string_view query() const;  // behind it; empty when there is none
};

struct Response {
  unsigned status = 200;
  Headers headers;  // without content-length, date and connection: those are the server's
  Buffer body;
  Headers trailers;  // HTTP/2 only: what gRPC needs
};

// The HTTP status that says what `code` says: the other half of exit_status().
unsigned http_status(Code code);
std::string_view reason_phrase(unsigned status);

Response json_response(unsigned status, std::string_view json);
// RFC 9457: the status, its standard title and, when given, one sentence of ours. Never anything the peer sent.
Response problem(unsigned status, std::string_view detail = {});

}  // namespace cloister::net
