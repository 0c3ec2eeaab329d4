// What runs a model: given its bytes once, then asked. Formats of questions and answers are the engine's own.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "net/body_stream.h"

namespace cloister::worker {

struct Question {
  std::string_view content_type;
  ByteView content;
};

struct EngineAnswer {
  unsigned status = 200;  // of HTTP: an engine behind a socket has its own
  std::string content_type;
  net::Buffer content;
};

class Engine {
 public:
  virtual ~Engine() = default;

  // Once, before the first question. `model` may be gone afterwards. kInvalid: it isn't a model that this engine runs.
  virtual Status load(ByteView model) = 0;
  // Any thread, several at once; waits for the answer. kInvalid: the question's fault. kUnavailable: ask again.
  // Messages say nothing of what was asked.
  virtual Result<EngineAnswer> infer(const Question& question) = 0;
  // The same, piece by piece as the engine makes it: status and `content-type` first. An error of `sink` ends it, and
  // the engine is told to stop. An error after sink.begin(): the answer isn't whole. Engines that have whole answers
  // alone give one piece.
  virtual Status stream(const Question& question, net::BodySink& sink);
};

}  // namespace cloister::worker
