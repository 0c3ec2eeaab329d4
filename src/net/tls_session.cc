#include "net/tls_session.h"

#include "net/tls_session_state.h"

namespace cloister::net {
namespace {

constexpr unsigned kMessagesWithoutDataMax = 16;

Result<std::vector<Bytes>> chain_of(X509_STORE_CTX* store) {
  STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
  const int count = sent == nullptr ? 0 : sk_X509_num(sent);
  if (count < 1 || count > static_cast<int>(PeerVerifier::kChainMax)) {
    return Error(Code::kInvalid, "the peer sent " + std::to_string(count) + " certificates");
  }
  std::vector<Bytes> chain;
  for (int i = 0; i < count; ++i) {
    const int size = i2d_X509(sk_X509_value(sent, i), nullptr);
    if (size <= 0) return Error(Code::kInvalid, "the peer sent a certificate that can't be written as DER");
    Bytes der(static_cast<std::size_t>(size));
    unsigned char* out = der.data();
    i2d_X509(sk_X509_value(sent, i), &out);
    chain.push_back(std::move(der));
  }
  return chain;
}

// What the peer is told: the alert OpenSSL makes of this, no more.
int verify_error_of(Code code) {
  switch (code) {
    case Code::kExpired: return X509_V_ERR_CERT_HAS_EXPIRED;
    case Code::kCorrupt:
    case Code::kInvalid: return X509_V_ERR_CERT_REJECTED;
    case Code::kDenied: return X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
    default: return X509_V_ERR_APPLICATION_VERIFICATION;
  }
}

std::optional<crypto::Sha256Digest> key_of(const X509* certificate) {
  if (certificate == nullptr) return std::nullopt;
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (size <= 0) return std::nullopt;
  const crypto::Sha256Digest digest = crypto::sha256(ByteView(der, static_cast<std::size_t>(size)));
  OPENSSL_free(der);
  return digest;
}

Result<Peer> verify(TlsSession::State& state, X509_STORE_CTX* store) {
  CLOISTER_TRY(const std::vector<Bytes> chain, chain_of(store));
  CLOISTER_TRY(Peer peer, state.verifier->verify(state.clock(), chain));
  if (peer.id.empty()) return Error(Code::kDenied, "the peer's certificate names nobody");
  if (!state.expected_id.empty() && peer.id != state.expected_id) {
    return Error(Code::kDenied, "the server is " + peer.id + ", not " + state.expected_id);
  }
  if (state.protocols != nullptr) {
    state.peer_leaf = crypto::sha256(chain.front());
  } else {
    state.peer_key = key_of(sk_X509_value(X509_STORE_CTX_get0_untrusted(store), 0));
  }
  return peer;
}

bool refuses_our_certificate(int reason) {
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED: return true;
    default: return false;
  }
}

Error error_of_queue(TlsSession::State& state) {
  const unsigned long code = ERR_peek_error();
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  const std::string words = take_openssl_reason();
  const std::string during = state.shaken ? "TLS: " : "TLS handshake: ";
  if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) return Error(Code::kUnavailable, during + "the connection broke");
  if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
    return Error(Code::kDenied, during + "the peer showed no certificate");
  }
  if (refuses_our_certificate(reason)) {
    state.refused_by_peer = true;
    return Error(Code::kDenied, during + "the peer refuses our certificate: " + words);
  }
  return Error(Code::kInvalid, during + words);
}

TlsSession::Outcome outcome_of(TlsSession::State& state, int result) {
  using enum TlsSession::Outcome;
  switch (SSL_get_error(state.ssl.get(), result)) {
    case SSL_ERROR_WANT_READ: return kWantRead;
    case SSL_ERROR_WANT_WRITE: return kWantWrite;
    case SSL_ERROR_ZERO_RETURN: return kClosed;
    case SSL_ERROR_SSL:
      if (!state.failure) state.failure = error_of_queue(state);
      break;
    default:
      if (!state.failure) state.failure = Error(Code::kUnavailable, "TLS: the connection broke");
  }
  ERR_clear_error();
  return kFailed;
}

