#include "worker/inference/sealed_answer.h"

#include <algorithm>
#include <functional>

#include "net/binary_response_stream.h"
#include "net/padded_content.h"
#include "net/varint.h"

namespace cloister::worker {
namespace {

constexpr std::size_t kChunkSize = 16 << 10;
constexpr std::string_view kPaddingField = "padding";

// Fills the head's field of padding until `size_of` it is a multiple of kAnswerPadding.
net::Response padded(const net::Response& head, const std::function<std::size_t(const net::Response&)>& size_of) {
  const auto with = [&head](const std::string& zeros) {
    net::Response out = head;
    out.headers.add(std::string(kPaddingField), zeros);
    return out;
  };
  std::string zeros((kAnswerPadding - size_of(with("")) % kAnswerPadding) % kAnswerPadding, '0');
  // A longer field may need a longer length before it.
  while (size_of(with(zeros)) % kAnswerPadding != 0) zeros.push_back('0');
  return with(zeros);
}

// Head and content end at a multiple of kAnswerPadding.
net::Buffer padded_head(net::Response response) {
  net::Buffer content = std::exchange(response.body, {});
  // What the content adds to a head that is written without it: the length, longer than that of nothing, and itself.
  const std::size_t added = net::varint_size(content.size()) - net::varint_size(0) + content.size();
  net::Response whole = padded(
      response, [added](const net::Response& head) { return net::encode_binary_response_head(head).size() + added; });
  whole.body = std::move(content);
  return net::encode_binary_response_head(whole);
}

}  // namespace

void SealedAnswer::seal(ByteView plaintext, net::Last last, net::Buffer& out) {
  const std::size_t before = out.size();
  responder_.seal(plaintext, last, out);
  if (last == net::Last::kNo) digest_.update(ByteView(out).subspan(before));
}

void SealedAnswer::whole(net::Response inner, net::Buffer& out) {
  const net::Buffer head = padded_head(std::move(inner));
  for (std::size_t at = 0; at < head.size(); at += kChunkSize) {
    const ByteView rest = ByteView(head).subspan(at);
    seal(rest.first(std::min(kChunkSize, rest.size())), net::Last::kNo, out);
  }
}

void SealedAnswer::begin(net::Response head, net::Buffer& out) {
  in_pieces_ = true;
  head.headers.add("content-encoding", std::string(net::kPaddedCoding));
  const net::Response whole =
      padded(head, [](const net::Response& one) { return net::encode_binary_stream_head(one).size(); });
  seal(net::encode_binary_stream_head(whole), net::Last::kNo, out);
}

void SealedAnswer::piece(ByteView content, net::Buffer& out) {
  while (!content.empty()) {
    const ByteView one = content.first(std::min(content.size(), net::kPaddedContentMax));
    seal(net::padded_chunk(one, kAnswerPadding), net::Last::kNo, out);
    content = content.subspan(one.size());
  }
}

void SealedAnswer::end(const net::Headers& trailers, net::Buffer& out) {
  const net::Buffer last = in_pieces_ ? net::encode_binary_stream_end(trailers, kAnswerPadding)
                                      : net::encode_binary_trailers(trailers, kAnswerPadding);
  seal(last, net::Last::kYes, out);
}

}  // namespace cloister::worker
