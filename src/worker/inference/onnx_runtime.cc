#include "worker/inference/onnx_runtime.h"

#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>

namespace cloister::worker {
namespace {

// The part of ONNX Runtime's C interface that is used here, by the place of each function in its table. The table is
// only ever appended to, so these places stand for every later version.
constexpr std::uint32_t kApiVersion = 16;

enum Slot : std::size_t {
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kDisableTelemetryEvents = 6,
  kCreateSessionFromArray = 8,
  kRun = 9,
  kCreateSessionOptions = 10,
  kDisableCpuMemArena = 19,
  kSetIntraOpNumThreads = 24,
  kSetInterOpNumThreads = 25,
  kSessionGetInputCount = 30,
  kSessionGetOutputCount = 31,
  kSessionGetInputName = 36,
  kSessionGetOutputName = 37,
  kCreateTensorWithData = 49,
  kIsTensor = 50,
  kGetTensorMutableData = 51,
  kGetTensorElementType = 60,
  kGetDimensionsCount = 61,
  kGetDimensions = 62,
  kGetTensorTypeAndShape = 65,
  kCreateCpuMemoryInfo = 69,
  kAllocatorFree = 76,
  kGetAllocatorWithDefaultOptions = 78,
  kReleaseEnv = 92,
  kReleaseStatus = 93,
  kReleaseMemoryInfo = 94,
  kReleaseSession = 95,
  kReleaseValue = 96,
  kReleaseTensorTypeAndShapeInfo = 99,
  kReleaseSessionOptions = 100,
};

using Function = void (*)();
using Opaque = void*;

struct ApiBase {
  const Function* (*get_api)(std::uint32_t version);
  const char* (*get_version)();
};

class Api {
 public:
  explicit Api(const Function* table) : table_(table) {}

  template <typename Signature>
  Signature* get(Slot slot) const {
    return reinterpret_cast<Signature*>(table_[slot]);
  }
  // Every function that may fail returns null, or a status to be released.
  template <typename... Arguments>
  Status call(std::string_view doing, Slot slot, Arguments... arguments) const {
    const Opaque status = get<Opaque(Arguments...)>(slot)(arguments...);
    if (status == nullptr) return {};
    // Its message may quote what was asked.
    release(kReleaseStatus, status);
    return Error(Code::kInvalid, "onnx runtime: " + std::string(doing));
  }
  void release(Slot slot, Opaque object) const {
    if (object != nullptr) get<void(Opaque)>(slot)(object);
  }

 private:
  const Function* table_;
};

// An object of the library's own, released at the end.
class Owned {
 public:
  Owned(const Api& api, Slot release) : api_(&api), release_(release) {}
  Owned(Owned&& other) noexcept
      : api_(other.api_), release_(other.release_), object_(std::exchange(other.object_, nullptr)) {}
  Owned& operator=(Owned&&) = delete;
  ~Owned() { api_->release(release_, object_); }

  Opaque get() const { return object_; }
  Opaque* out() { return &object_; }

 private:
  const Api* api_;
  Slot release_;
  Opaque object_ = nullptr;
};

// Numbers of ONNXTensorElementDataType, in the order of ElementType.
constexpr std::array<int, 11> kElementNumbers = {9, 2, 4, 12, 13, 3, 5, 6, 7, 1, 11};

// An ONNX file: one number in, the same number out.
constexpr std::array<std::uint8_t, 65> kIdentityModel = {
    0x08, 0x08, 0x42, 0x04, 0x0a, 0x00, 0x10, 0x0d, 0x3a, 0x37, 0x0a, 0x10, 0x0a, 0x01, 0x78, 0x12, 0x01,
    0x79, 0x22, 0x08, 0x49, 0x64, 0x65, 0x6e, 0x74, 0x69, 0x74, 0x79, 0x12, 0x01, 0x67, 0x5a, 0x0f, 0x0a,
    0x01, 0x78, 0x12, 0x0a, 0x0a, 0x08, 0x08, 0x01, 0x12, 0x04, 0x0a, 0x02, 0x08, 0x01, 0x62, 0x0f, 0x0a,
    0x01, 0x79, 0x12, 0x0a, 0x0a, 0x08, 0x08, 0x01, 0x12, 0x04, 0x0a, 0x02, 0x08, 0x01};

std::optional<ElementType> element_of(int number) {
  const auto* const found = std::ranges::find(kElementNumbers, number);
  if (found == kElementNumbers.end()) return std::nullopt;
  return static_cast<ElementType>(found - kElementNumbers.begin());
}

}  // namespace

struct OnnxRuntime::State {
  State(const Function* table, std::string version_text, unsigned thread_count)
      : api(table), version(std::move(version_text)), threads(thread_count) {}

  Api api;
  std::string version;
  unsigned threads;
  Owned environment{api, kReleaseEnv};
  Owned memory{api, kReleaseMemoryInfo};
  Opaque allocator = nullptr;  // the library's, for ever
};

class LoadedOnnxModel final : public OnnxModel {
 public:
  using State = OnnxRuntime::State;
  explicit LoadedOnnxModel(std::shared_ptr<const State> state)
      : state_(std::move(state)), session_(state_->api, kReleaseSession) {}

