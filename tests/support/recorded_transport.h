// What tests of providers put in the network's place: exchanges written down beforehand, a clock that is moved by
// waiting, and a place where evidence is kept.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <vector>

#include "kms/evidence.h"
#include "kms/http_transport.h"

namespace cloister::testing {

struct SentRequest {
  std::string method, target;
  net::Headers headers;
  std::string body;

  // Empty when there is none.
  std::string header(std::string_view name) const;
};

// Answers requests in the order in which they are expected; one that is not is a failure of the test, and is answered
// with kInternal. Any thread may call.
class RecordedTransport final : public kms::HttpTransport {
 public:
  // The next request must have this method and target, and `body_part` in its body.
  RecordedTransport& expect(std::string method, std::string target, unsigned status, std::string body,
                            net::Headers headers = {}, std::string body_part = {});
  // The next request gets no answer.
  RecordedTransport& expect_failure(std::string method, std::string target, Error error);

  Result<net::Response> send(const net::Request& request, Duration patience) override;

  std::vector<SentRequest> sent() const;
  // How many expected requests never came.
  std::size_t left() const;

 private:
  struct Expected {
    std::string method, target, body_part;
    Result<net::Response> answer;
  };
  mutable std::mutex mutex_;
  std::deque<Expected> expected_;
  std::vector<SentRequest> sent_;
};

// Answers by a function: a stand-in of a server that lives in the test.
class FunctionTransport final : public kms::HttpTransport {
 public:
  using Function = std::function<Result<net::Response>(const net::Request&)>;
  explicit FunctionTransport(Function function) : function_(std::move(function)) {}
  Result<net::Response> send(const net::Request& request, Duration) override { return function_(request); }

 private:
  const Function function_;
};

// Waits by moving its clock. Outlives the Waiting it gives.
struct TestWaiting {
  Time now{1'795'526'589'000};  // 2026-11-24T13:23:09Z
  std::vector<Duration> slept;
  double random = 0.5;

  kms::Waiting waiting();
};

// Any thread may call.
class KeptEvidence final : public kms::EvidenceSink {
 public:
  void keep(kms::Evidence evidence) override;
  std::vector<kms::Evidence> all() const;

 private:
  mutable std::mutex mutex_;
  std::vector<kms::Evidence> all_;
};

}  // namespace cloister::testing
