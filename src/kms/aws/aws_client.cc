#include "kms/aws/aws_client.h"

#include "kms/plain_line.h"
#include "net/http_date.h"

namespace cloister::kms {
namespace {

constexpr std::string_view kContentType = "application/x-amz-json-1.1";

std::string doing(const AwsService& service, const AwsCall& call) {
  return service.name + ": " + std::string(call.operation) + (call.key.empty() ? "" : " with " + plain_line(call.key));
}

}  // namespace

AwsClient::AwsClient(AwsService service, std::unique_ptr<HttpTransport> transport,
                     std::unique_ptr<AwsCredentialChain> credentials, std::shared_ptr<EvidenceSink> evidence,
                     Waiting waiting)
    : service_(std::move(service)),
      transport_(std::move(transport)),
      credentials_(std::move(credentials)),
      evidence_(std::move(evidence)),
      waiting_(std::move(waiting)) {}

Result<net::Request> AwsClient::make(const AwsCall& call, const AwsCredentials& credentials) const {
  net::Request request{"POST",
                       service_.endpoint.path + "/",
                       {{"host", service_.endpoint.authority()},
                        {"content-type", std::string(kContentType)},
                        {"x-amz-target", service_.target_prefix + std::string(call.operation)}},
                       net::to_buffer(view(call.body)),
                       nullptr};
  const Time now = waiting_.now() + Duration{ahead_ms_.load()};
  CLOISTER_RETURN_IF_ERROR(service_.signer.sign(request, credentials, now));
  return request;
}

Status AwsClient::renew(const net::Response& answer, const std::shared_ptr<const AwsCredentials>& used) {
  if (!is_clock_error(parse_aws_error(answer).shape)) {
    credentials_->forget(used);
    return {};
  }
  const std::string* date = answer.headers.find("date");
  if (date == nullptr) return Error(Code::kDenied, "AWS disagrees about the time and doesn't tell it");
  CLOISTER_TRY(const Time theirs, net::parse_http_date(*date));
  ahead_ms_ = (theirs - waiting_.now()).ms;
  return {};
}

void AwsClient::keep(const AwsCall& call, const net::Response& answer) const {
  if (evidence_ == nullptr) return;
  const bool withheld = call.evidence == AwsCall::Answer::kWithheld;
  evidence_->keep({waiting_.now(), service_.name, std::string(call.operation), std::string(call.key),
                   aws_request_id(answer), answer.status, withheld ? std::string() : std::string(as_text(answer.body)),
                   withheld});
}

Error AwsClient::error_of(const AwsCall& call, const net::Response& answer, Code code, std::string_view what) const {
  const std::string id = aws_request_id(answer);
  return Error(code, doing(service_, call) + ": " + std::string(what) + (id.empty() ? "" : " (request " + id + ")"));
}

Result<net::Response> AwsClient::exchange(const AwsCall& call) {
  std::shared_ptr<const AwsCredentials> used;
  const auto sign = [&]() -> Result<net::Request> {
    CLOISTER_TRY(used, credentials_->get());
    return make(call, *used);
  };
  const auto renew_for = [&](const net::Response& answer) { return renew(answer, used); };
  auto answer =
      RetryingCall{service_.retry, budget_, waiting_, *transport_, sign, judge_aws, renew_for}.run().with_context(
          doing(service_, call));
  if (answer.ok()) keep(call, *answer);
  return answer;
}

Result<net::Response> AwsClient::call(const AwsCall& call) {
  CLOISTER_TRY(net::Response answer, exchange(call));
  if (answer.status == 200) return answer;
  const AwsError error = parse_aws_error(answer);
  std::string what = error.shape.empty() ? "status " + std::to_string(answer.status) : error.shape;
  if (!error.message.empty()) what += ": " + error.message;
  return error_of(call, answer, aws_error_code(error.shape, answer.status), what);
}

}  // namespace cloister::kms
