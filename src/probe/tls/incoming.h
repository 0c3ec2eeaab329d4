// Bytes of a server become records, and records become messages: bounded, and without trust in any length.
#pragma once

#include <optional>

#include "probe/tls/handshake.h"

namespace cloister::probe {

inline constexpr std::size_t kRecordMax = 16384 + 256;
inline constexpr std::size_t kMessageMax = 65536;
inline constexpr std::size_t kConversationMax = 262144;  // bytes in all
inline constexpr std::size_t kEmptyRecordsMax = 32;

struct Incoming {
  enum class Kind {
    kMessage,  // of the handshake: `type` and `body`
    kAlert,    // `level` and `description`
    kRecord,   // of another type: `type` is the RecordType, `body` its content
    kSslv2,    // a whole record in SSLv2's framing, without its header
    kNotTls,   // `body` holds what came first; nothing more will be read
    kTooMuch,  // a limit was passed, or a length lies; nothing more will be read
  };
  Kind kind;
  std::uint8_t type = 0;
  std::uint8_t level = 0, description = 0;
  std::uint16_t record_version = 0;
  Bytes body = {};
};

enum class Expect { kTls, kSslv2 };

// One thread at a time.
class Assembler {
 public:
  explicit Assembler(Expect expect = Expect::kTls) : expect_(expect) {}

  void feed(ByteView bytes);
  // Nothing until more is fed. After kNotTls or kTooMuch, that again and again.
  std::optional<Incoming> next();

 private:
  std::optional<Incoming> stop(Incoming::Kind kind, Bytes body = {});
  std::optional<Incoming> message();
  std::optional<Incoming> next_sslv2();
  std::optional<Incoming> take_record();

  const Expect expect_;
  Bytes raw_;             // not yet a whole record
  std::size_t read_ = 0;  // of raw_
  Bytes handshake_;       // not yet a whole message
  std::uint16_t record_version_ = 0;
  std::size_t total_ = 0;
  std::size_t empty_records_ = 0;
  std::optional<Incoming> end_;
};

}  // namespace cloister::probe
