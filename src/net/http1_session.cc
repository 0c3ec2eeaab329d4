// HTTP/1.1 of one connection: one request at a time, in the order they came. RFC 9112.
#include <array>
#include <charconv>
#include <utility>

#include "net/http1_parser.h"
#include "net/session.h"

namespace cloister::net {
namespace {

bool has_body(unsigned status) { return status >= 200 && status != 204 && status != 304; }

enum class Keep { kNo, kYes };
// How the peer learns where the body ends.
enum class Ending { kLength, kChunks, kClose };

struct Framing {
  std::string_view date;
  Keep keep;
  Ending ending = Ending::kLength;
};

void write_head(const Response& response, const Framing& framing, Buffer& out) {
  const std::string status = std::to_string(response.status);
  out.reserve(out.size() + 256 + response.body.size());
  append(out, "HTTP/1.1 ");
  append(out, status);
  append(out, " ");
  append(out, reason_phrase(response.status));
  append(out, "\r\ndate: ");
  append(out, framing.date);
  append(out, "\r\n");
  for (const Header& header : response.headers.all()) {
    append(out, header.name);
    append(out, ": ");
    append(out, header.value);
    append(out, "\r\n");
  }
  if (has_body(response.status) && framing.ending == Ending::kLength) {
    append(out, "content-length: ");
    append(out, std::to_string(response.body.size()));
    append(out, "\r\n");
  }
  if (framing.ending == Ending::kChunks) append(out, "transfer-encoding: chunked\r\n");
  append(out, framing.keep == Keep::kYes ? "\r\n" : "connection: close\r\n\r\n");
}

void write_chunk(ByteView bytes, Buffer& out) {
  std::array<char, 16> size;
  const auto end = std::to_chars(size.data(), size.data() + size.size(), bytes.size(), 16).ptr;
  append(out, std::string_view(size.data(), static_cast<std::size_t>(end - size.data())));
  append(out, "\r\n");
  append(out, bytes);
  append(out, "\r\n");
}

class Http1Session final : public Session {
 public:
  Http1Session(const SessionSettings& settings, Ticks now)
      : settings_(settings), parser_(*settings.limits, *settings.bodies) {
    enter(Phase::kIdle, now);
  }

  void feed(Ticks now, ByteView bytes, Buffer& out) override {
    if (pending_.empty()) {
      const std::size_t used = parse(now, bytes, out);
      if (end_ == End::kNot) append(pending_, bytes.subspan(used));
    } else {
      append(pending_, bytes);
      parse_pending(now, out);
    }
  }

  void resume(Ticks now, Buffer& out) override {
    if (!waits_for_room_ || end_ != End::kNot) return;
    parse_pending(now, out);
    close_if_ended();
  }

  void answer(Ticks now, RequestId id, Response response, Buffer& out) override {
    if (end_ != End::kNot || phase_ != Phase::kHandling || id != id_) return;  // too late: the time-out was answered
    finish(now, std::move(response), out);
    if (end_ == End::kNot) parse_pending(now, out);
    close_if_ended();
  }

  bool begin_body(Ticks now, RequestId id, Response head, Buffer& out) override {
    if (end_ != End::kNot || phase_ != Phase::kHandling || id != id_) return false;
    head = sendable(std::move(head));
    if (!has_body(head.status) || !head.body.empty()) {
      answer(now, id, problem(500), out);
      return false;
    }
    ending_ = parser_.is_http10() ? Ending::kClose : Ending::kChunks;
    keep_ = ending_ == Ending::kChunks ? keeps_connection() : Keep::kNo;
    write_head(head, {settings_.host->date(), keep_, ending_}, out);
    enter(Phase::kStreaming, now);
    return true;
  }

  void push(Ticks now, RequestId id, Push push, Buffer& out) override {
    if (end_ != End::kNot || phase_ != Phase::kStreaming || id != id_) return;
    if (push.cut) {
      end_ = End::kQuiet;
      return;
    }
    deadline_ = now + settings_.limits->answer_time.ms;
    if (!push.bytes.empty() && !head_only_) {
      ending_ == Ending::kChunks ? write_chunk(push.bytes, out) : append(out, ByteView(push.bytes));
    }
    if (!push.trailers) return;
    if (ending_ == Ending::kChunks && !head_only_) append(out, "0\r\n\r\n");
    end_request(now, draining_ ? Keep::kNo : keep_);
    if (end_ == End::kNot) parse_pending(now, out);
    close_if_ended();
  }

  // A peer that sends no more while a body is on its way has gone, as far as one can tell.
  void input_ended(Ticks, Buffer&) override {
    input_ended_ = true;
    if (phase_ == Phase::kStreaming) end_ = End::kQuiet;
    close_if_ended();
  }

  void drain(Ticks, Buffer&) override {
    draining_ = true;
    if (phase_ == Phase::kIdle && pending_.empty()) end_ = End::kQuiet;
  }

  Ticks deadline() const override { return end_ == End::kNot ? deadline_ : kNever; }

