// The stand-in, and the provider against it: what holds for every provider, with signatures verified.
#include "tests/unit/kms/aws/aws_stand_in.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/base64.h"
#include "net/sigv4.h"
#include "tests/support/expect.h"
#include "tests/unit/kms/aws/aws_parts.h"
#include "tests/unit/kms/provider_contract.h"

namespace cloister::kms {
namespace {

net::Response json(unsigned status, const JsonValue::Object& members) {
  return {status, {{"x-amzn-requestid", "r-1"}}, net::to_buffer(JsonValue(members).serialize()), {}};
}

net::Response refuse(std::string_view shape) { return json(400, {{"__type", std::string(shape)}, {"message", "no"}}); }

std::string member(const JsonValue& body, std::string_view name) {
  const JsonValue* value = body.find(name);
  return value == nullptr || value->string() == nullptr ? "" : *value->string();
}

std::string header(const net::Request& request, std::string_view name) {
  const std::string* value = request.headers.find(name);
  return value == nullptr ? "" : *value;
}

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

AwsStandIn::AwsStandIn(std::string access_key_id, std::string_view secret_access_key)
    : access_key_id_(std::move(access_key_id)),
      secret_access_key_(crypto::Secret::copy_of(as_bytes(secret_access_key))) {}

OpenTransport AwsStandIn::open() {
  return [this](const Endpoint&, const WebTransportOptions&) -> Result<std::unique_ptr<HttpTransport>> {
    return std::unique_ptr<HttpTransport>(
        std::make_unique<testing::FunctionTransport>([this](const net::Request& request) { return answer(request); }));
  };
}

Status AwsStandIn::verify(const net::Request& request) const {
  CLOISTER_TRY(const auto authorization, net::parse_sigv4_authorization(header(request, "authorization")));
  const std::string date = header(request, "x-amz-date");
  CLOISTER_TRY(const Time time, net::parse_sigv4_time(date));
  if (authorization.access_key_id != access_key_id_) return Error(Code::kDenied, "UnrecognizedClientException");
  if (!has(authorization.signed_headers, "x-amz-date") || !has(authorization.signed_headers, "x-amz-target")) {
    return Error(Code::kDenied, "IncompleteSignatureException");
  }
  const Duration skew = std::max(time, now) - std::min(time, now);
  if (skew > minutes(5) || date.substr(0, 8) != authorization.scope.date) {
    return Error(Code::kDenied, "InvalidSignatureException");
  }
  const crypto::Secret key = net::sigv4_signing_key(secret_access_key_, authorization.scope);
  if (!net::verify_sigv4(request, authorization, date, net::sigv4_payload_hash(request.body), key).ok()) {
    return Error(Code::kDenied, "InvalidSignatureException");
  }
  return {};
}

Result<std::string> AwsStandIn::find_key(const JsonValue& body) const {
  std::string name = member(body, "KeyId");
  if (const auto alias = aliases.find(name); alias != aliases.end()) name = alias->second;
  for (const std::string& key : keys) {
    if (key == name || key.ends_with("/" + name)) return key;
  }
  return Error(Code::kNotFound, "NotFoundException");
}

net::Response AwsStandIn::answer(const net::Request& request) {
  if (const Status verified = verify(request); !verified.ok()) {
    net::Response refusal = refuse(verified.error().message());
    refusal.headers.add("date", "Tue, 24 Nov 2026 13:23:09 GMT");
    return refusal;
  }
  const auto body = parse_json(as_text(request.body));
  const std::string target = header(request, "x-amz-target");
  const bool proper = body.ok() && header(request, "content-type") == "application/x-amz-json-1.1" &&
                      target.starts_with("TrentService.") && request.method == "POST" && request.target == "/";
  return proper ? act(std::string_view(target).substr(13), *body) : refuse("SerializationException");
}

net::Response AwsStandIn::act(std::string_view operation, const JsonValue& body) {
  if (operation == "ListKeys") {
    JsonValue::Array list;
    for (const std::string& key : keys)
      list.push_back(JsonValue::Object{{"KeyId", key.substr(key.find('/') + 1)}, {"KeyArn", key}});
    return json(200, {{"Keys", list}, {"Truncated", false}});
  }
  const auto key = find_key(body);
  if (!key.ok()) return refuse(key.error().message());
  if (operation == "DescribeKey") {
    const std::string state = has(disabled, *key) ? "Disabled" : "Enabled";
    return json(200, {{"KeyMetadata", JsonValue::Object{{"Arn", *key},
                                                        {"KeyManager", "CUSTOMER"},
                                                        {"Origin", "AWS_KMS"},
                                                        {"KeyState", state},
                                                        {"KeySpec", "SYMMETRIC_DEFAULT"},
                                                        {"CreationDate", 1.5e9}}}});
  }
  if (operation != "Encrypt" && operation != "Decrypt") return refuse("AccessDeniedException");
  if (has(disabled, *key)) return refuse("DisabledException");
  return operation == "Encrypt" ? encrypt(*key, body) : decrypt(*key, body);
}

net::Response AwsStandIn::encrypt(const std::string& key, const JsonValue& body) {
  const JsonValue* context = body.find("EncryptionContext");
  wrapped_.push_back({key, member(body, "Plaintext"), context == nullptr ? JsonValue() : *context});
  const std::string handle = "wrap " + std::to_string(1000 + wrapped_.size());
  return json(
      200,
      {{"CiphertextBlob", to_base64(as_bytes(handle))}, {"KeyId", key}, {"EncryptionAlgorithm", "SYMMETRIC_DEFAULT"}});
}

net::Response AwsStandIn::decrypt(const std::string& key, const JsonValue& body) const {
  const auto blob = from_base64(member(body, "CiphertextBlob"));
  for (std::size_t i = 0; i < wrapped_.size(); ++i) {
    const std::string handle = "wrap " + std::to_string(1001 + i);
    if (!blob.ok() || as_text(*blob) != handle) continue;
    if (wrapped_[i].key != key) return refuse("IncorrectKeyException");
    const JsonValue* context = body.find("EncryptionContext");
    if (context == nullptr || !(*context == wrapped_[i].context)) break;
    return json(200,
                {{"Plaintext", wrapped_[i].plaintext}, {"KeyId", key}, {"EncryptionAlgorithm", "SYMMETRIC_DEFAULT"}});
  }
  return refuse("InvalidCiphertextException");
}

namespace {

using testing::expect_refused;
using testing::value_of;

struct StoodIn {
  AwsStandIn aws{"AKIDEXAMPLE", kKeysInEnvironment.at("AWS_SECRET_ACCESS_KEY")};
  testing::TestWaiting waiting;

