// One question over HTTP/2 to a stranger that is being looked at (RFC 9113): bytes in, bytes out, bounded, and no
// connection of its own. nghttp2 does the framing.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace cloister::net {

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct Http2Question {
  std::string method = "GET";
  std::string scheme = "https";
  std::string authority = {};
  std::string path = "/";
  HeaderList headers = {};
  Bytes body = {};
};

struct Http2Answer {
  bool speaks = false;  // its SETTINGS came: this is HTTP/2
  unsigned status = 0;
  HeaderList headers;  // and trailers; at most kHeadersMax
  Bytes body;          // the first kBodyMax bytes
};

class ObservedHttp2 {
 public:
  static constexpr std::size_t kHeadersMax = 128;
  static constexpr std::size_t kBodyMax = 64 << 10;

  // kInvalid for a question that can't be sent.
  static Result<std::unique_ptr<ObservedHttp2>> create(const Http2Question& question);
  ~ObservedHttp2();

  // What is to be written now; empty when there is nothing.
  Result<Bytes> output();
  // kInvalid when what came isn't HTTP/2.
  Status put(ByteView bytes);
  // The answer is whole, or as much of it as is kept, or there will be none.
  bool over() const;
  const Http2Answer& answer() const;

  struct State;

 private:
  explicit ObservedHttp2(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cloister::net
