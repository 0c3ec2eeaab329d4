// Records of hostile servers: endless, empty, oversized, in crumbs, or no records at all.
#include "probe/tls/incoming.h"

#include <gtest/gtest.h>

#include "probe/tls/bytes.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

using Kind = Incoming::Kind;

Bytes message(std::uint8_t type, ByteView body) { return TlsWriter().u8(type).vector24(body).take(); }

Bytes in_record(ByteView body) { return record(RecordType::kHandshake, kTls12, body); }

TEST(Incoming, MessageInCrumbs) {
  const Bytes whole = message(2, Bytes(300, 9));
  Bytes stream;
  for (std::size_t offset = 0; offset < whole.size(); offset += 7) {
    const Bytes one = in_record(ByteView(whole).subspan(offset, std::min<std::size_t>(7, whole.size() - offset)));
    stream.insert(stream.end(), one.begin(), one.end());
  }
  Assembler assembler;
  for (std::size_t i = 0; i + 1 < stream.size(); ++i) {
    assembler.feed(ByteView(stream).subspan(i, 1));
    ASSERT_FALSE(assembler.next().has_value()) << i;
  }
  assembler.feed(ByteView(stream).last(1));
  const auto read = assembler.next();
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->kind, Kind::kMessage);
  EXPECT_EQ(read->type, 2);
  EXPECT_EQ(read->body, Bytes(300, 9));
  EXPECT_FALSE(assembler.next().has_value());
}

TEST(Incoming, SeveralMessagesInOneRecord) {
  Bytes two = message(2, Bytes{1});
  const Bytes second = message(14, {});
  two.insert(two.end(), second.begin(), second.end());
  Assembler assembler;
  assembler.feed(in_record(two));
  EXPECT_EQ(assembler.next()->type, 2);
  EXPECT_EQ(assembler.next()->type, 14);
  EXPECT_FALSE(assembler.next().has_value());
}

TEST(Incoming, Alert) {
  Assembler assembler;
  assembler.feed(record(RecordType::kAlert, kTls12, Bytes{2, 40}));
  const auto read = assembler.next();
  EXPECT_EQ(read->kind, Kind::kAlert);
  EXPECT_EQ(read->description, 40);
}

TEST(Incoming, RecordThatIsTooLong) {
  Assembler assembler;
  assembler.feed(Bytes{22, 3, 3, 0x41, 0x01});
  EXPECT_EQ(assembler.next()->kind, Kind::kTooMuch);
  assembler.feed(in_record(message(2, {})));
  EXPECT_EQ(assembler.next()->kind, Kind::kTooMuch);
}

TEST(Incoming, MessageThatClaimsTooMuch) {
  Assembler assembler;
  assembler.feed(in_record(Bytes{2, 1, 0, 1}));
  EXPECT_EQ(assembler.next()->kind, Kind::kTooMuch);
}

TEST(Incoming, EndlessEmptyRecords) {
  Assembler assembler;
  std::optional<Incoming> read;
  int records = 0;
  while (!read && records < 100) {
    assembler.feed(in_record({}));
    read = assembler.next();
    ++records;
  }
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->kind, Kind::kTooMuch);
  EXPECT_EQ(records, 33);
}

TEST(Incoming, EndlessMessages) {
  Assembler assembler;
  std::size_t fed = 0;
  for (;;) {
    assembler.feed(in_record(message(4, Bytes(16000, 0))));
    fed += 16009;
    const auto read = assembler.next();
    ASSERT_TRUE(read.has_value());
    if (read->kind == Kind::kTooMuch) break;
    ASSERT_LT(fed, 2 * kConversationMax);
  }
}

TEST(Incoming, NotTls) {
  Assembler assembler;
  assembler.feed(as_bytes("SSH-2.0-OpenSSH_9.2p1\r\n"));
  const auto read = assembler.next();
  EXPECT_EQ(read->kind, Kind::kNotTls);
  EXPECT_EQ(as_text(read->body), "SSH-2.0-OpenSSH_9.2p1\r\n");
}

TEST(Incoming, Sslv2AndItsAnswers) {
  Assembler assembler(Expect::kSslv2);
  assembler.feed(Bytes{0x80, 3, 4, 5});
  EXPECT_FALSE(assembler.next().has_value());
  assembler.feed(Bytes{6});
  auto read = assembler.next();
  EXPECT_EQ(read->kind, Kind::kSslv2);
  EXPECT_EQ(read->body, (Bytes{4, 5, 6}));
  // With padding, and then in TLS's framing.
  assembler.feed(Bytes{0, 3, 1, 7, 8, 9, 21, 3, 0, 0, 2, 2, 40});
  read = assembler.next();
  EXPECT_EQ(read->body, (Bytes{7, 8}));
  EXPECT_EQ(assembler.next()->kind, Kind::kAlert);
}

TEST(Incoming, Sslv2PaddingThatIsMoreThanAll) {
  Assembler assembler(Expect::kSslv2);
  assembler.feed(Bytes{0, 3, 3, 7, 8, 9});
  EXPECT_EQ(assembler.next()->kind, Kind::kNotTls);
}

}  // namespace
}  // namespace cloister::probe
