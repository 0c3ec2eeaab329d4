#include "probe/http/http_checks.h"

#include <algorithm>
#include <array>

#include "probe/http/talk.h"

namespace cloister::probe {
namespace {

constexpr std::uint64_t kYearSeconds = 31'536'000;
constexpr std::string_view kAnything = "*/*";

class HttpProbe {
 public:
  HttpProbe(Dialer& dialer, const HttpProbeOptions& options) : dialer_(&dialer), options_(&options) {}

  Facts run() {
    const auto front = ask_tls("/", std::string(kAnything));
    front_page(front);
    plaintext();
    prior_knowledge();
    http2();
    grpc();
    for (const std::string& path : options_->paths) inference_path(path);
    stream();
    sibling();
    facts_.add("W7", "downgrade", refused_ ? Seen::kNotApplicable : seen_if(downgrade_), downgrade_to_);
    return std::move(facts_);
  }

 private:
  static Seen seen_if(bool yes) { return yes ? Seen::kYes : Seen::kNo; }

  std::string host() const {
    const Endpoint& endpoint = dialer_->endpoint();
    return endpoint.server_name.empty() ? endpoint.address.to_string() : endpoint.server_name;
  }

  Result<std::unique_ptr<Talk>> shake_hands(const std::string& protocol) {
    CLOISTER_TRY(auto wire, dialer_->connect());
    wire->set_patience(options_->answer_time);
    CLOISTER_TRY(auto talk, Talk::over_tls(std::move(wire), {.server_name = dialer_->endpoint().server_name,
                                                             .protocols = {protocol},
                                                             .own = options_->own}));
    CLOISTER_RETURN_IF_ERROR(talk->handshake());
    return talk;
  }

  Result<HttpAnswer> ask_tls(const std::string& path, const std::string& accept) {
    CLOISTER_TRY(auto talk, shake_hands("http/1.1"));
    auto answer = ask_http1(*talk, host(), path, accept);
    if (!answer.ok()) return answer.error();
    note_redirect(*answer);
    return answer;
  }

  void note_redirect(const HttpAnswer& answer) {
    if (answer.status < 300 || answer.status > 399 || !answer.header("location").starts_with("http://")) return;
    downgrade_ = true;
    downgrade_to_ = answer.header("location");
  }

  // What an answer that didn't come means.
  Seen without(const Error& error) const {
    return error.code() == Code::kDenied ? Seen::kNotApplicable : Seen::kUnknown;
  }

  void front_page(const Result<HttpAnswer>& front) {
    if (!front.ok()) {
      refused_ = front.error().code() == Code::kDenied;
      speaks_http1_ = false;
      const Seen seen = front.error().code() == Code::kInvalid ? Seen::kNotApplicable : without(front.error());
      for (const char* check : {"W1", "W3", "W4"}) facts_.add(check, "", seen, front.error().message());
      return;
    }
    strict_transport(*front);
    const std::string server = front->header("server");
    const bool tells = std::ranges::any_of(server, [](char c) { return c >= '0' && c <= '9'; });
    facts_.add("W3", "server version", seen_if(tells), server);
    bool open_cookie = false;
    for (const auto& [name, value] : front->headers) {
      if (name == "set-cookie" && lower(value).find("; secure") == std::string::npos) open_cookie = true;
    }
    facts_.add("W4", "cookie without Secure", seen_if(open_cookie));
  }

  void strict_transport(const HttpAnswer& front) {
    const std::string header = front.header("strict-transport-security");
    const auto policy = parse_hsts(header);
    facts_.add("W1", "hsts", seen_if(policy.ok()),
               policy.ok()      ? header
               : header.empty() ? ""
                                : policy.error().message());
    facts_.add("W1", "a year", seen_if(policy.ok() && policy->max_age_seconds >= kYearSeconds));
    facts_.add("W1", "subdomains", seen_if(policy.ok() && policy->subdomains));
    facts_.add("W1", "preload wanted", seen_if(policy.ok() && policy->preload));
    if (!options_->preloaded) {
      facts_.add("W1", "preloaded", Seen::kUnknown, "no preload list was given");
      return;
    }
    // A domain stands for everything below it.
    std::string_view name = dialer_->endpoint().server_name;
    bool listed = false;
    while (!name.empty() && !listed) {
      listed = std::ranges::find(*options_->preloaded, name) != options_->preloaded->end();
      const std::size_t dot = name.find('.');
      name = dot == std::string_view::npos ? std::string_view() : name.substr(dot + 1);
    }
    facts_.add("W1", "preloaded", seen_if(listed));
  }

