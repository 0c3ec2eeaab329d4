#include "net/web_tls.h"

#include <algorithm>

#include "crypto/pem.h"
#include "net/tls_context.h"

namespace cloister::net {
namespace {

constexpr std::uint64_t kAuthoritiesFileMax = 4 << 20;
constexpr const char* kWebGroups = "?X25519MLKEM768:X25519:P-256:P-384";
constexpr const char* kWebCipherSuites = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
constexpr const char* kWebTls12Ciphers =
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";

using Authorities = std::vector<crypto::Certificate>;

// Names a peer by the host it was asked to be, or not at all.
class NamedServer final : public PeerVerifier {
 public:
  NamedServer(std::shared_ptr<const Authorities> authorities, std::string host)
      : authorities_(std::move(authorities)), host_(std::move(host)) {}

  Result<Peer> verify(Time now, std::span<const Bytes> chain) const override {
    Authorities certificates;
    for (const Bytes& der : chain) {
      CLOISTER_TRY(auto certificate, crypto::Certificate::parse(der));
      certificates.push_back(std::move(certificate));
    }
    const crypto::Certificate& leaf = certificates.front();
    if (!crypto::names_host(leaf, host_)) {
      return Error(Code::kDenied, "the server's certificate doesn't name " + host_);
    }
    if (std::ranges::find(*authorities_, leaf) != authorities_->end()) return as_itself(leaf, now);
    const auto intermediates = std::span<const crypto::Certificate>(certificates).subspan(1);
    CLOISTER_TRY(const auto path, crypto::verify_chain(leaf, {intermediates, *authorities_, crypto::Purpose::kServer,
                                                              now, crypto::PathRules::kCommon}));
    Time not_after = leaf.facts().not_after;
    for (const auto& certificate : path) not_after = std::min(not_after, certificate.facts().not_after);
    return Peer{host_, not_after};
  }

 private:
  // A server whose own certificate is trusted: nobody else has to vouch for it.
  Result<Peer> as_itself(const crypto::Certificate& leaf, Time now) const {
    const crypto::CertificateFacts& facts = leaf.facts();
    if (now < facts.not_before || now > facts.not_after) {
      return Error(Code::kExpired, "the server's certificate isn't valid at this time");
    }
    if (facts.extended_key_usage && !facts.extended_key_usage->server) {
      return Error(Code::kDenied, "the server's certificate isn't for servers");
    }
    return Peer{host_, facts.not_after};
  }

  const std::shared_ptr<const Authorities> authorities_;
  const std::string host_;
};

Result<SslContext> make_web_context(const Credentials* own) {
  SslContext context(SSL_CTX_new(TLS_client_method()));
  const bool set = context && set_common(context.get(), IdleBuffers::kReleased) &&
                   SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1 &&
                   SSL_CTX_set_cipher_list(context.get(), kWebTls12Ciphers) == 1 &&
                   SSL_CTX_set_ciphersuites(context.get(), kWebCipherSuites) == 1 &&
                   SSL_CTX_set1_groups_list(context.get(), kWebGroups) == 1 &&
                   (own == nullptr || use_credentials(context.get(), own->parts()));
  if (!set) return Error(Code::kUnavailable, "set up TLS: " + take_openssl_reason());
  SSL_CTX_set_security_level(context.get(), 2);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context.get(), verify_chain, nullptr);
  return context;
}

}  // namespace

Result<std::vector<crypto::Certificate>> read_authorities(const Path& file) {
  CLOISTER_TRY(const Bytes text, read_file(file, kAuthoritiesFileMax));
  CLOISTER_TRY(auto authorities, crypto::Certificate::parse_pem(as_text(text), crypto::kAnchorsMax)
                                     .with_context("read authorities from " + file.string()));
  if (authorities.empty()) return Error(Code::kInvalid, file.string() + " holds no certificate");
  return authorities;
}

Result<std::vector<crypto::Certificate>> system_authorities() {
  // Of Debian, of Red Hat, of Alpine.
  static constexpr const char* kFiles[] = {"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
                                           "/etc/ssl/cert.pem"};
  for (const Path file : kFiles) {
    const auto text = read_file(file, kAuthoritiesFileMax);
    if (!text.ok()) continue;
    CLOISTER_TRY(const auto blocks, crypto::parse_pem(as_text(text.value()), "CERTIFICATE", crypto::kAnchorsMax)
                                        .with_context("read " + file.string()));
    Authorities authorities;
    for (const Bytes& block : blocks) {
      auto authority = crypto::Certificate::parse(block);
      if (authority.ok()) authorities.push_back(std::move(authority).value());
    }
    if (!authorities.empty()) return authorities;
  }
  return Error(Code::kNotFound, "this system has no certificates of authorities: install them, or name a file");
}

struct WebTls::Core {
  std::shared_ptr<const Authorities> authorities;
  std::shared_ptr<const Credentials> own;
  Clock clock;
  SslContext context;
};

WebTls::WebTls(std::shared_ptr<Core> core) : core_(std::move(core)) {}
WebTls::~WebTls() = default;

Result<std::shared_ptr<const WebTls>> WebTls::create(std::vector<crypto::Certificate> authorities,
                                                     std::shared_ptr<const Credentials> own, Clock clock) {
  if (authorities.empty() || authorities.size() > crypto::kAnchorsMax || !clock) {
    return Error(Code::kInvalid, "TLS to a foreign server needs 1 to 1024 authorities and a clock");
  }
  CLOISTER_TRY(SslContext context, make_web_context(own.get()));
  auto core = std::make_shared<Core>();
  core->authorities = std::make_shared<const Authorities>(std::move(authorities));
  core->own = std::move(own);
  core->clock = std::move(clock);
  core->context = std::move(context);
  return std::shared_ptr<const WebTls>(new WebTls(std::move(core)));
}

Time WebTls::now() const { return core_->clock(); }

Result<std::unique_ptr<TlsSession>> WebTls::connect(int socket, const std::string& host, Speaks speaks) const {
  Ssl ssl(SSL_new(core_->context.get()));
  if (!ssl) return Error(Code::kUnavailable, "start TLS: " + take_openssl_reason());
  auto verifier = std::make_shared<NamedServer>(core_->authorities, host);
  return client_session(socket, std::move(ssl), host, {std::move(verifier), core_->clock, host}, speaks);
}

}  // namespace cloister::net
