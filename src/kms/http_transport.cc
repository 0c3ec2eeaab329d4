#include "kms/http_transport.h"

#include <algorithm>
#include <charconv>
#include <thread>

#include "crypto/random.h"
#include "net/address.h"

namespace cloister::kms {
namespace {

constexpr std::uint16_t kHttpPort = 80;
constexpr std::uint16_t kHttpsPort = 443;
constexpr std::size_t kUrlMax = 2048;

bool is_path(std::string_view path) {
  static constexpr std::string_view kBeyondLettersAndDigits = "-._~!$&'()*+,;=:@%/";
  return std::ranges::all_of(path, [](char character) {
    return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
           (character >= '0' && character <= '9') || kBeyondLettersAndDigits.find(character) != std::string_view::npos;
  });
}

// "host", "host:port", "[::1]", "[::1]:port".
Result<net::TcpAddress> parse_authority(std::string_view authority, std::uint16_t usual_port) {
  const bool has_port = authority.rfind(':') != std::string_view::npos && !authority.ends_with(']');
  std::string text(authority);
  if (!has_port) text += ":" + std::to_string(usual_port);
  CLOISTER_TRY(net::TcpAddress address, net::parse_tcp_address(text));
  if (address.port == 0) return Error(Code::kInvalid, "port 0 is no port to connect to");
  for (char& character : address.host) {
    if (character >= 'A' && character <= 'Z') character = static_cast<char>(character + ('a' - 'A'));
  }
  return address;
}

// Where a name leads is looked at again when it is connected to.
bool may_be_plain(const net::TcpAddress& address) {
  if (address.host == "localhost" || address.host == "metadata.google.internal") return true;
  const auto numeric = net::numeric_address(address);
  return numeric.ok() && numeric.value().is_local();
}

Result<Endpoint> parse_url(std::string_view url) {
  Endpoint endpoint;
  endpoint.tls = !url.starts_with("http://");
  const std::string_view scheme = endpoint.tls ? "https://" : "http://";
  if (!url.starts_with(scheme) || url.size() > kUrlMax) {
    return Error(Code::kInvalid, "it begins with https://, and has 2048 bytes at most");
  }
  const std::string_view rest = url.substr(scheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  CLOISTER_TRY(net::TcpAddress address, parse_authority(rest.substr(0, slash), endpoint.tls ? kHttpsPort : kHttpPort));
  std::string_view path = rest.substr(slash);
  if (!is_path(path)) return Error(Code::kInvalid, "it has a path in visible ASCII, and neither query nor fragment");
  while (path.ends_with('/')) path.remove_suffix(1);
  if (!endpoint.tls && !may_be_plain(address)) {
    return Error(Code::kInvalid, "plain http is for loopback and link-local addresses alone");
  }
  endpoint.host = std::move(address.host);
  endpoint.port = address.port;
  endpoint.path = path;
  return endpoint;
}

}  // namespace

std::string Endpoint::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == (tls ? kHttpsPort : kHttpPort) ? name : name + ":" + std::to_string(port);
}

// A transport that has whole answers alone hands them on as one piece.
Result<net::Response> HttpTransport::stream(const net::Request& request, net::BodySink& sink, Duration patience) {
  CLOISTER_TRY(net::Response response, send(request, patience));
  const net::Buffer body = std::exchange(response.body, {});
  CLOISTER_RETURN_IF_ERROR(sink.begin(response));
  if (!body.empty()) CLOISTER_RETURN_IF_ERROR(sink.take(body));
  return response;
}

Result<Endpoint> parse_endpoint(std::string_view url) {
  return parse_url(url).with_context("read endpoint \"" + std::string(url.substr(0, kUrlMax)) + "\"");
}

Waiting real_waiting() {
  const auto random = [] {
    crypto::SystemRandom source;
    // The 53 bits of a double's fraction.
    return static_cast<double>(load_le<std::uint64_t>(crypto::random_array<8>(source).data()) >> 11) / 0x1p53;
  };
  return {system_time, [](Duration pause) { std::this_thread::sleep_for(std::chrono::milliseconds(pause.ms)); },
          random};
}

}  // namespace cloister::kms
