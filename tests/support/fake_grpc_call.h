// A call without a connection: what was sent and how it ended, to be waited for.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

#include "net/grpc_server.h"
#include "net/protobuf.h"
#include "tests/support/value_of.h"

namespace cloister::testing {

// Any thread may call.
class FakeGrpcCall final : public net::GrpcCall {
 public:
  explicit FakeGrpcCall(std::string target, net::Headers headers = {},
                        std::optional<net::UnixPeer> peer = std::nullopt) {
    auto connection = std::make_shared<net::ConnectionInfo>();
    connection->protocol = net::Protocol::kHttp2;
    connection->unix_peer = std::move(peer);
    head_.method = "POST";
    head_.target = std::move(target);
    head_.headers = std::move(headers);
    head_.connection = std::move(connection);
  }

  const net::Request& head() const override { return head_; }
  void send(net::Buffer message) override {
    const std::lock_guard lock(mutex_);
    if (status_ || left_) return;
    sent_.push_back(std::move(message));
    changed_.notify_all();
  }
  void finish(net::GrpcStatus status) override {
    const std::lock_guard lock(mutex_);
    if (!status_) status_ = std::move(status);
    changed_.notify_all();
  }
  bool over() const override {
    const std::lock_guard lock(mutex_);
    return status_.has_value() || left_;
  }
  void leave() {
    const std::lock_guard lock(mutex_);
    left_ = true;
  }

  // The message of that number, 0 the first, once it is there. Stops the process when it doesn't come.
  net::Buffer sent(std::size_t number) {
    std::unique_lock lock(mutex_);
    CLOISTER_CHECK(changed_.wait_for(lock, kPatience, [&] { return sent_.size() > number; }));
    return sent_[number];
  }
  std::size_t sent_count() const {
    const std::lock_guard lock(mutex_);
    return sent_.size();
  }
  net::GrpcStatus status() {
    std::unique_lock lock(mutex_);
    CLOISTER_CHECK(changed_.wait_for(lock, kPatience, [&] { return status_.has_value(); }));
    return *status_;
  }

 private:
  static constexpr std::chrono::seconds kPatience{30};

  net::Request head_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<net::Buffer> sent_;
  std::optional<net::GrpcStatus> status_;
  bool left_ = false;
};

// The fields of that number, in their order.
inline std::vector<Bytes> fields_of(ByteView message, std::uint32_t number) {
  std::vector<Bytes> fields;
  net::ProtobufReader reader(message);
  for (auto field = value_of(reader.next()); field; field = value_of(reader.next())) {
    if (field->number == number) fields.push_back(to_bytes(field->bytes));
  }
  return fields;
}
// The one field of that number.
inline Bytes field_of(ByteView message, std::uint32_t number) {
  auto fields = fields_of(message, number);
  CLOISTER_CHECK(fields.size() == 1);
  return std::move(fields.front());
}
inline std::string text_of(ByteView message, std::uint32_t number) {
  return std::string(as_text(field_of(message, number)));
}

}  // namespace cloister::testing
