#include "audit/record.h"

#include "base/reader.h"
#include "tests/unit/audit/log_fixture.h"

namespace cloister::audit {
namespace {

// A record written by whoever, field by field.
struct Raw {
  std::uint8_t version = 1;
  std::uint64_t index = 5;
  std::uint64_t time = 1'700'000'000'000;
  std::uint8_t outcome = 1;
  std::string actor = "a";
  std::string action = "b";
  std::string tenant = "acme";
  std::string subject = "c";
  std::string detail = "d";
  std::uint8_t count = 0;
  Bytes more = {};

  Bytes bytes() const {
    Writer writer;
    writer.u8(version).u64(index).u64(time).u8(outcome);
    writer.text16(actor).text16(action).text16(tenant).text16(subject).text16(detail);
    return writer.u8(count).bytes(more).take();
  }
};

Bytes extra(std::uint16_t type, ByteView value) { return Writer().u16(type).prefixed16(value).take(); }

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

void refused(const Raw& raw, std::string_view part, Code code = Code::kCorrupt) {
  expect_refused(LogRecord::parse(raw.bytes()), code, part);
}

// docs/formats/audit-log.md, computed there by tests/vectors/audit_log.py.
TEST(LogRecord, KnownAnswer) {
  const Bytes bytes = LogRecord::make(0, event_of("kek.rotate"), {}).encode();
  EXPECT_EQ(
      to_hex(bytes),
      "0100000000000000000068e5cf8b010000010e007569643a3130303020616c6963650a006b656b2e726f74617465040061636d6508006b65"
      "6b3a30303a3102006f6b00");
  EXPECT_EQ(to_hex(leaf_hash(bytes)), "58cf9bcb6ec6fcbb460f70e791746ec789012eb9c4e272b6e9a2bfc6bb83b308");
}

TEST(LogRecord, IsReadAsItWasWritten) {
  for (const LogRecord& record : example_records()) {
    const Bytes bytes = record.encode();
    const LogRecord read = value_of(LogRecord::parse(bytes));
    EXPECT_EQ(read.encode(), bytes);
    EXPECT_EQ(read.index(), record.index());
    EXPECT_EQ(read.event().time, record.event().time);
    EXPECT_EQ(read.event().actor, record.event().actor);
    EXPECT_EQ(read.event().action, record.event().action);
    EXPECT_EQ(read.event().tenant, record.event().tenant);
    EXPECT_EQ(read.event().subject, record.event().subject);
    EXPECT_EQ(read.event().detail, record.event().detail);
    EXPECT_EQ(read.event().outcome, record.event().outcome);
    EXPECT_EQ(read.extras().values(), record.extras().values());
  }
}

TEST(LogRecord, EveryTruncationIsRefused) {
  for (const LogRecord& record : example_records()) {
    const Bytes bytes = record.encode();
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      EXPECT_FALSE(LogRecord::parse(ByteView(bytes).first(size)).ok()) << size;
    }
    Bytes longer = bytes;
    longer.push_back(0);
    expect_refused(LogRecord::parse(longer), Code::kCorrupt, "follow the end");
  }
}

TEST(LogRecord, EveryChangedByteChangesTheLeafOrIsRefused) {
  const Bytes bytes = example_records()[1].encode();
  const Hash leaf = leaf_hash(bytes);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    Bytes changed = bytes;
    changed[i] ^= 1;
    const auto read = LogRecord::parse(changed);
    if (read.ok()) {
      EXPECT_NE(leaf_hash(read->encode()), leaf) << i;
    }
  }
}

TEST(LogRecord, ValuesOutOfBounds) {
  EXPECT_TRUE(LogRecord::parse(Raw{}.bytes()).ok());
  refused({.version = 2}, "version 2", Code::kUnsupported);
  refused({.version = 0}, "version 0", Code::kUnsupported);
  refused({.index = kNumberMax + 1}, "index");
  EXPECT_TRUE(LogRecord::parse(Raw{.index = kNumberMax}.bytes()).ok());
  refused({.time = kRecordTimeMax + 1}, "year 9999");
  refused({.time = ~std::uint64_t{0}}, "year 9999");
  refused({.outcome = 0}, "outcome is 0");
  refused({.outcome = 4}, "outcome is 4");
  refused({.actor = std::string(257, 'x')}, "actor");
  refused({.action = std::string(65, 'x')}, "action");
  refused({.tenant = std::string(258, 'x')}, "tenant");
  refused({.subject = std::string(513, 'x')}, "subject");
  refused({.detail = std::string(2049, 'x')}, "detail");
  refused({.actor = "a\nb"}, "actor");
  refused({.detail = "\xc3"}, "detail");
}

