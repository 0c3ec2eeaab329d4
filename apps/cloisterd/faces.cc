#include "cloisterd/faces.h"

#include <thread>

namespace cloister::daemon {

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
