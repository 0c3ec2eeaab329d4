// What the AWS KMS provider costs beyond the wire: whole calls beside bare exchanges of the same bytes, in turn, with a
// server of this process that answers at once; and calls without any wire.
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <thread>

#include "base/base64.h"
#include "bench.h"
#include "kms/aws/aws_kms.h"
#include "net/http_client.h"
#include "net/socket.h"
#include "tests/support/recorded_transport.h"

using namespace cloister;

namespace {

constexpr int kCalls = 2000;
const std::string kKey = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const kms::ContextMap kContext{{"cloister", std::string(64, 'a')}, {"purpose", "kek"}, {"tenant", "acme"}};

// AWS's answers to Encrypt and Decrypt, with ciphertexts and key material ids of their real sizes.
std::string answer_body(bool encrypts) {
  const std::string what =
      encrypts ? R"("CiphertextBlob":")" + to_base64(Bytes(216, 1)) + "\""
               : R"("KeyMaterialId":")" + std::string(64, 'b') + R"(","Plaintext":")" + to_base64(Bytes(64, 1)) + "\"";
  return R"({"KeyId":")" + kKey + R"(","EncryptionAlgorithm":"SYMMETRIC_DEFAULT",)" + what + "}";
}

std::string answer_text(bool encrypts) {
  const std::string body = answer_body(encrypts);
  return "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.1\r\nx-amzn-requestid: 0f3a\r\ncontent-length: " +
         std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Takes requests on one connection after another, one at a time, and answers each at once.
class Server {
 public:
  Server() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* raw = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener_.descriptor(), raw, size) != 0 || ::listen(listener_.descriptor(), 8) != 0 ||
        ::getsockname(listener_.descriptor(), raw, &size) != 0) {
      bench::fail("no socket to listen on");
    }
    port_ = ntohs(address.sin_port);
  }
  std::uint16_t port() const { return port_; }

  // Ends with the process.
  void start() {
    std::thread([this] {
      for (;;) {
        const int connection = ::accept(listener_.descriptor(), nullptr, nullptr);
        if (connection >= 0) std::thread([connection] { serve(net::Socket(connection)); }).detach();
      }
    }).detach();
  }

 private:
  static void serve(net::Socket socket) {
    const int on = 1;
    ::setsockopt(socket.descriptor(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::string encrypted = answer_text(true), decrypted = answer_text(false);
    std::string text;
    char room[8192];
    for (;;) {
      const ssize_t got = ::recv(socket.descriptor(), room, sizeof room, 0);
      if (got <= 0) return;
      text.append(room, static_cast<std::size_t>(got));
      // The body ends in the JSON's brace, and nothing before it does.
      if (!text.ends_with("}")) continue;
      const std::string& answer = text.find("TrentService.Encrypt") != std::string::npos ? encrypted : decrypted;
      if (::send(socket.descriptor(), answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
      text.clear();
    }
  }

  net::Socket listener_;
  std::uint16_t port_ = 0;
};

std::shared_ptr<kms::AwsKms> provider(std::string endpoint, kms::OpenTransport open) {
  kms::AwsKmsOptions options;
  options.region = "us-east-1";
  options.endpoint = std::move(endpoint);
  options.open_transport = std::move(open);
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "AWS_ACCESS_KEY_ID") return "AKIDEXAMPLE";
    if (name == "AWS_SECRET_ACCESS_KEY") return "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    return std::nullopt;
  };
  return bench::must(kms::AwsKms::create(std::move(options), nullptr, kms::real_waiting()));
}

double microseconds(const std::function<void()>& call) {
  const double start = monotonic_seconds();
  for (int i = 0; i < kCalls; ++i) call();
  return (monotonic_seconds() - start) * 1e6 / kCalls;
}

// The request that the provider sent, as it was.
net::Request recorded(const std::function<void(kms::AwsKms&)>& call, const std::string& endpoint) {
  net::Request kept;
  const auto open = [&kept](const kms::Endpoint&, const kms::WebTransportOptions&) {
    return Result<std::unique_ptr<kms::HttpTransport>>(
        std::make_unique<testing::FunctionTransport>([&kept](const net::Request& request) {
          kept = request;
          return Error(Code::kDenied, "it was only to be seen");
        }));
  };
  call(*provider(endpoint, open));
  return kept;
}

}  // namespace

int main() {
  Server server;
  server.start();
  const std::string endpoint = "http://127.0.0.1:" + std::to_string(server.port());
  const auto aws = provider(endpoint, kms::web_transport);
  const auto without_wire = provider(endpoint, [](const kms::Endpoint&, const kms::WebTransportOptions&) {
    return Result<std::unique_ptr<kms::HttpTransport>>(
        std::make_unique<testing::FunctionTransport>([](const net::Request& request) -> Result<net::Response> {
          const bool encrypts = request.headers.find("x-amz-target")->ends_with("Encrypt");
          return net::Response{200, {}, net::to_buffer(answer_body(encrypts)), {}};
        }));
  });
  const crypto::Secret key(64);
  const kms::ProviderWrap wrapped{"", Bytes(216, 1)};
  const auto wrap = [&](kms::AwsKms& with) { ignore_result(with.wrap(kKey, key, kContext)); };
  const auto unwrap = [&](kms::AwsKms& with) { ignore_result(with.unwrap(kKey, wrapped, kContext)); };
  bench::must(aws->wrap(kKey, key, kContext));
  bench::must(aws->unwrap(kKey, wrapped, kContext));
  auto client = bench::must(net::HttpClient::create(net::LocalTarget{{"127.0.0.1", server.port()}}, {}));

  std::printf("AWS KMS provider, microseconds a call (medians of %d rounds of %d)\n", bench::rounds(), kCalls);
  const std::pair<const char*, std::function<void(kms::AwsKms&)>> kinds[] = {{"wrap", wrap}, {"unwrap", unwrap}};
  for (const auto& [name, call] : kinds) {
    const net::Request request = recorded(call, endpoint);
    std::vector<double> bare, whole, alone, beyond;
    for (int round = 0; round < bench::rounds(); ++round) {
      bare.push_back(microseconds([&] { bench::must(client->send(request, seconds(10))); }));
      whole.push_back(microseconds([&] { call(*aws); }));
      alone.push_back(microseconds([&] { call(*without_wire); }));
      beyond.push_back(whole.back() - bare.back());
    }
    std::printf("  %-8s bare exchange %7.1f, whole call %7.1f, beyond the wire %6.1f; without a wire %6.1f\n", name,
                bench::median(bare), bench::median(whole), bench::median(beyond), bench::median(alone));
  }
}
