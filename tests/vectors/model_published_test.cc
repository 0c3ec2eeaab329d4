// Models that the reference of OpenSSF model signing signed, bundles of its specification, and headers of safetensors
// and GGUF as upstream's tests write them.
#include "model/gguf.h"
#include "model/signers.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"
#include "tests/support/vector_folder.h"
#include "tests/support/vectors.h"

namespace cloister::model {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr Time kNow{1'767'225'600'000};        // 2026-01-01
constexpr Time kMuchLater{2'082'758'400'000};  // 2036-01-01

std::vector<TrustedSigner> trusted_key(const Path& oms) {
  TrustedSigner signer;
  signer.name = "the fixtures' key";
  signer.key = value_of(parse_public_key(testing::text_of_file(oms / "keys/signing-key-pub.pem")));
  return {signer};
}

std::vector<TrustedSigner> trusted_root(const Path& oms) {
  TrustedSigner signer;
  signer.name = "the fixtures' root";
  signer.roots = value_of(crypto::Certificate::parse_pem(testing::text_of_file(oms / "keys/ca-cert.pem"), 1));
  signer.any_identity = true;
  return {signer};
}

Bundle bundle_of(const Path& path) { return value_of(parse_bundle(testing::text_of_file(path))); }

Result<VerifiedModel> verify(const Path& model, const std::vector<TrustedSigner>& trusted,
                             std::vector<std::string> ignored, Time now = kNow) {
  Progress progress;
  CLOISTER_TRY(Tree tree, Tree::open(model));
  ignored.emplace_back("model.sig");
  const CheckFiles how{.ignored = std::move(ignored), .threads = 1};
  return VerifiedModel::verify(std::move(tree), bundle_of(model / "model.sig"), trusted, how, now, progress);
}

TEST(PublishedModels, SignedByKey) {
  CLOISTER_VECTORS_OR_SKIP(oms, "oms");
  const auto trusted = trusted_key(oms);
  for (const char* model : {"v1.1.0-elliptic-key", "v1.0.1-elliptic-key"}) {
    const auto verified = verify(oms / "signed-models" / model, trusted, {"ignore-me"});
    ASSERT_TRUE(verified.ok()) << model << ": " << verified.error().message();
    EXPECT_EQ(to_hex(verified->what().statement.root),
              "92745110b1ab4368471cbe31664e10174e954b113a3df333db860317b2c6dec4");
  }
  EXPECT_TRUE(verify(oms / "signed-models/v1.1.0-elliptic-key", trusted, {}).ok());
  expect_refused(verify(oms / "signed-models/v1.0.1-elliptic-key", trusted, {}), Code::kCorrupt, "ignore-me");
}

TEST(PublishedModels, SignedByCertificate) {
  CLOISTER_VECTORS_OR_SKIP(oms, "oms");
  const auto trusted = trusted_root(oms);
  for (const char* model : {"v1.1.0-certificate", "v1.0.0-certificate"}) {
    const auto verified = verify(oms / "signed-models" / model, trusted, {"ignore-me"});
    EXPECT_TRUE(verified.ok()) << model << ": " << verified.error().message();
    expect_refused(verify(oms / "signed-models" / model, trusted, {"ignore-me"}, kMuchLater), Code::kExpired,
                   "expired");
    expect_refused(verify(oms / "signed-models" / model, trusted_key(oms), {}), Code::kDenied, "no root");
  }
}

TEST(PublishedModels, KeylessIsNotAssessed) {
  CLOISTER_VECTORS_OR_SKIP(oms, "oms");
  for (const char* file : {"signed-models/v1.1.0-sigstore/model.sig", "bundles/valid/sigstore.bundle.json"}) {
    const Bundle bundle = bundle_of(oms / file);
    EXPECT_EQ(bundle.method, Method::kSigstore);
    expect_refused(verify_signature(bundle, trusted_root(oms), kNow), Code::kDenied, "without a key");
    EXPECT_TRUE(parse_statement(bundle.payload).ok());
  }
}

TEST(PublishedModels, Bundles) {
  CLOISTER_VECTORS_OR_SKIP(oms, "oms");
  const auto trusted = trusted_key(oms);
  EXPECT_TRUE(verify_signature(bundle_of(oms / "bundles/valid/key.bundle.json"), trusted, kNow).ok());
  const auto refused = [&](const char* name, Code code, std::string_view word) {
    expect_refused(parse_bundle(testing::text_of_file(oms / "bundles/invalid" / name)), code, word);
  };
  refused("empty.bundle.json", Code::kCorrupt, "JSON");
  refused("missing-envelope.bundle.json", Code::kCorrupt, "dsseEnvelope");
  refused("missing-tlog-entries.bundle.json", Code::kDenied, "log");
  // Both are found: neither its signature nor its statement is right.
  const Bundle wrong = bundle_of(oms / "bundles/invalid-payload/wrong-predicate.bundle.json");
  EXPECT_FALSE(verify_signature(wrong, trusted, kNow).ok());
  expect_refused(parse_statement(wrong.payload), Code::kUnsupported, "something else");
}

void expect_verdict(const nlohmann::json& entry, bool accepted) {
  const auto expected = entry.at("expected").get<std::string>();
  if (expected == "either") return;
  EXPECT_EQ(accepted, expected == "accept") << entry.at("id").get<std::string>();
}

TEST(PublishedHeaders, Safetensors) {
  CLOISTER_VECTORS_OR_SKIP(path, "safetensors-gguf/safetensors-cases.json");
  const testing::TempDir folder;
  const auto accepts = [&](ByteView bytes) {
    CLOISTER_CHECK(write_file(folder / "f", bytes, Overwrite::kReplace).ok());
    return read_safetensors(value_of(File::open(folder / "f"))).ok();
  };
  for (const auto& entry : testing::load_json(path)) {
    const Bytes bytes = value_of(from_hex(entry.at("bytes_hex").get<std::string>()));
    expect_verdict(entry, accepts(bytes));
    if (entry.at("expected").get<std::string>() != "accept") continue;
    for (std::size_t size = 0; size < bytes.size(); size += 5) EXPECT_FALSE(accepts(ByteView(bytes).first(size)));
  }
}

TEST(PublishedHeaders, Gguf) {
  CLOISTER_VECTORS_OR_SKIP(path, "safetensors-gguf/gguf-cases.json");
  for (const auto& entry : testing::load_json(path)) {
    const Bytes bytes = value_of(from_hex(entry.at("bytes_hex").get<std::string>()));
    const auto map = parse_gguf(bytes, bytes.size());
    expect_verdict(entry, map.ok());
    if (!map.ok() && entry.at("expected").get<std::string>() == "accept") ADD_FAILURE() << map.error().message();
  }
}

}  // namespace
}  // namespace cloister::model
