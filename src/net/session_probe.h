// A TLS client that believes whoever answers and brings nothing of ours: it asks an endpoint about its sessions. Never
// for a connection that carries anything.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "net/ticks.h"

struct ssl_session_st;

namespace cloister::net {

// What a server gave for coming back. Cheap to copy.
struct OfferedSession {
  std::shared_ptr<ssl_session_st> handle;
  Bytes id;                          // of TLS 1.2 and older, when no ticket was asked for
  Bytes ticket;                      // empty: none
  std::uint32_t lifetime_s = 0;      // as the server hints; 0: it doesn't
  std::string group;                 // TLS 1.3: of the handshake, in OpenSSL's words
  std::uint32_t early_data_max = 0;  // TLS 1.3: bytes that it takes as early data
};

struct SessionRequest {
  enum class Tickets { kNo, kYes };
  enum class Renegotiation { kNo, kYes };

  int socket = -1;  // connected and non-blocking; stays the caller's
  Ticks deadline = 0;
  std::string server_name = {};  // empty: none is sent
  std::uint16_t version = 0;     // this one and no other: 0x0301 to 0x0304
  Tickets tickets = Tickets::kYes;
  std::vector<std::string> protocols = {};
  const OfferedSession* resume = nullptr;
  std::string early_data = {};                       // sent where `resume` allows it
  Renegotiation renegotiation = Renegotiation::kNo;  // of TLS 1.2 and older, by us
};

struct SessionReport {
  enum class EarlyData { kNotSent, kAccepted, kRejected };
  enum class Renegotiated { kNotAsked, kYes, kRefused, kSilence };

  bool resumed = false;
  std::string protocol;  // of ALPN; empty: none
  std::vector<OfferedSession> sessions;
  EarlyData early_data = EarlyData::kNotSent;
  Renegotiated renegotiated = Renegotiated::kNotAsked;
  std::string ended_with;  // the server's complaint after the handshake; empty: it ended well
};

// One whole handshake, and what the server sends after it until it closes. Waits until the deadline at most. kDenied:
// the handshake failed, in OpenSSL's words. kUnavailable: no answer in time. kUnsupported: OpenSSL can't speak that.
Result<SessionReport> ask_session(const SessionRequest& request);

}  // namespace cloister::net
