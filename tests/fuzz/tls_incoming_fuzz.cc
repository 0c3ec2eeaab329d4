// Bytes of a hostile TLS or SSLv2 server: whatever comes, records and messages stay within their limits, and the same
// bytes in one piece or in crumbs say the same.
#include <algorithm>
#include <vector>

#include "probe/tls/bytes.h"
#include "probe/tls/incoming.h"
#include "probe/tls/names.h"

using namespace cloister;
using namespace cloister::probe;

namespace {

std::vector<Incoming> read_all(Expect expect, ByteView bytes, std::size_t piece) {
  Assembler assembler(expect);
  std::vector<Incoming> all;
  for (std::size_t offset = 0; offset < bytes.size(); offset += piece) {
    assembler.feed(bytes.subspan(offset, std::min(piece, bytes.size() - offset)));
    while (auto one = assembler.next()) {
      const bool ended = one->kind == Incoming::Kind::kNotTls || one->kind == Incoming::Kind::kTooMuch;
      CLOISTER_CHECK(one->body.size() <= kMessageMax);
      all.push_back(std::move(*one));
      if (ended) return all;
    }
  }
  return all;
}

void read_messages(const Incoming& incoming) {
  const ByteView body = incoming.body;
  if (const auto hello = parse_server_hello(body); hello.ok()) ignore_result(hello->downgrade_mark());
  ignore_result(parse_certificates(body));
  for (const auto exchange : {KeyExchange::kDhe, KeyExchange::kEcdhe}) {
    for (const auto is_signed : {Signed::kYes, Signed::kNo}) {
      ignore_result(parse_server_key_exchange(body, exchange, kTls12, is_signed));
      ignore_result(parse_server_key_exchange(body, exchange, kTls10, is_signed));
    }
  }
  ignore_result(parse_session_ticket(body));
  ignore_result(parse_sslv2_server_hello(body));
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  TlsWriter hello;
  hello.u16(kTls12).bytes(Bytes(32, 1)).vector8(Bytes(32, 2)).u16(0x1302).u8(0);
  hello.vector16(TlsWriter().u16(43).vector16(Bytes{3, 4}).u16(51).vector16(Bytes{0x11, 0xec}).view());
  const Bytes message = TlsWriter().u8(2).vector24(hello.view()).take();
  Bytes stream = record(RecordType::kHandshake, kTls12, message);
  const Bytes alert = record(RecordType::kAlert, kTls12, Bytes{2, 40});
  stream.insert(stream.end(), alert.begin(), alert.end());
  seeds->push_back(stream);
  TlsWriter old;
  old.u8(4).u8(0).u8(1).u16(2).u16(2).u16(6).u16(1).bytes(Bytes{0x30, 0}).bytes(Bytes{1, 0, 0x80, 7, 0, 0xc0}).u8(9);
  seeds->push_back(TlsWriter().u16(static_cast<std::uint16_t>(0x8000 | old.view().size())).bytes(old.view()).take());
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView bytes(data, std::min<std::size_t>(size, 4096));
  for (const Expect expect : {Expect::kTls, Expect::kSslv2}) {
    const auto whole = read_all(expect, bytes, std::max<std::size_t>(bytes.size(), 1));
    const auto crumbs = read_all(expect, bytes, 1);
    for (const Incoming& one : whole) read_messages(one);
    if (expect == Expect::kSslv2) continue;  // there the first bytes that are there decide whose framing it is
    CLOISTER_CHECK(whole.size() == crumbs.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
      CLOISTER_CHECK(whole[i].kind == crumbs[i].kind && whole[i].type == crumbs[i].type);
      const bool shown = whole[i].kind == Incoming::Kind::kNotTls;
      CLOISTER_CHECK(shown || whole[i].body == crumbs[i].body);
    }
  }
  return 0;
}
