// Answers of a key service of any bytes, as a worker reads them: keys of the right sizes, or a refusal.
#include <string>
#include <vector>

#include "base/base64.h"
#include "worker/release_answer.h"

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  using namespace cloister;
  const std::string key =
      R"({"encapsulated":")" + to_base64(Bytes(32, 1)) + R"(","ciphertext":")" + to_base64(Bytes(48, 2)) + R"("})";
  for (const std::string& text :
       {R"({"release":"ab","lease":{"expires":"2026-11-26T12:00:00Z"},"policy":{"id":"p"},"verdict":{},"keys":[)" +
            key + "]}",
        std::string(
            R"({"release":"ab","lease":{"expires":"2026-11-26T12:00:00Z"},"keys":[{"error":{"detail":"no"}}]})"),
        R"({"challenge":")" + to_base64(Bytes(32, 1), Base64::kUrl) + R"("})",
        std::string(R"({"title":"Forbidden","detail":"no rule allows it"})")}) {
    seeds->emplace_back(text.begin(), text.end());
  }
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cloister;
  const ByteView body(data, size);
  const auto challenge = worker::parse_challenge_answer(body);
  CLOISTER_CHECK(!challenge.ok() || challenge->size() == worker::kChallengeSize);
  const auto answer = worker::parse_release_answer(body, 1);
  if (answer.ok()) {
    CLOISTER_CHECK(answer->keys.size() == 1 && !answer->release.empty());
    const auto* sealed = std::get_if<crypto::HpkeSealed>(&answer->keys.front());
    CLOISTER_CHECK(sealed == nullptr || (sealed->encapsulated.size() == 32 && sealed->ciphertext.size() == 48));
  }
  net::Response response;
  response.status = 403;
  response.body.assign(body.begin(), body.end());
  CLOISTER_CHECK(worker::refusal_of(response).message().size() < 400);
  return 0;
}
