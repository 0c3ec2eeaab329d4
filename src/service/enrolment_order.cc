#include "service/enrolment_order.h"

#include "service/json_scanner.h"

namespace cloister::service {
namespace {

constexpr std::size_t kBodyMax = 64 << 10;
constexpr std::size_t kAudiencesMax = 16;

Status check_size(const net::Buffer& body) {
  if (body.size() <= kBodyMax) return {};
  return Error(Code::kInvalid, "the body is larger than such a request is");
}

Status parse_request(std::string_view pem, EnrolmentOrder& order) {
  auto request = crypto::CertificateRequest::parse_pem(pem);
  if (!request.ok()) return Error(Code::kInvalid, "request: " + request.error().message());
  order.request = std::make_shared<const crypto::CertificateRequest>(std::move(*request));
  return {};
}

}  // namespace

Result<EnrolmentOrder> parse_enroll_body(net::Buffer& body) {
  CLOISTER_RETURN_IF_ERROR(check_size(body));
  JsonScanner scanner(body);
  EnrolmentOrder order;
  std::string_view name, value, request;
  bool known = scanner.enter_object();
  while (known && scanner.next_member(name)) {
    known = (name == "request" && request.empty()) || (name == "join_token" && !order.token) ||
            (name == "id" && order.wanted.empty());
    if (!known || !scanner.string(value)) break;
    if (name == "request") request = value;
    if (name == "id") order.wanted = value;
    if (name == "join_token") order.token = std::make_shared<crypto::Secret>(crypto::Secret::copy_of(as_bytes(value)));
  }
  if (scanner.ok() && !known) {
    return Error(Code::kInvalid, "the body has request, join_token and id at most, each once");
  }
  scanner.end();
  CLOISTER_RETURN_IF_ERROR(scanner.status());
  if (request.empty()) return Error(Code::kInvalid, "the body has no request");
  CLOISTER_RETURN_IF_ERROR(parse_request(request, order));
  net::wipe_and_clear(body);
  return order;
}

Result<EnrolmentOrder> parse_audience_body(net::Buffer& body) {
  CLOISTER_RETURN_IF_ERROR(check_size(body));
  JsonScanner scanner(body);
  EnrolmentOrder order;
  std::string_view name, value;
  const bool named = scanner.enter_object() && scanner.next_member(name) && name == "audience";
  if (named && scanner.enter_array()) {
    while (order.audience.size() < kAudiencesMax + 1 && scanner.next_element() && scanner.string(value)) {
      order.audience.emplace_back(value);
    }
    if (scanner.next_member(name)) return Error(Code::kInvalid, "the body has audience and nothing else");
  }
  scanner.end();
  CLOISTER_RETURN_IF_ERROR(scanner.status());
  if (!named) return Error(Code::kInvalid, "the body has no audience");
  if (order.audience.empty() || order.audience.size() > kAudiencesMax) {
    return Error(Code::kInvalid, "a token is for 1 to 16 audiences");
  }
  return order;
}

Result<identity::SpiffeId> parse_id(const BodyFields& body, std::string_view name) {
  CLOISTER_TRY(const std::string text, body.text(name));
  auto id = identity::SpiffeId::parse(text);
  if (!id.ok()) return Error(Code::kInvalid, std::string(name) + ": " + id.error().message());
  return id;
}

Result<Duration> parse_seconds(const BodyFields& body, std::string_view name, Duration max) {
  CLOISTER_TRY(const std::uint64_t number, body.number(name, 1, static_cast<std::uint64_t>(max.ms / 1000)));
  return seconds(static_cast<std::int64_t>(number));
}

JsonValue denied_json(const identity::DeniedId& denied) {
  return JsonValue(
      JsonValue::Object{{"id", denied.id.uri()}, {"until", to_rfc3339(denied.until)}, {"reason", denied.reason}});
}

}  // namespace cloister::service
