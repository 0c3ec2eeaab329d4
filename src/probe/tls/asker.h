// One question, one connection, one answer: the step of which every check is made.
#pragma once

#include <mutex>
#include <optional>
#include <string>

#include "crypto/random.h"
#include "probe/tls/conversation.h"
#include "probe/tls/probe_tls.h"

namespace cloister::probe {

// The answer to a ClientHello.
struct Answer {
  Came came = Came::kClosed;  // kMessage: there is a ServerHello or a HelloRetryRequest
  ServerHello hello = {};
  std::uint8_t alert = 0;  // of kAlert
  Bytes shown = {};        // of kNotTls, the first bytes
  bool warned_of_name = false;
  std::uint16_t record_version = 0;
  // Of TLS 1.2 and older, where the whole flight was asked for.
  std::vector<Bytes> chain = {};
  std::optional<ServerKeyExchange> key_exchange = {};
  bool wants_certificate = false;
  bool flight_whole = false;  // up to ServerHelloDone

  // A ServerHello or a HelloRetryRequest.
  bool accepted() const { return came == Came::kMessage; }
  // The server said no: an alert, or it hung up. Anything else but accepted() is unknown.
  bool refused() const { return came == Came::kAlert || came == Came::kClosed; }
  Seen seen() const;
  std::string to_string() const;  // "handshake_failure (40)", "closed without an alert", ...
};

enum class Want { kHello, kFlight };

// Any thread may call.
class Asker {
 public:
  Asker(Dialer& dialer, const TlsProbeOptions& options, crypto::Random& random);

  // A hello of that version (kSsl3 to kTls13) as a client of today would send it, with every suite of `suites`.
  // TLS 1.3: all groups, no key share, no session id.
  ClientHello hello(std::uint16_t version, std::span<const std::uint16_t> suites);
  // Also what such a hello has by default.
  std::vector<std::uint16_t> default_suites(std::uint16_t version) const;

  Answer ask(const ClientHello& hello, Want want = Want::kHello);
  // The same, with the bytes as the caller cut them: one write a piece, with a short pause between.
  Answer ask_in_pieces(std::span<const Bytes> pieces, Want want = Want::kHello);
  Conversation::Opened open(Expect expect = Expect::kTls);
  // After the hello was sent.
  static Answer hear(Conversation& conversation, Want want);
  // The first event is there already.
  static Answer hear_on(Conversation& conversation, Want want, Event event);

  std::array<std::uint8_t, 32> random32();
  const std::string& server_name() const { return dialer_.endpoint().server_name; }
  const TlsProbeOptions& options() const { return options_; }
  Dialer& dialer() { return dialer_; }

 private:
  Dialer& dialer_;
  const TlsProbeOptions& options_;
  std::mutex random_mutex_;
  crypto::Random& random_;
};

}  // namespace cloister::probe
