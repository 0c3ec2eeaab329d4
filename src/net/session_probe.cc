#include "net/session_probe.h"

#include <poll.h>

#include <algorithm>

#include "net/openssl_handles.h"
#include "net/socket_bio.h"

namespace cloister::net {
namespace {

// Whatever this OpenSSL can speak, however weak: nothing is at stake here.
constexpr const char* kCiphers = "ALL:COMPLEMENTOFALL:@SECLEVEL=0";
constexpr const char* kGroups =
    "?X25519:?P-256:?X25519MLKEM768:?SecP256r1MLKEM768:?SecP384r1MLKEM1024:?P-384:?P-521:?X448:?ffdhe2048:?ffdhe3072:"
    "?MLKEM768:?MLKEM1024:?MLKEM512:?brainpoolP256r1tls13:?brainpoolP384r1tls13";

using Sessions = std::vector<std::shared_ptr<SSL_SESSION>>;

int keep_session(SSL* ssl, SSL_SESSION* session) {
  auto* kept = static_cast<Sessions*>(SSL_get_app_data(ssl));
  kept->emplace_back(session, SSL_SESSION_free);
  return 1;  // it is ours now
}

Result<SslContext> make_context(const SessionRequest& request) {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  const bool set = context != nullptr && SSL_CTX_set_cipher_list(context.get(), kCiphers) == 1 &&
                   SSL_CTX_set_min_proto_version(context.get(), request.version) == 1 &&
                   SSL_CTX_set_max_proto_version(context.get(), request.version) == 1 &&
                   SSL_CTX_set1_groups_list(context.get(), kGroups) == 1;
  if (!set) return Error(Code::kUnsupported, "set up TLS: " + take_openssl_reason());
  SSL_CTX_set_security_level(context.get(), 0);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_options(context.get(), SSL_OP_LEGACY_SERVER_CONNECT | SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (request.tickets == SessionRequest::Tickets::kNo) SSL_CTX_set_options(context.get(), SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context.get(), keep_session);
  return context;
}

enum class Waited { kAgain, kTooLate, kOver };

// After a call of OpenSSL's that returned `result`.
Waited wait_for(SSL* ssl, int result, const SessionRequest& request) {
  const int error = SSL_get_error(ssl, result);
  if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return Waited::kOver;
  const Ticks left = request.deadline - ticks_now();
  if (left <= 0) return Waited::kTooLate;
  const short events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
  pollfd waiting{request.socket, events, 0};
  ::poll(&waiting, 1, static_cast<int>(std::min<Ticks>(left, 60'000)));
  return Waited::kAgain;
}

template <typename Call>
Waited repeat(SSL* ssl, const SessionRequest& request, const Call& call) {
  for (;;) {
    ERR_clear_error();
    const int result = call();
    if (result > 0) return Waited::kOver;
    const Waited waited = wait_for(ssl, result, request);
    if (waited != Waited::kAgain) return waited;
  }
}

Status prepare(SSL* ssl, const SessionRequest& request, SocketOutput& output) {
  output.socket = request.socket;
  BIO* bio = new_socket_bio(output);
  if (bio == nullptr) return Error(Code::kInternal, "set up TLS: out of memory");
  SSL_set_bio(ssl, bio, bio);
  if (!request.server_name.empty()) {
    // What the macro for this does, without its cast.
    SSL_ctrl(ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
             const_cast<char*>(request.server_name.c_str()));
  }
  std::string protocols;
  for (const std::string& protocol : request.protocols) protocols += static_cast<char>(protocol.size()) + protocol;
  if (!protocols.empty()) {
    SSL_set_alpn_protos(ssl, reinterpret_cast<const std::uint8_t*>(protocols.data()),
                        static_cast<unsigned>(protocols.size()));
  }
  if (request.resume != nullptr) {
    // A copy: OpenSSL uses a session of TLS 1.3 up, and a caller may come back more than once.
    const std::unique_ptr<SSL_SESSION, OpensslFree<SSL_SESSION_free>> copy(
        SSL_SESSION_dup(request.resume->handle.get()));
    // A share of another group would be asked for again, and a server that asks again takes no early data.
    const std::string& group = request.resume->group;
    const bool set = group.empty() || SSL_set1_groups_list(ssl, group.c_str()) == 1;
    if (!set || copy == nullptr || SSL_set_session(ssl, copy.get()) != 1) {
      return Error(Code::kUnsupported, "resume a session: " + take_openssl_reason());
    }
  }
  SSL_set_connect_state(ssl);
  return {};
}

Status send_early(SSL* ssl, const SessionRequest& request) {
  if (request.early_data.empty() || request.resume == nullptr || request.resume->early_data_max == 0) return {};
  std::size_t written = 0;
  const Waited waited = repeat(ssl, request, [&] {
    return SSL_write_early_data(ssl, request.early_data.data(), request.early_data.size(), &written);
  });
  if (waited == Waited::kTooLate) return Error(Code::kUnavailable, "early data: no answer in time");
  if (written == 0) return Error(Code::kDenied, "early data: " + take_openssl_reason());
  return {};
}

Status shake_hands(SSL* ssl, const SessionRequest& request) {
  if (repeat(ssl, request, [ssl] { return SSL_do_handshake(ssl); }) == Waited::kTooLate) {
    return Error(Code::kUnavailable, "TLS handshake: no answer in time");
  }
  if (SSL_is_init_finished(ssl) != 1) return Error(Code::kDenied, "TLS handshake: " + take_openssl_reason());
  return {};
}

OfferedSession offered(const std::shared_ptr<SSL_SESSION>& session) {
  OfferedSession out;
  out.handle = session;
  unsigned size = 0;
  const std::uint8_t* id = SSL_SESSION_get_id(session.get(), &size);
  const std::uint8_t* ticket = nullptr;
  std::size_t ticket_size = 0;
  SSL_SESSION_get0_ticket(session.get(), &ticket, &ticket_size);
  if (ticket_size > 0) {
    out.ticket.assign(ticket, ticket + ticket_size);
    out.lifetime_s = static_cast<std::uint32_t>(SSL_SESSION_get_ticket_lifetime_hint(session.get()));
  } else {
    out.id.assign(id, id + size);
  }
  out.early_data_max = SSL_SESSION_get_max_early_data(session.get());
  return out;
}

SessionReport::Renegotiated renegotiate(SSL* ssl, const SessionRequest& request) {
  using enum SessionReport::Renegotiated;
  if (SSL_renegotiate(ssl) != 1) return kRefused;
  ERR_clear_error();
  const Waited waited = repeat(ssl, request, [ssl] { return SSL_do_handshake(ssl); });
  if (waited == Waited::kTooLate) return kSilence;
  return SSL_is_init_finished(ssl) == 1 && SSL_renegotiate_pending(ssl) == 0 ? kYes : kRefused;
}

// Our goodbye makes a server end, and what it had to say before that still comes.
std::string read_to_end(SSL* ssl, const SessionRequest& request) {
  SSL_shutdown(ssl);
  std::uint8_t room[4096];
  for (;;) {
    ERR_clear_error();
    const int count = SSL_read(ssl, room, sizeof room);
    if (count > 0) {
      if (ticks_now() >= request.deadline) return {};
      continue;
    }
    const int error = SSL_get_error(ssl, count);
    if (error == SSL_ERROR_SSL) return take_openssl_reason();
    if (wait_for(ssl, count, request) != Waited::kAgain) return {};
  }
}

}  // namespace

Result<SessionReport> ask_session(const SessionRequest& request) {
  CLOISTER_TRY(const SslContext context, make_context(request));
  SocketOutput output;  // outlives the session
  const Ssl ssl(SSL_new(context.get()));
  if (ssl == nullptr) return Error(Code::kInternal, "set up TLS: out of memory");
  Sessions kept;
  SSL_set_app_data(ssl.get(), &kept);
  CLOISTER_RETURN_IF_ERROR(prepare(ssl.get(), request, output));
  CLOISTER_RETURN_IF_ERROR(send_early(ssl.get(), request));
  CLOISTER_RETURN_IF_ERROR(shake_hands(ssl.get(), request));

  SessionReport report;
  report.resumed = SSL_session_reused(ssl.get()) == 1;
  const std::uint8_t* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl.get(), &protocol, &size);
  report.protocol.assign(reinterpret_cast<const char*>(protocol), size);
  if (SSL_get_early_data_status(ssl.get()) == SSL_EARLY_DATA_ACCEPTED) {
    report.early_data = SessionReport::EarlyData::kAccepted;
  } else if (SSL_get_early_data_status(ssl.get()) == SSL_EARLY_DATA_REJECTED) {
    report.early_data = SessionReport::EarlyData::kRejected;
  }
  if (request.version < TLS1_3_VERSION && kept.empty())
    kept.emplace_back(SSL_get1_session(ssl.get()), SSL_SESSION_free);
  if (request.renegotiation == SessionRequest::Renegotiation::kYes && request.version < TLS1_3_VERSION) {
    const Sessions before = kept;
    report.renegotiated = renegotiate(ssl.get(), request);
    kept = before;
  } else {
    report.ended_with = read_to_end(ssl.get(), request);
  }
  const char* group = request.version == TLS1_3_VERSION ? SSL_get0_group_name(ssl.get()) : nullptr;
  for (const auto& session : kept) {
    report.sessions.push_back(offered(session));
    if (group != nullptr) report.sessions.back().group = group;
  }
  return report;
}

}  // namespace cloister::net
