#include "worker/inference/streamed_answer.h"

namespace cloister::worker {
namespace {

Error nobody_takes_it() { return Error(Code::kUnavailable, "whoever asked has gone"); }

}  // namespace

Status StreamedAnswer::send(net::Buffer sealed) {
  return writer_.write(std::move(sealed)) ? Status() : Status(nobody_takes_it());
}

Status StreamedAnswer::wait() {
  if (!may_go_on_()) return Error(Code::kExpired, "this worker may not use the model any more");
  return writer_.gone() ? Status(nobody_takes_it()) : Status();
}

Status StreamedAnswer::begin(const net::Response& head) {
  CLOISTER_RETURN_IF_ERROR(wait());
  begun_ = true;
  net::Buffer out;
  sealed_.begin(head, out);
  return send(std::move(out));
}

Status StreamedAnswer::take(ByteView piece) {
  CLOISTER_RETURN_IF_ERROR(wait());
  net::Buffer out;
  sealed_.piece(piece, out);
  return send(std::move(out));
}

Status StreamedAnswer::whole(net::Response response) {
  net::Buffer out;
  sealed_.whole(std::move(response), out);
  return send(std::move(out));
}

Status StreamedAnswer::end(const net::Headers& trailers) {
  net::Buffer out;
  sealed_.end(trailers, out);
  CLOISTER_RETURN_IF_ERROR(send(std::move(out)));
  writer_.finish();
  return {};
}

}  // namespace cloister::worker