// What the peer said before it went, if it said something; else that it went.
Error error_of_broken(TlsSession::State& state) {
  std::uint8_t ignored = 0;
  std::size_t bytes = 0;
  ERR_clear_error();
  const int result = SSL_read_ex(state.ssl.get(), &ignored, sizeof ignored, &bytes);
  if (result != 1 && SSL_get_error(state.ssl.get(), result) == SSL_ERROR_SSL) return error_of_queue(state);
  ERR_clear_error();
  return Error(Code::kUnavailable, "TLS: the connection broke");
}

TlsSession::Outcome flushed(TlsSession::State& state, SocketOutput::Sent sent) {
  if (sent == SocketOutput::Sent::kAll) return TlsSession::Outcome::kDone;
  if (sent == SocketOutput::Sent::kLater) return TlsSession::Outcome::kWantWrite;
  state.failure = error_of_broken(state);
  return TlsSession::Outcome::kFailed;
}

// Empties a key whose work is done. OpenSSL keeps those of the handshake as long as the connection stands: six
// kibibytes for an ML-KEM share, two for a P-256 key, of each of thousands of idle connections.
void let_go(EVP_PKEY* key) {
  if (key != nullptr) EVP_PKEY_set_type(key, EVP_PKEY_X25519);
}

void let_go_of_handshake_keys(SSL* ssl) {
  for (const int which : {SSL_CTRL_GET_PEER_TMP_KEY, SSL_CTRL_GET_TMP_KEY}) {
    EVP_PKEY* share = nullptr;
    if (SSL_ctrl(ssl, which, 0, &share) == 1) let_go(share);
    EVP_PKEY_free(share);
  }
  if (X509* peer = SSL_get0_peer_certificate(ssl)) let_go(X509_get0_pubkey(peer));
  ERR_clear_error();
}

}  // namespace

int verify_chain(X509_STORE_CTX* store, void*) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto& state = *static_cast<TlsSession::State*>(SSL_get_ex_data(ssl, kStateIndex));
  auto peer = verify(state, store);
  if (!peer.ok()) {
    X509_STORE_CTX_set_error(store, verify_error_of(peer.error().code()));
    // What the peer sent is at fault, not what we were asked to do.
    const Code code = peer.error().code() == Code::kInvalid ? Code::kCorrupt : peer.error().code();
    state.failure = Error(code, "verify the peer: " + peer.error().message());
    return 0;
  }
  X509_STORE_CTX_set_error(store, X509_V_OK);
  state.peer = std::move(peer).value();
  return 1;
}

void count_handshake_messages(int is_write, int, int content_type, const void*, std::size_t, SSL* ssl, void*) {
  auto* state = static_cast<TlsSession::State*>(SSL_get_ex_data(ssl, kStateIndex));
  if (is_write == 0 && content_type == SSL3_RT_HANDSHAKE && state != nullptr) ++state->messages_without_data;
}

TlsSession::TlsSession(std::unique_ptr<State> state) : state_(std::move(state)) {}
TlsSession::~TlsSession() = default;

TlsSession::Outcome TlsSession::handshake() {
  if (state_->failure) return Outcome::kFailed;
  ERR_clear_error();
  const int result = SSL_do_handshake(state_->ssl.get());
  if (result != 1) {
    const Outcome outcome = outcome_of(*state_, result);
    if (outcome != Outcome::kClosed) return outcome;
    state_->failure = Error(Code::kUnavailable, "TLS handshake: the peer went away");
    return Outcome::kFailed;
  }
  // Both ways to get here without a verdict would be mistakes of ours.
  CLOISTER_CHECK(state_->verifier == nullptr || state_->peer.has_value());
  state_->shaken = true;
  state_->messages_without_data = 0;
  state_->output.keep = state_->protocols != nullptr;
  let_go_of_handshake_keys(state_->ssl.get());
  return Outcome::kDone;
}

