#include "net/tls_context.h"

#include <arpa/inet.h>

#include "net/socket_bio.h"

namespace cloister::net {
namespace {

constexpr const char* kCipherSuites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr std::uint32_t kChainBytesMax = 64 << 10;
constexpr std::size_t kProtocolsMax = 16;

bool is_address(const std::string& host) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 || ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

}  // namespace

bool use_credentials(SSL_CTX* context, const Credentials::Parts& parts) {
  if (SSL_CTX_use_certificate(context, parts.chain[0].get()) != 1) return false;
  for (std::size_t i = 1; i < parts.chain.size(); ++i) {
    if (SSL_CTX_add1_chain_cert(context, parts.chain[i].get()) != 1) return false;
  }
  return SSL_CTX_use_PrivateKey(context, parts.key.get()) == 1;
}

bool set_common(SSL_CTX* context, IdleBuffers idle_buffers) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA | SSL_OP_CLEANSE_PLAINTEXT | SSL_OP_NO_COMPRESSION);
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  if (idle_buffers == IdleBuffers::kReleased) SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(context, kChainBytesMax);
  SSL_CTX_set_msg_callback(context, count_handshake_messages);
  return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1 && SSL_CTX_set_num_tickets(context, 0) == 1 &&
         SSL_CTX_set_max_early_data(context, 0) == 1 && SSL_CTX_set_recv_max_early_data(context, 0) == 1 &&
         SSL_CTX_set_ciphersuites(context, kCipherSuites) == 1 && SSL_CTX_set1_groups_list(context, kGroups) == 1;
}

bool name_server(SSL* ssl, const std::string& host) {
  // OpenSSL copies the name; its macro for this would cast const away unseen.
  return is_address(host) ||
         SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host.c_str())) == 1;
}

Result<std::string> protocol_list(std::span<const std::string> names) {
  if (names.size() > kProtocolsMax) return Error(Code::kInvalid, "more than 16 protocols");
  std::string list;
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255) return Error(Code::kInvalid, "a protocol's name has 1 to 255 bytes");
    list += static_cast<char>(name.size());
    list += name;
  }
  return list;
}

Result<std::unique_ptr<TlsSession>> session_on(int socket, Ssl ssl, std::unique_ptr<TlsSession::State> state) {
  state->output.socket = socket;
  BIO* bio = new_socket_bio(state->output);
  if (bio == nullptr) return Error(Code::kUnavailable, "start TLS: " + take_openssl_reason());
  SSL_set_bio(ssl.get(), bio, bio);
  SSL_set_ex_data(ssl.get(), kStateIndex, state.get());
  state->ssl = std::move(ssl);
  return std::make_unique<TlsSession>(std::move(state));
}

Result<std::unique_ptr<TlsSession>> client_session(int socket, Ssl ssl, const std::string& host,
                                                   Expectation expectation, Speaks speaks) {
  if (expectation.id.empty()) return Error(Code::kInvalid, "a TLS client must say whom it expects");
  static constexpr unsigned char kHttp1[] = "\x08http/1.1";
  static constexpr unsigned char kHttp2[] = "\x02h2";
  SSL_set_connect_state(ssl.get());
  const bool named = name_server(ssl.get(), host);
  const ByteView protocol =
      speaks == Speaks::kHttp2 ? ByteView(kHttp2, sizeof kHttp2 - 1) : ByteView(kHttp1, sizeof kHttp1 - 1);
  const bool spoken = speaks == Speaks::kOther ||
                      SSL_set_alpn_protos(ssl.get(), protocol.data(), static_cast<unsigned>(protocol.size())) == 0;
  if (!named || !spoken) {
    return Error(Code::kInvalid, "start TLS: " + take_openssl_reason());
  }
  auto state = std::make_unique<TlsSession::State>();
  state->verifier = std::move(expectation.verifier);
  state->clock = std::move(expectation.clock);
  state->expected_id = std::move(expectation.id);
  return session_on(socket, std::move(ssl), std::move(state));
}

}  // namespace cloister::net
