// Bundles, statements and ledgers of any bytes are read or refused, and only what a trusted key signed verifies.
#include <vector>

#include "model/ledger.h"
#include "model/name.h"
#include "model/sign.h"
#include "tests/support/certificates.h"
#include "tests/support/value_of.h"

using namespace cloister;
using testing::value_of;

namespace {

constexpr std::string_view kStatement =
    R"({"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"m","digest":{"sha256":"5df6e0e2761359d30a8275058e299fcc0381534545f55cf43e41983f5d4c9456"}}],"predicateType":"https://model_signing/signature/v1.0","predicate":{"resources":[{"algorithm":"sha256","name":".","digest":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}],"serialization":{"method":"files","hash_type":"sha256","allow_symlinks":false,"ignore_paths":[".git"]}}})";

struct Signer {
  crypto::MemorySigner key{testing::key_of_seed(5)};
  std::vector<model::TrustedSigner> trusted;
  std::string bundle;

  Signer() {
    model::TrustedSigner signer;
    signer.name = "fuzz";
    signer.key = key.public_key();
    trusted.push_back(std::move(signer));
    const model::Statement statement = value_of(model::parse_statement(as_bytes(kStatement)));
    bundle = model::serialize_bundle(value_of(model::sign_statement(statement, key, {})));
  }
};

Signer& signer() {
  static Signer signer;
  return signer;
}

void check_statement(const model::Statement& statement) {
  CLOISTER_CHECK(!statement.resources.empty() && model::root_digest(statement.resources) == statement.root);
  for (const model::Resource& resource : statement.resources) {
    CLOISTER_CHECK(resource.path == model::kOnlyFile || model::is_safe_name(resource.path));
  }
  if (!statement.shard_size) {
    CLOISTER_CHECK(model::parse_statement(as_bytes(model::serialize_statement(statement))).ok());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  if (const auto bundle = model::parse_bundle(as_text(input)); bundle.ok()) {
    const auto verified = model::verify_signature(*bundle, signer().trusted, testing::kNow);
    const Bytes signed_payload = value_of(model::parse_bundle(signer().bundle)).payload;
    CLOISTER_CHECK(!verified.ok() || bundle->payload == signed_payload);
  }
  if (const auto statement = model::parse_statement(input); statement.ok()) check_statement(*statement);
  ignore_result(model::parse_ledger(input));
  ignore_result(model::parse_floor(as_text(input)));
  ignore_result(model::parse_shard_name(as_text(input)));
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  seeds->push_back(to_bytes(as_bytes(signer().bundle)));
  seeds->push_back(to_bytes(as_bytes(kStatement)));
  seeds->push_back(to_bytes(as_bytes(R"({"model":"m","sequence":1,"versions":[]})")));
}