  static std::string lower(std::string text) {
    for (char& c : text) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
  }

  Result<std::unique_ptr<Talk>> clear(std::optional<std::uint16_t> port) {
    CLOISTER_TRY(auto wire, port ? dialer_->connect_to_port(*port) : dialer_->connect());
    wire->set_patience(options_->answer_time);
    return Talk::in_clear(std::move(wire));
  }

  // The TLS port asked in clear. A server may say so in clear, as long as it says no.
  void plaintext() {
    auto talk = clear(std::nullopt);
    if (!talk.ok()) return facts_.add("W2", "plaintext answers", Seen::kUnknown, talk.error().message());
    const auto answer = ask_http1(**talk, host(), "/", std::string(kAnything));
    if (!answer.ok()) {
      facts_.add("W2", "plaintext answers", (*talk)->timed_out() ? Seen::kUnknown : Seen::kNo,
                 answer.error().message());
    } else {
      const bool sends_away = answer->status >= 300 && answer->status < 500 && answer->status != 401 &&
                              answer->status != 403 && answer->status != 404;
      facts_.add("W2", "plaintext answers", seen_if(!sends_away), "status " + std::to_string(answer->status));
    }
  }

  void prior_knowledge() {
    auto talk = clear(std::nullopt);
    if (!talk.ok()) return facts_.add("W6", "h2c", Seen::kUnknown, talk.error().message());
    const auto answer = ask_http2(**talk, {.scheme = "http", .authority = host()});
    const Seen otherwise = (*talk)->timed_out() ? Seen::kUnknown : Seen::kNo;
    facts_.add("W6", "h2c", answer.ok() ? Seen::kYes : otherwise, answer.ok() ? "" : answer.error().message());
  }

  Result<net::Http2Answer> ask_tls2(net::Http2Question question) {
    CLOISTER_TRY(auto talk, shake_hands("h2"));
    if (talk->tls()->protocol != "h2") return Error(Code::kNotFound, "h2 isn't chosen by ALPN");
    question.authority = host();
    return ask_http2(*talk, question);
  }

  void http2() {
    const auto answer = ask_tls2({});
    speaks_http2_ = answer.ok();
    const Seen otherwise = !answer.ok() && answer.error().code() == Code::kNotFound ? Seen::kNo : Seen::kUnknown;
    facts_.add("W6", "h2",
               answer.ok() ? Seen::kYes
               : refused_  ? Seen::kNotApplicable
                           : otherwise,
               answer.ok() ? "status " + std::to_string(answer->status) : answer.error().message());
  }

  // The status of a unary call; nothing when what answers isn't gRPC.
  Result<std::string> call(const std::string& method, Bytes message) {
    Bytes framed{0, 0, 0, 0, static_cast<std::uint8_t>(message.size())};
    framed.insert(framed.end(), message.begin(), message.end());
    CLOISTER_TRY(const auto answer, ask_tls2({.method = "POST",
                                              .path = method,
                                              .headers = {{"content-type", "application/grpc"}, {"te", "trailers"}},
                                              .body = std::move(framed)}));
    const auto find = [&](std::string_view name) {
      const auto found = std::ranges::find(answer.headers, name, &net::HeaderList::value_type::first);
      return found == answer.headers.end() ? std::string() : found->second;
    };
    if (!find("content-type").starts_with("application/grpc")) return Error(Code::kNotFound, "what answers isn't gRPC");
    return find("grpc-status").empty() && !answer.body.empty() ? std::string("0") : find("grpc-status");
  }

