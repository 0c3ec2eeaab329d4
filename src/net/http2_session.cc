// HTTP/2 of one connection, RFC 9113. nghttp2 does the framing, HPACK and flow control; the limits are ours.
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "net/grpc.h"
#include "net/http2_stream.h"
#include "net/nghttp2_memory.h"

namespace cloister::net {
namespace {

using Stream = Http2Stream;

constexpr std::uint32_t kStreamWindow = 256 << 10;
constexpr std::int32_t kConnectionWindow = 1 << 20;
class Http2Session final : public Session {
 public:
  Http2Session(const SessionSettings& settings, Ticks now, Buffer& out)
      : settings_(settings),
        limits_(*settings.limits),
        resets_(limits_.resets_burst, limits_.resets_per_second),
        control_(limits_.control_burst, limits_.control_per_second),
        now_(now),
        idle_since_(now),
        heard_(now) {
    start();
    pump(out);
  }

  ~Http2Session() override {
    for (auto& [id, stream] : streams_) settings_.bodies->give_back(stream.reserved);
    nghttp2_session_del(session_);
  }
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;

  void feed(Ticks now, ByteView bytes, Buffer& out) override {
    now_ = heard_ = now;
    asked_ = kNever;
    const ssize_t taken = nghttp2_session_mem_recv(session_, bytes.data(), bytes.size());
    if (taken < 0 && !failed_) give_up(Refusal::kMalformed, NGHTTP2_PROTOCOL_ERROR);
    pump(out);
  }

  void resume(Ticks now, Buffer& out) override {
    now_ = now;
    pump(out);
  }

  void answer(Ticks now, RequestId id, Response response, Buffer& out) override {
    now_ = now;
    --outstanding_;
    const auto found = streams_.find(id);
    if (found != streams_.end() && found->second.phase == Stream::Phase::kHandling) {
      respond(id, found->second, std::move(response));
      pump(out);
    }
  }

  void push(Ticks now, RequestId id, Push push, Buffer& out) override {
    now_ = now;
    Stream* stream = find(id);
    if (stream == nullptr || stream->phase != Stream::Phase::kStreaming) return;
    push.cut ? cut(id, *stream) : stream_out(id, *stream, std::move(push));
    pump(out);
  }

  // Nobody shuts half of a connection down and goes on reading a stream without an end.
  void input_ended(Ticks now, Buffer&) override {
    now_ = now;
    input_ended_ = true;
    if (streaming_ > 0) failed_ = true;
  }

  void drain(Ticks now, Buffer& out) override {
    now_ = now;
    drain_now();
    pump(out);
  }

  Ticks deadline() const override {
    if (streams_.empty()) return idle_since_ + limits_.idle_time.ms;
    Ticks earliest = streaming_ > 0 ? end_of_silence() : kNever;
    for (const auto& [id, stream] : streams_) {
      earliest = std::min({earliest, stream.deadline, stream.input ? stream.input->deadline() : kNever});
    }
    return earliest;
  }

  void expire(Ticks now, Buffer& out) override {
    now_ = now;
    if (streams_.empty() && now >= idle_since_ + limits_.idle_time.ms) drain_now();
    for (auto& [id, stream] : streams_) {
      if (now >= stream.deadline) expire_stream(id, stream);
      if (stream.input && now >= stream.input->deadline()) stream.input->expire(now);
    }
    if (streaming_ > 0 && now >= end_of_silence()) break_silence();
    pump(out);
  }

  bool wants_input() const override { return end() == End::kNot && !input_ended_; }

  End end() const override {
    const bool over = nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0;
    if (failed_ || over) return End::kLingering;
    return input_ended_ && streams_.empty() ? End::kQuiet : End::kNot;
  }

 private:
  using Self = Http2Session;