TEST(LogRecord, ExtrasThatArentInOrder) {
  const Bytes one = extra(1, as_bytes("r"));
  const Bytes two = extra(2, as_bytes("s"));
  EXPECT_TRUE(LogRecord::parse(Raw{.count = 2, .more = joined({one, two})}.bytes()).ok());
  refused({.count = 2, .more = joined({two, one})}, "ascending");
  refused({.count = 2, .more = joined({one, one})}, "ascending");
  refused({.count = 1, .more = extra(0, as_bytes("r"))}, "ascending");
  refused({.count = 1, .more = extra(7, as_bytes("r"))}, "key_version");
  refused({.count = 1, .more = joined({one, two})}, "follow the end");
  refused({.count = 3, .more = joined({one, two})}, "type of an extra");
  refused({.count = 1, .more = extra(999, Bytes(257))}, "at most 256");
}

TEST(LogRecord, MoreThan32Extras) {
  Bytes all;
  for (std::uint16_t i = 0; i < 33; ++i) {
    if (i == 32) {
      EXPECT_TRUE(LogRecord::parse(Raw{.count = 32, .more = all}.bytes()).ok());
    }
    const Bytes next = extra(static_cast<std::uint16_t>(1000 + i), {});
    all.insert(all.end(), next.begin(), next.end());
  }
  refused({.count = 33, .more = all}, "more than 32");
}

TEST(LogRecord, UnknownExtraIsKept) {
  const Raw raw{.count = 1, .more = extra(60'000, Bytes{0, 0xff, '\n'})};
  const LogRecord read = value_of(LogRecord::parse(raw.bytes()));
  EXPECT_EQ(read.encode(), raw.bytes());
  EXPECT_EQ(read.extras().values().at(60'000), (Bytes{0, 0xff, '\n'}));
}

TEST(LogRecord, WriterRefusesNothing) {
  Event hostile = event_of("x\ny");
  hostile.detail = std::string(100'000, 'x');
  hostile.time.unix_ms = -5;
  const LogRecord past = LogRecord::make(0, hostile, {});
  EXPECT_EQ(past.event().action, "x?y");
  EXPECT_EQ(past.event().detail.size(), kDetailMax);
  EXPECT_EQ(past.event().time.unix_ms, 0);
  hostile.time.unix_ms = std::numeric_limits<std::int64_t>::max();
  const LogRecord future = LogRecord::make(0, hostile, {});
  EXPECT_EQ(future.event().time.unix_ms, kRecordTimeMax);
  EXPECT_TRUE(LogRecord::parse(past.encode()).ok());
  EXPECT_TRUE(LogRecord::parse(future.encode()).ok());
  expect_refused(LogRecord::check(0, hostile, {}), Code::kCorrupt, "year 9999");
  hostile.time.unix_ms = 0;
  expect_refused(LogRecord::check(0, hostile, {}), Code::kCorrupt, "action");
}

TEST(LogRecord, LargestIsAsLargeAsThePageSays) {
  Event event;
  event.actor.assign(kActorMax, 'x');
  event.action.assign(kActionMax, 'x');
  event.tenant.assign(kTenantMax, 'x');
  event.subject.assign(kSubjectMax, 'x');
  event.detail.assign(kDetailMax, 'x');
  Extras extras;
  for (std::uint16_t i = 0; i < 32; ++i) EXPECT_TRUE(extras.add(static_cast<std::uint16_t>(1000 + i), Bytes(256)).ok());
  const LogRecord largest = LogRecord::make(kNumberMax, std::move(event), std::move(extras));
  EXPECT_EQ(largest.encode().size(), kRecordSizeMax);
  EXPECT_LE(export_record_line(largest).size(), kExportLineSizeMax);
}

}  // namespace
}  // namespace cloister::audit
