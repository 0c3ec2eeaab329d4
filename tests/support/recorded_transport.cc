#include "tests/support/recorded_transport.h"

#include <gtest/gtest.h>

namespace cloister::testing {

std::string SentRequest::header(std::string_view name) const {
  const std::string* value = headers.find(name);
  return value == nullptr ? "" : *value;
}

RecordedTransport& RecordedTransport::expect(std::string method, std::string target, unsigned status, std::string body,
                                             net::Headers headers, std::string body_part) {
  net::Response answer;
  answer.status = status;
  answer.headers = std::move(headers);
  answer.body = net::to_buffer(body);
  const std::scoped_lock lock(mutex_);
  expected_.push_back({std::move(method), std::move(target), std::move(body_part), std::move(answer)});
  return *this;
}

RecordedTransport& RecordedTransport::expect_failure(std::string method, std::string target, Error error) {
  const std::scoped_lock lock(mutex_);
  expected_.push_back({std::move(method), std::move(target), {}, std::move(error)});
  return *this;
}

Result<net::Response> RecordedTransport::send(const net::Request& request, Duration) {
  const std::scoped_lock lock(mutex_);
  const std::string body(as_text(request.body));
  sent_.push_back({request.method, request.target, request.headers, body});
  const std::string what = request.method + " " + request.target;
  if (expected_.empty()) {
    ADD_FAILURE() << "nobody expected " << what << "\n" << body;
    return Error(Code::kInternal, "nobody expected " + what);
  }
  Expected expected = std::move(expected_.front());
  expected_.pop_front();
  if (expected.method != request.method || expected.target != request.target ||
      body.find(expected.body_part) == std::string::npos) {
    ADD_FAILURE() << "expected " << expected.method << " " << expected.target << " with " << expected.body_part
                  << "\ngot " << what << "\n"
                  << body;
    return Error(Code::kInternal, "not what was expected: " + what);
  }
  return std::move(expected.answer);
}

std::vector<SentRequest> RecordedTransport::sent() const {
  const std::scoped_lock lock(mutex_);
  return sent_;
}

std::size_t RecordedTransport::left() const {
  const std::scoped_lock lock(mutex_);
  return expected_.size();
}

kms::Waiting TestWaiting::waiting() {
  return {[this] { return now; },
          [this](Duration pause) {
            slept.push_back(pause);
            now = now + pause;
          },
          [this] { return random; }};
}

void KeptEvidence::keep(kms::Evidence evidence) {
  const std::scoped_lock lock(mutex_);
  all_.push_back(std::move(evidence));
}

std::vector<kms::Evidence> KeptEvidence::all() const {
  const std::scoped_lock lock(mutex_);
  return all_;
}

}  // namespace cloister::testing
