#include "net/observed_http2.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <charconv>

namespace cloister::net {

struct SessionFree {
  void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
};

struct ObservedHttp2::State {
  std::unique_ptr<nghttp2_session, SessionFree> session;
  Http2Answer answer;
  Bytes body;
  std::size_t body_sent = 0;
  std::int32_t stream = -1;
  bool over = false;
};

namespace {

using State = ObservedHttp2::State;

State& state_of(void* data) { return *static_cast<State*>(data); }

std::string_view view(const std::uint8_t* bytes, std::size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name, std::size_t name_size,
              const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* data) {
  State& state = state_of(data);
  if (frame->hd.stream_id != state.stream) return 0;
  const std::string_view word = view(name, name_size);
  const std::string_view text = view(value, value_size);
  if (word == ":status") std::from_chars(text.data(), text.data() + text.size(), state.answer.status);
  if (state.answer.headers.size() < ObservedHttp2::kHeadersMax) state.answer.headers.emplace_back(word, text);
  return 0;
}

int on_data(nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* bytes, std::size_t size, void* data) {
  State& state = state_of(data);
  const std::size_t room = ObservedHttp2::kBodyMax - state.answer.body.size();
  const std::size_t taken = std::min(room, size);
  state.answer.body.insert(state.answer.body.end(), bytes, bytes + taken);
  if (taken < size) state.over = true;
  return 0;
}

int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* data) {
  State& state = state_of(data);
  if (frame->hd.type == NGHTTP2_SETTINGS) state.answer.speaks = true;
  if (frame->hd.type == NGHTTP2_GOAWAY) state.over = true;
  return 0;
}

int on_close(nghttp2_session*, std::int32_t stream, std::uint32_t, void* data) {
  State& state = state_of(data);
  if (stream == state.stream) state.over = true;
  return 0;
}

ssize_t read_body(nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size, std::uint32_t* flags,
                  nghttp2_data_source* source, void*) {
  State& state = state_of(source->ptr);
  const std::size_t count = std::min(size, state.body.size() - state.body_sent);
  std::copy_n(state.body.data() + state.body_sent, count, out);
  state.body_sent += count;
  if (state.body_sent == state.body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
  return static_cast<ssize_t>(count);
}

nghttp2_nv pair_of(const std::string& name, const std::string& value) {
  // nghttp2 copies both; its C interface knows no const.
  return {reinterpret_cast<std::uint8_t*>(const_cast<char*>(name.data())),
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
          NGHTTP2_NV_FLAG_NONE};
}

bool start(State& state) {
  nghttp2_session_callbacks* callbacks = nullptr;
  CLOISTER_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
  nghttp2_session* session = nullptr;
  const int made = nghttp2_session_client_new(&session, callbacks, &state);
  nghttp2_session_callbacks_del(callbacks);
  state.session.reset(session);
  const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                             {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, 65'536}};
  return made == 0 && nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings)) == 0;
}

}  // namespace

ObservedHttp2::ObservedHttp2(std::unique_ptr<State> state) : state_(std::move(state)) {}
ObservedHttp2::~ObservedHttp2() = default;

Result<std::unique_ptr<ObservedHttp2>> ObservedHttp2::create(const Http2Question& question) {
  auto state = std::make_unique<State>();
  state->body = question.body;
  const HeaderList fixed{{":method", question.method},
                         {":scheme", question.scheme},
                         {":authority", question.authority},
                         {":path", question.path}};
  std::vector<nghttp2_nv> pairs;
  for (const auto& [name, value] : fixed) pairs.push_back(pair_of(name, value));
  for (const auto& [name, value] : question.headers) pairs.push_back(pair_of(name, value));
  nghttp2_data_provider provider{};
  provider.source.ptr = state.get();
  provider.read_callback = read_body;
  if (!start(*state)) return Error(Code::kInternal, "start HTTP/2 failed");
  state->stream = nghttp2_submit_request(state->session.get(), nullptr, pairs.data(), pairs.size(),
                                         question.body.empty() ? nullptr : &provider, nullptr);
  if (state->stream < 0) return Error(Code::kInvalid, "a question can't be sent over HTTP/2");
  return std::unique_ptr<ObservedHttp2>(new ObservedHttp2(std::move(state)));
}

Result<Bytes> ObservedHttp2::output() {
  Bytes out;
  for (;;) {
    const std::uint8_t* bytes = nullptr;
    const ssize_t size = nghttp2_session_mem_send(state_->session.get(), &bytes);
    if (size < 0) return Error(Code::kInvalid, nghttp2_strerror(static_cast<int>(size)));
    if (size == 0) return out;
    out.insert(out.end(), bytes, bytes + size);
  }
}

Status ObservedHttp2::put(ByteView bytes) {
  const ssize_t taken = nghttp2_session_mem_recv(state_->session.get(), bytes.data(), bytes.size());
  if (taken < 0) return Error(Code::kInvalid, nghttp2_strerror(static_cast<int>(taken)));
  return {};
}

bool ObservedHttp2::over() const { return state_->over || nghttp2_session_want_read(state_->session.get()) == 0; }
const Http2Answer& ObservedHttp2::answer() const { return state_->answer; }

}  // namespace cloister::net
