// The daemon's listeners for other people's clients.
#include <unistd.h>

#include <algorithm>

#include "cloisterd/daemon.h"
#include "service/aws/aws_dialect.h"
#include "service/kbs/kbs_dialect.h"
#include "service/kubernetes/kubernetes_dialect.h"
#include "service/vault/vault_dialect.h"

namespace cloister::daemon {

Status Daemon::open_faces() {
  faces_ = std::make_unique<Faces>(server_options(), *service_);
  if (config_.aws) CLOISTER_RETURN_IF_ERROR(open_aws(*faces_));
  if (config_.kbs) CLOISTER_RETURN_IF_ERROR(open_kbs(*faces_));
  if (config_.kubernetes) CLOISTER_RETURN_IF_ERROR(open_kubernetes(*faces_));
  if (config_.vault) CLOISTER_RETURN_IF_ERROR(open_vault(*faces_));
  return {};
}

Status Daemon::open_aws(Faces& faces) {
  const AwsFace& face = *config_.aws;
  CLOISTER_TRY(auto credentials, read_credentials(face.certificate, face.key));
  aws_credentials_ = std::make_shared<net::SwappableCredentials>(std::move(credentials));
  CLOISTER_TRY(const auto tls, net::ServerOnlyTls::create(aws_credentials_));
  CLOISTER_TRY(net::HttpServer * server,
               faces.add(std::make_shared<service::aws::AwsDialect>(service::aws::AwsDialectParts{
                   face.region, service_->keyrings(), managed_keys_, access_keys_.get()})));
  for (const net::TcpAddress& address : face.listen) {
    CLOISTER_TRY(const std::uint16_t port, server->listen(address, tls));
    log_.info("listening", {{"for", "AWS KMS"}, {"address", net::TcpAddress{address.host, port}.to_string()}});
  }
  return {};
}

Status Daemon::open_kbs(Faces& faces) {
  const KbsFace& face = *config_.kbs;
  CLOISTER_TRY(auto credentials, read_credentials(face.certificate, face.key));
  kbs_credentials_ = std::make_shared<net::SwappableCredentials>(std::move(credentials));
  CLOISTER_TRY(const auto tls, net::ServerOnlyTls::create(kbs_credentials_));
  // Tokens are this process's own: whoever shows one shows it here.
  CLOISTER_TRY(crypto::PrivateKey signing_key, crypto::PrivateKey::generate(crypto::KeyType::kEcP256, random_));
  service::KbsOptions options;
  options.callers = config_.own_id.trust_domain().uri() + "/kbs";
  options.purpose = face.purpose;
  options.resources = face.resources;
  options.sessions = std::make_shared<service::KbsSessions>(service::KbsLimits{.life = face.session_lifetime}, random_);
  options.keyrings = service_->keyrings();
  options.token_signer = std::make_shared<crypto::MemorySigner>(std::move(signing_key));
  service::judge_by_attested_release(
      options, *releases_,
      {[this] { return collateral_->current(); },
       [this](const attest::EvidenceSet& evidence) { collateral_->want(home::wanted_by(evidence), ""); }},
      random_);
  CLOISTER_TRY(net::HttpServer * server, faces.add(std::make_shared<service::KbsDialect>(std::move(options))));
  for (const net::TcpAddress& address : face.listen) {
    CLOISTER_TRY(const std::uint16_t port, server->listen(address, tls));
    log_.info("listening",
              {{"for", "Confidential Containers"}, {"address", net::TcpAddress{address.host, port}.to_string()}});
  }
  return {};
}

Status Daemon::open_kubernetes(Faces& faces) {
  const KubernetesFace& face = *config_.kubernetes;
  CLOISTER_TRY(net::HttpServer * server,
               faces.add(std::make_shared<service::KubernetesDialect>(
                   service::KubernetesOptions{face.dataset, face.purpose}, service_->keyrings())));
  std::vector<uid_t> users;
  for (const auto& [uid, id] : config_.unix_callers) users.push_back(uid);
  const bool others = std::ranges::any_of(users, [](uid_t user) { return user != 0 && user != ::geteuid(); });
  CLOISTER_RETURN_IF_ERROR(server->listen(
      net::UnixListener{face.socket, net::UnixUsers::only(users), static_cast<mode_t>(others ? 0666 : 0600)}));
  log_.info("listening", {{"for", "Kubernetes KMS v2"}, {"address", face.socket}});
  return {};
}

Status Daemon::open_vault(Faces& faces) {
  const VaultFace& face = *config_.vault;
  CLOISTER_TRY(auto credentials, read_credentials(face.certificate, face.key));
  vault_credentials_ = std::make_shared<net::SwappableCredentials>(std::move(credentials));
  CLOISTER_TRY(const auto server_only, net::ServerOnlyTls::create(vault_credentials_));
  CLOISTER_TRY(const auto mutual, net::MutualTls::create(vault_credentials_, verifier_, clock_));
  service::VaultOptions options;
  options.keys = {service_->keyrings(), managed_keys_};
  options.version = CLOISTER_VERSION;
  options.logins.tokens =
      std::make_shared<service::VaultTokens>(service::VaultTokenOptions{.lifetime = face.token_lifetime}, random_);
  options.logins.identity = [this] { return own_->source()->current(); };
  options.logins.audience = config_.own_id.uri();
  options.logins.access_keys = access_keys_.get();
  CLOISTER_TRY(net::HttpServer * server, faces.add(std::make_shared<service::VaultDialect>(std::move(options))));
  const auto listening = [this](const char* what, const net::TcpAddress& address, std::uint16_t port) {
    log_.info("listening", {{"for", what}, {"address", net::TcpAddress{address.host, port}.to_string()}});
  };
  for (const net::TcpAddress& address : face.tls) {
    CLOISTER_TRY(const std::uint16_t port, server->listen(address, server_only));
    listening("Vault's API", address, port);
  }
  for (const net::TcpAddress& address : face.mutual_tls) {
    CLOISTER_TRY(const std::uint16_t port, server->listen(address, mutual));
    listening("Vault's API, mutual TLS", address, port);
  }
  return {};
}

}  // namespace cloister::daemon
