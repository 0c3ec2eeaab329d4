#include "worker/inference/engine.h"

namespace cloister::worker {

Status Engine::stream(const Question& question, net::BodySink& sink) {
  CLOISTER_TRY(const EngineAnswer answer, infer(question));
  net::Response head{answer.status, {}, {}, {}};
  if (!answer.content_type.empty()) head.headers.add("content-type", answer.content_type);
  CLOISTER_RETURN_IF_ERROR(sink.begin(head));
  return answer.content.empty() ? Status() : sink.take(answer.content);
}

}  // namespace cloister::worker
