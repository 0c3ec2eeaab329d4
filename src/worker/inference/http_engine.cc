#include "worker/inference/http_engine.h"

namespace cloister::worker {

Result<std::unique_ptr<HttpEngine>> HttpEngine::create(net::UnixTarget target, std::string path, Duration patience) {
  net::ClientOptions options;
  options.response.body_bytes = kEngineAnswerMax;
  options.response.end_by_close = false;  // a receipt says of an answer that it is whole
  CLOISTER_TRY(auto client, net::HttpClient::create(std::move(target), std::move(options)));
  return std::unique_ptr<HttpEngine>(new HttpEngine(std::move(client), std::move(path), patience));
}

Status HttpEngine::load(ByteView) { return {}; }

namespace {

net::Request request_for(const std::string& path, const Question& question) {
  net::Request request{"POST", path, {}, {}, nullptr};
  request.headers.add("content-type", std::string(question.content_type));
  net::append(request.body, question.content);
  return request;
}

// Passes on what an answer is and says, and none of the engine's other headers; knows whose fault an end was.
class PassOn final : public net::BodySink {
 public:
  explicit PassOn(net::BodySink& sink) : sink_(sink) {}
  Status begin(const net::Response& head) override {
    net::Response shown{head.status, {}, {}, {}};
    if (const std::string* type = head.headers.find("content-type")) shown.headers.add("content-type", *type);
    return note(sink_.begin(shown));
  }
  Status take(ByteView piece) override { return note(sink_.take(piece)); }
  Status wait() override { return note(sink_.wait()); }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  Status note(Status status) {
    if (!status.ok()) failure_ = status.error();
    return status;
  }
  net::BodySink& sink_;
  std::optional<Error> failure_;
};

}  // namespace

Status HttpEngine::stream(const Question& question, net::BodySink& sink) {
  PassOn pass_on(sink);
  const auto answered = client_->stream(request_for(path_, question), pass_on, patience_);
  if (answered.ok()) return {};
  if (pass_on.failure()) return *pass_on.failure();
  return Error(Code::kUnavailable, "the engine doesn't answer");
}

Result<EngineAnswer> HttpEngine::infer(const Question& question) {
  auto exchange = client_->send(request_for(path_, question), patience_);
  if (!exchange.ok()) return Error(Code::kUnavailable, "the engine doesn't answer");
  net::Response& response = exchange->response;
  const std::string* type = response.headers.find("content-type");
  return EngineAnswer{response.status, type == nullptr ? std::string() : *type, std::move(response.body)};
}

}  // namespace cloister::worker
