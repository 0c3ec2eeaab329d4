#include "probe/path/sockets.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "net/address.h"
#include "probe/path/json_fields.h"

namespace cloister::probe::path {
namespace {

constexpr JsonLimits kLimits = {std::size_t{64} << 20, 6, 4'000'000};
constexpr std::array<std::string_view, 2> kStates = {"established", "listening"};
constexpr std::size_t kTextMax = 4096;

std::string endpoint_text(const IpAddress& address, std::uint16_t port) {
  return net::TcpAddress{address.to_string(), port}.to_string();
}

Status parse_endpoint(const JsonFields& fields, std::string_view name, IpAddress& address, std::uint16_t& port) {
  CLOISTER_TRY(const std::string text, fields.text(name));
  // A socket that listens on no port in particular isn't there, and 0 is no port of a TcpAddress.
  CLOISTER_TRY(const net::TcpAddress parsed, net::parse_tcp_address(text).with_context(name));
  CLOISTER_TRY(address, IpAddress::parse(parsed.host).with_context(name));
  port = parsed.port;
  return {};
}

Result<Socket> parse_socket(const JsonValue& value) {
  constexpr std::array<std::string_view, 7> kNames = {"state",      "local",       "remote",    "uid",
                                                      "executable", "tls_version", "tls_cipher"};
  CLOISTER_TRY(const JsonFields fields, JsonFields::open(value, kNames));
  Socket socket;
  CLOISTER_TRY(const std::size_t state, fields.word("state", kStates));
  socket.listening = state == 1;
  CLOISTER_RETURN_IF_ERROR(parse_endpoint(fields, "local", socket.local, socket.local_port));
  if (!socket.listening) CLOISTER_RETURN_IF_ERROR(parse_endpoint(fields, "remote", socket.remote, socket.remote_port));
  CLOISTER_TRY(const std::uint64_t uid, fields.number("uid", UINT32_MAX));
  socket.uid = static_cast<std::uint32_t>(uid);
  CLOISTER_TRY(socket.executable, fields.text("executable"));
  if (socket.executable.size() > kTextMax) return Error(Code::kInvalid, "executable is too long");
  if (!fields.has("tls_version")) return socket;
  CLOISTER_TRY(const std::uint64_t version, fields.number("tls_version", 65535));
  CLOISTER_TRY(const std::uint64_t cipher, fields.number("tls_cipher", 65535));
  socket.kernel_tls = KernelTls{static_cast<std::uint16_t>(version), static_cast<std::uint16_t>(cipher)};
  return socket;
}

// Ports somebody listens on here, with their addresses.
class Listening {
 public:
  explicit Listening(const SocketInventory& inventory) {
    for (const Socket& socket : inventory.sockets) {
      if (socket.listening) listeners_.insert({socket.local_port, socket.local});
    }
  }
  bool at(const IpAddress& address, std::uint16_t port) const {
    for (auto i = listeners_.lower_bound({port, IpAddress()}); i != listeners_.end() && i->first == port; ++i) {
      if (i->second.is_unspecified() || i->second == address) return true;
    }
    return false;
  }

 private:
  std::set<std::pair<std::uint16_t, IpAddress>> listeners_;
};

Statement statement_of(const SocketInventory& inventory, const Socket& socket, bool is_server) {
  Statement statement;
  statement.source = Source::kSockets;
  Party here, there;
  here.address = socket.local;
  here.executable = socket.executable;
  there.address = socket.remote;
  statement.from = is_server ? there : here;
  statement.to = is_server ? here : there;
  statement.port = is_server ? socket.local_port : socket.remote_port;
  statement.begin = statement.end = inventory.time;
  statement.flows = 1;
  if (socket.kernel_tls) {
    statement.claim = Claim::kEncrypted;
    statement.protection = Protection::kTls;
    statement.tls_version = socket.kernel_tls->version;
    statement.detail = "the kernel encrypts both directions, TLS " + tls_version_text(socket.kernel_tls->version);
  } else {
    statement.claim = Claim::kConnected;
    statement.detail = "open sockets on " + plain_detail(inventory.host);
  }
  return statement;
}

}  // namespace

std::string format_sockets(const SocketInventory& inventory) {
  JsonValue::Array sockets;
  for (const Socket& socket : inventory.sockets) {
    JsonValue::Object object = {{"state", std::string(kStates[socket.listening ? 1 : 0])},
                                {"local", endpoint_text(socket.local, socket.local_port)}};
    if (!socket.listening) object.emplace_back("remote", endpoint_text(socket.remote, socket.remote_port));
    object.emplace_back("uid", std::uint64_t{socket.uid});
    if (!socket.executable.empty()) object.emplace_back("executable", socket.executable);
    if (socket.kernel_tls) {
      object.emplace_back("tls_version", std::uint64_t{socket.kernel_tls->version});
      object.emplace_back("tls_cipher", std::uint64_t{socket.kernel_tls->cipher});
    }
    sockets.emplace_back(std::move(object));
  }
  return JsonValue(JsonValue::Object{{"format", std::string(kSocketsFormat)},
                                     {"host", inventory.host},
                                     {"time", to_rfc3339(inventory.time)},
                                     {"sockets", std::move(sockets)}})
      .serialize();
}

Result<SocketInventory> parse_sockets(std::string_view json) {
  constexpr std::array<std::string_view, 4> kNames = {"format", "host", "time", "sockets"};
  CLOISTER_TRY(const JsonValue document, parse_json(json, kLimits));
  CLOISTER_TRY(const JsonFields fields, JsonFields::open(document, kNames));
  CLOISTER_TRY(const std::string format, fields.text("format"));
  if (format != kSocketsFormat) return Error(Code::kInvalid, "its format isn't " + std::string(kSocketsFormat));
  SocketInventory inventory;
  CLOISTER_TRY(const std::string host, fields.text("host"));
  inventory.host = plain_detail(host);
  CLOISTER_TRY(inventory.time, fields.time("time"));
  CLOISTER_TRY(const JsonValue::Array* list, fields.list("sockets"));
  if (list->size() > kSocketsMax) return Error(Code::kInvalid, "there are more than 262144 sockets");
  for (const JsonValue& item : *list) {
    CLOISTER_TRY(Socket socket,
                 parse_socket(item).with_context("socket " + std::to_string(inventory.sockets.size() + 1)));
    inventory.sockets.push_back(std::move(socket));
  }
  return inventory;
}

std::vector<Statement> statements_of(const SocketInventory& inventory) {
  const Listening listening(inventory);
  std::map<std::tuple<IpAddress, IpAddress, std::uint16_t, bool, std::string>, Statement> sums;
  for (const Socket& socket : inventory.sockets) {
    if (socket.listening) continue;
    const bool is_server = listening.at(socket.local, socket.local_port);
    // Of the two ends of a connection within the machine the client's says more: its program.
    const bool both_here = is_server && listening.at(socket.remote, socket.local_port) && socket.local == socket.remote;
    if (both_here) continue;
    const Statement statement = statement_of(inventory, socket, is_server);
    const auto [found, is_new] =
        sums.try_emplace(std::tuple(*statement.from.address, *statement.to.address, statement.port,
                                    socket.kernel_tls.has_value(), socket.executable),
                         statement);
    if (!is_new) ++found->second.flows;
  }
  std::vector<Statement> statements;
  for (auto& [key, statement] : sums) statements.push_back(std::move(statement));
  return statements;
}

}  // namespace cloister::probe::path
