#include "worker/inference/http_engine.h"

namespace cloister::worker {

Result<std::unique_ptr<HttpEngine>> HttpEngine::create(net::UnixTarget target, std::string path, Duration patience) {
  CLOISTER_TRY(auto client, net::HttpClient::create(std::move(target), {}));
  return std::unique_ptr<HttpEngine>(new HttpEngine(std::move(client), std::move(path), patience));
}

Status HttpEngine::load(ByteView) { return {}; }

Result<EngineAnswer> HttpEngine::infer(const Question& question) {
  net::Request request{"POST", path_, {}, {}, nullptr};
  request.headers.add("content-type", std::string(question.content_type));
  net::append(request.body, question.content);
  auto exchange = client_->send(request, patience_);
  if (!exchange.ok()) return Error(Code::kUnavailable, "the engine doesn't answer");
  net::Response& response = exchange->response;
  const std::string* type = response.headers.find("content-type");
  return EngineAnswer{response.status, type == nullptr ? std::string() : *type, std::move(response.body)};
}

}  // namespace cloister::worker
