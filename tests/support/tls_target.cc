#include "tests/support/tls_target.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tests/support/certificates.h"
#include "tests/support/rsa_key.h"

namespace cloister::testing {
namespace {

using Key = TlsTargetOptions::Key;

EVP_PKEY* read_key(Key key) {
  const crypto::Secret ec = key_of_seed(77).to_pkcs8_pem();
  const std::string& rsa = rsa_key_pem();
  const ByteView pem = key == Key::kRsa ? as_bytes(rsa) : ByteView(ec.expose());
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* read = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  CLOISTER_CHECK(read != nullptr);
  BIO_free(bio);
  return read;
}

X509* make_certificate(EVP_PKEY* key) {
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 4711);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("target.test"), -1, -1,
                             0);
  X509_set_issuer_name(certificate, name);
  X509_set_pubkey(certificate, key);
  CLOISTER_CHECK(X509_sign(certificate, key, EVP_sha256()) > 0);
  return certificate;
}

int choose_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* offered,
                    unsigned offered_size, void* argument) {
  const auto& known = static_cast<const TlsTargetOptions*>(argument)->protocols;
  for (const unsigned char* at = offered; at < offered + offered_size; at += 1 + *at) {
    for (const std::string& protocol : known) {
      if (std::string_view(reinterpret_cast<const char*>(at + 1), *at) != protocol) continue;
      *out = at + 1;
      *size = *at;
      return SSL_TLSEXT_ERR_OK;
    }
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int check_name(SSL* ssl, int* alert, void* argument) {
  const char* asked = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  const auto& options = *static_cast<const TlsTargetOptions*>(argument);
  if (asked == nullptr || options.server_name == asked) return SSL_TLSEXT_ERR_OK;
  *alert = SSL_AD_UNRECOGNIZED_NAME;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

int accept_any(int, X509_STORE_CTX*) { return 1; }

void set_callbacks(SSL_CTX* context, TlsTargetOptions& options) {
  if (!options.protocols.empty()) SSL_CTX_set_alpn_select_cb(context, choose_protocol, &options);
  if (options.asks_clients) SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
  if (options.server_name.empty()) return;
  SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, reinterpret_cast<void (*)()>(check_name));
  SSL_CTX_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_ARG, 0, &options);
}

void set_lists(SSL_CTX* context, const TlsTargetOptions& options) {
  CLOISTER_CHECK(SSL_CTX_set_cipher_list(context, options.ciphers.c_str()) == 1);
  CLOISTER_CHECK(options.suites.empty() || SSL_CTX_set_ciphersuites(context, options.suites.c_str()) == 1);
  CLOISTER_CHECK(options.groups.empty() || SSL_CTX_set1_groups_list(context, options.groups.c_str()) == 1);
  CLOISTER_CHECK(options.signature_algorithms.empty() ||
                 SSL_CTX_set1_sigalgs_list(context, options.signature_algorithms.c_str()) == 1);
}

SSL_CTX* make_context(TlsTargetOptions& options) {
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  CLOISTER_CHECK(context != nullptr);
  EVP_PKEY* key = read_key(options.key);
  X509* certificate = make_certificate(key);
  SSL_CTX_set_security_level(context, 0);
  CLOISTER_CHECK(SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1);
  X509_free(certificate);
  EVP_PKEY_free(key);
  CLOISTER_CHECK(SSL_CTX_set_min_proto_version(context, options.oldest) == 1);
  CLOISTER_CHECK(SSL_CTX_set_max_proto_version(context, options.newest) == 1);
  set_lists(context, options);
  set_callbacks(context, options);
  SSL_CTX_set_dh_auto(context, 1);
  SSL_CTX_set_session_id_context(context, reinterpret_cast<const unsigned char*>("target"), 6);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  if (options.server_prefers) SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_options(context, options.renegotiation ? SSL_OP_ALLOW_CLIENT_RENEGOTIATION : SSL_OP_NO_RENEGOTIATION);
  if (!options.tickets) SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
  if (options.early_data > 0) {
    SSL_CTX_set_max_early_data(context, options.early_data);
    SSL_CTX_set_options(context, SSL_OP_NO_ANTI_REPLAY);
  }
  return context;
}

void serve(SSL_CTX* context, const TlsTargetOptions& options, int socket) {
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, socket);
  SSL_set_accept_state(ssl);
  char room[1024];
  std::size_t count = 0;
  if (options.early_data > 0) {
    while (SSL_read_early_data(ssl, room, sizeof room, &count) == SSL_READ_EARLY_DATA_SUCCESS) continue;
  }
  if (SSL_accept(ssl) == 1) {
    while (SSL_read(ssl, room, sizeof room) > 0) continue;
    SSL_shutdown(ssl);
  }
  SSL_free(ssl);
}

}  // namespace

struct TlsTarget::Context {
  TlsTargetOptions options;
  SSL_CTX* context = nullptr;
};

TlsTarget::TlsTarget(TlsTargetOptions options) : context_(new Context{std::move(options)}) {
  context_->context = make_context(context_->options);
  Context* context = context_.get();
  server_ = std::make_unique<TcpServer>([context](int socket) { serve(context->context, context->options, socket); });
}

TlsTarget::~TlsTarget() {
  server_.reset();
  SSL_CTX_free(context_->context);
}

Bytes target_certificate(Key key) {
  EVP_PKEY* pair = read_key(key);
  X509* certificate = make_certificate(pair);
  std::uint8_t* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  CLOISTER_CHECK(size > 0);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  X509_free(certificate);
  EVP_PKEY_free(pair);
  return out;
}

}  // namespace cloister::testing
