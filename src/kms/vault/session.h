// Who we are to a Vault: a token, from a file or from logging in, renewed before it ends.
#pragma once

#include <mutex>

#include "kms/retry.h"
#include "kms/vault/answers.h"

namespace cloister::kms {

enum class VaultLogin { kToken, kAppRole, kKubernetes, kJwt, kCertificate };

namespace vault {

struct SessionOptions {
  VaultLogin login = VaultLogin::kToken;
  std::string mount;        // of the method: "approle"
  std::string role;         // AppRole's role_id, a Kubernetes or JWT role, a certificate role's name (may be empty)
  std::string secret_file;  // the token, AppRole's secret_id, or the JWT; read anew for each login
  WipedText token;          // instead of a token's file
};

// A request of ours. A path is below /v1/.
net::Request make_request(const std::string& prefix, std::string method, std::string_view path,
                          const std::string& name_space, net::Buffer body = {});

// How a Vault's answers are judged: 412, 429 and 5xx are asked again, after `retry-after` where there is one; 403 once,
// after logging in again. Of HTTP's table in Vault's API documentation.
Verdict judge(const net::Response& response);

// Any thread may call; who needs a token waits for the login of another.
class Session {
 public:
  // `prefix` is the path before /v1. The rest outlives the session.
  Session(SessionOptions options, std::string prefix, std::string name_space, const RetryRules& rules,
          RetryBudget& budget, const Waiting& waiting, HttpTransport& transport);

  // One that hasn't ended: as it is, renewed when two thirds of its time are over, or new. kDenied when logging in is
  // refused, or what is needed for it isn't there.
  Result<WipedText> token();
  // After the server refused one: logs in again, unless another has meanwhile. kDenied when there is no other: a token
  // that was given and hasn't changed.
  Status replace(const WipedText& refused);

 private:
  struct Current {
    Token token;
    Time renew_at, ends;
    bool endless = false;
  };

  Status log_in();  // with mutex_ held, as what follows
  Result<Token> given_token();
  void renew();
  Result<net::Response> send(const std::function<Result<net::Request>()>& make);
  Result<net::Buffer> login_body() const;
  void keep(Token token);

  const SessionOptions options_;
  const std::string prefix_;
  const std::string name_space_;
  const RetryRules& rules_;
  RetryBudget& budget_;
  const Waiting& waiting_;
  HttpTransport& transport_;
  std::mutex mutex_;
  std::optional<Current> current_;
};

}  // namespace vault
}  // namespace cloister::kms
