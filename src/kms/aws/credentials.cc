#include "kms/aws/credentials.h"

#include <algorithm>

#include "kms/aws/aws_answer.h"
#include "kms/aws/xml.h"
#include "kms/plain_line.h"

namespace cloister::kms {
namespace {

constexpr std::size_t kAccessKeyIdMax = 128;
constexpr std::size_t kSecretMax = 256;
constexpr std::size_t kTokenMax = 16 * 1024;
constexpr std::size_t kAnswerMax = 64 * 1024;

bool is_visible(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte > 0x20 && byte < 0x7f; });
}

std::string_view text_of(const WipedJson& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return {};
  return view(found->get_ref<const WipedText&>());
}

struct Parts {
  std::string_view id, secret, token, expiration;
};

Result<AwsCredentials> temporary(const Parts& parts) {
  const auto expires = parse_rfc3339(parts.expiration);
  if (parts.token.empty() || !expires.ok()) {
    return Error(Code::kInvalid, "the answer lacks a proper token or expiration");
  }
  AwsCredentials credentials{{},
                             std::string(parts.id),
                             crypto::Secret::copy_of(as_bytes(parts.secret)),
                             crypto::Secret::copy_of(as_bytes(parts.token)),
                             *expires};
  CLOISTER_RETURN_IF_ERROR(check_aws_credentials(credentials));
  return credentials;
}

Error sts_refusal(const net::Response& response) {
  const auto texts = read_xml(as_text(response.body));
  if (!texts.ok()) return Error(aws_error_code("", response.status), "status " + std::to_string(response.status));
  const std::string shape = plain_line(find_text(*texts, "ErrorResponse/Error/Code"));
  const std::string message = plain_line(find_text(*texts, "ErrorResponse/Error/Message"));
  const std::string request = plain_line(find_text(*texts, "ErrorResponse/RequestId"));
  return Error(aws_error_code(shape, response.status),
               (shape.empty() ? "status " + std::to_string(response.status) : shape) +
                   (message.empty() ? "" : ": " + message) + (request.empty() ? "" : " (request " + request + ")"));
}

}  // namespace

Status check_aws_credentials(const AwsCredentials& credentials) {
  const std::string& id = credentials.access_key_id;
  if (id.empty() || id.size() > kAccessKeyIdMax || !is_visible(as_bytes(id)) || id.find_first_of("/,=") != id.npos) {
    return Error(Code::kInvalid, "the access key id isn't one");
  }
  const ByteView secret = credentials.secret_access_key.expose();
  if (secret.empty() || secret.size() > kSecretMax || !is_visible(secret)) {
    return Error(Code::kInvalid, "the secret access key isn't one");
  }
  const ByteView token = credentials.session_token.expose();
  if (token.size() > kTokenMax || !is_visible(token)) return Error(Code::kInvalid, "the session token isn't one");
  return {};
}

Result<AwsCredentials> parse_metadata_credentials(ByteView body) {
  if (body.size() > kAnswerMax) return Error(Code::kInvalid, "the answer is too long");
  CLOISTER_TRY(const WipedJson json, parse_wiped(body));
  const std::string_view code = text_of(json, "Code");
  if (!code.empty() && code != "Success") return Error(Code::kDenied, plain_line(code));
  return temporary({text_of(json, "AccessKeyId"), text_of(json, "SecretAccessKey"), text_of(json, "Token"),
                    text_of(json, "Expiration")});
}

Result<AwsCredentials> parse_sts_answer(const net::Response& response) {
  if (response.status != 200) return sts_refusal(response);
  CLOISTER_TRY(const std::vector<XmlText> texts, read_xml(as_text(response.body)));
  const std::string base = "AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult/Credentials/";
  return temporary({find_text(texts, base + "AccessKeyId"), find_text(texts, base + "SecretAccessKey"),
                    find_text(texts, base + "SessionToken"), find_text(texts, base + "Expiration")});
}

}  // namespace cloister::kms
