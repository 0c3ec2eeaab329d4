// How providers that speak HTTP are asked: one request, its answer, within a time. Real ones go by net::HttpClient;
// tests put recorded exchanges in its place.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "net/body_stream.h"
#include "net/http_message.h"
#include "net/web_tls.h"

namespace cloister::kms {

// An URL taken apart: "https://kms.eu-west-1.amazonaws.com", "http://169.254.169.254". RFC 3986, without user and
// fragment.
struct Endpoint {
  bool tls = true;
  std::string host;  // without the brackets of an IPv6 address
  std::uint16_t port = 443;
  std::string path;               // what goes before every target; without a slash at its end
  std::string authority() const;  // "host", or "host:port" where the port isn't the scheme's own
};
// kInvalid; plain http is for loopback and link-local addresses alone.
Result<Endpoint> parse_endpoint(std::string_view url);

// Any thread may call; a call waits for its answer.
class HttpTransport {
 public:
  virtual ~HttpTransport() = default;
  // Any status is an answer. The target is as the provider wants it, the endpoint's path before it included. Errors as
  // net::HttpClient::send.
  virtual Result<net::Response> send(const net::Request& request, Duration patience) = 0;
  // The body goes to `sink` as it comes, and the rest of the answer is returned. As net::HttpClient::stream.
  virtual Result<net::Response> stream(const net::Request& request, net::BodySink& sink, Duration patience);
};

struct WebTransportOptions {
  // Authorities in PEM; empty: those of the system.
  std::string authorities_file = {};
  // A certificate of ours (PEM, chain and key), for servers that ask for one; empty: none.
  std::string certificate_file = {}, key_file = {};
};
// What these options say, for a provider that doesn't speak HTTP. kInvalid, kNotFound; kDenied when others may read the
// key.
Result<std::shared_ptr<const net::WebTls>> web_tls(const WebTransportOptions& options);
// The same errors.
Result<std::unique_ptr<HttpTransport>> web_transport(const Endpoint& endpoint, const WebTransportOptions& options);

// Where time comes from, and how it is waited for: tests wait for nothing.
struct Waiting {
  std::function<Time()> now;
  std::function<void(Duration)> sleep;
  std::function<double()> random;  // [0, 1): jitter
};
Waiting real_waiting();

}  // namespace cloister::kms
