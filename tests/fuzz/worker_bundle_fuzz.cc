// A worker's bundle, a receipt and a question with tensors, of any bytes: read or refused.
#include <vector>

#include "attest/inference_receipt.h"
#include "attest/worker_bundle.h"
#include "tests/support/deterministic_random.h"
#include "worker/inference/tensor.h"

using namespace cloister;

namespace {

attest::WorkerBundle a_bundle() {
  attest::WorkerBundle bundle;
  bundle.role = "infer";
  bundle.not_after = Time{1};
  bundle.key_configuration = Bytes(45, 7);
  bundle.key_configuration[1] = 0x00;
  bundle.key_configuration[2] = 0x20;
  bundle.manifest = {1, 2, 3};
  bundle.evidence.primary = {attest::Kind::kInsecureSoftware, {{"statement", {1, 2, 3}}}};
  return bundle;
}

const crypto::SigningKey& key() {
  static testing::DeterministicRandom random(1);
  static const crypto::SigningKey key = crypto::SigningKey::generate(random);
  return key;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  const auto bundle = attest::decode_worker_bundle(input);
  if (bundle.ok()) {
    CLOISTER_CHECK(equal(attest::encode(*bundle), input));
    ignore_result(attest::check_dates(*bundle, Time{1}));
    const auto verdict = attest::verify(*bundle, attest::Question());
    CLOISTER_CHECK(!verdict.ok() || !verdict->sound());
  }
  ignore_result(attest::open_receipt(input, key().public_key()));
  const auto question = worker::parse_inference_question(input);
  if (question.ok()) {
    for (const worker::Tensor& tensor : question->inputs) {
      CLOISTER_CHECK(tensor.data.size() == tensor.count() * worker::element_size(tensor.type));
    }
    ignore_result(worker::write_inference_answer("m", question->id, question->inputs));
  }
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(attest::encode(a_bundle()));
  attest::InferenceReceipt receipt;
  receipt.policy = "p";
  seeds->push_back(attest::sign_receipt(receipt, key()));
  for (
      const char* text :
      {R"({"id":"1","inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[[1,2.5]]}],"outputs":[{"name":"y"}]})",
       R"({"inputs":[{"name":"x","datatype":"INT64","shape":[],"data":[16000]}]})"}) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}