  void start() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_option* option = nullptr;
    CLOISTER_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, on_begin_frame);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data_chunk_recv);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, on_invalid_frame);
    nghttp2_option_set_stream_reset_rate_limit(option, limits_.resets_burst, limits_.resets_per_second);
    nghttp2_option_set_max_continuations(option, limits_.continuations);
    nghttp2_option_set_max_outbound_ack(option, 100);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_mem memory = wiping_memory();
    CLOISTER_CHECK(nghttp2_session_server_new3(&session_, callbacks, this, option, &memory) == 0);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry entries[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits_.streams},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(limits_.header_bytes)},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };
    CLOISTER_CHECK(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, std::size(entries)) == 0);
    CLOISTER_CHECK(nghttp2_session_set_local_window_size(session_, NGHTTP2_FLAG_NONE, 0, kConnectionWindow) == 0);
  }

  void pump(Buffer& out) {
    while (out.size() < limits_.output_bytes) {
      const std::uint8_t* data = nullptr;
      const ssize_t size = nghttp2_session_mem_send(session_, &data);
      if (size < 0) failed_ = true;
      if (size <= 0) return;
      append(out, ByteView(data, static_cast<std::size_t>(size)));
    }
  }

  void give_up(Refusal why, std::uint32_t error) {
    failed_ = true;
    settings_.host->refused(why);
    nghttp2_session_terminate_session(session_, error);
  }

  void count_control() {
    if (!failed_ && !control_.take(now_)) give_up(Refusal::kFlood, NGHTTP2_ENHANCE_YOUR_CALM);
  }
  void count_reset() {
    if (!failed_ && !resets_.take(now_)) give_up(Refusal::kFlood, NGHTTP2_ENHANCE_YOUR_CALM);
  }

  Ticks end_of_silence() const {
    return asked_ == kNever ? heard_ + limits_.silence_time.ms : asked_ + limits_.write_time.ms;
  }
  void break_silence() {
    if (asked_ != kNever) return give_up(Refusal::kSilent, NGHTTP2_NO_ERROR);
    asked_ = now_;
    nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr);
  }

  void drain_now() {
    if (draining_) return;
    draining_ = true;
    for (auto& [id, stream] : streams_) {
      if (stream.input) stream.input->drain(now_);
    }
    nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(session_),
                          NGHTTP2_NO_ERROR, nullptr, 0);
  }

  void expire_stream(RequestId id, Stream& stream) {
    using enum Stream::Phase;
    switch (stream.phase) {
      case kHead: return give_up(Refusal::kHeaderTime, NGHTTP2_ENHANCE_YOUR_CALM);  // its header block is still open
      case kBody: return refuse(id, stream, 408, Refusal::kBodyTime);
      case kHandling: return refuse(id, stream, 504, Refusal::kAnswerTime);
      case kAnswering:
        if (stream.answered) return stop_upload(id, stream);
        return cut(id, stream);
      case kStreaming: return cut(id, stream);
    }
  }

  void cut(RequestId id, Stream& stream) {
    settings_.host->refused(Refusal::kWriteTime);
    stream.deadline = kNever;
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_CANCEL);
  }

  void refuse(RequestId id, Stream& stream, unsigned status, Refusal why) {
    settings_.host->refused(why);
    stream.refused = status;
    respond(id, stream, problem(status));
  }

  void finish_head(RequestId id, Stream& stream) {
    if (const auto refusal = stream.check_head(limits_)) return refuse(id, stream, refusal->status, refusal->why);
    stream.input = settings_.host->take_stream(id, stream.request);
    if (stream.input) return begin_streaming(stream);
    stream.phase = Stream::Phase::kBody;
    stream.deadline = now_ + limits_.body_time.ms;
    const std::string* expect = stream.request.headers.find("expect");
    if (expect != nullptr && *expect == "100-continue" && !stream.input_done) {
      const nghttp2_nv go_on = name_value(":status", "100");
      nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, &go_on, 1, nullptr);
    }
  }

  void begin_streaming(Stream& stream) {
    stream.phase = Stream::Phase::kStreaming;
    stream.deadline = kNever;
    ++streaming_;
    if (++requests_ >= limits_.requests_per_connection) drain_now();
  }

  void stream_out(RequestId id, Stream& stream, Push push) {
    if (!stream.output.add(std::move(push))) return;
    if (stream.deadline == kNever) stream.deadline = now_ + limits_.write_time.ms;
    if (std::exchange(stream.begun, true)) {
      nghttp2_session_resume_data(session_, id);
      return;
    }
    const Headers ours = grpc_headers();
    std::vector<nghttp2_nv> headers{name_value(":status", "200"), name_value("date", settings_.host->date())};
    for (const Header& header : ours.all()) headers.push_back(name_value(header.name, header.value));
    // A status alone comes as one block of headers.
    const bool status_alone = stream.output.empty() && stream.output.trailers();
    if (status_alone) {
      for (const Header& header : stream.output.trailers()->all()) {
        headers.push_back(name_value(header.name, header.value));
      }
    }
    nghttp2_data_provider provider{};
    provider.read_callback = on_read;
    nghttp2_submit_response(session_, id, headers.data(), headers.size(), status_alone ? nullptr : &provider);
  }

  ssize_t read_output(RequestId id, Stream& stream, MutableByteView out, std::uint32_t* flags) {
    const std::size_t size = stream.output.read(out);
    stream.input->taken(now_, size);
    stream.deadline = now_ + limits_.write_time.ms;
    if (!stream.output.empty()) return static_cast<ssize_t>(size);
    if (stream.output.trailers()) {
      *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
      submit_trailers(id, *stream.output.trailers());
      return static_cast<ssize_t>(size);
    }
    stream.deadline = kNever;
    if (size == 0) return NGHTTP2_ERR_DEFERRED;
    return static_cast<ssize_t>(size);
  }

  void submit_trailers(RequestId id, const Headers& trailers) {
    std::vector<nghttp2_nv> fields;
    for (const Header& header : trailers.all()) fields.push_back(name_value(header.name, header.value));
    nghttp2_submit_trailer(session_, id, fields.data(), fields.size());
  }

  void add_body(RequestId id, Stream& stream, ByteView bytes) {
    if (stream.input) return stream.input->bytes(now_, bytes);
    if (stream.phase == Stream::Phase::kAnswering) {
      stream.discarded += bytes.size();
      if (stream.answered && stream.discarded > kLingerBytes) stop_upload(id, stream);
    }
    if (stream.phase != Stream::Phase::kBody) return;
    if (stream.request.body.size() + bytes.size() > limits_.body_bytes) {
      return refuse(id, stream, 413, Refusal::kBody);
    }
    if (!settings_.bodies->take(bytes.size())) return refuse(id, stream, 503, Refusal::kBodiesInFlight);
    stream.reserved += bytes.size();
    append(stream.request.body, bytes);
  }

  void dispatch(RequestId id, Stream& stream) {
    if (stream.input) return stream.input->ended(now_);
    if (stream.phase != Stream::Phase::kBody || failed_) return;
    if (outstanding_ >= limits_.streams) return refuse(id, stream, 503, Refusal::kUnfinished);
    stream.phase = Stream::Phase::kHandling;
    stream.deadline = now_ + limits_.answer_time.ms;
    if (++requests_ >= limits_.requests_per_connection) drain_now();
    auto response = settings_.host->handle(id, stream.request);
    if (response) {
      respond(id, stream, std::move(*response));
    } else {
      ++outstanding_;
    }
  }

  void respond(RequestId id, Stream& stream, Response response) {
    stream.phase = Stream::Phase::kAnswering;
    stream.deadline = now_ + limits_.write_time.ms;
    stream.response = sendable(std::move(response));
    settings_.bodies->give_back(std::exchange(stream.reserved, 0));
    stream.request.body = {};
    const unsigned status = stream.response.status;
    const std::string status_text = std::to_string(status);
    const std::string length = std::to_string(stream.response.body.size());
    std::vector<nghttp2_nv> headers{name_value(":status", status_text), name_value("date", settings_.host->date())};
    for (const Header& header : stream.response.headers.all()) headers.push_back(name_value(header.name, header.value));
    const bool may_have_body = status != 204 && status != 304;
    if (may_have_body && stream.response.trailers.all().empty())
      headers.push_back(name_value("content-length", length));
    const bool has_body = may_have_body && stream.request.method != "HEAD" &&
                          !(stream.response.body.empty() && stream.response.trailers.all().empty());
    nghttp2_data_provider provider{};
    provider.read_callback = on_read;
    const int result =
        nghttp2_submit_response(session_, id, headers.data(), headers.size(), has_body ? &provider : nullptr);
    if (result != 0) nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_INTERNAL_ERROR);
  }

  ssize_t read_body(RequestId id, Stream& stream, MutableByteView out, std::uint32_t* flags) {
    const ByteView rest = ByteView(stream.response.body).subspan(stream.sent);
    const std::size_t size = std::min(rest.size(), out.size());
    std::copy_n(rest.begin(), size, out.begin());
    stream.sent += size;
    stream.deadline = now_ + limits_.write_time.ms;
    if (size < rest.size()) return static_cast<ssize_t>(size);
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!stream.response.trailers.all().empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      submit_trailers(id, stream.response.trailers);
    }
    return static_cast<ssize_t>(size);
  }

  Stream* find(RequestId id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : &found->second;
  }

  void received(const nghttp2_frame& frame) {
    Stream* stream = find(frame.hd.stream_id);
    const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame.hd.type) {
      case NGHTTP2_HEADERS:
        if (stream == nullptr) return;
        stream->input_done = ends;
        if (frame.headers.cat == NGHTTP2_HCAT_REQUEST) finish_head(frame.hd.stream_id, *stream);
        if (ends) dispatch(frame.hd.stream_id, *stream);
        return;
      case NGHTTP2_DATA:
        if (stream == nullptr || !ends) return;
        stream->input_done = true;
        return dispatch(frame.hd.stream_id, *stream);
      default: return;
    }
  }

  // Every frame counts, also those that nghttp2 passes over in silence.
  void begun(const nghttp2_frame_hd& head) {
    const bool ends = (head.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (head.type) {
      case NGHTTP2_HEADERS:
      case NGHTTP2_CONTINUATION: return;  // nghttp2 limits the number of these to a block
      case NGHTTP2_DATA:
        if (head.length == 0 && !ends) count_control();
        return;
      case NGHTTP2_RST_STREAM: return count_reset();
      default: return count_control();
    }
  }

  void sent(const nghttp2_frame& frame) {
    if (frame.hd.type == NGHTTP2_RST_STREAM && frame.rst_stream.error_code != NGHTTP2_NO_ERROR) count_reset();
    if (frame.hd.type != NGHTTP2_DATA && frame.hd.type != NGHTTP2_HEADERS) return;
    control_.credit(2);  // updates of windows come with answers
    Stream* stream = find(frame.hd.stream_id);
    const bool ends = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    if (!ends || stream == nullptr || stream->input_done) return;
    if (stream->input) return stop_upload(frame.hd.stream_id, *stream);
    // Some clients look for the answer only when their upload is done: for a while it is taken and thrown away.
    stream->answered = true;
    stream->deadline = now_ + limits_.write_time.ms;
  }

  // RFC 9113 8.1: answered before the request was complete, the rest isn't wanted.
  void stop_upload(RequestId id, Stream& stream) {
    stream.deadline = kNever;
    stream.answered = false;
    nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
  }

  static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    Self& self = *static_cast<Self*>(data);
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    self.streams_[frame->hd.stream_id].deadline = self.now_ + self.limits_.header_time.ms;
    return 0;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
                       const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* data) {
    Self& self = *static_cast<Self*>(data);
    Stream* stream = self.find(frame->hd.stream_id);
    if (stream == nullptr || stream->phase != Stream::Phase::kHead) return 0;  // trailers are dropped
    const bool bearable = stream->add_header(self.limits_, view(name, name_size), view(value, value_size));
    if (!bearable && !self.failed_) self.give_up(Refusal::kFlood, NGHTTP2_ENHANCE_YOUR_CALM);
    return 0;
  }

  static int on_begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* data) {
    static_cast<Self*>(data)->begun(*head);
    return 0;
  }

  static int on_frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    static_cast<Self*>(data)->received(*frame);
    return 0;
  }

  static int on_data_chunk_recv(nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                                std::size_t size, void* data) {
    Self& self = *static_cast<Self*>(data);
    if (Stream* stream = self.find(id)) self.add_body(id, *stream, {bytes, size});
    return 0;
  }

  static int on_stream_close(nghttp2_session*, std::int32_t id, std::uint32_t, void* data) {
    Self& self = *static_cast<Self*>(data);
    const auto found = self.streams_.find(id);
    if (found == self.streams_.end()) return 0;
    self.settings_.bodies->give_back(found->second.reserved);
    if (found->second.input) --self.streaming_;
    self.streams_.erase(found);
    self.idle_since_ = self.now_;
    return 0;
  }

  static int on_frame_send(nghttp2_session*, const nghttp2_frame* frame, void* data) {
    static_cast<Self*>(data)->sent(*frame);
    return 0;
  }

  static int on_invalid_frame(nghttp2_session*, const nghttp2_frame*, int, void* data) {
    static_cast<Self*>(data)->settings_.host->refused(Refusal::kMalformed);
    return 0;
  }

  static ssize_t on_read(nghttp2_session*, std::int32_t id, std::uint8_t* out, std::size_t size, std::uint32_t* flags,
                         nghttp2_data_source*, void* data) {
    Self& self = *static_cast<Self*>(data);
    Stream* stream = self.find(id);
    if (stream == nullptr) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return stream->input ? self.read_output(id, *stream, {out, size}, flags)
                         : self.read_body(id, *stream, {out, size}, flags);
  }

  const SessionSettings settings_;
  const Limits& limits_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<RequestId, Stream> streams_;
  Bucket resets_;
  Bucket control_;
  Ticks now_;
  Ticks idle_since_;
  Ticks heard_;           // the last bytes from the peer
  Ticks asked_ = kNever;  // whether it is there, since then
  std::uint32_t streaming_ = 0;
  std::uint32_t outstanding_ = 0;
  std::uint32_t requests_ = 0;
  bool draining_ = false;
  bool input_ended_ = false;
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<Session> new_http2_session(const SessionSettings& settings, Ticks now, Buffer& out) {
  return std::make_unique<Http2Session>(settings, now, out);
}

}  // namespace cloister::net
