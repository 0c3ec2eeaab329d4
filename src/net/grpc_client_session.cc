#include "net/grpc_client_session.h"

#include "net/nghttp2_memory.h"

namespace cloister::net {
namespace {

constexpr std::uint32_t kStreamWindow = 256 << 10;
// Frames that bring no message on, as a bucket that refills.
constexpr std::uint32_t kFramesBurst = 1000;
constexpr std::uint32_t kFramesPerSecond = 100;

// doc/http-grpc-status-mapping.md: for what stands between us and the server.
GrpcCode code_of_http(std::string_view status) {
  if (status == "400") return GrpcCode::kInternal;
  if (status == "401") return GrpcCode::kUnauthenticated;
  if (status == "403") return GrpcCode::kPermissionDenied;
  if (status == "404") return GrpcCode::kUnimplemented;
  if (status == "429" || status == "502" || status == "503" || status == "504") return GrpcCode::kUnavailable;
  return GrpcCode::kUnknown;
}

GrpcCode code_of_reset(std::uint32_t error) {
  switch (error) {
    case NGHTTP2_REFUSED_STREAM: return GrpcCode::kUnavailable;
    case NGHTTP2_CANCEL: return GrpcCode::kCancelled;
    case NGHTTP2_ENHANCE_YOUR_CALM: return GrpcCode::kResourceExhausted;
    case NGHTTP2_INADEQUATE_SECURITY: return GrpcCode::kPermissionDenied;
    default: return GrpcCode::kInternal;
  }
}

}  // namespace

GrpcClientSession::GrpcClientSession(const GrpcClientOptions& options, const GrpcRequest& request, const Origin& origin)
    : options_(options),
      request_(framed(request.message)),
      reader_(options.message_bytes),
      frames_(kFramesBurst, kFramesPerSecond) {
  start(request, origin);
}

GrpcClientSession::~GrpcClientSession() { nghttp2_session_del(session_); }

void GrpcClientSession::start(const GrpcRequest& request, const Origin& origin) {
  nghttp2_session_callbacks* callbacks = nullptr;
  nghttp2_option* option = nullptr;
  CLOISTER_CHECK(nghttp2_session_callbacks_new(&callbacks) == 0 && nghttp2_option_new(&option) == 0);
  nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks,
                                                        [](nghttp2_session*, const nghttp2_frame_hd* head, void* data) {
                                                          if (head->type != NGHTTP2_DATA || head->length == 0)
                                                            static_cast<Self*>(data)->count_frame();
                                                          return 0;
                                                        });
  nghttp2_session_callbacks_set_on_header_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name, std::size_t name_size,
                    const std::uint8_t* value, std::size_t value_size, std::uint8_t, void* data) {
        static_cast<Self*>(data)->add_header(view(name, name_size), view(value, value_size));
        return 0;
      });
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* data) {
        const bool ends = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
        if (frame->hd.type == NGHTTP2_HEADERS) static_cast<Self*>(data)->finish_headers(ends);
        return 0;
      });
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks,
      [](nghttp2_session*, std::uint8_t, std::int32_t, const std::uint8_t* bytes, std::size_t size, void* data) {
        static_cast<Self*>(data)->add_data({bytes, size});
        return 0;
      });
  nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, std::int32_t, std::uint32_t error, void* data) {
        static_cast<Self*>(data)->end(error);
        return 0;
      });
  nghttp2_option_set_max_outbound_ack(option, 100);
  nghttp2_option_set_max_continuations(option, 8);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_mem memory = wiping_memory();
  CLOISTER_CHECK(nghttp2_session_client_new3(&session_, callbacks, this, option, &memory) == 0);
  nghttp2_option_del(option);
  nghttp2_session_callbacks_del(callbacks);
  const nghttp2_settings_entry entries[] = {
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<std::uint32_t>(options_.header_bytes)},
  };
  CLOISTER_CHECK(nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries, std::size(entries)) == 0);
  std::vector<nghttp2_nv> fields{name_value(":method", "POST"),
                                 name_value(":scheme", origin.scheme),
                                 name_value(":path", request.method),
                                 name_value(":authority", origin.authority),
                                 name_value("te", "trailers"),
                                 name_value("content-type", "application/grpc"),
                                 name_value("grpc-accept-encoding", "identity"),
                                 name_value("user-agent", "cloister")};
  for (const Header& header : request.metadata.all()) fields.push_back(name_value(header.name, header.value));
  nghttp2_data_provider provider{};
  provider.read_callback = [](nghttp2_session*, std::int32_t, std::uint8_t* out, std::size_t size, std::uint32_t* flags,
                              nghttp2_data_source*, void* data) -> ssize_t {
    Self& self = *static_cast<Self*>(data);
    const ByteView rest = ByteView(self.request_).subspan(self.sent_);
    const std::size_t count = std::min(rest.size(), size);
    std::copy_n(rest.begin(), count, out);
    self.sent_ += count;
    if (count == rest.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  };
  const std::int32_t id = nghttp2_submit_request(session_, nullptr, fields.data(), fields.size(), &provider, nullptr);
  if (id < 0) fail(Code::kInvalid, "the request can't be sent");
}

