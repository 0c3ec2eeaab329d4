#include "kms/aws/aws_answer.h"

#include <cmath>
#include <map>

#include "base/reader.h"
#include "kms/aws/xml.h"
#include "kms/plain_line.h"
#include "net/http_date.h"

namespace cloister::kms {
namespace {

constexpr double kSecondsMax = 1e11;

enum class Again { kNo, kYes, kClock, kCredentials };

struct Meaning {
  Code code;
  Again again;
};

const Meaning* meaning_of(std::string_view shape) {
  using enum Again;
  static const std::map<std::string_view, Meaning> kMeanings{
      {"ThrottlingException", {Code::kUnavailable, kYes}},
      {"Throttling", {Code::kUnavailable, kYes}},
      {"RequestLimitExceeded", {Code::kUnavailable, kYes}},
      {"TooManyRequestsException", {Code::kUnavailable, kYes}},
      {"LimitExceededException", {Code::kUnavailable, kYes}},
      {"KMSInternalException", {Code::kUnavailable, kYes}},
      {"InternalFailure", {Code::kUnavailable, kYes}},
      {"InternalServiceError", {Code::kUnavailable, kYes}},
      {"ServiceUnavailable", {Code::kUnavailable, kYes}},
      {"ServiceUnavailableException", {Code::kUnavailable, kYes}},
      {"DependencyTimeoutException", {Code::kUnavailable, kYes}},
      {"KeyUnavailableException", {Code::kUnavailable, kYes}},
      {"IDPCommunicationError", {Code::kUnavailable, kYes}},
      {"InvalidCiphertextException", {Code::kDenied, kNo}},
      {"IncorrectKeyException", {Code::kDenied, kNo}},
      {"DisabledException", {Code::kDenied, kNo}},
      {"KMSInvalidStateException", {Code::kDenied, kNo}},
      {"AccessDeniedException", {Code::kDenied, kNo}},
      {"AccessDenied", {Code::kDenied, kNo}},
      {"NotAuthorized", {Code::kDenied, kNo}},
      {"OptInRequired", {Code::kDenied, kNo}},
      {"IDPRejectedClaim", {Code::kDenied, kNo}},
      {"InvalidIdentityToken", {Code::kDenied, kNo}},
      {"InvalidGrantTokenException", {Code::kDenied, kNo}},
      {"MissingAuthenticationToken", {Code::kDenied, kNo}},
      {"MissingAuthenticationTokenException", {Code::kDenied, kNo}},
      {"IncompleteSignature", {Code::kDenied, kNo}},
      {"IncompleteSignatureException", {Code::kDenied, kNo}},
      {"UnrecognizedClientException", {Code::kDenied, kCredentials}},
      {"InvalidClientTokenId", {Code::kDenied, kCredentials}},
      {"ExpiredToken", {Code::kDenied, kCredentials}},
      {"ExpiredTokenException", {Code::kDenied, kCredentials}},
      {"InvalidSignature", {Code::kDenied, kClock}},
      {"InvalidSignatureException", {Code::kDenied, kClock}},
      {"SignatureDoesNotMatch", {Code::kDenied, kClock}},
      {"RequestExpired", {Code::kDenied, kClock}},
      {"SlowDown", {Code::kUnavailable, kYes}},
      {"InternalError", {Code::kUnavailable, kYes}},
      {"UnauthorizedOperation", {Code::kDenied, kNo}},
      {"AuthFailure", {Code::kDenied, kNo}},
      {"RequestTimeTooSkewed", {Code::kDenied, kClock}},
      {"NotFoundException", {Code::kNotFound, kNo}},
      {"NoSuchBucket", {Code::kNotFound, kNo}},
      {"ServerSideEncryptionConfigurationNotFoundError", {Code::kNotFound, kNo}},
      {"InvalidVolume.NotFound", {Code::kNotFound, kNo}},
      {"InvalidSnapshot.NotFound", {Code::kNotFound, kNo}},
      {"DBInstanceNotFound", {Code::kNotFound, kNo}},
      {"ResourceNotFound", {Code::kNotFound, kNo}},
      {"ResourceNotFoundException", {Code::kNotFound, kNo}},
      {"InvalidKeyUsageException", {Code::kInvalid, kNo}},
      {"InvalidArnException", {Code::kInvalid, kNo}},
      {"InvalidMarkerException", {Code::kInvalid, kNo}},
      {"ValidationException", {Code::kInvalid, kNo}},
      {"ValidationError", {Code::kInvalid, kNo}},
      {"MalformedPolicyDocument", {Code::kInvalid, kNo}},
      {"SerializationException", {Code::kInvalid, kNo}},
      {"UnsupportedOperationException", {Code::kUnsupported, kNo}},
      {"UnknownOperationException", {Code::kUnsupported, kNo}},
      {"InvalidAction", {Code::kUnsupported, kNo}},
  };
  const auto found = kMeanings.find(shape);
  return found == kMeanings.end() ? nullptr : &found->second;
}

Again again_by(std::string_view shape, unsigned status) {
  if (const Meaning* meaning = meaning_of(shape)) return meaning->again;
  return status >= 500 || status == 429 ? Again::kYes : Again::kNo;
}

// "com.amazonaws.kms#NotFoundException", "NotFoundException:http://…", "NotFoundException#…": what has no dot and isn't
// behind a colon.
std::string shape_of(std::string_view type) {
  type = type.substr(0, type.find(':'));
  const std::size_t hash = type.find('#');
  if (hash != std::string_view::npos) {
    const std::string_view behind = type.substr(hash + 1);
    type = behind.empty() || behind.find('.') != std::string_view::npos ? type.substr(0, hash) : behind;
  }
  return plain_line(type);
}

std::string_view text_of(const JsonValue& json, std::string_view name) {
  const JsonValue* member = json.find(name);
  return member == nullptr || member->string() == nullptr ? std::string_view() : std::string_view(*member->string());
}

// S3 says Error, EC2 Response/Errors/Error, RDS and STS ErrorResponse/Error.
AwsError parse_xml_error(std::string_view body) {
  const auto texts = read_xml(body);
  if (!texts.ok()) return {};
  for (const std::string_view where : {"Error/", "Response/Errors/Error/", "ErrorResponse/Error/"}) {
    const std::string path(where);
    const std::string_view code = find_text(*texts, path + "Code");
    if (!code.empty()) return {plain_line(code), plain_line(find_text(*texts, path + "Message"))};
  }
  return {};
}

}  // namespace

AwsError parse_aws_error(const net::Response& response) {
  AwsError error;
  if (as_text(response.body).starts_with('<')) {
    error = parse_xml_error(as_text(response.body));
  } else if (const auto json = parse_json(as_text(response.body)); json.ok()) {
    error.shape = shape_of(text_of(*json, "__type"));
    const std::string_view message = text_of(*json, "message");
    error.message = plain_line(message.empty() ? text_of(*json, "Message") : message);
  }
  const std::string* type = response.headers.find("x-amzn-errortype");
  if (error.shape.empty() && type != nullptr) error.shape = shape_of(*type);
  return error;
}

Code aws_error_code(std::string_view shape, unsigned status) {
  if (const Meaning* meaning = meaning_of(shape)) return meaning->code;
  if (status >= 500 || status == 429) return Code::kUnavailable;
  return status == 401 || status == 403 ? Code::kDenied : Code::kInvalid;
}

bool is_clock_error(std::string_view shape) { return again_by(shape, 0) == Again::kClock; }
bool is_credentials_error(std::string_view shape) { return again_by(shape, 0) == Again::kCredentials; }

Verdict judge_aws(const net::Response& response) {
  using Kind = Verdict::Kind;
  if (response.status == 200) return {Kind::kFinal, {}};
  switch (again_by(parse_aws_error(response).shape, response.status)) {
    case Again::kNo: return {Kind::kFinal, {}};
    case Again::kYes: return {Kind::kRetry, {}};
    case Again::kCredentials: return {Kind::kRenew, {}};
    case Again::kClock: break;
  }
  const std::string* date = response.headers.find("date");
  const bool told = date != nullptr && net::parse_http_date(*date).ok();
  return {told ? Kind::kRenew : Kind::kFinal, {}};
}

std::string aws_request_id(const net::Response& response) {
  const std::string* id = response.headers.find("x-amzn-requestid");
  if (id == nullptr) id = response.headers.find("x-amz-request-id");
  return id == nullptr ? std::string() : plain_line(*id);
}

std::optional<Time> aws_time(const JsonValue* value) {
  const auto seconds = value == nullptr ? std::nullopt : value->number();
  if (!seconds || !(*seconds >= 0 && *seconds <= kSecondsMax)) return std::nullopt;
  return Time{std::llround(*seconds * 1000)};
}

}  // namespace cloister::kms
