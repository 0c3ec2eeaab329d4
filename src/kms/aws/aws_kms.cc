#include "kms/aws/aws_kms.h"

#include <algorithm>
#include <set>

#include "base/base64.h"
#include "base/reader.h"
#include "kms/aws/aws_posture.h"
#include "kms/aws/endpoints.h"
#include "kms/aws/key_policy.h"
#include "kms/aws/kms_answers.h"
#include "kms/plain_line.h"

namespace cloister::kms {
namespace {

constexpr std::size_t kNameMax = 2048;
constexpr std::size_t kContextMax = 8192;  // AWS's own bound, of it as JSON
constexpr std::uint64_t kPageSize = 100;
constexpr unsigned kPagesMax = 100;
constexpr Duration kUsageInterval{200};  // AWS allows five a second, to an account

Status check_key(const std::string& key) {
  if (!key.empty() && key.size() <= kNameMax && is_plain_utf8(key)) return {};
  return Error(Code::kInvalid, "an AWS key's name is text of 1 to 2048 bytes");
}

bool is_alias(std::string_view key) {
  return key.starts_with("alias/") || key.find(":alias/") != std::string_view::npos;
}

Result<std::string> context_json(const ContextMap& context) {
  JsonValue::Object members;
  for (const auto& [name, value] : context) {
    if (name.empty() || !is_plain_utf8(name) || !is_plain_utf8(value)) {
      return Error(Code::kInvalid, "an encryption context has names and values of plain text");
    }
    members.emplace_back(name, value);
  }
  std::string json = JsonValue(std::move(members)).serialize();
  if (json.size() > kContextMax) return Error(Code::kInvalid, "the encryption context is longer than 8192 bytes");
  return json;
}

// {"KeyId":…,"EncryptionContext":…,NAME:base64}, written so that nothing but the text itself has the bytes.
WipedText crypto_request(const std::string& key, const std::string& context, std::string_view name, ByteView bytes) {
  WipedText text = wiped("{\"KeyId\":" + JsonValue(key).serialize() + ",\"EncryptionContext\":" + context + ",\"" +
                         std::string(name) + "\":\"");
  const std::size_t start = text.size();
  const std::size_t size = base64_encoded_size(bytes.size());
  text.reserve(start + size + 2);
  text.resize(start + size);
  encode_base64(bytes, Base64::kStandard, {reinterpret_cast<std::uint8_t*>(text.data()) + start, size});
  text += "\"}";
  return text;
}

}  // namespace

Result<std::shared_ptr<AwsKms>> AwsKms::create(AwsKmsOptions options, std::shared_ptr<EvidenceSink> evidence,
                                               Waiting waiting) {
  const AwsHost host{options.region, options.fips, options.dual_stack};
  CLOISTER_RETURN_IF_ERROR(check_aws_region(options.region));
  CLOISTER_TRY(Endpoint endpoint,
               options.endpoint.empty() ? aws_endpoint("kms", host) : parse_endpoint(options.endpoint));
  CLOISTER_TRY(auto transport, options.open_transport(endpoint, {options.authorities_file, {}, {}}));
  if (!options.environment) options.environment = [](const std::string&) { return std::nullopt; };
  auto credentials = std::make_unique<AwsCredentialChain>(
      AwsCredentialOptions{options.region, options.profile, options.sts_endpoint, options.metadata_endpoint,
                           options.authorities_file, options.environment, options.open_transport},
      waiting);
  AwsService service{
      "aws-kms " + options.region, "TrentService.", {options.region, "kms"}, std::move(endpoint), options.retry};
  auto client = std::make_unique<AwsClient>(std::move(service), std::move(transport), std::move(credentials),
                                            std::move(evidence), std::move(waiting));
  return std::shared_ptr<AwsKms>(new AwsKms(std::move(client)));
}

// One describing operation, about `key` where there is one.
Result<JsonValue> AwsKms::ask(std::string_view operation, const std::string& key, JsonValue::Object members) {
  if (!key.empty()) members.insert(members.begin(), {"KeyId", key});
  const WipedText body = wiped(JsonValue(std::move(members)).serialize());
  const AwsCall call{operation, key, body};
  CLOISTER_TRY(const net::Response answer, client_->call(call));
  auto json = parse_json(as_text(answer.body));
  if (!json.ok()) return client_->error_of(call, answer, Code::kCorrupt, "the answer isn't JSON as it should be");
  return json;
}

Result<std::string> AwsKms::resolve(const std::string& key) {
  CLOISTER_RETURN_IF_ERROR(check_key(key));
  CLOISTER_TRY(const JsonValue answer, ask("DescribeKey", key, {}));
  KeyPosture posture;
  CLOISTER_RETURN_IF_ERROR(read_key_metadata(answer, posture).with_context(name() + ": DescribeKey with " + key));
  if (is_alias(key) || is_same_aws_key(key, posture.key)) return posture.key;
  return Error(Code::kCorrupt, name() + ": DescribeKey with " + key + ": the answer is about another key");
}

// What can be compared with the key that an answer names.
Result<std::string> AwsKms::full_name(const std::string& key) {
  CLOISTER_RETURN_IF_ERROR(check_key(key));
  return is_alias(key) ? resolve(key) : Result<std::string>(key);
}

Result<ProviderWrap> AwsKms::wrap(const std::string& key, const crypto::Secret& plaintext, const ContextMap& context) {
  if (plaintext.empty() || plaintext.size() > kProviderPlaintextMax) {
    return Error(Code::kInvalid, name() + ": Encrypt takes 1 to 128 bytes here");
  }
  CLOISTER_TRY(const std::string known, full_name(key));
  CLOISTER_TRY(const std::string bound, context_json(context));
  const WipedText body = crypto_request(known, bound, "Plaintext", plaintext.expose());
  const AwsCall call{"Encrypt", known, body, AwsCall::Answer::kWithheld};
  CLOISTER_TRY(const net::Response answer, client_->call(call));
  auto wrapped = parse_encrypt_answer(answer.body, known);
  if (!wrapped.ok()) return client_->error_of(call, answer, wrapped.error().code(), wrapped.error().message());
  return wrapped;
}

Result<crypto::Secret> AwsKms::unwrap(const std::string& key, const ProviderWrap& wrapped, const ContextMap& context) {
  if (wrapped.ciphertext.empty() || wrapped.ciphertext.size() > kAwsCiphertextMax) {
    return Error(Code::kDenied, name() + ": Decrypt with " + plain_line(key) + ": the wrap isn't one of AWS KMS's");
  }
  CLOISTER_TRY(const std::string known, full_name(key));
  CLOISTER_TRY(const std::string bound, context_json(context));
  const WipedText body = crypto_request(known, bound, "CiphertextBlob", wrapped.ciphertext);
  const AwsCall call{"Decrypt", known, body, AwsCall::Answer::kWithheld};
  CLOISTER_TRY(const net::Response answer, client_->call(call));
  auto plaintext = parse_decrypt_answer(answer.body, known, wrapped.key_version);
  if (!plaintext.ok()) return client_->error_of(call, answer, plaintext.error().code(), plaintext.error().message());
  return plaintext;
}

Status AwsKms::describe_rotation(KeyPosture& posture) {
  const auto status = ask("GetKeyRotationStatus", posture.key, {});
  posture.rotation =
      status.ok() ? read_rotation_status(*status) : Assessed<RotationPosture>::not_assessed(status.error().message());
  RotationHistory history;
  Status failed;
  std::string marker;
  for (unsigned page = 0; failed.ok() && (page == 0 || !marker.empty()); ++page) {
    JsonValue::Object members{{"IncludeKeyMaterial", "ALL_KEY_MATERIAL"}};
    if (!marker.empty()) members.emplace_back("Marker", marker);
    const auto answer = ask("ListKeyRotations", posture.key, std::move(members));
    auto next = answer.ok() ? history.add(*answer) : Result<std::string>(answer.error());
    if (next.ok() && page + 1 == kPagesMax && !next->empty()) next = Error(Code::kCorrupt, "the rotations don't end");
    if (next.ok()) {
      marker = *next;
    } else {
      failed = next.error();
    }
  }
  if (failed.ok()) {
    history.put_into(posture);
  } else {
    posture.last_rotated = Assessed<std::optional<Time>>::not_assessed(failed.error().message());
    posture.versions = Assessed<std::vector<ProviderKeyVersion>>::not_assessed(failed.error().message());
  }
  return status.ok() || failed.ok() ? Status() : Status(status.error());
}

Result<std::vector<PolicyFinding>> AwsKms::findings_of_grants(const std::string& key, std::string_view account) {
  std::set<PolicyFinding> findings;
  std::string marker;
  for (unsigned page = 0; page < kPagesMax; ++page) {
    JsonValue::Object members{{"Limit", kPageSize}};
    if (!marker.empty()) members.emplace_back("Marker", marker);
    CLOISTER_TRY(const JsonValue answer, ask("ListGrants", key, std::move(members)));
    const JsonValue* grants = answer.find("Grants");
    if (grants == nullptr || grants->array() == nullptr) return Error(Code::kCorrupt, "ListGrants: no list of grants");
    for (const JsonValue& grant : *grants->array()) {
      CLOISTER_TRY(const auto found, grant_findings(grant, account));
      findings.insert(found.begin(), found.end());
    }
    CLOISTER_TRY(marker, next_marker(answer));
    if (marker.empty()) return std::vector(findings.begin(), findings.end());
  }
  return Error(Code::kCorrupt, "ListGrants: the grants don't end");
}

// Both together, or not assessed: what only one of them says could be half of it.
Status AwsKms::describe_policy(KeyPosture& posture) {
  using Fact = Assessed<std::vector<PolicyFinding>>;
  const std::string account = aws_account_of(posture.key);
  const auto answer = ask("GetKeyPolicy", posture.key, {{"PolicyName", "default"}});
  if (!answer.ok()) {
    posture.policy_findings = Fact::not_assessed(answer.error().message());
    return answer.error();
  }
  const JsonValue* text = answer->find("Policy");
  if (text == nullptr || text->string() == nullptr || account.empty()) {
    posture.policy_findings = Fact::not_assessed("GetKeyPolicy: there is no policy, or no account, to judge");
    return {};
  }
  const auto of_policy = key_policy_findings(*text->string(), account);
  if (!of_policy.ok()) {
    posture.policy_findings = Fact::not_assessed(of_policy.error().message());
    return {};
  }
  const auto of_grants = findings_of_grants(posture.key, account);
  if (!of_grants.ok()) {
    std::string why = of_grants.error().message() + "; the policy alone shows";
    for (const PolicyFinding finding : *of_policy) why += " " + std::string(policy_finding_name(finding));
    posture.policy_findings = Fact::not_assessed(of_policy->empty() ? why + " nothing" : why);
    return {};
  }
  std::set<PolicyFinding> all(of_policy->begin(), of_policy->end());
  all.insert(of_grants->begin(), of_grants->end());
  posture.policy_findings = std::vector(all.begin(), all.end());
  return {};
}

Status AwsKms::describe_usage(KeyPosture& posture) {
  const Waiting& waiting = client_->waiting();
  Duration wait{};
  {
    const std::lock_guard lock(usage_mutex_);
    const Time now = waiting.now();
    const Time turn = std::max(now, usage_next_);
    usage_next_ = turn + kUsageInterval;
    wait = turn - now;
  }
  if (wait > Duration{}) waiting.sleep(wait);
  const auto answer = ask("GetKeyLastUsage", posture.key, {});
  posture.last_used =
      answer.ok() ? read_last_usage(*answer) : Assessed<std::optional<Time>>::not_assessed(answer.error().message());
  return answer.ok() ? Status() : Status(answer.error());
}

Result<KeyPosture> AwsKms::describe(const std::string& key) {
  CLOISTER_RETURN_IF_ERROR(check_key(key));
  KeyPosture posture;
  posture.key = key;
  const auto metadata = ask("DescribeKey", key, {});
  // What isn't there, or can't be reached, isn't asked about four times more.
  if (!metadata.ok() && metadata.error().code() != Code::kDenied) return metadata.error();
  if (metadata.ok()) {
    CLOISTER_RETURN_IF_ERROR(read_key_metadata(*metadata, posture).with_context(name() + ": DescribeKey with " + key));
    if (!is_alias(key) && !is_same_aws_key(key, posture.key)) {
      return Error(Code::kCorrupt, name() + ": DescribeKey with " + key + ": the answer is about another key");
    }
  } else {
    const std::string& why = metadata.error().message();
    posture.managed_by = Assessed<ManagedBy>::not_assessed(why);
    posture.origin = Assessed<KeyOrigin>::not_assessed(why);
    posture.protection = Assessed<ProtectionLevel>::not_assessed(why);
    posture.state = Assessed<ProviderKeyState>::not_assessed(why);
    posture.created = Assessed<std::optional<Time>>::not_assessed(why);
    posture.deletion_scheduled = Assessed<std::optional<Time>>::not_assessed(why);
    posture.exportable = Assessed<bool>::not_assessed(why);
  }
  const bool rotation = describe_rotation(posture).ok();
  const bool policy = describe_policy(posture).ok();
  const bool usage = describe_usage(posture).ok();
  if (!metadata.ok() && !rotation && !policy && !usage) return metadata.error();
  return posture;
}

Result<KeyPage> AwsKms::list(const std::string& cursor) {
  JsonValue::Object members{{"Limit", kPageSize}};
  if (!cursor.empty()) members.emplace_back("Marker", cursor);
  const WipedText body = wiped(JsonValue(std::move(members)).serialize());
  const AwsCall call{"ListKeys", {}, body};
  CLOISTER_TRY(const net::Response answer, client_->call(call));
  auto page = parse_list_answer(answer.body, cursor);
  if (!page.ok()) return client_->error_of(call, answer, page.error().code(), page.error().message());
  return page;
}

// A role that may use one key alone is no reason for an alarm: what counts is that AWS answers, and knows us.
Result<ProviderHealth> AwsKms::health() {
  const WipedText body = wiped(R"({"Limit":1})");
  const AwsCall call{"ListKeys", {}, body};
  const auto answer = client_->exchange(call);
  if (!answer.ok()) return ProviderHealth{false, answer.error().message()};
  const std::string where = client_->service().endpoint.authority();
  if (answer->status == 200) return ProviderHealth{true, "answers at " + where};
  const AwsError error = parse_aws_error(*answer);
  const bool knows_us = error.shape == "AccessDeniedException" || error.shape == "AccessDenied";
  if (knows_us) return ProviderHealth{true, "answers at " + where + ", which doesn't let us list keys"};
  const std::string what = error.shape.empty() ? "status " + std::to_string(answer->status) : error.shape;
  return ProviderHealth{false, where + " answers " + what};
}

}  // namespace cloister::kms
