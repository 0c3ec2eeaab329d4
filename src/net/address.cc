#include "net/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace cloister::net {
namespace {

constexpr std::size_t kHostMax = 255;

bool is_host(std::string_view host) {
  static constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
  return !host.empty() && host.size() <= kHostMax && host.find_first_not_of(kAllowed) == std::string_view::npos;
}

bool is_ipv6(const std::string& host) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

using Addresses = std::vector<SocketAddress>;

Result<Addresses> ask_resolver(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* first = nullptr;
  const int code = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &first);
  if (code != 0) return Error(Code::kUnavailable, "resolve " + host + ": " + ::gai_strerror(code));
  Addresses addresses;
  for (const addrinfo* info = first; info != nullptr; info = info->ai_next) {
    SocketAddress address;
    std::memcpy(&address.storage, info->ai_addr, info->ai_addrlen);
    address.size = info->ai_addrlen;
    addresses.push_back(address);
  }
  ::freeaddrinfo(first);
  return addresses;
}

// Kept by the one who waits and the one who works: the first may leave.
struct Resolution {
  std::mutex mutex;
  std::condition_variable done;
  std::optional<Result<Addresses>> answer;
};

}  // namespace

std::string TcpAddress::to_string() const {
  const bool brackets = host.find(':') != std::string::npos;
  return (brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<TcpAddress> parse_tcp_address(std::string_view text) {
  const Error refusal(Code::kInvalid, "an address is written host:port or [IPv6 address]:port");
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refusal;
  TcpAddress address;
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size()) return refusal;
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  address.host = host;
  if (bracketed ? !is_ipv6(address.host) : !is_host(host)) return refusal;
  return address;
}

std::string SocketAddress::host() const {
  char text[INET6_ADDRSTRLEN] = "";
  if (storage.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr, text, sizeof text);
  } else if (storage.ss_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr, text, sizeof text);
  } else {
    return "unix";
  }
  return text;
}

std::uint16_t SocketAddress::port() const {
  if (storage.ss_family == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in*>(&storage)->sin_port);
  if (storage.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port);
  return 0;
}

bool SocketAddress::is_loopback() const {
  if (storage.ss_family == AF_INET) {
    return ntohl(reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr.s_addr) >> 24 == 127;
  }
  if (storage.ss_family != AF_INET6) return false;
  return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr);
}

bool SocketAddress::is_local() const {
  if (is_loopback()) return true;
  if (storage.ss_family == AF_INET) {
    const std::uint32_t address = ntohl(reinterpret_cast<const sockaddr_in*>(&storage)->sin_addr.s_addr);
    return address >> 16 == 0xa9fe;  // 169.254.0.0/16
  }
  if (storage.ss_family != AF_INET6) return false;
  const in6_addr& address = reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_addr;
  if (IN6_IS_ADDR_LINKLOCAL(&address)) return true;
  // AWS's instance metadata and pod identity, Google's metadata: unique local addresses, RFC 4193.
  static constexpr std::string_view kMetadata[] = {"fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"};
  return std::ranges::find(kMetadata, host()) != std::end(kMetadata);
}

std::string SocketAddress::to_string() const {
  if (storage.ss_family != AF_INET && storage.ss_family != AF_INET6) return host();
  return TcpAddress{host(), port()}.to_string();
}

Result<SocketAddress> numeric_address(const TcpAddress& address) {
  SocketAddress out;
  auto* four = reinterpret_cast<sockaddr_in*>(&out.storage);
  auto* six = reinterpret_cast<sockaddr_in6*>(&out.storage);
  if (::inet_pton(AF_INET, address.host.c_str(), &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(address.port);
    out.size = sizeof *four;
    return out;
  }
  if (::inet_pton(AF_INET6, address.host.c_str(), &six->sin6_addr) == 1) {
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(address.port);
    out.size = sizeof *six;
    return out;
  }
  return Error(Code::kInvalid, address.host + " is not a numeric address");
}

Result<SocketAddress> unix_address(const Path& path) {
  SocketAddress out;
  auto* address = reinterpret_cast<sockaddr_un*>(&out.storage);
  const std::string& name = path.native();
  if (name.empty() || name.size() >= sizeof address->sun_path || name.find('\0') != std::string::npos) {
    return Error(Code::kInvalid, name + ": the path of a socket has 1 to 107 bytes");
  }
  address->sun_family = AF_UNIX;
  std::memcpy(address->sun_path, name.data(), name.size());
  out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + 1);
  return out;
}

Result<std::vector<SocketAddress>> resolve(const TcpAddress& address, Duration patience) {
  if (auto numeric = numeric_address(address); numeric.ok()) return Addresses{numeric.value()};
  auto resolution = std::make_shared<Resolution>();
  try {
    std::thread([resolution, address] {
      auto answer = ask_resolver(address.host, address.port);
      const std::scoped_lock lock(resolution->mutex);
      resolution->answer = std::move(answer);
      resolution->done.notify_one();
    }).detach();
  } catch (const std::system_error& failure) {
    return Error(Code::kUnavailable, "resolve " + address.host + ": " + failure.what());
  }
  std::unique_lock lock(resolution->mutex);
  const bool answered = resolution->done.wait_for(lock, std::chrono::milliseconds(patience.ms),
                                                  [&resolution] { return resolution->answer.has_value(); });
  if (!answered) return Error(Code::kUnavailable, "resolve " + address.host + ": no answer in time");
  return std::move(*resolution->answer);
}

}  // namespace cloister::net
