// Shares of a key as secret_sharing_test.py holds them against other programs: "secret_sharing_tool split KEY COUNT
// THRESHOLD" prints shares, "secret_sharing_tool combine SHARE…" the key. A share is the hexadecimal of its 32 bytes,
// then that of its index, as HashiCorp Vault has it.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "crypto/secret_sharing.h"
#include "tests/support/hex.h"

using namespace cloister;

namespace {

int fail(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return 1;
}

int split(const std::string& key, unsigned count, unsigned threshold) {
  crypto::SystemRandom random;
  const auto shares = crypto::split_key(testing::key_of(testing::unhex(key)), count, threshold, random);
  if (!shares.ok()) return fail(shares.error());
  for (const crypto::KeyShare& share : *shares) {
    std::printf("%s%02x\n", to_hex(share.value.secret().expose()).c_str(), share.index);
  }
  return 0;
}

int combine(const std::vector<std::string>& texts) {
  std::vector<crypto::KeyShare> shares;
  for (const std::string& text : texts) {
    const Bytes bytes = testing::unhex(text);
    CLOISTER_CHECK(bytes.size() == crypto::kKeySize + 1);
    shares.push_back(crypto::KeyShare{bytes.back(), testing::key_of(ByteView(bytes).first(crypto::kKeySize))});
  }
  const auto key = crypto::combine_shares(shares);
  if (!key.ok()) return fail(key.error());
  std::printf("%s\n", to_hex(key->secret().expose()).c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 4 && words[0] == "split") {
    return split(words[1], static_cast<unsigned>(std::stoul(words[2])), static_cast<unsigned>(std::stoul(words[3])));
  }
  if (words.size() > 1 && words[0] == "combine") return combine({words.begin() + 1, words.end()});
  std::fputs("split KEY COUNT THRESHOLD, or combine SHARE...\n", stderr);
  return 2;
}
