#include "net/tls.h"

#include "net/openssl_handles.h"
#include "net/tls_context.h"
#include "net/tls_session.h"
#include "net/tls_session_state.h"

namespace cloister::net {
namespace {

// RFC 7301. A client that names no protocol speaks HTTP/1.1; one that names only others is refused.
int select_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  static constexpr unsigned char kOurs[] = "\x02h2\x08http/1.1";
  unsigned char* out = nullptr;
  const int found = SSL_select_next_proto(&out, chosen_size, kOurs, sizeof kOurs - 1, offered, offered_size);
  *chosen = out;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

enum class Side { kServer, kClient };
enum class PeerCertificate { kRequired, kNotAskedFor };

// Without credentials it shows no certificate.
Result<SslContext> make_context(Side side, const Credentials* credentials, IdleBuffers idle_buffers) {
  SslContext context(SSL_CTX_new(side == Side::kServer ? TLS_server_method() : TLS_client_method()));
  if (!context || !set_common(context.get(), idle_buffers) ||
      (credentials != nullptr && !use_credentials(context.get(), credentials->parts()))) {
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
    if (!context_ || credentials != credentials_) {
      CLOISTER_TRY(SslContext context, make_context(side_, credentials.get(), idle_buffers_));
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

Result<std::unique_ptr<TlsSession>> MutualTls::connect(int socket, const std::string& host, std::string expected_id,
                                                       Speaks speaks) const {
  CLOISTER_TRY(Ssl ssl, core_->client.new_session(core_->credentials->current()));
  return client_session(socket, std::move(ssl), host, {core_->verifier, core_->clock, std::move(expected_id)}, speaks);
}

struct AnonymousTls::Core {
  std::shared_ptr<const PeerVerifier> verifier;
  Clock clock;
  ContextCache client;
};

AnonymousTls::AnonymousTls(std::shared_ptr<Core> core) : core_(std::move(core)) {}
AnonymousTls::~AnonymousTls() = default;

Result<std::shared_ptr<const AnonymousTls>> AnonymousTls::create(std::shared_ptr<const PeerVerifier> verifier,
                                                                 Clock clock) {
  if (!verifier || !clock) return Error(Code::kInvalid, "TLS needs a verifier of the server and a clock");
  std::shared_ptr<Core> core(new Core{std::move(verifier), std::move(clock),
                                      ContextCache(Side::kClient, PeerCertificate::kRequired, IdleBuffers::kReleased)});
  return std::shared_ptr<const AnonymousTls>(new AnonymousTls(std::move(core)));
}

Time AnonymousTls::now() const { return core_->clock(); }

Result<std::unique_ptr<TlsSession>> AnonymousTls::connect(int socket, const std::string& host,
                                                          std::string expected_id) const {
  CLOISTER_TRY(Ssl ssl, core_->client.new_session(nullptr));
  return client_session(socket, std::move(ssl), host, {core_->verifier, core_->clock, std::move(expected_id)});
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