  Status load(ByteView model);
  const std::vector<std::string>& inputs() const override { return inputs_; }
  const std::vector<std::string>& outputs() const override { return outputs_; }
  Result<std::vector<Tensor>> run(const std::vector<Tensor>& inputs,
                                  const std::vector<std::string>& outputs) const override;

 private:
  Status read_names(Slot count, Slot name, std::vector<std::string>& out) const;
  Result<Tensor> read_tensor(Opaque value, const std::string& name) const;
  const Api& api() const { return state_->api; }

  std::shared_ptr<const State> state_;
  Owned session_;
  std::vector<std::string> inputs_;
  std::vector<std::string> outputs_;
};

Status LoadedOnnxModel::load(ByteView model) {
  Owned options(api(), kReleaseSessionOptions);
  CLOISTER_RETURN_IF_ERROR(api().call("no options", kCreateSessionOptions, options.out()));
  const auto threads = static_cast<int>(state_->threads);
  CLOISTER_RETURN_IF_ERROR(api().call("no threads", kSetIntraOpNumThreads, options.get(), threads));
  CLOISTER_RETURN_IF_ERROR(api().call("no threads", kSetInterOpNumThreads, options.get(), 1));
  // What was computed goes back to the allocator with every question, not into an arena that grows.
  CLOISTER_RETURN_IF_ERROR(api().call("no arena", kDisableCpuMemArena, options.get()));
  CLOISTER_RETURN_IF_ERROR(api().call("this isn't a model that it runs", kCreateSessionFromArray,
                                      state_->environment.get(), static_cast<const void*>(model.data()), model.size(),
                                      options.get(), session_.out()));
  CLOISTER_RETURN_IF_ERROR(read_names(kSessionGetInputCount, kSessionGetInputName, inputs_));
  return read_names(kSessionGetOutputCount, kSessionGetOutputName, outputs_);
}

Status LoadedOnnxModel::read_names(Slot count, Slot name, std::vector<std::string>& out) const {
  std::size_t size = 0;
  CLOISTER_RETURN_IF_ERROR(api().call("no names", count, session_.get(), &size));
  for (std::size_t i = 0; i < size; ++i) {
    char* text = nullptr;
    CLOISTER_RETURN_IF_ERROR(api().call("no names", name, session_.get(), i, state_->allocator, &text));
    out.emplace_back(text);
    CLOISTER_RETURN_IF_ERROR(api().call("no names", kAllocatorFree, state_->allocator, static_cast<void*>(text)));
  }
  return {};
}

Result<Tensor> LoadedOnnxModel::read_tensor(Opaque value, const std::string& name) const {
  int is_tensor = 0;
  CLOISTER_RETURN_IF_ERROR(api().call("no output", kIsTensor, value, &is_tensor));
  if (is_tensor == 0) return Error(Code::kUnsupported, "onnx runtime: an output that isn't a tensor");
  Owned info(api(), kReleaseTensorTypeAndShapeInfo);
  CLOISTER_RETURN_IF_ERROR(api().call("no output", kGetTensorTypeAndShape, value, info.out()));
  int number = 0;
  std::size_t rank = 0;
  CLOISTER_RETURN_IF_ERROR(api().call("no output", kGetTensorElementType, info.get(), &number));
  CLOISTER_RETURN_IF_ERROR(api().call("no output", kGetDimensionsCount, info.get(), &rank));
  const auto type = element_of(number);
  if (!type || rank > kTensorRankMax) return Error(Code::kUnsupported, "onnx runtime: an output of a type not spoken");
  Tensor tensor{name, *type, std::vector<std::int64_t>(rank), {}};
  CLOISTER_RETURN_IF_ERROR(api().call("no output", kGetDimensions, info.get(), tensor.shape.data(), rank));
  void* data = nullptr;
  CLOISTER_RETURN_IF_ERROR(api().call("no output", kGetTensorMutableData, value, &data));
  const std::size_t bytes = tensor.count() * element_size(*type);
  if (bytes > 0) {
    const MutableByteView view(static_cast<std::uint8_t*>(data), bytes);
    tensor.data.assign(view.begin(), view.end());
    crypto::wipe(view);
  }
  return tensor;
}

Result<std::vector<Tensor>> LoadedOnnxModel::run(const std::vector<Tensor>& inputs,
                                                 const std::vector<std::string>& outputs) const {
  const std::vector<std::string>& wanted = outputs.empty() ? outputs_ : outputs;
  std::vector<const char*> input_names;
  std::vector<const char*> output_names;
  std::vector<Owned> values;
  std::vector<Opaque> raw;
  for (const Tensor& input : inputs) {
    if (std::ranges::find(inputs_, input.name) == inputs_.end()) {
      return Error(Code::kInvalid, "the question has an input that the model doesn't have");
    }
    Owned value(api(), kReleaseValue);
    // The library only reads inputs, whatever its type says.
    auto* const data = const_cast<std::uint8_t*>(input.data.data());
    CLOISTER_RETURN_IF_ERROR(api().call("an input isn't a tensor", kCreateTensorWithData, state_->memory.get(),
                                        static_cast<void*>(data), input.data.size(), input.shape.data(),
                                        input.shape.size(), kElementNumbers[static_cast<std::size_t>(input.type)],
                                        value.out()));
    input_names.push_back(input.name.c_str());
    raw.push_back(value.get());
    values.push_back(std::move(value));
  }
  for (const std::string& name : wanted) {
    if (std::ranges::find(outputs_, name) == outputs_.end()) {
      return Error(Code::kInvalid, "the question wants an output that the model doesn't have");
    }
    output_names.push_back(name.c_str());
  }
  std::vector<Opaque> results(wanted.size(), nullptr);
  const Status ran =
      api().call("the model doesn't take these inputs", kRun, session_.get(), static_cast<void*>(nullptr),
                 input_names.data(), raw.data(), raw.size(), output_names.data(), output_names.size(), results.data());
  std::vector<Owned> owned;
  for (const Opaque result : results) *owned.emplace_back(api(), kReleaseValue).out() = result;
  CLOISTER_RETURN_IF_ERROR(ran);
  std::vector<Tensor> tensors;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    CLOISTER_TRY(Tensor tensor, read_tensor(owned[i].get(), wanted[i]));
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

namespace {

std::size_t thread_count() {
  std::error_code failure;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/task", failure), end; !failure && entry != end;
       entry.increment(failure)) {
    ++count;
  }
  return count;
}

// Holds the table against a library that has it otherwise, before a model is at stake; and what the library reads of
// the machine when it first runs something, it has read.
Status try_out(const OnnxRuntime& runtime) {
  const Error wrong(Code::kUnsupported, "onnx runtime: it doesn't run a model of one step");
  const auto model = runtime.load(kIdentityModel);
  if (!model.ok()) return wrong;
  Tensor number{"x", ElementType::kFp32, {1}, net::Buffer{0x00, 0x00, 0x20, 0x40}};
  const auto outputs = model.value()->run({number}, {});
  if (!outputs.ok() || outputs.value().size() != 1) return wrong;
  const Tensor& output = outputs.value().front();
  return output.name == "y" && output.shape == number.shape && output.data == number.data ? Status() : wrong;
}

}  // namespace

Result<std::shared_ptr<const OnnxRuntime>> OnnxRuntime::open(const Path& library, unsigned threads) {
  CLOISTER_CHECK(threads > 0);
  // Official builds send telemetry from a thread of their own, keep a database in the home, and ask this alone before
  // they begin; DisableTelemetryEvents comes too late.
  CLOISTER_CHECK(::setenv("ORT_DISABLE_TELEMETRY", "1", 1) == 0);
  const std::size_t threads_before = thread_count();
  // Never unloaded: threads of its own may still run.
  void* const handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (handle == nullptr) return Error(Code::kNotFound, "load " + library.string() + ": no such library, or not whole");
  void* const symbol = ::dlsym(handle, "OrtGetApiBase");
  if (symbol == nullptr) return Error(Code::kUnsupported, "load " + library.string() + ": it isn't ONNX Runtime");
  const auto* const base = reinterpret_cast<const ApiBase* (*)()>(symbol)();
  const Function* const table = base->get_api(kApiVersion);
  if (table == nullptr) return Error(Code::kUnsupported, "load " + library.string() + ": older than ONNX Runtime 1.16");

  auto state = std::make_shared<State>(table, base->get_version(), threads);
  constexpr int kLogFatal = 4;
  CLOISTER_RETURN_IF_ERROR(
      state->api.call("no environment", kCreateEnv, kLogFatal, "cloister", state->environment.out()));
  CLOISTER_RETURN_IF_ERROR(state->api.call("telemetry stays on", kDisableTelemetryEvents, state->environment.get()));
  constexpr int kDeviceAllocator = 0;
  constexpr int kDefaultMemory = 0;
  CLOISTER_RETURN_IF_ERROR(
      state->api.call("no memory", kCreateCpuMemoryInfo, kDeviceAllocator, kDefaultMemory, state->memory.out()));
  CLOISTER_RETURN_IF_ERROR(state->api.call("no memory", kGetAllocatorWithDefaultOptions, &state->allocator));
  std::shared_ptr<const OnnxRuntime> runtime(new OnnxRuntime(std::move(state)));
  CLOISTER_RETURN_IF_ERROR(try_out(*runtime));
  if (thread_count() > threads_before) {
    return Error(Code::kDenied, "load " + library.string() + ": it starts threads that nobody asked for");
  }
  return runtime;
}

OnnxRuntime::~OnnxRuntime() = default;

const std::string& OnnxRuntime::version() const { return state_->version; }

Result<std::unique_ptr<OnnxModel>> OnnxRuntime::load(ByteView model) const {
  auto loaded = std::make_unique<LoadedOnnxModel>(state_);
  CLOISTER_RETURN_IF_ERROR(loaded->load(model));
  return std::unique_ptr<OnnxModel>(std::move(loaded));
}

}  // namespace cloister::worker
