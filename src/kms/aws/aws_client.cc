#include "kms/aws/aws_client.h"

#include "kms/plain_line.h"
#include "net/http_date.h"

namespace cloister::kms {
namespace {

constexpr std::string_view kContentType = "application/x-amz-json-1.1";

bool is_withheld(const AwsCall& call) { return call.evidence == AwsCall::Answer::kWithheld; }

}  // namespace

AwsClient::AwsClient(AwsService service, std::unique_ptr<HttpTransport> transport,
                     std::shared_ptr<AwsCredentialChain> credentials, std::shared_ptr<EvidenceSink> evidence,
                     Waiting waiting)
    : service_(std::move(service)),
      transport_(std::move(transport)),
      credentials_(std::move(credentials)),
      evidence_(std::move(evidence)),
      waiting_(std::move(waiting)) {}

net::Request AwsClient::request_of(const AwsCall& call) const {
  return {"POST",
          service_.endpoint.path + "/",
          {{"host", service_.endpoint.authority()},
           {"content-type", std::string(kContentType)},
           {"x-amz-target", service_.target_prefix + std::string(call.operation)}},
          net::to_buffer(view(call.body)),
          nullptr};
}

net::Request AwsClient::request_of(const AwsAsk& ask) const {
  net::Request request{ask.method, service_.endpoint.path + ask.target, ask.headers, ask.body, nullptr};
  request.headers.add("host", service_.endpoint.authority());
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

void AwsClient::keep(const About& about, const net::Response& answer) const {
  if (evidence_ == nullptr) return;
  evidence_->keep({waiting_.now(), service_.name, std::string(about.operation), std::string(about.key),
                   aws_request_id(answer), answer.status,
                   about.withheld ? std::string() : std::string(as_text(answer.body)), about.withheld});
}

std::string AwsClient::doing(const About& about) const {
  return service_.name + ": " + std::string(about.operation) +
         (about.key.empty() ? "" : " with " + plain_line(about.key));
}

Error AwsClient::error_about(const About& about, const net::Response& answer, Code code, std::string_view what) const {
  const std::string id = aws_request_id(answer);
  return Error(code, doing(about) + ": " + std::string(what) + (id.empty() ? "" : " (request " + id + ")"));
}

Error AwsClient::error_of(const AwsCall& call, const net::Response& answer, Code code, std::string_view what) const {
  return error_about({call.operation, call.key}, answer, code, what);
}

Result<net::Response> AwsClient::run(const About& about, const std::function<net::Request()>& unsigned_request) {
  std::shared_ptr<const AwsCredentials> used;
  const auto sign = [&]() -> Result<net::Request> {
    CLOISTER_TRY(used, credentials_->get());
    net::Request request = unsigned_request();
    CLOISTER_RETURN_IF_ERROR(service_.signer.sign(request, *used, waiting_.now() + Duration{ahead_ms_.load()}));
    return request;
  };
  const auto renew_for = [&](const net::Response& answer) { return renew(answer, used); };
  auto answer =
      RetryingCall{service_.retry, budget_, waiting_, *transport_, sign, judge_aws, renew_for}.run().with_context(
          doing(about));
  if (answer.ok()) keep(about, *answer);
  return answer;
}

Error AwsClient::refused(const About& about, const net::Response& answer) const {
  const AwsError error = parse_aws_error(answer);
  std::string what = error.shape.empty() ? "status " + std::to_string(answer.status) : error.shape;
  if (!error.message.empty()) what += ": " + error.message;
  return error_about(about, answer, aws_error_code(error.shape, answer.status), what);
}

Result<net::Response> AwsClient::exchange(const AwsCall& call) {
  return run({call.operation, call.key, is_withheld(call)}, [&] { return request_of(call); });
}

Result<net::Response> AwsClient::exchange(const AwsAsk& ask) {
  return run({ask.operation, ask.key}, [&] { return request_of(ask); });
}

Result<net::Response> AwsClient::call(const AwsCall& call) {
  CLOISTER_TRY(net::Response answer, exchange(call));
  if (answer.status == 200) return answer;
  return refused({call.operation, call.key}, answer);
}

Result<net::Response> AwsClient::call(const AwsAsk& ask) {
  CLOISTER_TRY(net::Response answer, exchange(ask));
  if (answer.status == 200) return answer;
  return refusal_of(ask, answer);
}

Error AwsClient::refusal_of(const AwsAsk& ask, const net::Response& answer) const {
  return refused({ask.operation, ask.key}, answer);
}

}  // namespace cloister::kms
