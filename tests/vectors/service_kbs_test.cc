// The worked example of the key broker protocol, version 0.4: what evidence must carry, by every intermediate value.
#include <gtest/gtest.h>

#include "base/canonical_json.h"
#include "service/kbs/messages.h"
#include "tests/support/value_of.h"
#include "tests/support/vector_folder.h"
#include "tests/support/vectors.h"

namespace cloister::service {
namespace {

using namespace cloister::testing;

TEST(KbsVectors, WorkedExample) {
  CLOISTER_VECTORS_OR_SKIP(path, "kbs/worked-0.4.0");
  expect_digests_hold(path);
  const auto vector = load_json(path / "vector.json");
  const auto said = [&vector](const char* name) { return vector.at(name).get<std::string>(); };
  KbsAttestation sent{said("challenge_nonce"), value_of(parse_json(vector.at("tee_pubkey_jwk").dump())), JsonValue(),
                      ""};

  EXPECT_EQ(value_of(canonical_json(JsonValue::Object{
                {"additional-evidence", sent.additional}, {"nonce", sent.nonce}, {"tee-pubkey", sent.public_key}})),
            said("primary_runtime_data_jcs_empty_string"));
  EXPECT_EQ(to_hex(value_of(kbs_report_data(KbsHash::kSha384, sent))), said("primary_sha384_empty_string"));
  EXPECT_EQ(to_hex(value_of(kbs_device_nonce(KbsHash::kSha384, sent))), said("device_runtime_data_sha384"));
  sent.additional = "{}";
  Bytes report_data = value_of(kbs_report_data(KbsHash::kSha384, sent));
  EXPECT_EQ(to_hex(report_data), said("primary_sha384_empty_object"));
  report_data.resize(64);
  EXPECT_EQ(to_hex(report_data), said("report_data_64_empty_object"));
  EXPECT_TRUE(crypto::JweRecipient::parse(sent.public_key).ok());
}

}  // namespace
}  // namespace cloister::service
