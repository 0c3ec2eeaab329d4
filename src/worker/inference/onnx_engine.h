// The engine for ONNX models: questions and answers in JSON as the Open Inference Protocol has them.
#pragma once

#include <memory>

#include "worker/inference/engine.h"
#include "worker/inference/onnx_runtime.h"

namespace cloister::worker {

class OnnxEngine final : public Engine {
 public:
  // `name`: of the model, as answers give it.
  OnnxEngine(std::shared_ptr<const OnnxRuntime> runtime, std::string name);

  Status load(ByteView model) override;
  Result<EngineAnswer> infer(const Question& question) override;

 private:
  std::shared_ptr<const OnnxRuntime> runtime_;
  std::string name_;
  std::unique_ptr<OnnxModel> model_;
};

}  // namespace cloister::worker
