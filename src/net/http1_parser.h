// Request and response heads and bodies of HTTP/1.1, held to limits and to one reading: what two parsers could read
// differently is refused. RFC 9112. Beast does the parsing. Used by the HTTP/1.1 session and the client.
#pragma once

#include <memory>

#include "net/session.h"

namespace cloister::net {

enum class ParseState {
  kNothing,  // no byte of a message yet
  kHead,     // in the first line or the headers
  kBody,
  kDone,
  kRefused,
};

class Http1RequestParser {
 public:
  // Both outlive it.
  Http1RequestParser(const Limits& limits, BodyBudget& bodies);
  ~Http1RequestParser();

  // Takes bytes of one message and returns how many it is done with: those behind belong to the next call, with more
  // after them while the message isn't done. The parser never needs more than head_bytes_max() at once.
  std::size_t put(ByteView bytes);
  std::size_t head_bytes_max() const;

  ParseState state() const;
  // When kRefused.
  struct Fault {
    unsigned status;
    Refusal why;
  };
  const Fault& fault() const;

  // When the head is done.
  Request& request();
  bool keeps_alive() const;
  bool is_http10() const;
  bool expects_continue() const;
  // Bytes of the budget this message holds; they are the caller's to give back now.
  std::size_t take_reserved();

  // Ready for the next message.
  void reset();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class Http1ResponseParser {
 public:
  enum class Body { kExpected, kNone };  // none: the answer to HEAD
  Http1ResponseParser(const ResponseLimits& limits, Body body);
  ~Http1ResponseParser();

  std::size_t put(ByteView bytes);
  // The connection has ended: done, if that is how this message ends, and may.
  void put_end();

  ParseState state() const;
  // kInvalid; says which limit or rule.
  const Error& fault() const;
  Response& response();
  bool keeps_alive() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cloister::net
