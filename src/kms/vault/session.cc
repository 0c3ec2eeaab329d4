#include "kms/vault/session.h"

#include <algorithm>
#include <charconv>

#include "base/file.h"

namespace cloister::kms::vault {
namespace {

constexpr std::uint64_t kCredentialMax = 16 << 10;
constexpr Duration kRetryAfterMax{60'000};
constexpr Duration kRenewAgain{5'000};

// A file's one line: visible ASCII that can stand in a header and in JSON.
Result<WipedText> read_credential(const std::string& path, bool secret) {
  CLOISTER_TRY(const File file, File::open(path));
  if (secret) CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kSecret));
  CLOISTER_TRY(Bytes bytes, read_rest(file, kCredentialMax));
  WipedText text = wiped(as_text(bytes));
  crypto::wipe(bytes);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  const bool fits = std::ranges::all_of(text, [](char character) {
    return character > 0x20 && character < 0x7f && character != '"' && character != '\\';
  });
  if (text.empty() || !fits) return Error(Code::kInvalid, path + ": it isn't one line of visible ASCII");
  return text;
}

std::string_view login_name(VaultLogin login) {
  switch (login) {
    case VaultLogin::kToken: return "token";
    case VaultLogin::kAppRole: return "AppRole";
    case VaultLogin::kKubernetes: return "Kubernetes";
    case VaultLogin::kJwt: return "JWT";
    case VaultLogin::kCertificate: return "certificate";
  }
  return "unknown";
}

Error refusal(const net::Response& response, std::string_view doing) {
  std::string text(doing);
  text += ": it answered " + std::to_string(response.status);
  if (const std::string errors = errors_text(response.body); !errors.empty()) text += ": " + errors;
  const Code code = code_of(response.status, "", Asked::kOther);
  return Error(code == Code::kUnavailable ? code : Code::kDenied, text);
}

void append_field(net::Buffer& body, std::string_view name, std::string_view value) {
  net::append(body, body.empty() ? "{\"" : ",\"");
  net::append(body, name);
  net::append(body, "\":\"");
  net::append(body, value);
  net::append(body, "\"");
}

}  // namespace

net::Request make_request(const std::string& prefix, std::string method, std::string_view path,
                          const std::string& name_space, net::Buffer body) {
  net::Request request;
  request.method = std::move(method);
  request.target = prefix + "/v1/" + std::string(path);
  request.headers.add("accept", "application/json");
  request.headers.add("x-vault-request", "true");
  if (!name_space.empty()) request.headers.add("x-vault-namespace", name_space);
  if (!body.empty()) request.headers.add("content-type", "application/json");
  request.body = std::move(body);
  return request;
}

Verdict judge(const net::Response& response) {
  if (response.status == 403) return {Verdict::Kind::kRenew, {}};
  if (response.status != 412 && response.status != 429 && response.status < 500) return {};
  Verdict verdict{Verdict::Kind::kRetry, {}};
  if (const std::string* after = response.headers.find("retry-after")) {
    std::int64_t wait = 0;
    const auto [end, error] = std::from_chars(after->data(), after->data() + after->size(), wait);
    if (error == std::errc() && end == after->data() + after->size() && wait >= 0 && wait <= 86'400) {
      verdict.wait = std::min(seconds(wait), kRetryAfterMax);
    }
  }
  return verdict;
}

Session::Session(SessionOptions options, std::string prefix, std::string name_space, const RetryRules& rules,
                 RetryBudget& budget, const Waiting& waiting, HttpTransport& transport)
    : options_(std::move(options)),
      prefix_(std::move(prefix)),
      name_space_(std::move(name_space)),
      rules_(rules),
      budget_(budget),
      waiting_(waiting),
      transport_(transport) {}

Result<net::Response> Session::send(const std::function<Result<net::Request>()>& make) {
  const auto judge_once = [](const net::Response& response) {
    const Verdict verdict = judge(response);
    return verdict.kind == Verdict::Kind::kRenew ? Verdict{} : verdict;
  };
  return RetryingCall{rules_, budget_, waiting_, transport_, make, judge_once}.run();
}

void Session::keep(Token token) {
  const Time now = waiting_.now();
  const Duration lease = token.lease;
  current_ = Current{std::move(token), now + Duration{lease.ms / 3 * 2}, now + lease, lease == Duration{}};
}

Result<net::Buffer> Session::login_body() const {
  net::Buffer body;
  if (options_.login == VaultLogin::kCertificate) {
    if (options_.role.empty()) return net::to_buffer("{}");
    append_field(body, "name", options_.role);
  } else {
    const bool approle = options_.login == VaultLogin::kAppRole;
    CLOISTER_TRY(const WipedText secret, read_credential(options_.secret_file, approle));
    append_field(body, approle ? "role_id" : "role", options_.role);
    append_field(body, approle ? "secret_id" : "jwt", view(secret));
  }
  net::append(body, "}");
  return body;
}

// A token that was given: what is left of it is asked, and where that is refused it is taken as it is.
Result<Token> Session::given_token() {
  WipedText text = options_.token;
  if (text.empty()) {
    CLOISTER_TRY(text, read_credential(options_.secret_file, true));
  }
  const auto answer = send([&]() -> Result<net::Request> {
    net::Request request = make_request(prefix_, "GET", "auth/token/lookup-self", name_space_);
    request.headers.add("x-vault-token", std::string(view(text)));
    return request;
  });
  if (!answer.ok()) return answer.error();
  if (answer->status >= 500 || answer->status == 429) return refusal(*answer, "look up the token");
  auto known = answer->status == 200 ? parse_token(answer->body) : Result<Token>(Token{});
  Token token = known.ok() ? std::move(known).value() : Token{};
  token.text = std::move(text);
  return token;
}

Status Session::log_in() {
  if (options_.login == VaultLogin::kToken) {
    CLOISTER_TRY(Token token, given_token());
    keep(std::move(token));
    return {};
  }
  const std::string doing = "log in by " + std::string(login_name(options_.login));
  auto answer = send([&]() -> Result<net::Request> {
    CLOISTER_TRY(net::Buffer body, login_body());
    return make_request(prefix_, "POST", "auth/" + options_.mount + "/login", name_space_, std::move(body));
  });
  if (!answer.ok()) return answer.error().with_context(doing);
  if (answer->status != 200) return refusal(*answer, doing);
  auto token = parse_login(answer->body);
  if (!token.ok()) return token.error().with_context(doing);
  keep(std::move(token).value());
  return {};
}

// Until the token ends a renewal that fails is tried again, and is nobody's error.
void Session::renew() {
  const auto answer = send([&]() -> Result<net::Request> {
    net::Request request = make_request(prefix_, "POST", "auth/token/renew-self", name_space_, net::to_buffer("{}"));
    request.headers.add("x-vault-token", std::string(view(current_->token.text)));
    return request;
  });
  if (answer.ok() && answer->status == 200) {
    auto renewed = parse_login(answer->body);
    if (renewed.ok() && renewed->lease > Duration{}) return keep(std::move(renewed).value());
  }
  if (options_.login != VaultLogin::kToken && log_in().ok()) return;
  current_->renew_at = waiting_.now() + kRenewAgain;
}

Result<WipedText> Session::token() {
  const std::lock_guard lock(mutex_);
  const Time now = waiting_.now();
  if (!current_ || (!current_->endless && now >= current_->ends)) {
    CLOISTER_RETURN_IF_ERROR(log_in());
  } else if (!current_->endless && now >= current_->renew_at) {
    const bool can_change = current_->token.renewable || options_.login != VaultLogin::kToken;
    if (can_change) renew();
  }
  return current_->token.text;
}

Status Session::replace(const WipedText& refused) {
  const std::lock_guard lock(mutex_);
  if (current_ && current_->token.text != refused) return {};
  current_.reset();
  CLOISTER_RETURN_IF_ERROR(log_in());
  if (current_->token.text != refused) return {};
  return Error(Code::kDenied, "the server refuses the token that was given");
}

}  // namespace cloister::kms::vault
