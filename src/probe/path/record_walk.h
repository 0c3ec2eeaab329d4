// Follows one direction of a TLS connection from record to record, without keys: whether everything in it is TLS, and
// what its handshake says in the clear.
#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace cloister::probe::path {

// One thread at a time.
class RecordWalk {
 public:
  static constexpr std::size_t kHandshakeMax = 65536;  // kept of what is in the clear

  // The next bytes of the direction, in order.
  void add(ByteView bytes);
  // Some bytes weren't captured: it goes on where two records follow each other again.
  void lose();

  // Messages of the handshake as they came, with their headers, up to the first encrypted record.
  const Bytes& handshake() const { return handshake_; }
  void forget_handshake();

  std::uint64_t records() const { return records_; }
  std::uint64_t application_records() const { return application_records_; }
  bool encrypted() const { return encrypted_; }  // a record was seen that only the ends can read
  bool alerted() const { return alerted_; }      // an alert in the clear
  bool broken() const { return broken_; }        // bytes that are no records, though none were lost

 private:
  void begin_record(ByteView header);
  void take_body(ByteView bytes);

  Bytes header_;          // of a record that has begun
  std::size_t left_ = 0;  // bytes of its body that are still to come
  std::uint8_t type_ = 0;
  Bytes handshake_;
  std::uint64_t records_ = 0, application_records_ = 0;
  bool cipher_changed_ = false, encrypted_ = false, alerted_ = false, broken_ = false, lost_ = false;
};

// The length of the record whose header begins `bytes`: header and body. Nothing when it isn't one.
std::optional<std::size_t> record_size(ByteView bytes);

// Where in `bytes`, which begin somewhere within a connection, records of application data begin: the first place at
// which two follow each other, or one ends exactly with them. Nothing where there is none.
std::optional<std::size_t> find_records(ByteView bytes);

}  // namespace cloister::probe::path
