// Requests, responses and key configurations of Oblivious HTTP of any bytes, and the binary HTTP that they carry.
#include <vector>

#include "net/binary_response_stream.h"
#include "net/ohttp.h"
#include "net/padded_content.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/value_of.h"

using namespace cloister;
using testing::value_of;

namespace {

constexpr std::size_t kMax = 4096;

struct Ends {
  testing::DeterministicRandom random{1};
  crypto::HpkePrivateKey private_key = crypto::HpkePrivateKey::generate(crypto::HpkeKem::kX25519, random);
  net::OhttpKey key{1, private_key.public_key(), {crypto::HpkeAead::kAes128Gcm}};
};

void read_binary(ByteView input) {
  const net::BinaryHttpLimits limits{.content_bytes = kMax};
  const auto request = net::parse_binary_request(input, limits);
  if (request.ok()) {
    CLOISTER_CHECK(request->content.size() <= kMax && request->path.starts_with('/'));
    const auto again = net::parse_binary_request(net::encode_binary_request(*request), limits);
    CLOISTER_CHECK(again.ok() && again->content == request->content && again->path == request->path);
  }
  const auto response = net::parse_binary_response(input, limits);
  if (response.ok()) {
    CLOISTER_CHECK(response->status >= 200 && response->body.size() <= kMax);
    CLOISTER_CHECK(net::parse_binary_response(net::encode_binary_response(*response), limits).ok());
  }
}

// As it comes, in pieces of a size: what it takes is what the parser of whole messages reads.
void read_streams(ByteView input) {
  const std::size_t piece = input.empty() ? 1 : 1 + input.back() % 16;
  const net::BinaryHttpLimits limits{.content_bytes = kMax};
  net::BinaryResponseStream stream(limits);
  net::PaddedReader padding;
  net::Buffer content, unpadded;
  bool good = true, padded = true;
  for (std::size_t at = 0; good && at < input.size(); at += piece) {
    const ByteView bytes = input.subspan(at, std::min(piece, input.size() - at));
    good = stream.put(bytes, content).ok();
    padded = padded && padding.put(bytes, unpadded).ok();
  }
  CLOISTER_CHECK(content.size() <= kMax && unpadded.size() <= input.size());
  if (!good || !stream.finish().ok()) return;
  const auto whole = net::parse_binary_response(input, limits);
  CLOISTER_CHECK(whole.ok() && whole->body == content && whole->status == stream.response().status);
  CLOISTER_CHECK(whole->trailers.all().size() == stream.response().trailers.all().size());
}

// A response to a request of ours, of any bytes.
void open_response(const net::OhttpSender& sender, ByteView input) {
  net::OhttpOpener opener = sender.opener();
  net::Buffer out;
  const std::size_t half = input.size() / 2;
  const bool good = opener.put(input.first(half), out).ok() && opener.put(input.subspan(half), out).ok();
  CLOISTER_CHECK(!good || !opener.finish(out).ok());
  CLOISTER_CHECK(out.empty() && !sender.open(input, kMax).ok());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Ends ends;
  const ByteView input(data, size);
  for (const net::OhttpForm form : {net::OhttpForm::kWhole, net::OhttpForm::kChunked}) {
    auto receiver = net::OhttpReceiver::create(ends.key, ends.private_key, form, input);
    if (receiver.ok()) {
      const auto opened = receiver->open(kMax);
      CLOISTER_CHECK(!opened.ok() || opened->plaintext.size() <= kMax);
    }
  }
  const auto key = net::parse_ohttp_key(input);
  if (key.ok()) CLOISTER_CHECK(!key->aeads.empty());
  ignore_result(net::parse_ohttp_keys(input));
  read_binary(input);
  read_streams(input);
  static const net::OhttpSender sender = [] {
    testing::DeterministicRandom random{2};
    return value_of(net::OhttpSender::create(ends.key, net::OhttpForm::kChunked, random));
  }();
  open_response(sender, input);
  return 0;
}

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  Ends ends;
  net::BinaryRequest request{"POST", "https", "a", "/b", {{"c", "d"}}, net::to_buffer("content"), {{"e", "f"}}};
  const net::Buffer inner = net::encode_binary_request(request, 64);
  seeds->push_back(to_bytes(inner));
  seeds->push_back(to_bytes(net::encode_binary_response({200, {{"c", "d"}}, net::to_buffer("content"), {}})));
  net::Buffer in_pieces = net::encode_binary_stream_head({200, {{"c", "d"}}, {}, {}});
  net::append(in_pieces, net::padded_chunk(as_bytes("content"), 64));
  net::append(in_pieces, net::encode_binary_stream_end({{"e", "f"}}, 64));
  seeds->push_back(to_bytes(in_pieces));
  seeds->push_back(net::encode_ohttp_key(ends.key));
  seeds->push_back(net::encode_ohttp_keys({ends.key, ends.key}));
  for (const net::OhttpForm form : {net::OhttpForm::kWhole, net::OhttpForm::kChunked}) {
    net::OhttpSender sender = value_of(net::OhttpSender::create(ends.key, form, ends.random));
    net::Buffer out;
    if (form == net::OhttpForm::kChunked) sender.seal(inner, net::Last::kNo, out);
    sender.seal(inner, net::Last::kYes, out);
    seeds->push_back(to_bytes(out));
  }
}
