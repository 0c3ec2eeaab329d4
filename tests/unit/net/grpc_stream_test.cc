#include "net/grpc_stream.h"

#include <gtest/gtest.h>

#include "tests/support/hex.h"
#include "tests/unit/net/memory_host.h"

namespace cloister::net {
namespace {

using testing::unhex;

// What a service heard, and the call, kept as long as the test wants.
struct Heard {
  std::shared_ptr<GrpcCall> call;
  std::vector<std::string> messages;
  bool half_closed = false;
  bool gone = false;
};

class Recorder final : public GrpcReceiver {
 public:
  explicit Recorder(Heard& heard) : heard_(heard) {}
  void message(Buffer message) override { heard_.messages.emplace_back(as_text(message)); }
  void half_closed() override { heard_.half_closed = true; }
  void gone() override {
    EXPECT_FALSE(heard_.gone);
    heard_.gone = true;
  }

 private:
  Heard& heard_;
};

class RecordingService final : public GrpcService {
 public:
  std::unique_ptr<GrpcReceiver> begin(std::shared_ptr<GrpcCall> call) override {
    if (call->head().target == "/none") return nullptr;
    heard.call = std::move(call);
    return std::make_unique<Recorder>(heard);
  }
  Heard heard;
};

class GrpcCalls : public ::testing::Test {
 protected:
  void begin(const std::string& method = "/service/method") {
    Request head;
    head.target = method;
    stream_ = begin_grpc_stream({service_, limits_}, std::move(head), now_,
                                {&bodies_, &host_, [this](Push push) { take(std::move(push)); }, calls_, 2});
  }
  void take(Push push) {
    if (push.cut) cut_ = true;
    append(sent_, push.bytes);
    if (push.trailers) status_ = read_grpc_trailers(*push.trailers);
  }
  void bytes(std::string_view hex) { stream_->bytes(now_, unhex(hex)); }
  void pass(Duration time) {
    now_ += time.ms;
    if (now_ >= stream_->deadline()) stream_->expire(now_);
  }
  GrpcCode status() const { return status_ ? status_->code : GrpcCode::kUnknown; }

