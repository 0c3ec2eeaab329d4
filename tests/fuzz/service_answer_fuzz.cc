// Answers of a key service, of any bytes: read or refused, and a problem is always an error of one plain line.
#include "kms/service_answer.h"

#include <string>
#include <vector>

#include "base/base64.h"

using namespace cloister;

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const std::string key = to_base64(Bytes(32, 7));
  for (const std::string& text : {
           R"({"lease_seconds":300,"keys":[{"key":")" + key + R"("}]})",
           R"({"keys":[{"version":3,"wrapped":")" + to_base64(Bytes(72, 7)) + R"("}]})",
           R"({"keyring":")" + std::string(32, '0') + R"(","signing_public_key":")" + key +
               R"(","keys":[{"version":1,"state":"primary"}]})",
           std::string(R"({"code":"refused","title":"no","detail":"no\nrule","status":403,"request_id":"a1"})"),
           std::string("[[[[[[[[[[[[[[[[[[[["),
       }) {
    seeds->push_back(to_bytes(as_bytes(text)));
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView body(data, size);
  if (const auto keyring = kms::parse_keyring_answer(body); keyring.ok()) CLOISTER_CHECK(!keyring->versions.empty());
  if (const auto key = kms::parse_unwrap_answer(body); key.ok()) CLOISTER_CHECK(key->lease >= Duration{});
  if (const auto slot = kms::parse_wrap_answer(body); slot.ok()) CLOISTER_CHECK(!slot->wrapped.empty());
  const Error problem = kms::parse_problem(403, body);
  for (const char character : problem.message()) CLOISTER_CHECK(static_cast<unsigned char>(character) >= 0x20);
  return 0;
}
