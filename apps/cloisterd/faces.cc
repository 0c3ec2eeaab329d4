#include "cloisterd/faces.h"

#include <thread>

#include "home/secret_file.h"

namespace cloister::daemon {
namespace {

constexpr std::size_t kChainSizeMax = std::size_t{64} << 10;

}  // namespace

Result<std::shared_ptr<const net::Credentials>> read_credentials(const std::string& certificate,
                                                                 const std::string& key_file) {
  CLOISTER_TRY(const Bytes chain, read_file(certificate, kChainSizeMax));
  CLOISTER_TRY(const crypto::Secret key, home::read_secret_file(key_file));
  return net::Credentials::from_pem(as_text(chain), key).with_context("use " + certificate);
}

Result<net::HttpServer*> Faces::add(std::shared_ptr<const service::Dialect> dialect) {
  Face face;
  face.handler = service_.handler(std::move(dialect));
  CLOISTER_TRY(face.server, net::HttpServer::create(options_, face.handler));
  all_.push_back(std::move(face));
  return all_.back().server.get();
}

Status Faces::reload(const net::Limits& limits) {
  for (Face& face : all_) CLOISTER_RETURN_IF_ERROR(face.server->reload(limits, face.handler));
  return {};
}

Status Faces::drain(Duration patience) {
  std::vector<Status> outcomes(all_.size());
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    threads.emplace_back([this, &outcomes, i, patience] { outcomes[i] = all_[i].server->drain(patience); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Status& outcome : outcomes) CLOISTER_RETURN_IF_ERROR(outcome);
  return {};
}

}  // namespace cloister::daemon
