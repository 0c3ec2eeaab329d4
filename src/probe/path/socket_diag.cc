#include "probe/path/socket_diag.h"

#include <dirent.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <map>

#include "base/file.h"

namespace cloister::probe::path {
namespace {

constexpr std::size_t kAligned = 4;
constexpr std::size_t kMessageHeader = sizeof(nlmsghdr);
constexpr std::size_t kAttributeHeader = sizeof(nlattr);
constexpr std::uint8_t kSoftwareTls = 2;  // TLS_CONF_SW; hardware is above it, 1 is none

template <typename T>
T load(ByteView bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::size_t aligned(std::size_t size) { return (size + kAligned - 1) / kAligned * kAligned; }
std::uint16_t be16(std::uint16_t value) { return ntohs(value); }

// Calls `use(type, body)` for each attribute; kCorrupt for one that runs past the end.
template <typename Use>
Status each_attribute(ByteView bytes, const Use& use) {
  while (bytes.size() >= kAttributeHeader) {
    const auto header = load<nlattr>(bytes);
    if (header.nla_len < kAttributeHeader || header.nla_len > bytes.size()) {
      return Error(Code::kCorrupt, "the kernel's answer has an attribute of an impossible length");
    }
    CLOISTER_RETURN_IF_ERROR(
        use(header.nla_type & NLA_TYPE_MASK, bytes.subspan(kAttributeHeader, header.nla_len - kAttributeHeader)));
    bytes = bytes.subspan(std::min(bytes.size(), aligned(header.nla_len)));
  }
  return {};
}

// INET_DIAG_ULP_INFO: the name of what is on top of TCP, and where that is TLS, which.
Status read_upper_layer(ByteView info, Socket& socket) {
  KernelTls tls;
  std::uint8_t sending = 0, receiving = 0;
  const auto read_tls = [&](int type, ByteView body) -> Status {
    if (type == TLS_INFO_VERSION && body.size() >= 2) tls.version = load<std::uint16_t>(body);
    if (type == TLS_INFO_CIPHER && body.size() >= 2) tls.cipher = load<std::uint16_t>(body);
    if (type == TLS_INFO_TXCONF && body.size() >= 2) sending = static_cast<std::uint8_t>(load<std::uint16_t>(body));
    if (type == TLS_INFO_RXCONF && body.size() >= 2) receiving = static_cast<std::uint8_t>(load<std::uint16_t>(body));
    return {};
  };
  CLOISTER_RETURN_IF_ERROR(each_attribute(info, [&](int type, ByteView body) -> Status {
    return type == INET_ULP_INFO_TLS ? each_attribute(body, read_tls) : ok_status();
  }));
  if (sending >= kSoftwareTls && receiving >= kSoftwareTls && tls.version != 0) socket.kernel_tls = tls;
  return {};
}

IpAddress address_of(std::uint8_t family, const __be32 (&words)[4]) {
  std::array<std::uint8_t, 16> bytes;
  std::memcpy(bytes.data(), words, bytes.size());
  if (family == AF_INET) return IpAddress::v4(std::span(bytes).first<4>());
  return IpAddress::v6(bytes);
}

Status read_socket(ByteView body, std::vector<Socket>& sockets) {
  if (body.size() < sizeof(inet_diag_msg)) return Error(Code::kCorrupt, "the kernel's answer has half a socket");
  const auto message = load<inet_diag_msg>(body);
  const bool listening = message.idiag_state == TCP_LISTEN;
  if (!listening && message.idiag_state != TCP_ESTABLISHED) return {};
  if (sockets.size() == kSocketsMax) return Error(Code::kUnavailable, "this machine has too many sockets");
  Socket socket;
  socket.listening = listening;
  socket.local = address_of(message.idiag_family, message.id.idiag_src);
  socket.remote = address_of(message.idiag_family, message.id.idiag_dst);
  socket.local_port = be16(message.id.idiag_sport);
  socket.remote_port = be16(message.id.idiag_dport);
  socket.uid = message.idiag_uid;
  socket.inode = message.idiag_inode;
  const ByteView attributes = body.subspan(std::min(body.size(), aligned(sizeof(inet_diag_msg))));
  CLOISTER_RETURN_IF_ERROR(each_attribute(attributes, [&](int type, ByteView info) -> Status {
    return type == INET_DIAG_ULP_INFO ? read_upper_layer(info, socket) : ok_status();
  }));
  sockets.push_back(std::move(socket));
  return {};
}

class NetlinkSocket {
 public:
  explicit NetlinkSocket(int descriptor) : descriptor_(descriptor) {}
  ~NetlinkSocket() { close(descriptor_); }
  NetlinkSocket(const NetlinkSocket&) = delete;
  NetlinkSocket& operator=(const NetlinkSocket&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

Status ask(int netlink, std::uint8_t family) {
  struct {
    nlmsghdr header;
    inet_diag_req_v2 request;
  } message{};
  message.header.nlmsg_len = sizeof message;
  message.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  message.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  message.request.sdiag_family = family;
  message.request.sdiag_protocol = IPPROTO_TCP;
  message.request.idiag_states = 1U << TCP_ESTABLISHED | 1U << TCP_LISTEN;
  if (send(netlink, &message, sizeof message, 0) == static_cast<ssize_t>(sizeof message)) return {};
  return error_from_errno(errno, "ask the kernel for its sockets");
}

Status read_family(std::uint8_t family, std::vector<Socket>& sockets) {
  const int descriptor = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  if (descriptor < 0) return error_from_errno(errno, "ask the kernel for its sockets");
  const NetlinkSocket netlink(descriptor);
  CLOISTER_RETURN_IF_ERROR(ask(netlink.get(), family));
  Bytes buffer(std::size_t{64} << 10);
  while (true) {
    const ssize_t size = recv(netlink.get(), buffer.data(), buffer.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return error_from_errno(errno, "read the kernel's sockets");
    CLOISTER_TRY(const bool last, parse_socket_dump(ByteView(buffer).first(static_cast<std::size_t>(size)), sockets));
    if (last) return {};
  }
}

std::optional<std::uint32_t> socket_inode(std::string_view target) {
  constexpr std::string_view kPrefix = "socket:[";
  std::uint32_t inode = 0;
  if (!target.starts_with(kPrefix)) return std::nullopt;
  const auto read = std::from_chars(target.data() + kPrefix.size(), target.data() + target.size(), inode);
  return read.ec == std::errc() ? std::optional(inode) : std::nullopt;
}

// Processes end while they are looked at: what can't be read any more is passed over.
std::map<std::uint32_t, std::string> executables_by_inode() {
  std::map<std::uint32_t, std::string> found;
  std::error_code failure;
  for (const auto& process : std::filesystem::directory_iterator("/proc", failure)) {
    const std::string name = process.path().filename().string();
    if (!std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; })) continue;
    std::error_code gone;
    const std::string executable = std::filesystem::read_symlink(process.path() / "exe", gone).string();
    if (gone || executable.empty()) continue;
    for (const auto& descriptor : std::filesystem::directory_iterator(process.path() / "fd", gone)) {
      std::error_code closed;
      const auto inode = socket_inode(std::filesystem::read_symlink(descriptor.path(), closed).string());
      if (inode) found.emplace(*inode, executable);
    }
  }
  return found;
}

std::string host_name() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace

Result<bool> parse_socket_dump(ByteView datagram, std::vector<Socket>& sockets) {
  while (datagram.size() >= kMessageHeader) {
    const auto header = load<nlmsghdr>(datagram);
    if (header.nlmsg_len < kMessageHeader || header.nlmsg_len > datagram.size()) {
      return Error(Code::kCorrupt, "the kernel's answer has a message of an impossible length");
    }
    if (header.nlmsg_type == NLMSG_DONE) return true;
    if (header.nlmsg_type == NLMSG_ERROR) return Error(Code::kUnavailable, "the kernel doesn't tell its sockets");
    if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY) {
      CLOISTER_RETURN_IF_ERROR(
          read_socket(datagram.subspan(kMessageHeader, header.nlmsg_len - kMessageHeader), sockets));
    }
    datagram = datagram.subspan(std::min(datagram.size(), aligned(header.nlmsg_len)));
  }
  return false;
}

Result<SocketInventory> read_sockets(Time now) {
  SocketInventory inventory;
  inventory.host = host_name();
  inventory.time = now;
  CLOISTER_RETURN_IF_ERROR(read_family(AF_INET, inventory.sockets));
  CLOISTER_RETURN_IF_ERROR(read_family(AF_INET6, inventory.sockets));
  const auto executables = executables_by_inode();
  for (Socket& socket : inventory.sockets) {
    const auto found = executables.find(socket.inode);
    if (found != executables.end()) socket.executable = found->second;
  }
  return inventory;
}

}  // namespace cloister::probe::path