  void grpc() {
    if (!speaks_http2_) {
      for (const char* subject : {"grpc", "health", "reflection"}) facts_.add("W6", subject, Seen::kNotApplicable);
      return;
    }
    const auto health = call("/grpc.health.v1.Health/Check", {});
    const bool is_grpc = health.ok();
    facts_.add("W6", "grpc", seen_if(is_grpc), is_grpc ? "" : health.error().message());
    facts_.add("W6", "health", is_grpc ? seen_if(*health == "0") : Seen::kNotApplicable,
               is_grpc ? "grpc-status " + *health : "");
    if (!is_grpc) return facts_.add("W6", "reflection", Seen::kNotApplicable);
    // ServerReflectionRequest { list_services = "*" }
    const Bytes list{0x3A, 0x01, 0x2A};
    bool open = false;
    for (const char* package : {"v1", "v1alpha"}) {
      const auto status =
          call("/grpc.reflection." + std::string(package) + ".ServerReflection/ServerReflectionInfo", list);
      open = open || (status.ok() && *status == "0");
    }
    facts_.add("W6", "reflection", seen_if(open));
  }

  void judge_path(const std::string& subject, const Result<HttpAnswer>& answer) {
    if (!answer.ok()) {
      const Seen seen = answer.error().code() == Code::kDenied ? Seen::kNo : Seen::kUnknown;
      facts_.add("W5", subject, seen, answer.error().message());
      return;
    }
    facts_.add("W5", subject, seen_if(answer->status >= 200 && answer->status < 300),
               "status " + std::to_string(answer->status));
  }

  // Reachable by anybody: with our own certificate shown it wouldn't be anybody.
  void inference_path(const std::string& path) {
    if (options_->own) return facts_.add("W5", path, Seen::kNotApplicable, "asked with a client certificate");
    if (refused_) return facts_.add("W5", path, Seen::kNo, "TLS refuses clients without a certificate");
    if (!speaks_http1_) return facts_.add("W5", path, Seen::kNotApplicable, "no HTTP/1.1");
    judge_path(path, ask_tls(path, std::string(kAnything)));
  }

  void stream() {
    if (options_->stream_path.empty()) return;
    const auto answer = ask_tls(options_->stream_path, "text/event-stream");
    if (!answer.ok()) return facts_.add("W7", "stream", without(answer.error()), answer.error().message());
    const bool is_stream = answer->status == 200 && answer->header("content-type").starts_with("text/event-stream");
    facts_.add("W7", "stream", seen_if(is_stream),
               "status " + std::to_string(answer->status) + ", " + answer->header("content-type"));
  }

  Result<HttpAnswer> ask_sibling(const std::string& path) {
    CLOISTER_TRY(auto talk, clear(options_->plain_port));
    return ask_http1(*talk, host(), path, std::string(kAnything));
  }

  void sibling() {
    if (!options_->plain_port) return;
    const std::string port = std::to_string(*options_->plain_port);
    const auto answer = ask_sibling("/");
    if (!answer.ok()) {
      facts_.add("W2", "plain port answers", Seen::kNo, "port " + port + ": " + answer.error().message());
      return facts_.add("W2", "plain port redirects", Seen::kNotApplicable);
    }
    const bool away =
        answer->status >= 300 && answer->status < 400 && answer->header("location").starts_with("https://");
    facts_.add("W2", "plain port answers", seen_if(!away),
               "port " + port + ": status " + std::to_string(answer->status));
    facts_.add("W2", "plain port redirects", seen_if(away), answer->header("location"));
    for (const std::string& path : options_->paths) judge_path("in clear: " + path, ask_sibling(path));
  }

  Dialer* dialer_;
  const HttpProbeOptions* options_;
  Facts facts_;
  bool refused_ = false;  // by TLS: no certificate, no word
  bool speaks_http1_ = true;
  bool speaks_http2_ = false;
  bool downgrade_ = false;
  std::string downgrade_to_;
};

}  // namespace

Facts probe_http(Dialer& dialer, const HttpProbeOptions& options) { return HttpProbe(dialer, options).run(); }

}  // namespace cloister::probe
