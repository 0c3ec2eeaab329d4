#include "net/tls.h"

#include <arpa/inet.h>

#include "net/openssl_handles.h"
#include "net/socket_bio.h"
#include "net/tls_session.h"
#include "net/tls_session_state.h"

namespace cloister::net {
namespace {

constexpr const char* kGroups = "?X25519MLKEM768:X25519:P-256";
constexpr const char* kCipherSuites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr std::uint32_t kChainBytesMax = 64 << 10;

// RFC 7301. A client that names no protocol speaks HTTP/1.1; one that names only others is refused.
int select_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  static constexpr unsigned char kOurs[] = "\x02h2\x08http/1.1";
  unsigned char* out = nullptr;
  const int found = SSL_select_next_proto(&out, chosen_size, kOurs, sizeof kOurs - 1, offered, offered_size);
  *chosen = out;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

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

enum class Side { kServer, kClient };
enum class PeerCertificate { kRequired, kNotAskedFor };

Result<SslContext> make_context(Side side, const Credentials& credentials, IdleBuffers idle_buffers) {
  SslContext context(SSL_CTX_new(side == Side::kServer ? TLS_server_method() : TLS_client_method()));
  if (!context || !set_common(context.get(), idle_buffers) || !use_credentials(context.get(), credentials.parts())) {
    return Error(Code::kUnavailable, "set up TLS: " + take_openssl_reason());
  }
  if (side == Side::kServer) SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);
  return context;
}

// The context of the newest credentials: made when they change, then shared by all connections.
class ContextCache {
 public:
  ContextCache(Side side, PeerCertificate peer_certificate, IdleBuffers idle_buffers)
      : side_(side), peer_certificate_(peer_certificate), idle_buffers_(idle_buffers) {}

  Result<Ssl> new_session(const std::shared_ptr<const Credentials>& credentials) {
    const std::scoped_lock lock(mutex_);
    if (credentials != credentials_) {
      CLOISTER_TRY(SslContext context, make_context(side_, *credentials, idle_buffers_));
      if (peer_certificate_ == PeerCertificate::kRequired) {
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
        SSL_CTX_set_cert_verify_callback(context.get(), verify_chain, nullptr);
      }
      context_ = std::move(context);
      credentials_ = credentials;
    }
    Ssl ssl(SSL_new(context_.get()));
    if (!ssl) return Error(Code::kUnavailable, "start TLS: " + take_openssl_reason());
    return ssl;
  }

 private:
  const Side side_;
  const PeerCertificate peer_certificate_;
  const IdleBuffers idle_buffers_;
  std::mutex mutex_;
  std::shared_ptr<const Credentials> credentials_;
  SslContext context_;
};

bool is_address(const std::string& host) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 || ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

Result<std::unique_ptr<TlsSession>> session_on(int socket, Ssl ssl, std::unique_ptr<TlsSession::State> state) {
  BIO* bio = new_socket_bio(socket);
  if (bio == nullptr) return Error(Code::kUnavailable, "start TLS: " + take_openssl_reason());
  SSL_set_bio(ssl.get(), bio, bio);
  SSL_set_ex_data(ssl.get(), kStateIndex, state.get());
  state->ssl = std::move(ssl);
  return std::make_unique<TlsSession>(std::move(state));
}

}  // namespace

struct MutualTls::Core {
  std::shared_ptr<const CredentialSource> credentials;
  std::shared_ptr<const PeerVerifier> verifier;
  Clock clock;
  ContextCache server;
  ContextCache client;
};

MutualTls::MutualTls(std::shared_ptr<Core> core) : core_(std::move(core)) {}
MutualTls::~MutualTls() = default;

Result<std::shared_ptr<const MutualTls>> MutualTls::create(std::shared_ptr<const CredentialSource> credentials,
                                                           std::shared_ptr<const PeerVerifier> verifier, Clock clock,
                                                           IdleBuffers idle_buffers) {
  if (!credentials || !verifier || !clock) {
    return Error(Code::kInvalid, "mutual TLS needs credentials, a verifier of peers and a clock");
  }
  std::shared_ptr<Core> core(new Core{std::move(credentials), std::move(verifier), std::move(clock),
                                      ContextCache(Side::kServer, PeerCertificate::kRequired, idle_buffers),
                                      ContextCache(Side::kClient, PeerCertificate::kRequired, idle_buffers)});
  return std::shared_ptr<const MutualTls>(new MutualTls(std::move(core)));
}

Time MutualTls::now() const { return core_->clock(); }

Result<std::unique_ptr<TlsSession>> MutualTls::accept(int socket) const {
  CLOISTER_TRY(Ssl ssl, core_->server.new_session(core_->credentials->current()));
  SSL_set_accept_state(ssl.get());
  auto state = std::make_unique<TlsSession::State>();
  state->verifier = core_->verifier;
  state->clock = core_->clock;
  return session_on(socket, std::move(ssl), std::move(state));
}

Result<std::unique_ptr<TlsSession>> MutualTls::connect(int socket, const std::string& host,
                                                       std::string expected_id) const {
  if (expected_id.empty()) return Error(Code::kInvalid, "a TLS client must say whom it expects");
  CLOISTER_TRY(Ssl ssl, core_->client.new_session(core_->credentials->current()));
  static constexpr unsigned char kHttp1[] = "\x08http/1.1";
  SSL_set_connect_state(ssl.get());
  // OpenSSL copies the name; its macro for this would cast const away unseen.
  const bool named = is_address(host) || SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                                                  const_cast<char*>(host.c_str())) == 1;
  if (!named || SSL_set_alpn_protos(ssl.get(), kHttp1, sizeof kHttp1 - 1) != 0) {
    return Error(Code::kInvalid, "start TLS: " + take_openssl_reason());
  }
  auto state = std::make_unique<TlsSession::State>();
  state->verifier = core_->verifier;
  state->clock = core_->clock;
  state->expected_id = std::move(expected_id);
  return session_on(socket, std::move(ssl), std::move(state));
}

struct ServerOnlyTls::Core {
  std::shared_ptr<const CredentialSource> credentials;
  ContextCache server;
};

ServerOnlyTls::ServerOnlyTls(std::shared_ptr<Core> core) : core_(std::move(core)) {}
ServerOnlyTls::~ServerOnlyTls() = default;

Result<std::shared_ptr<const ServerOnlyTls>> ServerOnlyTls::create(std::shared_ptr<const CredentialSource> credentials,
                                                                   IdleBuffers idle_buffers) {
  if (!credentials) return Error(Code::kInvalid, "TLS needs credentials");
  std::shared_ptr<Core> core(
      new Core{std::move(credentials), ContextCache(Side::kServer, PeerCertificate::kNotAskedFor, idle_buffers)});
  return std::shared_ptr<const ServerOnlyTls>(new ServerOnlyTls(std::move(core)));
}

Result<std::unique_ptr<TlsSession>> ServerOnlyTls::accept(int socket) const {
  CLOISTER_TRY(Ssl ssl, core_->server.new_session(core_->credentials->current()));
  SSL_set_accept_state(ssl.get());
  return session_on(socket, std::move(ssl), std::make_unique<TlsSession::State>());
}

}  // namespace cloister::net
