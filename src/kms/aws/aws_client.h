// One operation of AWS's JSON 1.1 protocol: signed, sent, sent again as the error table says, and its answer kept as
// evidence.
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

// Any thread may call; a call waits for its answer.
class AwsClient {
 public:
  AwsClient(AwsService service, std::unique_ptr<HttpTransport> transport,
            std::unique_ptr<AwsCredentialChain> credentials, std::shared_ptr<EvidenceSink> evidence, Waiting waiting);

  const AwsService& service() const { return service_; }
  const Waiting& waiting() const { return waiting_; }

  // The answer, whatever its status.
  Result<net::Response> exchange(const AwsCall& call);
  // An answer with status 200. Errors as Provider's, by AWS's word; the message has it, and the request id.
  Result<net::Response> call(const AwsCall& call);
  // "aws-kms eu-west-1: Encrypt with KEY: what (request ID)".
  Error error_of(const AwsCall& call, const net::Response& answer, Code code, std::string_view what) const;

 private:
  Result<net::Request> make(const AwsCall& call, const AwsCredentials& credentials) const;
  Status renew(const net::Response& answer, const std::shared_ptr<const AwsCredentials>& used);
  void keep(const AwsCall& call, const net::Response& answer) const;

  const AwsService service_;
  const std::unique_ptr<HttpTransport> transport_;
  const std::unique_ptr<AwsCredentialChain> credentials_;
  const std::shared_ptr<EvidenceSink> evidence_;  // may be null
  const Waiting waiting_;
  RetryBudget budget_;
  std::atomic<std::int64_t> ahead_ms_{0};  // AWS's clock before ours, as it last told
};

}  // namespace cloister::kms
