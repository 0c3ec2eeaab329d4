#include "net/observed_tls.h"

#include <arpa/inet.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "net/openssl_handles.h"
#include "net/socket_bio.h"
#include "net/tls_context.h"

namespace cloister::net {

struct ObservedTls::State {
  SocketOutput output;
  SslContext context;
  Ssl ssl;
  TlsObservation seen;
};

namespace {

constexpr std::uint32_t kChainBytesMax = 256 << 10;
constexpr int kCertificatesMax = 32;
constexpr int kAuthorityNamesMax = 256;
constexpr std::size_t kStapleBytesMax = 64 << 10;
constexpr const char* kEveryGroup =
    "?*X25519MLKEM768:?*X25519:?SecP256r1MLKEM768:?SecP384r1MLKEM1024:?MLKEM768:?MLKEM1024:?MLKEM512:?P-256:?P-384:"
    "?P-521:?X448:?ffdhe2048:?ffdhe3072";
// Level 0: what OpenSSL can do at all. It is here to see a server, not to trust it.
constexpr const char* kEveryCipher = "ALL:@SECLEVEL=0";

TlsObservation& seen_by(SSL* ssl) { return static_cast<ObservedTls::State*>(SSL_get_ex_data(ssl, kStateIndex))->seen; }

Bytes der_of(X509* certificate) {
  const int size = i2d_X509(certificate, nullptr);
  if (size <= 0) return {};
  Bytes der(static_cast<std::size_t>(size));
  unsigned char* out = der.data();
  i2d_X509(certificate, &out);
  return der;
}

// Keeps the chain, and lets every one pass: it is judged elsewhere, nothing here relies on it.
int keep_chain(X509_STORE_CTX* store, void*) {
  auto* ssl = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  STACK_OF(X509)* sent = X509_STORE_CTX_get0_untrusted(store);
  TlsObservation& seen = seen_by(ssl);
  seen.chain.clear();
  const int count = sent == nullptr ? 0 : std::min(sk_X509_num(sent), kCertificatesMax);
  for (int i = 0; i < count; ++i) seen.chain.push_back(der_of(sk_X509_value(sent, i)));
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

int keep_question(SSL* ssl, void*) {
  TlsObservation& seen = seen_by(ssl);
  seen.client_certificate_asked = true;
  seen.authority_names.clear();
  const STACK_OF(X509_NAME)* names = SSL_get0_peer_CA_list(ssl);
  const int count = names == nullptr ? 0 : std::min(sk_X509_NAME_num(names), kAuthorityNamesMax);
  for (int i = 0; i < count; ++i) {
    const unsigned char* der = nullptr;
    std::size_t size = 0;
    if (X509_NAME_get0_der(sk_X509_NAME_value(names, i), &der, &size) != 1) continue;
    seen.authority_names.emplace_back(der, der + size);
  }
  return 1;
}

void keep_alert(const SSL* ssl, int where, int value) {
  if ((where & SSL_CB_READ_ALERT) != SSL_CB_READ_ALERT) return;
  const auto level = static_cast<unsigned>(value) >> 8;
  if (level == SSL3_AL_FATAL) seen_by(const_cast<SSL*>(ssl)).alert = static_cast<unsigned>(value) & 0xff;
}

// signed_certificate_timestamp, RFC 6962 3.3.1: an empty extension asks for them.
int ask_for_timestamps(SSL*, unsigned, unsigned, const unsigned char** out, std::size_t* size, X509*, std::size_t, int*,
                       void*) {
  *out = nullptr;
  *size = 0;
  return 1;
}

int keep_timestamps(SSL* ssl, unsigned, unsigned, const unsigned char* in, std::size_t size, X509*, std::size_t index,
                    int*, void*) {
  if (index == 0) seen_by(ssl).timestamps.assign(in, in + size);
  return 1;
}

bool is_address(const std::string& host) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, host.c_str(), &ignored) == 1 || ::inet_pton(AF_INET6, host.c_str(), &ignored) == 1;
}

Result<Bytes> protocol_list(const std::vector<std::string>& protocols) {
  Bytes list;
  for (const std::string& protocol : protocols) {
    if (protocol.empty() || protocol.size() > 255) return Error(Code::kInvalid, "a protocol's name is too long");
    list.push_back(static_cast<std::uint8_t>(protocol.size()));
    list.insert(list.end(), protocol.begin(), protocol.end());
  }
  return list;
}

Result<SslContext> make_context(const ObservedTlsOptions& options) {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  const int newest = options.newest == ObservedTlsOptions::Newest::kTls12 ? TLS1_2_VERSION : TLS1_3_VERSION;
  const unsigned where = SSL_EXT_CLIENT_HELLO | SSL_EXT_TLS1_2_SERVER_HELLO | SSL_EXT_TLS1_3_CERTIFICATE;
  const bool set = context && SSL_CTX_set_cipher_list(context.get(), kEveryCipher) == 1 &&
                   SSL_CTX_set_min_proto_version(context.get(), TLS1_VERSION) == 1 &&
                   SSL_CTX_set_max_proto_version(context.get(), newest) == 1 &&
                   SSL_CTX_set1_groups_list(context.get(), kEveryGroup) == 1 &&
                   SSL_CTX_set_tlsext_status_type(context.get(), TLSEXT_STATUSTYPE_ocsp) == 1 &&
                   SSL_CTX_add_custom_ext(context.get(), TLSEXT_TYPE_signed_certificate_timestamp, where,
                                          ask_for_timestamps, nullptr, nullptr, keep_timestamps, nullptr) == 1 &&
                   (!options.own || use_credentials(context.get(), options.own->parts()));
  if (!set) return Error(Code::kInternal, "set up TLS to look at a server: " + take_openssl_reason());
  SSL_CTX_set_options(context.get(), SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_clear_mode(context.get(), SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_max_cert_list(context.get(), kChainBytesMax);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context.get(), keep_chain, nullptr);
  SSL_CTX_set_cert_cb(context.get(), keep_question, nullptr);
  SSL_CTX_set_info_callback(context.get(), keep_alert);
  return context;
}

std::string text(const char* words) { return words == nullptr ? "" : words; }

void keep_outcome(SSL* ssl, TlsObservation& seen) {
  seen.version = text(SSL_get_version(ssl));
  seen.cipher = text(SSL_get_cipher_name(ssl));
  seen.group = text(SSL_get0_group_name(ssl));
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  if (protocol != nullptr) seen.protocol.assign(reinterpret_cast<const char*>(protocol), size);
  const char* signature = nullptr;
  if (SSL_get0_peer_signature_name(ssl, &signature) == 1) seen.peer_signature = text(signature);
  const unsigned char* staple = nullptr;
  const long staple_size = SSL_get_tlsext_status_ocsp_resp(ssl, &staple);
  if (staple != nullptr && staple_size > 0 && static_cast<std::size_t>(staple_size) <= kStapleBytesMax) {
    seen.ocsp_response.assign(staple, staple + staple_size);
  }
  ERR_clear_error();
}

Status wait_for(int socket, short events, Ticks deadline) {
  for (;;) {
    const Ticks left = deadline - ticks_now();
    if (left <= 0) return Error(Code::kUnavailable, "no answer in time");
    pollfd waiting{socket, events, 0};
    const int count = ::poll(&waiting, 1, static_cast<int>(std::min<Ticks>(left, 60'000)));
    if (count > 0) return {};
    if (count < 0 && errno != EINTR) return error_from_errno(errno, "wait for the server");
  }
}

// What stands in the way of a call that returned `result`; nothing when it may be tried again.
Status settle(ObservedTls::State& state, int result, Ticks deadline) {
  switch (SSL_get_error(state.ssl.get(), result)) {
    case SSL_ERROR_WANT_READ: return wait_for(state.output.socket, POLLIN, deadline);
    case SSL_ERROR_WANT_WRITE: return wait_for(state.output.socket, POLLOUT, deadline);
    case SSL_ERROR_SSL: break;
    default: ERR_clear_error(); return Error(Code::kUnavailable, "the connection broke");
  }
  const unsigned long code = ERR_peek_error();
  const bool broke = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  const std::string reason = take_openssl_reason();
  if (state.seen.alert) return Error(Code::kDenied, "alert " + std::to_string(*state.seen.alert) + ": " + reason);
  return broke ? Error(Code::kUnavailable, "the connection broke") : Error(Code::kInvalid, reason);
}

}  // namespace

ObservedTls::ObservedTls(std::unique_ptr<State> state) : state_(std::move(state)) {}
ObservedTls::~ObservedTls() = default;

Result<std::unique_ptr<ObservedTls>> ObservedTls::create(int socket, const ObservedTlsOptions& options) {
  CLOISTER_TRY(const Bytes protocols, protocol_list(options.protocols));
  auto state = std::make_unique<State>();
  state->output.socket = socket;
  CLOISTER_TRY(state->context, make_context(options));
  state->ssl.reset(SSL_new(state->context.get()));
  BIO* bio = state->ssl ? new_socket_bio(state->output) : nullptr;
  if (bio == nullptr) return Error(Code::kInternal, "set up TLS to look at a server: " + take_openssl_reason());
  SSL* ssl = state->ssl.get();
  SSL_set_bio(ssl, bio, bio);
  SSL_set_ex_data(ssl, kStateIndex, state.get());
  SSL_set_connect_state(ssl);
  const std::string& name = options.server_name;
  const bool named =
      name.empty() || is_address(name) ||
      SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(name.c_str())) == 1;
  const bool offered =
      protocols.empty() || SSL_set_alpn_protos(ssl, protocols.data(), static_cast<unsigned>(protocols.size())) == 0;
  if (!named || !offered) return Error(Code::kInvalid, "a server's name or a protocol's is none: " + name);
  return std::unique_ptr<ObservedTls>(new ObservedTls(std::move(state)));
}

Status ObservedTls::handshake(Ticks deadline) {
  for (;;) {
    ERR_clear_error();
    const int result = SSL_do_handshake(state_->ssl.get());
    if (result == 1) break;
    CLOISTER_RETURN_IF_ERROR(settle(*state_, result, deadline).with_context("TLS handshake"));
  }
  keep_outcome(state_->ssl.get(), state_->seen);
  return {};
}

Status ObservedTls::write(ByteView bytes, Ticks deadline) {
  while (!bytes.empty()) {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_write_ex(state_->ssl.get(), bytes.data(), bytes.size(), &count);
    if (result != 1) CLOISTER_RETURN_IF_ERROR(settle(*state_, result, deadline).with_context("write"));
    if (result == 1) bytes = bytes.subspan(count);
  }
  return {};
}

Result<std::size_t> ObservedTls::read(MutableByteView out, Ticks deadline) {
  for (;;) {
    ERR_clear_error();
    std::size_t count = 0;
    const int result = SSL_read_ex(state_->ssl.get(), out.data(), out.size(), &count);
    if (result == 1) return count;
    if (SSL_get_error(state_->ssl.get(), result) == SSL_ERROR_ZERO_RETURN) return std::size_t{0};
    if (ticks_now() >= deadline) return Error(Code::kUnavailable, "read: no answer in time");
    CLOISTER_RETURN_IF_ERROR(settle(*state_, result, deadline).with_context("read"));
  }
}

const TlsObservation& ObservedTls::observation() const { return state_->seen; }

}  // namespace cloister::net
