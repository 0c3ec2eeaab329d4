#include "net/grpc_stream.h"

#include <algorithm>

namespace cloister::net {
namespace {

// What a call that goes on has left when its connection is about to end.
constexpr Ticks kDrainTime = 1000;

class ServerCall final : public GrpcCall {
 public:
  ServerCall(Request head, std::size_t queued_bytes, const StreamPlace& place)
      : head_(std::move(head)), queued_max_(queued_bytes), outlet_(place.outlet), calls_(place.calls) {
    ++*calls_;
  }
  ~ServerCall() override { --*calls_; }
  ServerCall(const ServerCall&) = delete;
  ServerCall& operator=(const ServerCall&) = delete;

  const Request& head() const override { return head_; }

  void send(Buffer message) override {
    if (over_) return;
    Buffer bytes = framed(message);
    answered_ = true;
    if (queued_.fetch_add(bytes.size()) + bytes.size() <= queued_max_) return outlet_({std::move(bytes), {}, false});
    if (!over_.exchange(true)) outlet_({{}, {}, true});
  }

  void finish(GrpcStatus status) override {
    if (!over_.exchange(true)) outlet_({{}, grpc_trailers(status), false});
  }

  bool over() const override { return over_; }

  void taken(std::size_t bytes) { queued_ -= bytes; }
  void gone() { over_ = true; }
  bool answered() const { return answered_; }

 private:
  const Request head_;
  const std::size_t queued_max_;
  const std::function<void(Push)> outlet_;
  const std::shared_ptr<std::atomic<std::uint32_t>> calls_;
  std::atomic<std::size_t> queued_{0};
  std::atomic<bool> over_{false};
  std::atomic<bool> answered_{false};
};

class GrpcStream final : public StreamInput {
 public:
  GrpcStream(const GrpcLimits& limits, Request head, Ticks now, StreamPlace place)
      : limits_(limits),
        bodies_(place.bodies),
        host_(place.host),
        call_(std::make_shared<ServerCall>(std::move(head), limits.queued_bytes, place)),
        reader_(limits.message_bytes),
        messages_(limits.messages_burst, limits.messages_per_second),
        message_deadline_(now + limits.message_time.ms) {}

  ~GrpcStream() override {
    bodies_->give_back(reserved_);
    call_->gone();
    if (receiver_) receiver_->gone();
  }
  GrpcStream(const GrpcStream&) = delete;
  GrpcStream& operator=(const GrpcStream&) = delete;

  void begin(GrpcService& service) {
    receiver_ = service.begin(call_);
    if (!receiver_) stop({GrpcCode::kUnimplemented, "there is no such method"});
  }

  void refuse(Refusal why, GrpcStatus status) {
    host_->refused(why);
    stop(std::move(status));
  }

  void bytes(Ticks now, ByteView bytes) override {
    while (!bytes.empty() && !stopped_) {
      std::optional<Buffer> message;
      GrpcStatus status = reader_.take(bytes, message);
      if (status.code == GrpcCode::kResourceExhausted) return refuse(Refusal::kBody, std::move(status));
      if (status.code != GrpcCode::kOk) return refuse(Refusal::kMalformed, std::move(status));
      if (!reserve(reader_.held())) {
        return refuse(Refusal::kBodiesInFlight, {GrpcCode::kUnavailable, "too many bytes at once"});
      }
      if (message) {
        deliver(now, std::move(*message));
      } else if (message_deadline_ == kNever) {
        message_deadline_ = now + limits_.message_time.ms;
      }
    }
  }

  void ended(Ticks now) override {
    if (stopped_) return;
    if (reader_.held() > 0) {
      return refuse(Refusal::kMalformed, {GrpcCode::kInvalidArgument, "the call ends within a message"});
    }
    half_closed_ = true;
    message_deadline_ = kNever;
    if (!call_->answered()) answer_deadline_ = now + limits_.answer_time.ms;
    receiver_->half_closed();
  }

  void taken(Ticks now, std::size_t bytes) override {
    call_->taken(bytes);
    answer_deadline_ = kNever;
    if (drain_deadline_ != kNever) drain_deadline_ = now + kDrainTime;
  }

  // A call that waits for its only answer may still get it; one that would go on for days is told to come back.
  void drain(Ticks now) override {
    if (stopped_ || drain_deadline_ != kNever) return;
    const bool unanswered = half_closed_ && !call_->answered();
    drain_deadline_ = now + (unanswered ? limits_.answer_time.ms : kDrainTime);
  }

  Ticks deadline() const override { return std::min({message_deadline_, answer_deadline_, drain_deadline_}); }

  void expire(Ticks now) override {
    if (now >= message_deadline_) {
      return refuse(Refusal::kBodyTime, {GrpcCode::kDeadlineExceeded, "no message came in time"});
    }
    if (now >= answer_deadline_) {
      return refuse(Refusal::kAnswerTime, {GrpcCode::kDeadlineExceeded, "there was no answer in time"});
    }
    if (now >= drain_deadline_) stop({GrpcCode::kUnavailable, "this connection ends: call again"});
  }