  StoodIn() {
    aws.keys = {std::string(kArn), std::string(kOtherArn)};
    aws.aliases = {{"alias/corpus", std::string(kArn)}};
  }
  std::shared_ptr<AwsKms> provider(Variables variables = kKeysInEnvironment) {
    AwsKmsOptions options;
    options.region = "us-east-1";
    options.environment = environment_of(std::move(variables));
    options.open_transport = aws.open();
    return value_of(AwsKms::create(std::move(options), nullptr, waiting.waiting()));
  }
};

std::optional<ContractSubject> contract(const std::string& key) {
  auto stood_in = std::make_shared<StoodIn>();
  auto provider = stood_in->provider();
  return ContractSubject{
      std::move(provider), key, std::string(kArn) + "0", std::string(kOtherArn), ContractSubject::Context::kBound,
      std::move(stood_in)};
}

INSTANTIATE_TEST_SUITE_P(
    Aws, ProviderContract,
    ::testing::Values(ContractCase{"arn", [] { return contract(std::string(kArn)); }},
                      ContractCase{"id", [] { return contract(std::string(kArn.substr(kArn.find('/') + 1))); }},
                      ContractCase{"alias", [] { return contract("alias/corpus"); }}),
    contract_name);

const ContextMap kContext{{"tenant", "acme"}};

TEST(AwsStandIn, DisabledKey) {
  StoodIn stood_in;
  const auto provider = stood_in.provider();
  const crypto::Secret key(32);
  const ProviderWrap wrapped = value_of(provider->wrap(std::string(kArn), key, kContext));
  stood_in.aws.disabled = {std::string(kArn)};
  expect_refused(provider->wrap(std::string(kArn), key, kContext), Code::kDenied, "DisabledException");
  expect_refused(provider->unwrap(std::string(kArn), wrapped, kContext), Code::kDenied, "DisabledException");
}

TEST(AwsStandIn, WrapOfAnotherKeyIsNotTriedUnderIt) {
  StoodIn stood_in;
  const auto provider = stood_in.provider();
  const ProviderWrap wrapped = value_of(provider->wrap(std::string(kOtherArn), crypto::Secret(32), kContext));
  expect_refused(provider->unwrap(std::string(kArn), wrapped, kContext), Code::kDenied, "IncorrectKeyException");
}

TEST(AwsStandIn, ClockThatIsWrongIsSetByTheirsOnce) {
  for (const std::int64_t days_off : {-2, 2}) {
    StoodIn stood_in;
    stood_in.waiting.now = stood_in.waiting.now + days(days_off);
    const auto provider = stood_in.provider();
    EXPECT_TRUE(provider->list("").ok());
    stood_in.aws.now = stood_in.aws.now + days(5);  // its date header stays as it was: now it contradicts itself
    expect_refused(provider->list(""), Code::kDenied, "InvalidSignatureException");
  }
}

TEST(AwsStandIn, WrongSecret) {
  StoodIn stood_in;
  const auto provider =
      stood_in.provider({{"AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"}, {"AWS_SECRET_ACCESS_KEY", "very-secret"}});
  const auto refused = provider->list("");
  expect_refused(refused, Code::kDenied, "InvalidSignatureException");
  EXPECT_EQ(refused.error().message().find("very-secret"), std::string::npos);
  const auto stranger = stood_in.provider({{"AWS_ACCESS_KEY_ID", "AKIDOTHER"}, {"AWS_SECRET_ACCESS_KEY", "x"}});
  expect_refused(stranger->list(""), Code::kDenied, "UnrecognizedClientException");
  EXPECT_FALSE(value_of(stranger->health()).serving);
}

}  // namespace
}  // namespace cloister::kms
