#include "probe/path/tls_facts.h"

#include "probe/path/client_hello_reader.h"
#include "probe/tls/bytes.h"
#include "probe/tls/cipher_suites.h"
#include "probe/tls/handshake.h"

namespace cloister::probe::path {
namespace {

constexpr std::uint8_t kClientHello = 1, kServerHello = 2, kCertificate = 11, kServerKeyExchange = 12,
                       kCertificateVerify = 15;
constexpr std::uint8_t kNamedCurve = 3;
constexpr std::uint16_t kTls13Version = 0x0304;
constexpr std::size_t kMessagesMax = 64;

struct Message {
  std::uint8_t type;
  ByteView whole, body;
};

// Those that are whole. An encrypted one in the middle can only come after those in the clear.
std::vector<Message> messages_of(ByteView bytes) {
  std::vector<Message> messages;
  TlsReader reader(bytes);
  while (reader.remaining() >= 4 && messages.size() < kMessagesMax) {
    const std::size_t offset = bytes.size() - reader.remaining();
    const auto type = reader.u8();
    const auto body = reader.vector24();
    if (!type.ok() || !body.ok()) break;
    messages.push_back({*type, bytes.subspan(offset, 4 + body->size()), *body});
  }
  return messages;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text;
}

void read_client(const std::vector<Message>& messages, TlsFacts& facts) {
  if (messages.empty() || messages.front().type != kClientHello) return;
  const auto hello = parse_client_hello(messages.front().body);
  if (!hello.ok()) return;
  facts.client_hello = to_bytes(messages.front().whole);
  facts.server_name = hello->server_name;
  facts.alpn = joined(hello->alpn);
}

bool read_server(const std::vector<Message>& messages, TlsFacts& facts) {
  bool full = false;
  for (const Message& message : messages) {
    if (message.type == kServerHello) {
      const auto hello = parse_server_hello(message.body);
      if (!hello.ok()) return full;
      // A retry names the group, the hello after it everything.
      facts.server_hello = to_bytes(message.whole);
      facts.version = hello->version;
      facts.suite = hello->suite;
      facts.group = hello->group.value_or(facts.group);
    }
    if (message.type == kCertificate) full = true;
    const bool curve = message.type == kServerKeyExchange && message.body.size() >= 3 && message.body[0] == kNamedCurve;
    if (curve && traits_of(facts.suite).ecdhe) {
      facts.group = static_cast<std::uint16_t>(message.body[1] << 8 | message.body[2]);
    }
  }
  return full;
}

// A list that isn't empty, and the signature that goes with it.
bool shows_certificate(const std::vector<Message>& messages) {
  bool shown = false;
  for (const Message& message : messages) {
    if (message.type == kCertificate) shown = message.body.size() > 3;
    if (message.type == kCertificateVerify && shown) return true;
  }
  return false;
}

}  // namespace

TlsFacts read_handshakes(ByteView client, ByteView server) {
  TlsFacts facts;
  const std::vector<Message> from_client = messages_of(client);
  read_client(from_client, facts);
  const bool full = read_server(messages_of(server), facts);
  // A resumed session shows no certificates again, and TLS 1.3 hides them.
  if (facts.version != 0 && facts.version < kTls13Version && full) {
    facts.client_proof = shows_certificate(from_client) ? ClientProof::kShown : ClientProof::kNotShown;
  }
  return facts;
}

FlowKind kind_of(const TlsFacts& facts, const RecordWalk& client, const RecordWalk& server) {
  if (client.broken() || server.broken()) return FlowKind::kUnrecognised;
  if (!client.encrypted() || !server.encrypted()) {
    // One direction that goes on while the other wasn't captured.
    const bool half = client.encrypted() != server.encrypted() && (client.records() == 0 || server.records() == 0);
    return half ? FlowKind::kUnrecognised : FlowKind::kIncomplete;
  }
  if (facts.version != 0 && traits_of(facts.suite).null) return FlowKind::kPlaintext;
  return FlowKind::kEncrypted;
}

}  // namespace cloister::probe::path
