#include "net/tls.h"

#include "net/openssl_handles.h"
#include "net/tls_context.h"
#include "net/tls_session.h"
#include "net/tls_session_state.h"

namespace cloister::net {
namespace {

constexpr std::string_view kHttpProtocols = "\x02h2\x08http/1.1";
// Four records at once, with what TLS adds to them.
constexpr std::size_t kStreamReadSize = 4 * (16384 + 256 + 5);

// RFC 7301. A client that names no protocol speaks the one it likes; one that names only others is refused.
int select_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                    unsigned offered_size, void*) {
  const auto& state = *static_cast<const TlsSession::State*>(SSL_get_ex_data(ssl, kStateIndex));
  const std::string_view ours = state.protocols == nullptr ? kHttpProtocols : std::string_view(*state.protocols);
  unsigned char* out = nullptr;
  const int found = SSL_select_next_proto(&out, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
                                          static_cast<unsigned>(ours.size()), offered, offered_size);
  *chosen = out;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

enum class Side { kServer, kClient };
enum class PeerCertificate { kRequired, kNotAskedFor };

// What a stream's context does otherwise than one of HTTP.
struct Streams {
  std::shared_ptr<const std::string> protocols;  // as ALPN sends them
  StreamOptions::KeyExchange key_exchange;
};

const char* groups_of(StreamOptions::KeyExchange key_exchange) {
  switch (key_exchange) {
    case StreamOptions::KeyExchange::kHybridFirst: return kGroups;
    case StreamOptions::KeyExchange::kHybridRequired: return "X25519MLKEM768";
    case StreamOptions::KeyExchange::kClassical: return "X25519:P-256";
  }
  return kGroups;
}

// Without credentials it shows no certificate.
Result<SslContext> make_context(Side side, const Credentials* credentials, IdleBuffers idle_buffers,
                                const Streams* streams) {
  SslContext context(SSL_CTX_new(side == Side::kServer ? TLS_server_method() : TLS_client_method()));
  if (!context || !set_common(context.get(), idle_buffers) ||
      (credentials != nullptr && !use_credentials(context.get(), credentials->parts()))) {
    return Error(Code::kUnavailable, "set up TLS: " + take_openssl_reason());
  }
  if (streams != nullptr) {
    if (SSL_CTX_set1_groups_list(context.get(), groups_of(streams->key_exchange)) != 1) {
      return Error(Code::kUnsupported, "set up TLS: this key exchange isn't there");
    }
    SSL_CTX_set_default_read_buffer_len(context.get(), kStreamReadSize);
    // Wiping each record's plaintext costs a relay of bulk data some percent, and protects nothing: the same bytes go
    // through the buffers of the kernel.
    SSL_CTX_clear_options(context.get(), SSL_OP_CLEANSE_PLAINTEXT);
  }
  const bool names_protocols = streams == nullptr || !streams->protocols->empty();
  if (side == Side::kServer && names_protocols) SSL_CTX_set_alpn_select_cb(context.get(), select_protocol, nullptr);
  return context;
}

// The context of the newest credentials: made when they change, then shared by all connections.
class ContextCache {
 public:
  ContextCache(Side side, PeerCertificate peer_certificate, IdleBuffers idle_buffers,
               std::optional<Streams> streams = std::nullopt)
      : side_(side), peer_certificate_(peer_certificate), idle_buffers_(idle_buffers), streams_(std::move(streams)) {}

  Result<Ssl> new_session(const std::shared_ptr<const Credentials>& credentials) {
    const std::scoped_lock lock(mutex_);
    if (!context_ || credentials != credentials_) {
      CLOISTER_TRY(SslContext context,
                   make_context(side_, credentials.get(), idle_buffers_, streams_ ? &*streams_ : nullptr));
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
  const std::optional<Streams> streams_;
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
  std::optional<Streams> streams;

  std::unique_ptr<TlsSession::State> new_state() const {
    auto state = std::make_unique<TlsSession::State>();
    state->verifier = verifier;
    state->clock = clock;
    if (streams) state->protocols = streams->protocols;
    return state;
  }
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
                                      ContextCache(Side::kClient, PeerCertificate::kRequired, idle_buffers),
                                      std::nullopt});
  return std::shared_ptr<const MutualTls>(new MutualTls(std::move(core)));
}

Result<std::shared_ptr<const MutualTls>> MutualTls::create_for_streams(
    std::shared_ptr<const CredentialSource> credentials, std::shared_ptr<const PeerVerifier> verifier, Clock clock,
    const StreamOptions& options) {
  if (!credentials || !verifier || !clock) {
    return Error(Code::kInvalid, "mutual TLS needs credentials, a verifier of peers and a clock");
  }
  CLOISTER_TRY(std::string list, protocol_list(options.protocols));
  const Streams streams{std::make_shared<const std::string>(std::move(list)), options.key_exchange};
  std::shared_ptr<Core> core(
      new Core{std::move(credentials), std::move(verifier), std::move(clock),
               ContextCache(Side::kServer, PeerCertificate::kRequired, IdleBuffers::kReleased, streams),
               ContextCache(Side::kClient, PeerCertificate::kRequired, IdleBuffers::kReleased, streams), streams});
  return std::shared_ptr<const MutualTls>(new MutualTls(std::move(core)));
}

Time MutualTls::now() const { return core_->clock(); }

Result<std::unique_ptr<TlsSession>> MutualTls::accept(int socket) const {
  CLOISTER_TRY(Ssl ssl, core_->server.new_session(core_->credentials->current()));
  SSL_set_accept_state(ssl.get());
  return session_on(socket, std::move(ssl), core_->new_state());
}

Result<std::unique_ptr<TlsSession>> MutualTls::connect(int socket, const std::string& host, std::string expected_id,
                                                       Speaks speaks) const {
  CLOISTER_TRY(Ssl ssl, core_->client.new_session(core_->credentials->current()));
  return client_session(socket, std::move(ssl), host, {core_->verifier, core_->clock, std::move(expected_id)}, speaks);
}

Result<std::unique_ptr<TlsSession>> MutualTls::connect_to_admitted(int socket, const std::string& host) const {
  CLOISTER_TRY(Ssl ssl, core_->client.new_session(core_->credentials->current()));
  SSL_set_connect_state(ssl.get());
  auto state = core_->new_state();
  const std::string_view protocols = state->protocols == nullptr ? "" : std::string_view(*state->protocols);
  const bool spoken =
      protocols.empty() || SSL_set_alpn_protos(ssl.get(), reinterpret_cast<const unsigned char*>(protocols.data()),
                                               static_cast<unsigned>(protocols.size())) == 0;
  if (!spoken || (!host.empty() && !name_server(ssl.get(), host))) {
    return Error(Code::kInvalid, "start TLS: " + take_openssl_reason());
  }
  return session_on(socket, std::move(ssl), std::move(state));
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
