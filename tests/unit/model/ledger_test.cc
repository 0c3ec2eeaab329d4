#include "model/ledger.h"

#include "tests/unit/model/model_files.h"

namespace cloister::model {
namespace {

using testing::expect_refused;
using testing::kNow;
using testing::value_of;

crypto::Sha256Digest root_of(std::string_view text) { return crypto::sha256(as_bytes(text)); }

Ledger two_versions() {
  Ledger ledger{"llama", 0, {}};
  CLOISTER_CHECK(approve(ledger, "1", root_of("1")).ok() && approve(ledger, "2", root_of("2")).ok());
  CLOISTER_CHECK(withdraw(ledger, "1", "poisoned").ok());
  return ledger;
}

Bundle sign(const Ledger& ledger, std::uint64_t seed) {
  crypto::MemorySigner signer(testing::key_of_seed(seed));
  return value_of(sign_ledger(ledger, signer));
}

TEST(ModelLedger, WhatMayBeLoaded) {
  const Ledger ledger = value_of(verify_ledger(sign(two_versions(), 7), trusting(7), kNow)).ledger;
  EXPECT_EQ(ledger.sequence, 3U);
  EXPECT_TRUE(check_version(ledger, root_of("2")).ok());
  expect_refused(check_version(ledger, root_of("1")), Code::kDenied, "withdrawn: poisoned");
  expect_refused(check_version(ledger, root_of("3")), Code::kDenied, "no version");
}

TEST(ModelLedger, OfSomebodyElse) {
  expect_refused(verify_ledger(sign(two_versions(), 8), trusting(7), kNow), Code::kDenied, "nobody trusts");
  ModelFiles model;
  expect_refused(verify_ledger(model.signed_by(7), trusting(7), kNow), Code::kUnsupported, "no ledger");
  expect_refused(verify_signature(sign(two_versions(), 7), trusting(7), kNow), Code::kUnsupported, "payload");
}

TEST(ModelLedger, OfAnotherSignerWhoCounts) {
  std::vector<TrustedSigner> both = trusting(7);
  both.push_back(trusting(8).front());
  both.back().name = "ci";
  ModelFiles files;
  const Signed model = value_of(verify_signature(files.signed_by(7), both, kNow));
  const SignedLedger own = value_of(verify_ledger(sign(two_versions(), 7), both, kNow));
  EXPECT_TRUE(check_signer(own, model).ok());
  const SignedLedger other = value_of(verify_ledger(sign(two_versions(), 8), both, kNow));
  expect_refused(check_signer(other, model), Code::kDenied, "signed by ci, and the model by release");
  expect_refused(check_signer({"release", "a@example.org", {}}, {"release", "b@example.org", {}}), Code::kDenied, "");
}

TEST(ModelLedger, VersionTwice) {
  Ledger ledger = two_versions();
  expect_refused(approve(ledger, "2", root_of("3")), Code::kExists, "already");
  expect_refused(approve(ledger, "3", root_of("1")), Code::kExists, "already");
  expect_refused(approve(ledger, "", root_of("3")), Code::kInvalid, "text");
  expect_refused(withdraw(ledger, "3", "x"), Code::kNotFound, "3");
  expect_refused(withdraw(ledger, "1", "x"), Code::kExists, "already");
  expect_refused(withdraw(ledger, "2", "a\nb"), Code::kInvalid, "text");
  EXPECT_EQ(ledger.sequence, 3U);
}

TEST(ModelLedger, LastNumber) {
  Ledger ledger = two_versions();
  ledger.sequence = ~std::uint64_t{0};
  expect_refused(approve(ledger, "3", root_of("3")), Code::kInvalid, "last number");
  expect_refused(withdraw(ledger, "2", "x"), Code::kInvalid, "last number");
  EXPECT_EQ(ledger.sequence, ~std::uint64_t{0});
  EXPECT_EQ(ledger.versions.size(), 2U);
}

TEST(ModelLedger, OfAModelWithoutAName) {
  crypto::MemorySigner signer(testing::key_of_seed(7));
  Ledger ledger = two_versions();
  ledger.model = "a\nb";
  expect_refused(sign_ledger(ledger, signer), Code::kInvalid, "nobody could read");
  ledger.model.assign(1025, 'a');
  expect_refused(sign_ledger(ledger, signer), Code::kInvalid, "nobody could read");
}

TEST(ModelLedger, Malformed) {
  const auto refused = [](std::string_view text, std::string_view word) {
    expect_refused(parse_ledger(as_bytes(text)), Code::kCorrupt, word);
  };
  const std::string root(64, 'a');
  const std::string entry = R"({"version":"1","root":")" + root + R"("})";
  EXPECT_TRUE(parse_ledger(as_bytes(R"({"model":"m","sequence":1,"versions":[)" + entry + "]}")).ok());
  refused("", "JSON");
  refused(R"({"sequence":1,"versions":[]})", "model");
  refused(R"({"model":"m","versions":[]})", "number");
  refused(R"({"model":"m","sequence":0,"versions":[]})", "number");
  refused(R"({"model":"m","sequence":1})", "list");
  refused(R"({"model":"m","sequence":1,"versions":[{"version":"1","root":"aa"}]})", "SHA-256");
  refused(R"({"model":"m","sequence":1,"versions":[)" + entry + "," + entry + "]}", "twice");
  refused(R"({"model":"m","sequence":1,"versions":[{"version":"1","root":")" + root + R"(","withdrawn":false}]})",
          "withdrawn");
}

TEST(ModelLedger, OlderThanOneThatWasSeen) {
  Ledger ledger = two_versions();
  const Bundle bundle = sign(ledger, 7);
  const LedgerFloor first = value_of(raise_floor({}, ledger, bundle));
  EXPECT_TRUE(raise_floor(first, ledger, bundle).ok());
  Ledger older = ledger;
  --older.sequence;
  expect_refused(raise_floor(first, older, sign(older, 7)), Code::kDenied, "was seen");
  Ledger other = ledger;
  other.versions.front().withdrawn.reset();
  expect_refused(raise_floor(first, other, sign(other, 7)), Code::kDenied, "two ledgers");
  ASSERT_TRUE(approve(ledger, "3", root_of("3")).ok());
  EXPECT_EQ(value_of(raise_floor(first, ledger, sign(ledger, 7))).sequence, 4U);
}

TEST(ModelLedger, OfAnotherModel) {
  const Ledger ledger = two_versions();
  const LedgerFloor floor = value_of(raise_floor({}, ledger, sign(ledger, 7)));
  Ledger other = ledger;
  other.model = "mistral";
  other.sequence = 100;
  expect_refused(raise_floor(floor, other, sign(other, 7)), Code::kDenied, "is of mistral");
}

TEST(ModelLedger, MemoryThatIsNone) {
  const LedgerFloor floor{7, root_of("x"), "the llama"};
  EXPECT_EQ(value_of(parse_floor(to_text(floor))).digest, floor.digest);
  EXPECT_EQ(value_of(parse_floor(to_text(floor))).model, floor.model);
  const std::string nameless = "7 " + to_hex(floor.digest);
  for (const std::string& text :
       {std::string(), std::string("7"), std::string("7 aa\n"), "x" + to_text(floor), to_text(floor) + "x",
        std::string("7 \n"), std::string("\n"), nameless + "\n", nameless + " \n"}) {
    expect_refused(parse_floor(text), Code::kCorrupt, "");
  }
}

}  // namespace
}  // namespace cloister::model