void GrpcClientSession::fail(Code code, std::string what) {
  if (failure_.ok()) failure_ = Error(code, std::move(what));
}

void GrpcClientSession::count_frame() {
  if (!frames_.take(now_)) fail(Code::kInvalid, "the server sends too many frames without a message");
}

Status GrpcClientSession::feed(Ticks now, ByteView bytes) {
  now_ = now;
  if (failure_.ok() && nghttp2_session_mem_recv(session_, bytes.data(), bytes.size()) < 0) {
    fail(Code::kInvalid, "the server doesn't speak HTTP/2");
  }
  if (failure_.ok() && !end_ && nghttp2_session_want_read(session_) == 0 && nghttp2_session_want_write(session_) == 0) {
    fail(Code::kUnavailable, "the server ended the connection");
  }
  return failure_;
}

Buffer GrpcClientSession::output() {
  Buffer out;
  for (;;) {
    const std::uint8_t* data = nullptr;
    const ssize_t size = nghttp2_session_mem_send(session_, &data);
    if (size < 0) fail(Code::kInvalid, "the server's frames can't be answered");
    if (size <= 0) return out;
    append(out, ByteView(data, static_cast<std::size_t>(size)));
  }
}

void GrpcClientSession::ping() { nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, nullptr); }

void GrpcClientSession::add_header(std::string_view name, std::string_view value) {
  block_bytes_ += name.size() + value.size() + 4;
  if (block_bytes_ > options_.header_bytes || block_.all().size() >= options_.header_count) {
    return fail(Code::kInvalid, "the server's headers are too large");
  }
  if (name == ":status") {
    status_ = value;
  } else {
    block_.add(std::string(name), std::string(value));
  }
}

void GrpcClientSession::finish_headers(bool ends) {
  const Headers block = std::exchange(block_, {});
  const std::string status = std::exchange(status_, {});
  block_bytes_ = 0;
  if (status.starts_with('1') || status_of_call_) return;
  if (!headers_done_) {
    headers_done_ = true;
    const std::string* type = block.find("content-type");
    if (status != "200" || type == nullptr || !type->starts_with("application/grpc")) {
      status_of_call_ = GrpcStatus{code_of_http(status), "the server answers in HTTP, with status " + status};
      return;
    }
  }
  if (!ends) return;
  status_of_call_ =
      read_grpc_trailers(block).value_or(GrpcStatus{GrpcCode::kUnknown, "the server ends the call without a status"});
}

void GrpcClientSession::add_data(ByteView bytes) {
  while (!bytes.empty() && failure_.ok() && !status_of_call_) {
    std::optional<Buffer> message;
    const GrpcStatus status = reader_.take(bytes, message);
    if (status.code != GrpcCode::kOk) return fail(Code::kInvalid, "the server's answer: " + status.text);
    if (message) messages_.push_back(std::move(*message));
  }
}

void GrpcClientSession::end(std::uint32_t error) {
  if (end_) return;
  if (status_of_call_) {
    end_ = std::move(status_of_call_);
  } else if (error != NGHTTP2_NO_ERROR) {
    end_ = GrpcStatus{code_of_reset(error), "the server reset the call"};
  } else {
    end_ = GrpcStatus{GrpcCode::kUnknown, "the server ends the call without a status"};
  }
  if (end_->code == GrpcCode::kOk && reader_.held() > 0) fail(Code::kInvalid, "the answer ends within a message");
}

std::optional<GrpcEvent> GrpcClientSession::take() {
  if (!messages_.empty()) {
    GrpcEvent event = std::move(messages_.front());
    messages_.pop_front();
    return event;
  }
  if (end_) return GrpcEvent(*end_);
  return std::nullopt;
}

}  // namespace cloister::net
