#include "tests/support/foreign_server.h"

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "net/address.h"
#include "tests/support/certificates.h"

namespace cloister::testing {
namespace {

constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

X509* read_certificate(BIO* bio) {
  X509* certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
  CLOISTER_CHECK(certificate != nullptr);
  return certificate;
}

void use_chain(SSL_CTX* context, const ForeignServerOptions& options) {
  for (std::size_t i = 0; i < options.chain.size(); ++i) {
    const std::string pem = options.chain[i].to_pem();
    BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
    X509* certificate = read_certificate(bio);
    const bool used = i == 0 ? SSL_CTX_use_certificate(context, certificate) == 1
                             : SSL_CTX_add1_chain_cert(context, certificate) == 1;
    CLOISTER_CHECK(used);
    X509_free(certificate);
    BIO_free(bio);
  }
  const crypto::Secret pem = key_of_seed(options.key_seed).to_pkcs8_pem();
  BIO* bio = BIO_new_mem_buf(pem.expose().data(), static_cast<int>(pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  CLOISTER_CHECK(key != nullptr && SSL_CTX_use_PrivateKey(context, key) == 1);
  EVP_PKEY_free(key);
  BIO_free(bio);
}

void ask_for_clients(SSL_CTX* context, const std::string& authority_pem) {
  BIO* bio = BIO_new_mem_buf(authority_pem.data(), static_cast<int>(authority_pem.size()));
  X509* authority = read_certificate(bio);
  X509_STORE* store = SSL_CTX_get_cert_store(context);
  CLOISTER_CHECK(X509_STORE_add_cert(store, authority) == 1);
  X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store), kNow.unix_ms / 1000);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  X509_free(authority);
  BIO_free(bio);
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered, unsigned,
                    void*) {
  *out = offered + 1;
  *size = offered[0];
  return SSL_TLSEXT_ERR_OK;
}

SSL_CTX* make_context(const ForeignServerOptions& options) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  CLOISTER_CHECK(context != nullptr);
  use_chain(context, options);
  if (options.newest == ForeignServerOptions::Version::kTls12) SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
  if (!options.tls12_ciphers.empty()) {
    CLOISTER_CHECK(SSL_CTX_set_cipher_list(context, options.tls12_ciphers.c_str()) == 1);
  }
  if (!options.clients_pem.empty()) ask_for_clients(context, options.clients_pem);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  return context;
}

std::string text(const char* words) { return words == nullptr ? "" : words; }

}  // namespace

ForeignServer::ForeignServer(ForeignServerOptions options) : options_(std::move(options)) {
  context_ = make_context(options_);
  listener_ = net::Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  net::SocketAddress address = net::numeric_address({"127.0.0.1", 0}).value();
  CLOISTER_CHECK(::bind(listener_.descriptor(), address.get(), address.size) == 0);
  CLOISTER_CHECK(::listen(listener_.descriptor(), 8) == 0);
  CLOISTER_CHECK(::getsockname(listener_.descriptor(), address.get(), &address.size) == 0);
  port_ = address.port();
  thread_ = std::thread([this] {
    while (!stopping_) {
      const net::Socket client(::accept(listener_.descriptor(), nullptr, nullptr));
      if (!client) return;
      const timeval patience{5, 0};
      ::setsockopt(client.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      serve(client.descriptor());
    }
  });
}

ForeignServer::~ForeignServer() {
  stopping_ = true;
  ::shutdown(listener_.descriptor(), SHUT_RDWR);
  thread_.join();
  SSL_CTX_free(static_cast<SSL_CTX*>(context_));
}

void ForeignServer::serve(int client) {
  SSL* ssl = SSL_new(static_cast<SSL_CTX*>(context_));
  SSL_set_fd(ssl, client);
  if (SSL_accept(ssl) == 1) {
    ForeignConnection connection{SSL_get_version(ssl), SSL_get_cipher_name(ssl), {}, {}, {}};
    connection.server_name = text(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &protocol, &size);
    connection.protocol.assign(reinterpret_cast<const char*>(protocol), size);
    char room[4096];
    int count = 0;
    while ((count = SSL_read(ssl, room, sizeof room)) > 0) {
      const std::string_view came(room, static_cast<std::size_t>(count));
      connection.request += came;
      const bool echoes = options_.does == ForeignServerOptions::Does::kEchoes;
      if (!echoes && !connection.request.ends_with("\r\n\r\n")) continue;
      const std::string_view answer = echoes ? came : kAnswer;
      SSL_write(ssl, answer.data(), static_cast<int>(answer.size()));
      if (!echoes) break;
    }
    SSL_shutdown(ssl);
    const std::scoped_lock lock(mutex_);
    seen_.push_back(std::move(connection));
  }
  SSL_free(ssl);
}

std::vector<ForeignConnection> ForeignServer::seen() const {
  const std::scoped_lock lock(mutex_);
  return seen_;
}

}  // namespace cloister::testing