  GrpcLimits limits_;
  BodyBudget bodies_{1000};
  MemoryHost host_;
  std::shared_ptr<std::atomic<std::uint32_t>> calls_ = std::make_shared<std::atomic<std::uint32_t>>(0);
  std::shared_ptr<RecordingService> service_ = std::make_shared<RecordingService>();
  Heard& heard_ = service_->heard;
  Ticks now_ = 1000;
  Buffer sent_;
  std::optional<GrpcStatus> status_;
  bool cut_ = false;
  std::unique_ptr<StreamInput> stream_;
};

TEST_F(GrpcCalls, MessagesInAnyPieces) {
  begin();
  for (const char* piece : {"00", "000000", "02", "61", "62000000", "0001", "63", "0000000000"}) bytes(piece);
  EXPECT_EQ(heard_.messages, (std::vector<std::string>{"ab", "c", ""}));
  EXPECT_FALSE(heard_.half_closed);
  stream_->ended(now_);
  EXPECT_TRUE(heard_.half_closed);
  EXPECT_FALSE(status_.has_value());
  EXPECT_TRUE(bodies_.take(1000));
}

TEST_F(GrpcCalls, AnswersAtAnyTime) {
  begin();
  heard_.call->send(to_buffer("early"));
  bytes("000000000161");
  heard_.call->send(to_buffer("late"));
  heard_.call->finish({GrpcCode::kAborted, "enough"});
  heard_.call->send(to_buffer("too late"));
  heard_.call->finish({});
  EXPECT_EQ(to_hex(sent_), to_hex(unhex("00000000056561726c79"
                                        "00000000046c617465")));
  EXPECT_EQ(status(), GrpcCode::kAborted);
  EXPECT_EQ(status_->text, "enough");
  EXPECT_TRUE(heard_.call->over());
}

TEST_F(GrpcCalls, MethodThatIsNotThere) {
  begin("/none");
  EXPECT_EQ(status(), GrpcCode::kUnimplemented);
  bytes("000000000161");
  stream_->ended(now_);
  stream_.reset();
  EXPECT_TRUE(heard_.messages.empty());
}

TEST_F(GrpcCalls, MessageTooLong) {
  limits_.message_bytes = 3;
  begin();
  bytes("0000000003616161");
  bytes("0000000004");
  EXPECT_EQ(status(), GrpcCode::kResourceExhausted);
  EXPECT_TRUE(host_.was_refused(Refusal::kBody));
  bytes("61616161000000000161");
  EXPECT_EQ(heard_.messages.size(), 1U);
}

TEST_F(GrpcCalls, CompressedMessage) {
  begin();
  bytes("010000000161");
  EXPECT_EQ(status(), GrpcCode::kUnimplemented);
}

TEST_F(GrpcCalls, BytesThatAreNoMessage) {
  begin();
  bytes("7b226122");
  bytes("3a317d");
  EXPECT_EQ(status(), GrpcCode::kInvalidArgument);
  EXPECT_TRUE(host_.was_refused(Refusal::kMalformed));
  EXPECT_FALSE(heard_.half_closed);
}

TEST_F(GrpcCalls, EndsWithinAMessage) {
  begin();
  bytes("000000000261");
  stream_->ended(now_);
  EXPECT_EQ(status(), GrpcCode::kInvalidArgument);
  EXPECT_FALSE(heard_.half_closed);
}

TEST_F(GrpcCalls, FloodOfMessages) {
  limits_.messages_burst = 5;
  limits_.messages_per_second = 1;
  begin();
  for (int i = 0; i < 10; ++i) bytes("0000000000");
  EXPECT_EQ(heard_.messages.size(), 5U);
  EXPECT_EQ(status(), GrpcCode::kResourceExhausted);
  EXPECT_TRUE(host_.was_refused(Refusal::kFlood));
}

TEST_F(GrpcCalls, BodiesInFlight) {
  begin();
  bytes("0000000fff");
  stream_->bytes(now_, Bytes(2000, 0));
  EXPECT_EQ(status(), GrpcCode::kUnavailable);
  EXPECT_TRUE(host_.was_refused(Refusal::kBodiesInFlight));
  stream_.reset();
  EXPECT_TRUE(bodies_.take(1000));
}

TEST_F(GrpcCalls, NoFirstMessage) {
  begin();
  pass(Duration{limits_.message_time.ms - 1});
  EXPECT_FALSE(status_.has_value());
  pass(Duration{1});
  EXPECT_EQ(status(), GrpcCode::kDeadlineExceeded);
  EXPECT_TRUE(host_.was_refused(Refusal::kBodyTime));
}

TEST_F(GrpcCalls, MessageThatDoesNotEnd) {
  begin();
  bytes("0000000000");
  pass(days(3));
  EXPECT_FALSE(status_.has_value());
  for (int i = 0; i < 5; ++i) {
    bytes("00");
    pass(Duration{limits_.message_time.ms / 4});
  }
  EXPECT_EQ(status(), GrpcCode::kDeadlineExceeded);
}

TEST_F(GrpcCalls, NoAnswerInTime) {
  begin();
  bytes("0000000000");
  stream_->ended(now_);
  pass(limits_.answer_time);
  EXPECT_EQ(status(), GrpcCode::kDeadlineExceeded);
  EXPECT_TRUE(host_.was_refused(Refusal::kAnswerTime));
}

TEST_F(GrpcCalls, OpenForDaysOnceAnswered) {
  begin();
  bytes("0000000000");
  stream_->ended(now_);
  heard_.call->send(to_buffer("state"));
  stream_->taken(now_, sent_.size());
  EXPECT_EQ(stream_->deadline(), kNever);
}

TEST_F(GrpcCalls, ClientThatDoesNotRead) {
  limits_.queued_bytes = 100;
  begin();
  heard_.call->send(Buffer(90, 'a'));
  EXPECT_FALSE(cut_);
  stream_->taken(now_, sent_.size());
  heard_.call->send(Buffer(90, 'a'));
  EXPECT_FALSE(cut_);
  heard_.call->send(Buffer(90, 'a'));
  EXPECT_TRUE(cut_);
  EXPECT_TRUE(heard_.call->over());
  EXPECT_FALSE(status_.has_value());
}

TEST_F(GrpcCalls, GoneIsTheLast) {
  begin();
  stream_.reset();
  EXPECT_TRUE(heard_.gone);
  EXPECT_TRUE(heard_.call->over());
  heard_.call->send(to_buffer("nobody"));
  EXPECT_TRUE(sent_.empty());
}

TEST_F(GrpcCalls, CallsThatAreHeldOnTo) {
  std::vector<std::shared_ptr<GrpcCall>> held;
  for (int i = 0; i < 2; ++i) {
    begin();
    held.push_back(heard_.call);
    stream_.reset();
    heard_ = {};
  }
  begin();
  EXPECT_EQ(status(), GrpcCode::kResourceExhausted);
  EXPECT_TRUE(host_.was_refused(Refusal::kUnfinished));
  held.clear();
  stream_.reset();
  status_.reset();
  begin();
  EXPECT_FALSE(status_.has_value());
}

TEST_F(GrpcCalls, DrainLetsAnAnswerThrough) {
  begin();
  bytes("0000000000");
  stream_->ended(now_);
  stream_->drain(now_);
  pass(seconds(5));
  EXPECT_FALSE(status_.has_value());
  heard_.call->send(to_buffer("answer"));
  stream_->taken(now_, sent_.size());
  pass(seconds(1));
  EXPECT_EQ(status(), GrpcCode::kUnavailable);
}

TEST_F(GrpcCalls, DrainEndsWhatGoesOn) {
  begin();
  bytes("0000000000");
  heard_.call->send(to_buffer("state"));
  stream_->taken(now_, sent_.size());
  stream_->drain(now_);
  pass(seconds(1));
  EXPECT_EQ(status(), GrpcCode::kUnavailable);
  EXPECT_TRUE(host_.refusals.empty());
}

TEST(GrpcHandler, LimitsThatMakeNoSense) {
  GrpcLimits limits;
  limits.messages_per_second = 0;
  EXPECT_FALSE(grpc_handler(std::make_shared<RecordingService>(), limits).ok());
  EXPECT_FALSE(grpc_handler(nullptr, {}).ok());
}

}  // namespace
}  // namespace cloister::net
