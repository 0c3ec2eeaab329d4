#include "net/server_state.h"

namespace cloister::net {

bool PeerCount::take(const std::string& key, std::uint32_t most) {
  const std::scoped_lock lock(mutex_);
  std::uint32_t& count = counts_[key];
  if (count >= most) return false;
  ++count;
  return true;
}

void PeerCount::give_back(const std::string& key) {
  const std::scoped_lock lock(mutex_);
  const auto found = counts_.find(key);
  CLOISTER_CHECK(found != counts_.end());
  if (--found->second == 0) counts_.erase(found);
}

std::shared_ptr<const ServerSettings> ServerState::settings() const {
  const std::scoped_lock lock(mutex_);
  return settings_;
}

void ServerState::replace(std::shared_ptr<const ServerSettings> settings) {
  const std::scoped_lock lock(mutex_);
  settings_ = std::move(settings);
}

bool ServerState::wait_until_empty(Duration patience) {
  std::unique_lock lock(mutex_);
  return ended_.wait_for(lock, std::chrono::milliseconds(patience.ms), [this] { return connections_ == 0; });
}

std::optional<Refusal> Admission::admit(ServerState& server, const Limits& limits, std::string address_key,
                                        Handshake handshake, std::unique_ptr<Admission>& out) {
  if (server.connections_ >= limits.connections) return Refusal::kTooManyConnections;
  if (handshake == Handshake::kAhead && server.handshakes_ >= limits.handshakes) return Refusal::kTooManyHandshakes;
  if (!server.by_address_.take(address_key, limits.connections_per_address)) return Refusal::kTooManyFromAddress;
  out.reset(new Admission(server));
  out->address_key_ = std::move(address_key);
  ++server.connections_;
  if (handshake == Handshake::kAhead) {
    out->handshake_ = true;
    ++server.handshakes_;
  }
  return std::nullopt;
}

Admission::~Admission() {
  shaken();
  server_.by_address_.give_back(address_key_);
  if (!peer_id_.empty()) server_.by_peer_.give_back(peer_id_);
  const std::scoped_lock lock(server_.mutex_);
  --server_.connections_;
  server_.ended_.notify_all();
}

void Admission::shaken() {
  if (std::exchange(handshake_, false)) --server_.handshakes_;
}

bool Admission::add_peer(const std::string& id, std::uint32_t most) {
  if (!server_.by_peer_.take(id, most)) return false;
  peer_id_ = id;
  return true;
}

}  // namespace cloister::net