TlsSession::Transfer TlsSession::read(MutableByteView out) {
  CLOISTER_CHECK(state_->shaken);
  if (state_->failure) return {Outcome::kFailed};
  for (;;) {
    ERR_clear_error();
    const unsigned messages = state_->messages_without_data;
    std::size_t bytes = 0;
    const int result = SSL_read_ex(state_->ssl.get(), out.data(), out.size(), &bytes);
    if (result == 1) {
      state_->messages_without_data = 0;
      return {Outcome::kDone, bytes};
    }
    const Outcome outcome = outcome_of(*state_, result);
    if (outcome != Outcome::kWantRead || state_->messages_without_data == messages) return {outcome};
    // A key update was worked off, and data may lie behind it that the socket won't announce again.
    if (state_->messages_without_data > kMessagesWithoutDataMax) {
      state_->failure = Error(Code::kInvalid, "TLS: the peer sends key updates and no data");
      return {Outcome::kFailed};
    }
  }
}

bool TlsSession::has_buffered() const { return SSL_has_pending(state_->ssl.get()) == 1; }

TlsSession::Transfer TlsSession::write(ByteView bytes) {
  CLOISTER_CHECK(state_->shaken && !bytes.empty());
  if (state_->failure) return {Outcome::kFailed};
  ERR_clear_error();
  std::size_t written = 0;
  const int result = SSL_write_ex(state_->ssl.get(), bytes.data(), bytes.size(), &written);
  if (result == 1) return {Outcome::kDone, written};
  return {outcome_of(*state_, result)};
}

TlsSession::Outcome TlsSession::send(ByteView bytes, Bytes& scratch) {
  CLOISTER_CHECK(state_->output.keep && !bytes.empty() && !has_unsent());
  if (state_->failure) return Outcome::kFailed;
  scratch.clear();
  state_->output.gathered = &scratch;
  ERR_clear_error();
  Outcome outcome = Outcome::kDone;
  while (!bytes.empty() && outcome == Outcome::kDone) {
    std::size_t written = 0;
    const int result = SSL_write_ex(state_->ssl.get(), bytes.data(), bytes.size(), &written);
    if (result != 1) outcome = outcome_of(*state_, result);
    bytes = bytes.subspan(written);
  }
  state_->output.gathered = nullptr;
  CLOISTER_CHECK(outcome == Outcome::kDone || outcome == Outcome::kFailed);  // its output is memory: it never waits
  if (outcome != Outcome::kDone) return outcome;
  return flushed(*state_, state_->output.send(scratch));
}

TlsSession::Outcome TlsSession::flush() {
  if (state_->failure) return Outcome::kFailed;
  return flushed(*state_, state_->output.flush());
}

bool TlsSession::has_unsent() const { return !state_->output.unsent.empty(); }

void TlsSession::close_notify() {
  if (!state_->shaken || state_->failure) return;
  ERR_clear_error();
  SSL_shutdown(state_->ssl.get());
  ERR_clear_error();
}

const Error& TlsSession::failure() const {
  CLOISTER_CHECK(state_->failure.has_value());
  return *state_->failure;
}

bool TlsSession::refused_by_peer() const { return state_->refused_by_peer; }

const std::optional<Peer>& TlsSession::peer() const { return state_->peer; }

const std::optional<crypto::Sha256Digest>& TlsSession::peer_key() const { return state_->peer_key; }

std::optional<crypto::Sha256Digest> TlsSession::own_key() const {
  return key_of(SSL_get_certificate(state_->ssl.get()));
}

const std::optional<crypto::Sha256Digest>& TlsSession::peer_leaf() const { return state_->peer_leaf; }

Result<ChannelBinding> TlsSession::channel_binding() const {
  static constexpr std::string_view kLabel = "EXPORTER-Channel-Binding";
  ChannelBinding binding;
  if (!state_->shaken || SSL_export_keying_material(state_->ssl.get(), binding.data(), binding.size(), kLabel.data(),
                                                    kLabel.size(), nullptr, 0, 1) != 1) {
    ERR_clear_error();
    return Error(Code::kUnavailable, "TLS: no channel binding before the handshake is done");
  }
  return binding;
}

std::string TlsSession::group() const {
  const char* name = SSL_get0_group_name(state_->ssl.get());
  return name == nullptr ? "" : name;
}

std::string TlsSession::cipher() const { return SSL_get_cipher_name(state_->ssl.get()); }

bool TlsSession::speaks_http2() const { return protocol() == "h2"; }

std::string TlsSession::protocol() const {
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(state_->ssl.get(), &protocol, &size);
  return std::string(reinterpret_cast<const char*>(protocol), size);
}

}  // namespace cloister::net
