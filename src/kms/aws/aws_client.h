// One operation of an AWS service, by its JSON 1.1 protocol or as a request of any other of its protocols: signed,
// sent, sent again as the error table says, and its answer kept as evidence.
#pragma once

#include <atomic>

#include "kms/aws/aws_answer.h"
#include "kms/aws/credential_chain.h"
#include "kms/aws/sigv4.h"
#include "kms/wiped_json.h"

namespace cloister::kms {

struct AwsService {
  std::string name;           // of the provider, for messages and evidence: "aws-kms eu-west-1"
  std::string target_prefix;  // "TrentService."
  AwsSigner signer;
  Endpoint endpoint;
  RetryRules retry;
};

struct AwsCall {
  std::string_view operation;  // "Encrypt"
  std::string_view key;        // what it is about, for messages and evidence; may be empty
  const WipedText& body;
  enum class Answer { kKept, kWithheld } evidence = Answer::kKept;  // whether the body may be kept
};

// A request of the services that speak something else: S3's REST, EC2's and RDS's queries.
struct AwsAsk {
  std::string operation;  // "HeadObject"
  std::string key;        // what it is about, for messages and evidence; may be empty
  std::string method = "GET";
  std::string target = "/";  // below the endpoint's path, escaped
  net::Headers headers = {};
  net::Buffer body = {};
};

// Any thread may call; a call waits for its answer.
class AwsClient {
 public:
  AwsClient(AwsService service, std::unique_ptr<HttpTransport> transport,
            std::shared_ptr<AwsCredentialChain> credentials, std::shared_ptr<EvidenceSink> evidence, Waiting waiting);

  const AwsService& service() const { return service_; }
  const Waiting& waiting() const { return waiting_; }

  // The answer, whatever its status.
  Result<net::Response> exchange(const AwsCall& call);
  Result<net::Response> exchange(const AwsAsk& ask);
  // An answer with status 200. Errors as Provider's, by AWS's word; the message has it, and the request id.
  Result<net::Response> call(const AwsCall& call);
  Result<net::Response> call(const AwsAsk& ask);
  // What call() returns for an answer that isn't 200.
  Error refusal_of(const AwsAsk& ask, const net::Response& answer) const;
  // "aws-kms eu-west-1: Encrypt with KEY: what (request ID)".
  Error error_of(const AwsCall& call, const net::Response& answer, Code code, std::string_view what) const;

 private:
  struct About {
    std::string_view operation, key;
    bool withheld = false;
  };

  Result<net::Response> run(const About& about, const std::function<net::Request()>& unsigned_request);
  Error refused(const About& about, const net::Response& answer) const;
  Error error_about(const About& about, const net::Response& answer, Code code, std::string_view what) const;
  std::string doing(const About& about) const;
  net::Request request_of(const AwsCall& call) const;
  net::Request request_of(const AwsAsk& ask) const;
  Status renew(const net::Response& answer, const std::shared_ptr<const AwsCredentials>& used);
  void keep(const About& about, const net::Response& answer) const;

  const AwsService service_;
  const std::unique_ptr<HttpTransport> transport_;
  const std::shared_ptr<AwsCredentialChain> credentials_;
  const std::shared_ptr<EvidenceSink> evidence_;  // may be null
  const Waiting waiting_;
  RetryBudget budget_;
  std::atomic<std::int64_t> ahead_ms_{0};  // AWS's clock before ours, as it last told
};

}  // namespace cloister::kms
