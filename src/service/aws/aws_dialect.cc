#include "service/aws/aws_dialect.h"

#include <algorithm>
#include <array>

#include "service/aws/operations.h"
#include "service/aws/signature.h"

namespace cloister::service::aws {
namespace {

constexpr std::string_view kContentType = "application/x-amz-json-1.1";
constexpr std::string_view kTargetPrefix = "TrentService.";
constexpr std::size_t kOperationNameMax = 64;

struct Shape {
  ProblemCode code;
  std::string_view type;  // "__type", unless the call says its own
  unsigned status;
};
// What isn't here is a KMSInternalException.
constexpr std::array<Shape, 22> kShapes{{
    {ProblemCode::kInvalidRequest, "ValidationException", 400},
    {ProblemCode::kPurposeMissing, "ValidationException", 400},
    {ProblemCode::kUnauthenticated, "UnrecognizedClientException", 400},
    {ProblemCode::kRefused, "AccessDeniedException", 400},
    {ProblemCode::kNoSuchRoute, "UnknownOperationException", 404},
    {ProblemCode::kNotFound, "NotFoundException", 400},
    {ProblemCode::kMethodNotAllowed, "UnknownOperationException", 404},
    {ProblemCode::kExists, "AlreadyExistsException", 400},
    {ProblemCode::kWrongState, "KMSInvalidStateException", 400},
    {ProblemCode::kChangedMeanwhile, "KeyUnavailableException", 500},
    {ProblemCode::kExpired, "KMSInvalidStateException", 400},
    {ProblemCode::kUnsupportedMediaType, "SerializationException", 400},
    {ProblemCode::kIdempotencyKeyReused, "ThrottlingException", 400},
    {ProblemCode::kQuotaExceeded, "ThrottlingException", 400},
    {ProblemCode::kUnsupported, "UnsupportedOperationException", 400},
    {ProblemCode::kBusy, "ThrottlingException", 400},
    {ProblemCode::kStoreUnavailable, "DependencyTimeoutException", 503},
    {ProblemCode::kAuditUnavailable, "DependencyTimeoutException", 503},
    {ProblemCode::kWrapDoesNotOpen, "InvalidCiphertextException", 400},
    {ProblemCode::kKeyVersionUnknown, "InvalidCiphertextException", 400},
    {ProblemCode::kKeyVersionDisabled, "DisabledException", 400},
    {ProblemCode::kKeyVersionDestroyed, "KMSInvalidStateException", 400},
}};

Shape shape_of(ProblemCode code) {
  const auto found = std::ranges::find(kShapes, code, &Shape::code);
  return found == kShapes.end() ? Shape{code, "KMSInternalException", 500} : *found;
}

bool is_operation_name(std::string_view name) {
  return !name.empty() && name.size() <= kOperationNameMax &&
         std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); });
}

}  // namespace

AwsDialect::AwsDialect(AwsDialectParts parts) : parts_(std::move(parts)) {
  const auto shared = std::make_shared<const AwsDialectParts>(parts_);
  for (std::vector<Route>& routes :
       std::array{seal_operations(shared), key_operations(shared), alias_operations(shared),
                  rotation_operations(shared), pair_operations(shared), signing_operations(shared)}) {
    for (Route& route : routes) {
      const std::string name = route.path;
      CLOISTER_CHECK(routes_.emplace(name, std::move(route)).second);
    }
  }
}

const Route* AwsDialect::find(Call& call, std::optional<Problem>& instead) const {
  const net::Request& request = call.request;
  const std::string* target = request.headers.find("x-amz-target");
  const bool here = request.method == "POST" && request.path() == "/" && request.query().empty();
  if (!here || target == nullptr || !target->starts_with(kTargetPrefix)) {
    instead = Problem{ProblemCode::kNoSuchRoute, "operations are POST / with x-amz-target: TrentService.OPERATION"};
    return nullptr;
  }
  const std::string* type = request.headers.find("content-type");
  if (type == nullptr || std::string_view(*type).substr(0, type->find(';')) != kContentType) {
    instead = Problem{ProblemCode::kUnsupportedMediaType, "send content-type: application/x-amz-json-1.1"};
    return nullptr;
  }
  if (request.body.size() > kBodySizeMax) {
    instead = Problem{ProblemCode::kInvalidRequest, "a request is at most 128 KiB"};
    return nullptr;
  }
  const std::string_view name = std::string_view(*target).substr(kTargetPrefix.size());
  const auto found = routes_.find(name);
  if (found != routes_.end()) return &found->second;
  if (is_operation_name(name)) call.fault = "UnsupportedOperationException";
  instead = Problem{ProblemCode::kNoSuchRoute, "this service doesn't have that operation"};
  return nullptr;
}

std::optional<Problem> AwsDialect::verify(Call& call) const {
  return verify_signature(call, parts_.region, *parts_.access_keys, call.route->recording == Recording::kVerb);
}

net::Response AwsDialect::answer(const Problem& problem, const Call& call) const {
  const Shape shape = shape_of(problem.code);
  net::Response response;
  response.status = shape.status;
  JsonWriter json(response.body);
  json.begin_object().member("__type", call.fault.empty() ? shape.type : call.fault);
  json.member("message", problem.detail).end_object();
  return response;
}

void AwsDialect::finish(net::Response& response, const Call& call) const {
  response.headers.add("content-type", std::string(kContentType));
  response.headers.add("x-amzn-requestid", call.request_id);
}

}  // namespace cloister::service::aws