  void expire(Ticks now, Buffer& out) override {
    if (now < deadline()) return;
    switch (phase_) {
      case Phase::kIdle: end_ = End::kQuiet; return;
      case Phase::kHead: return refuse(408, Refusal::kHeaderTime, out);
      case Phase::kBody: return refuse(408, Refusal::kBodyTime, out);
      case Phase::kHandling: return refuse(504, Refusal::kAnswerTime, out);
      case Phase::kStreaming:
        settings_.host->refused(Refusal::kAnswerTime);
        end_ = End::kQuiet;  // cut
        return;
    }
  }

  // While a body is sent, only to learn that the peer has gone.
  bool wants_input() const override {
    if (end_ != End::kNot || waits_for_room_ || input_ended_) return false;
    return phase_ == Phase::kStreaming ? pending_.empty() : phase_ != Phase::kHandling;
  }
  End end() const override { return end_; }

 private:
  enum class Phase { kIdle, kHead, kBody, kHandling, kStreaming };
  bool is_answering() const { return phase_ == Phase::kHandling || phase_ == Phase::kStreaming; }

  void enter(Phase phase, Ticks now) {
    if (phase == phase_ && phase != Phase::kIdle) return;
    phase_ = phase;
    const Limits& limits = *settings_.limits;
    switch (phase) {
      case Phase::kIdle: deadline_ = now + limits.idle_time.ms; break;
      case Phase::kHead: deadline_ = now + limits.header_time.ms; break;
      case Phase::kBody: deadline_ = now + limits.body_time.ms; break;
      case Phase::kHandling:
      case Phase::kStreaming: deadline_ = now + limits.answer_time.ms; break;
    }
  }

  // What is left over waits in pending_ for more bytes, for an answer, or for room in `out`.
  std::size_t parse(Ticks now, ByteView bytes, Buffer& out) {
    std::size_t used = 0;
    waits_for_room_ = false;
    while (used < bytes.size() && end_ == End::kNot && !is_answering()) {
      if (out.size() >= settings_.limits->output_bytes) {
        waits_for_room_ = true;
        break;
      }
      used += parser_.put(bytes.subspan(used));
      if (parser_.state() == ParseState::kRefused) {
        refuse(parser_.fault().status, parser_.fault().why, out);
      } else if (parser_.state() == ParseState::kDone) {
        begin_request(now, out);
      } else {
        wait_for_rest(now, out);
        break;
      }
    }
    return used;
  }

  void parse_pending(Ticks now, Buffer& out) {
    const Buffer bytes = std::exchange(pending_, {});
    const std::size_t used = parse(now, bytes, out);
    if (end_ == End::kNot) append(pending_, ByteView(bytes).subspan(used));
  }

  void wait_for_rest(Ticks now, Buffer& out) {
    if (parser_.state() == ParseState::kHead) enter(Phase::kHead, now);
    if (parser_.state() != ParseState::kBody) return;
    enter(Phase::kBody, now);
    if (parser_.expects_continue() && !continue_sent_ && parser_.request().body.empty()) {
      append(out, "HTTP/1.1 100 Continue\r\n\r\n");
    }
    continue_sent_ = true;
  }

  void begin_request(Ticks now, Buffer& out) {
    enter(Phase::kHandling, now);
    ++id_;
    ++requests_;
    head_only_ = parser_.request().method == "HEAD";
    auto response = settings_.host->handle(id_, parser_.request());
    if (response) finish(now, std::move(*response), out);
  }

  Keep keeps_connection() const {
    const bool keep = parser_.keeps_alive() && !draining_ && requests_ < settings_.limits->requests_per_connection;
    return keep ? Keep::kYes : Keep::kNo;
  }

  void finish(Ticks now, Response response, Buffer& out) {
    response = sendable(std::move(response));
    const Keep keep = keeps_connection();
    write_head(response, {settings_.host->date(), keep}, out);
    if (has_body(response.status) && !head_only_) append(out, response.body);
    end_request(now, keep);
  }

  void end_request(Ticks now, Keep keep) {
    parser_.reset();
    continue_sent_ = false;
    enter(Phase::kIdle, now);
    if (keep == Keep::kNo) end_ = End::kLingering;
  }

  void refuse(unsigned status, Refusal why, Buffer& out) {
    settings_.host->refused(why);
    const Response response = problem(status);
    write_head(response, {settings_.host->date(), Keep::kNo}, out);
    append(out, response.body);
    end_ = End::kLingering;
    pending_ = {};
  }

  void close_if_ended() {
    if (input_ended_ && end_ == End::kNot && !is_answering() && !waits_for_room_) end_ = End::kQuiet;
  }

  const SessionSettings settings_;
  Http1RequestParser parser_;
  Buffer pending_;
  Phase phase_ = Phase::kIdle;
  Ticks deadline_ = kNever;
  End end_ = End::kNot;
  RequestId id_ = 0;
  std::uint64_t requests_ = 0;
  Ending ending_ = Ending::kLength;  // of the body that is being sent
  Keep keep_ = Keep::kNo;            // what its head said
  bool head_only_ = false;
  bool continue_sent_ = false;
  bool waits_for_room_ = false;
  bool draining_ = false;
  bool input_ended_ = false;
};

}  // namespace

std::unique_ptr<Session> new_http1_session(const SessionSettings& settings, Ticks now) {
  return std::make_unique<Http1Session>(settings, now);
}

}  // namespace cloister::net
