// The transport that goes over the network.
#include "crypto/secret.h"
#include "kms/http_transport.h"
#include "net/http_client.h"
#include "net/web_tls.h"

namespace cloister::kms {
namespace {

constexpr std::uint64_t kPemMax = 1 << 20;
constexpr std::size_t kAnswerMax = 8 << 20;

Result<crypto::Secret> read_key(const Path& path) {
  CLOISTER_TRY(const File file, File::open(path));
  CLOISTER_RETURN_IF_ERROR(check_guarded(file, Guard::kSecret));
  CLOISTER_TRY(const std::uint64_t size, file.size());
  if (size > kPemMax) return Error(Code::kInvalid, path.string() + " is larger than any key");
  crypto::Secret text(static_cast<std::size_t>(size));
  CLOISTER_RETURN_IF_ERROR(file.read_at(0, text.expose_mutable()));
  return text;
}

class WebTransport final : public HttpTransport {
 public:
  explicit WebTransport(std::unique_ptr<net::HttpClient> client) : client_(std::move(client)) {}
  Result<net::Response> send(const net::Request& request, Duration patience) override {
    CLOISTER_TRY(net::Exchange exchange, client_->send(request, patience));
    return std::move(exchange.response);
  }
  Result<net::Response> stream(const net::Request& request, net::BodySink& sink, Duration patience) override {
    return client_->stream(request, sink, patience);
  }

 private:
  const std::unique_ptr<net::HttpClient> client_;
};

}  // namespace

Result<std::shared_ptr<const net::WebTls>> web_tls(const WebTransportOptions& options) {
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return Error(Code::kInvalid, "a certificate of ours needs its key, and a key its certificate");
  }
  CLOISTER_TRY(auto authorities, options.authorities_file.empty() ? net::system_authorities()
                                                                  : net::read_authorities(options.authorities_file));
  std::shared_ptr<const net::Credentials> own;
  if (!options.certificate_file.empty()) {
    CLOISTER_TRY(const Bytes chain, read_file(options.certificate_file, kPemMax));
    CLOISTER_TRY(const crypto::Secret key, read_key(options.key_file));
    CLOISTER_TRY(own, net::Credentials::from_pem(as_text(chain), key).with_context(options.certificate_file));
  }
  return net::WebTls::create(std::move(authorities), std::move(own), system_time);
}

Result<std::unique_ptr<HttpTransport>> web_transport(const Endpoint& endpoint, const WebTransportOptions& options) {
  net::HttpClient::Target target = net::LocalTarget{{endpoint.host, endpoint.port}};
  if (endpoint.tls) {
    CLOISTER_TRY(auto tls, web_tls(options));
    target = net::WebTarget{{endpoint.host, endpoint.port}, std::move(tls)};
  }
  net::ClientOptions client_options;
  client_options.response.body_bytes = kAnswerMax;
  CLOISTER_TRY(auto client, net::HttpClient::create(std::move(target), client_options));
  return std::unique_ptr<HttpTransport>(std::make_unique<WebTransport>(std::move(client)));
}

}  // namespace cloister::kms
