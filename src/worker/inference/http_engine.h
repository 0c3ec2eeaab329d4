// An engine that is another process on this machine: asked over HTTP on a Unix socket, in its own language. It gets the
// model by other means, for instance as a sealed memory file when it is started.
#pragma once

#include <memory>

#include "net/http_client.h"
#include "worker/inference/engine.h"

namespace cloister::worker {

// The most content of one answer: sealed in large pieces, it is what a client takes at most, 64 MiB.
inline constexpr std::size_t kEngineAnswerMax = 63 << 20;

class HttpEngine final : public Engine {
 public:
  // Questions are posted to `path`. `patience`: how long one may take. An answer has to say where it ends, by its
  // length or in chunks: one that ends with its connection isn't taken, since a process that dies ends it so, too. Nor
  // is one beyond kEngineAnswerMax.
  static Result<std::unique_ptr<HttpEngine>> create(net::UnixTarget target, std::string path, Duration patience);

  // Nothing to do: the process has it already.
  Status load(ByteView model) override;
  Result<EngineAnswer> infer(const Question& question) override;
  // Server-sent events, or whatever else it sends, as they come; `patience` is for each piece.
  Status stream(const Question& question, net::BodySink& sink) override;

 private:
  HttpEngine(std::unique_ptr<net::HttpClient> client, std::string path, Duration patience)
      : client_(std::move(client)), path_(std::move(path)), patience_(patience) {}
  std::unique_ptr<net::HttpClient> client_;
  std::string path_;
  Duration patience_;
};

}  // namespace cloister::worker
