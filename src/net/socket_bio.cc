#include "net/socket_bio.h"

#include <sys/socket.h>

#include <cerrno>
#include <cstdint>

namespace cloister::net {
namespace {

SocketOutput& output_of(BIO* bio) { return *static_cast<SocketOutput*>(BIO_get_data(bio)); }

bool try_again(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

int read_some(BIO* bio, char* out, std::size_t size, std::size_t* read) {
  BIO_clear_retry_flags(bio);
  const ssize_t count = ::recv(output_of(bio).socket, out, size, 0);
  if (count > 0) {
    *read = static_cast<std::size_t>(count);
    return 1;
  }
  if (count < 0 && try_again(errno)) BIO_set_retry_read(bio);
  if (count == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return 0;
}

int keep_some(SocketOutput& output, ByteView bytes, std::size_t* written) {
  if (output.gathered != nullptr) {
    output.gathered->insert(output.gathered->end(), bytes.begin(), bytes.end());
  } else if (!output.unsent.empty()) {
    output.unsent.insert(output.unsent.end(), bytes.begin(), bytes.end());
  } else if (output.send(bytes) == SocketOutput::Sent::kFailed) {
    return 0;
  }
  *written = bytes.size();
  return 1;
}

int write_some(BIO* bio, const char* bytes, std::size_t size, std::size_t* written) {
  BIO_clear_retry_flags(bio);
  SocketOutput& output = output_of(bio);
  if (output.keep) return keep_some(output, {reinterpret_cast<const std::uint8_t*>(bytes), size}, written);
  const ssize_t count = ::send(output.socket, bytes, size, MSG_NOSIGNAL);
  if (count > 0) {
    *written = static_cast<std::size_t>(count);
    return 1;
  }
  if (count < 0 && try_again(errno)) BIO_set_retry_write(bio);
  return 0;
}

long control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
    default: return 0;
  }
}

BIO_METHOD* make_method() {
  BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without SIGPIPE");
  if (method == nullptr) return nullptr;
  BIO_meth_set_read_ex(method, read_some);
  BIO_meth_set_write_ex(method, write_some);
  BIO_meth_set_ctrl(method, control);
  return method;
}

}  // namespace

SocketOutput::Sent SocketOutput::send(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && !try_again(errno)) return Sent::kFailed;
    if (count < 0) {
      unsent.insert(unsent.end(), bytes.begin(), bytes.end());
      return Sent::kLater;
    }
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return Sent::kAll;
}

SocketOutput::Sent SocketOutput::flush() {
  Bytes rest;
  rest.swap(unsent);
  return send(rest);
}

BIO* new_socket_bio(SocketOutput& output) {
  static BIO_METHOD* const method = make_method();
  BIO* bio = method == nullptr ? nullptr : BIO_new(method);
  if (bio == nullptr) return nullptr;
  BIO_set_data(bio, &output);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace cloister::net
