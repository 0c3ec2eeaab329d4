// An HTTP/1.1 client. For our own services: over mutual TLS 1.3 to a server whose identity is known beforehand, or over
// a Unix socket to a user of this machine. For others': over TLS as the web has it, or plain to this machine and its
// host. Connections are kept and used again.
#pragma once

#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "net/address.h"
#include "net/body_stream.h"
#include "net/http1_parser.h"
#include "net/http_message.h"
#include "net/tls.h"
#include "net/web_tls.h"

namespace cloister::net {

struct TlsTarget {
  TcpAddress address;
  std::string server_id;  // whom the server's certificate must name: "spiffe://acme.example/keys"
  std::shared_ptr<const MutualTls> tls;
};

// A server that takes clients without a certificate: where the first one comes from.
struct AnonymousTlsTarget {
  TcpAddress address;
  std::string server_id;
  std::shared_ptr<const AnonymousTls> tls;
};

struct UnixTarget {
  Path path;
  uid_t server_user;  // whose process must be listening
};

// A server that isn't ours, whose name some authority vouches for.
struct WebTarget {
  TcpAddress address;
  std::shared_ptr<const WebTls> tls;
};

// Plain HTTP: a metadata service, a server on this machine. kDenied when the name has no address that is_local().
struct LocalTarget {
  TcpAddress address;
};

struct ClientOptions {
  ResponseLimits response;
  std::size_t idle_connections = 8;
  Duration idle_time{30'000};         // a kept connection older than that isn't used again
  Duration connection_time{600'000};  // nor one that has stood so long
};

// A response, and the connection it came by.
struct Exchange {
  Response response;
  std::shared_ptr<const ConnectionInfo> connection;
};

class ClientConnection;

// One connection and never another in its place: for requests that are bound to it. One thread at a time.
class HttpConnection {
 public:
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  const ConnectionInfo& info() const;
  // As HttpClient::send(), but nothing is ever repeated. kUnavailable also: an earlier answer ended the connection.
  Result<Response> send(const Request& request, Duration patience);

 private:
  friend class HttpClient;
  HttpConnection(std::unique_ptr<ClientConnection> connection, std::string host, ClientOptions options);

  std::unique_ptr<ClientConnection> connection_;
  const std::string host_;
  const ClientOptions options_;
  bool reusable_ = true;
};

// Any thread may call; a call waits for its answer.
class HttpClient {
 public:
  using Target = std::variant<TlsTarget, AnonymousTlsTarget, WebTarget, LocalTarget, UnixTarget>;
  // kInvalid when the target lacks a part. Connects only when there is something to send.
  static Result<std::unique_ptr<HttpClient>> create(Target target, ClientOptions options);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any status is an Exchange, also 500. kDenied: the server isn't the expected one, or refuses our certificate.
  // kUnavailable: out of reach, or no answer within `patience`; the server may have acted. kInvalid: the request can't
  // be sent, or the answer is malformed or too large. A request whose method says that it may be repeated (GET, HEAD,
  // OPTIONS, PUT, DELETE) is, once, when a kept connection turns out to be gone.
  Result<Exchange> send(const Request& request, Duration patience);
  // Hands the answer's body on as it comes, by a connection of its own, and returns the rest of the answer. No more
  // than one piece is in memory; the limit on bodies is for all pieces together. kUnavailable also: nothing came for
  // `patience`. An error of the sink is returned, and the server sees the connection close. Nothing is repeated.
  Result<Response> stream(const Request& request, BodySink& sink, Duration patience);
  // A connection of its own, which send() doesn't use. kDenied, kUnavailable as send() says.
  Result<std::unique_ptr<HttpConnection>> open(Duration patience);

 private:
  HttpClient(Target target, ClientOptions options);
  std::unique_ptr<ClientConnection> take_kept();
  void keep(std::unique_ptr<ClientConnection> connection);

  const Target target_;
  const ClientOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ClientConnection>> kept_;
};

}  // namespace cloister::net
