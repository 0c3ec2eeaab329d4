// ONNX Runtime's library, loaded when a worker wants it: nothing links with it. Models come from memory and are never
// written anywhere. docs/decisions/onnx-runtime.md.
#pragma once

#include <memory>

#include "base/file.h"
#include "worker/inference/tensor.h"

namespace cloister::worker {

// A model that was loaded. Any thread may run it, several at once.
class OnnxModel {
 public:
  virtual ~OnnxModel() = default;

  virtual const std::vector<std::string>& inputs() const = 0;
  virtual const std::vector<std::string>& outputs() const = 0;
  // Outputs in the order they were asked for. kInvalid: inputs that the model doesn't have or take.
  virtual Result<std::vector<Tensor>> run(const std::vector<Tensor>& inputs,
                                          const std::vector<std::string>& outputs) const = 0;
};

class OnnxRuntime {
 public:
  // `library`: the path of libonnxruntime.so, 1.16 or newer. Reads it now and runs a model of one step, so that a
  // process which may open no more files can load models later. The process has no other threads yet, since its
  // environment is changed: the library sends no telemetry. kNotFound, kUnsupported; kDenied: the library starts
  // threads of its own. `threads`: for one question; 0 is a mistake of ours.
  static Result<std::shared_ptr<const OnnxRuntime>> open(const Path& library, unsigned threads);
  ~OnnxRuntime();
  OnnxRuntime(const OnnxRuntime&) = delete;
  OnnxRuntime& operator=(const OnnxRuntime&) = delete;

  const std::string& version() const;
  // `model`: an ONNX file's bytes; ONNX Runtime keeps a copy of its own. kInvalid: it isn't one.
  Result<std::unique_ptr<OnnxModel>> load(ByteView model) const;

 private:
  struct State;
  explicit OnnxRuntime(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  friend class LoadedOnnxModel;
  std::shared_ptr<const State> state_;
};

}  // namespace cloister::worker
