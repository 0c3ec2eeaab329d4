#include "model/signers.h"

#include "crypto/pem.h"
#include "tests/unit/model/model_files.h"

namespace cloister::model {
namespace {

using testing::expect_refused;
using testing::value_of;

std::string key_pem(crypto::KeyType type = crypto::KeyType::kEcP256) {
  return crypto::to_pem(testing::key_of_seed(7, type).public_key().spki(), "PUBLIC KEY");
}

Result<Bytes> read(const std::string& name) {
  if (name == "release.pub") return to_bytes(as_bytes(key_pem()));
  if (name == "ed.pub") return to_bytes(as_bytes(key_pem(crypto::KeyType::kEd25519)));
  if (name == "ca.pem") return to_bytes(as_bytes(testing::TestAuthority(1).certificate().to_pem()));
  return Error(Code::kNotFound, "open " + name);
}

TEST(ModelSigners, KeysAndRoots) {
  const auto signers = value_of(parse_signers(R"(
[[signer]]
name = "release"
key = "release.pub"
until = 2027-01-01T00:00:00Z
[[signer]]
name = "ci"
roots = "ca.pem"
identity = ["a@example.org", "spiffe://example.org/ci"]
[[signer]]
name = "everybody below"
roots = "ca.pem"
identity = "any"
)",
                                              read));
  ASSERT_EQ(signers.size(), 3U);
  EXPECT_TRUE(signers[0].key && signers[0].until);
  EXPECT_EQ(signers[1].identities.size(), 2U);
  EXPECT_FALSE(signers[1].any_identity);
  EXPECT_TRUE(signers[2].any_identity && signers[2].identities.empty());
}

TEST(ModelSigners, NobodyOrTwice) {
  const std::string one = "[[signer]]\nname = \"a\"\nkey = \"release.pub\"\n";
  EXPECT_TRUE(parse_signers(one, read).ok());
  expect_refused(parse_signers("", read), Code::kInvalid, "no signer");
  expect_refused(parse_signers(one + one, read), Code::kInvalid, "twice");
  expect_refused(parse_signers("[[key]]\nname = \"a\"\n", read), Code::kInvalid, "line 1");
  expect_refused(parse_signers("name = \"a\"\n", read), Code::kInvalid, "line 1");
}

TEST(ModelSigners, HalfASigner) {
  const std::string name = "[[signer]]\nname = \"a\"\n";
  expect_refused(parse_signers(name, read), Code::kInvalid, "a key, or roots");
  expect_refused(parse_signers(name + "key = \"release.pub\"\nroots = \"ca.pem\"\n", read), Code::kInvalid, "or roots");
  expect_refused(parse_signers(name + "roots = \"ca.pem\"\n", read), Code::kInvalid, "identity");
  expect_refused(parse_signers(name + "key = \"release.pub\"\nidentity = \"x\"\n", read), Code::kInvalid,
                 "no identity");
  expect_refused(parse_signers(name + "roots = \"ca.pem\"\nidentity = [\"any\", \"x\"]\n", read), Code::kInvalid,
                 "any");
  expect_refused(parse_signers(name + "kay = \"release.pub\"\n", read), Code::kInvalid, "kay");
  expect_refused(parse_signers(name + "key = \"none\"\n", read), Code::kNotFound, "none");
}

TEST(ModelSigners, KeyOfAnotherKind) {
  expect_refused(parse_signers("[[signer]]\nname = \"a\"\nkey = \"ed.pub\"\n", read), Code::kUnsupported, "Ed25519");
  expect_refused(parse_public_key("x"), Code::kInvalid, "PEM");
  expect_refused(parse_public_key(key_pem() + key_pem()), Code::kInvalid, "PEM");
}

// The reference's hint is over the key as it is written anew, whatever stood around it in the file.
TEST(ModelSigners, HintOfThePublishedKey) {
  const std::string pem = key_pem();
  EXPECT_EQ(key_hint(value_of(parse_public_key("some text\n" + pem))), key_hint(value_of(parse_public_key(pem))));
  EXPECT_EQ(key_hint(value_of(parse_public_key(pem))), to_hex(crypto::sha256(as_bytes(pem))));
}

}  // namespace
}  // namespace cloister::model