 private:
  bool reserve(std::size_t bytes) {
    if (bytes > reserved_ && !bodies_->take(bytes - reserved_)) return false;
    if (bytes < reserved_) bodies_->give_back(reserved_ - bytes);
    reserved_ = bytes;
    return true;
  }

  void deliver(Ticks now, Buffer message) {
    message_deadline_ = kNever;
    if (!messages_.take(now)) {
      return refuse(Refusal::kFlood, {GrpcCode::kResourceExhausted, "too many messages in too short a time"});
    }
    receiver_->message(std::move(message));
  }

  // The receiver hears nothing more but the end.
  void stop(GrpcStatus status) {
    stopped_ = true;
    message_deadline_ = answer_deadline_ = drain_deadline_ = kNever;
    call_->finish(std::move(status));
  }

  const GrpcLimits limits_;
  BodyBudget* const bodies_;
  SessionHost* const host_;
  const std::shared_ptr<ServerCall> call_;
  std::unique_ptr<GrpcReceiver> receiver_;
  GrpcMessageReader reader_;
  Bucket messages_;
  std::size_t reserved_ = 0;
  Ticks message_deadline_;
  Ticks answer_deadline_ = kNever;
  Ticks drain_deadline_ = kNever;
  bool half_closed_ = false;
  bool stopped_ = false;
};

class GrpcHandler final : public Handler {
 public:
  explicit GrpcHandler(GrpcServing serving) : serving_(std::move(serving)) {}

  const GrpcServing* grpc() const override { return &serving_; }

  // What no call could be made of.
  std::optional<Response> handle(Request& request, Deferral&) override {
    const GrpcHead head = grpc_head(request);
    switch (head) {
      case GrpcHead::kNotGrpc: return problem(415, text_of(head));
      case GrpcHead::kNotPost: return problem(405, text_of(head));
      case GrpcHead::kNoTrailers:
      case GrpcHead::kBadTimeout: return problem(400, text_of(head));
      case GrpcHead::kFine: break;
    }
    return grpc_failure(GrpcCode::kUnavailable, "call again");
  }

 private:
  const GrpcServing serving_;
};

}  // namespace

GrpcStatus GrpcMessageReader::take(ByteView& bytes, std::optional<Buffer>& message) {
  const auto move_up_to = [this, &bytes](std::size_t size) {
    const std::size_t count = std::min(bytes.size(), size - buffer_.size());
    append(buffer_, bytes.first(count));
    bytes = bytes.subspan(count);
  };
  if (buffer_.size() < kGrpcPrefixSize) move_up_to(kGrpcPrefixSize);
  if (buffer_.size() < kGrpcPrefixSize) return {};
  const auto size = read_grpc_prefix(buffer_);
  if (!size.ok()) {
    const bool compressed = size.error().code() == Code::kUnsupported;
    return {compressed ? GrpcCode::kUnimplemented : GrpcCode::kInvalidArgument, size.error().message()};
  }
  if (*size > message_bytes_) {
    return {GrpcCode::kResourceExhausted, "a message has more than " + std::to_string(message_bytes_) + " bytes"};
  }
  move_up_to(kGrpcPrefixSize + *size);
  if (buffer_.size() < kGrpcPrefixSize + *size) return {};
  message.emplace(buffer_.begin() + kGrpcPrefixSize, buffer_.end());
  wipe_and_clear(buffer_);
  return {};
}

std::unique_ptr<StreamInput> begin_grpc_stream(const GrpcServing& serving, Request head, Ticks now, StreamPlace place) {
  const bool full = *place.calls >= place.calls_max;
  auto stream = std::make_unique<GrpcStream>(serving.limits, std::move(head), now, std::move(place));
  if (full) {
    stream->refuse(Refusal::kUnfinished, {GrpcCode::kResourceExhausted, "too many calls at once"});
  } else {
    stream->begin(*serving.service);
  }
  return stream;
}

Status GrpcLimits::check() const {
  const bool times = message_time.ms > 0 && answer_time.ms > 0;
  if (message_bytes > 0 && messages_burst > 0 && messages_per_second > 0 && queued_bytes > 0 && times) return {};
  return Error(Code::kInvalid, "a limit of gRPC must be more than nothing");
}

Result<std::shared_ptr<Handler>> grpc_handler(std::shared_ptr<GrpcService> service, const GrpcLimits& limits) {
  CLOISTER_RETURN_IF_ERROR(limits.check());
  if (!service) return Error(Code::kInvalid, "a handler of gRPC needs a service");
  return std::shared_ptr<Handler>(std::make_shared<GrpcHandler>(GrpcServing{std::move(service), limits}));
}

}  // namespace cloister::net
