#include "worker/inference/onnx_engine.h"

namespace cloister::worker {

OnnxEngine::OnnxEngine(std::shared_ptr<const OnnxRuntime> runtime, std::string name)
    : runtime_(std::move(runtime)), name_(std::move(name)) {}

Status OnnxEngine::load(ByteView model) {
  CLOISTER_CHECK(model_ == nullptr);
  CLOISTER_TRY(model_, runtime_->load(model));
  return {};
}

Result<EngineAnswer> OnnxEngine::infer(const Question& question) {
  CLOISTER_CHECK(model_ != nullptr);
  if (question.content_type != "application/json") {
    return Error(Code::kInvalid, "the question: its content type isn't application/json");
  }
  CLOISTER_TRY(const InferenceQuestion asked, parse_inference_question(question.content));
  CLOISTER_TRY(const std::vector<Tensor> outputs, model_->run(asked.inputs, asked.outputs));
  return EngineAnswer{200, "application/json", write_inference_answer(name_, asked.id, outputs)};
}

}  // namespace cloister::worker
