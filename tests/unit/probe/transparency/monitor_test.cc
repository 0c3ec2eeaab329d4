// A certificate log made here, read as a monitor reads it: what it has of ours, and every way in which it could lie.
#include "probe/transparency/monitor.h"

#include <gtest/gtest.h>

#include <map>

#include "audit/checkpoint.h"
#include "base/base64.h"
#include "probe/certificate/seen_certificate.h"
#include "tests/support/certificates.h"
#include "tests/support/expect.h"

namespace cloister::probe {
namespace {

using namespace cloister::testing;

void put(Bytes& out, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) out.push_back(static_cast<std::uint8_t>(value >> (8 * (size - 1 - i))));
}
void put(Bytes& out, ByteView bytes, std::size_t size) {
  put(out, bytes.size(), size);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

// Keeps its resources by path, as a static log does.
class FakeLog {
 public:
  explicit FakeLog(std::string origin) : origin_(std::move(origin)) {}

  void add(ByteView certificate) {
    Bytes entry;
    put(entry, static_cast<std::uint64_t>(kNow.unix_ms), 8);
    put(entry, 0, 2);
    put(entry, certificate, 3);
    put(entry, Bytes{0, 0, 5, 0, 0, 0, 0, static_cast<std::uint8_t>(leaves_.size())}, 2);
    Bytes leaf{0, 0};
    leaf.insert(leaf.end(), entry.begin(), entry.end());
    put(entry, Bytes(32, 9), 2);
    leaves_.push_back(audit::leaf_hash(leaf));
    entries_.push_back(std::move(entry));
  }

  // Everything as it stands now.
  void publish() {
    for (std::size_t tile = 0; tile * kTileEntries < entries_.size(); ++tile) {
      const std::size_t width = std::min(kTileEntries, entries_.size() - tile * kTileEntries);
      Bytes data, hashes;
      for (std::size_t i = tile * kTileEntries; i < tile * kTileEntries + width; ++i) {
        data.insert(data.end(), entries_[i].begin(), entries_[i].end());
        hashes.insert(hashes.end(), leaves_[i].begin(), leaves_[i].end());
      }
      resources[data_tile_path(tile, width)] = data;
      resources[hash_tile_path(0, tile, width)] = hashes;
    }
    publish_upper();
    publish_head();
  }

  Result<Bytes> fetch(const std::string& path) const {
    const auto found = resources.find(path);
    if (found == resources.end()) return Error(Code::kNotFound, path);
    return found->second;
  }
  LogFetch fetcher() const {
    return [this](const std::string& path) { return fetch(path); };
  }
  crypto::PublicKey key() const { return key_.public_key(); }

  std::map<std::string, Bytes> resources;

 private:
  void publish_upper() {
    Bytes hashes;
    for (std::size_t tile = 0; (tile + 1) * kTileEntries <= leaves_.size(); ++tile) {
      audit::Frontier whole;
      for (std::size_t i = 0; i < kTileEntries; ++i) ignore_result(whole.append(leaves_[tile * kTileEntries + i]));
      const audit::Hash root = whole.root();
      hashes.insert(hashes.end(), root.begin(), root.end());
    }
    if (!hashes.empty()) resources[hash_tile_path(1, 0, hashes.size() / 32)] = hashes;
  }

  void publish_head() {
    audit::Frontier all;
    for (const audit::Hash& leaf : leaves_) ignore_result(all.append(leaf));
    const audit::Checkpoint checkpoint{origin_, {leaves_.size(), all.root()}, {}};
    Bytes head{0, 1};
    put(head, static_cast<std::uint64_t>(kNow.unix_ms), 8);
    put(head, leaves_.size(), 8);
    head.insert(head.end(), checkpoint.head.root.begin(), checkpoint.head.root.end());
    Bytes signature;
    put(signature, static_cast<std::uint64_t>(kNow.unix_ms), 8);
    signature.push_back(4);
    signature.push_back(3);
    put(signature, key_.sign(head), 2);
    Bytes id = to_bytes(as_bytes(origin_ + "\n"));
    id.push_back(5);
    const auto log_id = crypto::sha256(key_.public_key().spki());
    id.insert(id.end(), log_id.begin(), log_id.end());
    const auto digest = crypto::sha256(id);
    audit::SignedNote note{value_of(audit::checkpoint_text(checkpoint)), {{origin_, {}, signature}}};
    std::copy_n(digest.begin(), 4, note.signatures[0].id.begin());
    resources["checkpoint"] = to_bytes(as_bytes(value_of(audit::write_note(note))));
  }

  const std::string origin_;
  crypto::PrivateKey key_ = key_of_seed(77);
  std::vector<Bytes> entries_;
  std::vector<audit::Hash> leaves_;
};

class MonitorTest : public ::testing::Test {
 protected:
  crypto::Certificate named(const std::string& name) {
    LeafParts parts;
    parts.names = names_extension({{2, name}}, crypto::Critical::kNo);
    return authority_.issue(parts);
  }
  void fill(std::size_t count) {
    const crypto::Certificate other = named("other.example");
    for (std::size_t i = 0; i < count; ++i) log_.add(other.der());
  }
  Result<MonitorReport> look() { return monitor_log(log_.fetcher(), log_.key(), question_, position_); }

  TestAuthority authority_{1};
  FakeLog log_{"log.example/2026h2"};
  MonitorQuestion question_{{"example.org"}, {}};
  LogPosition position_;
};

TEST_F(MonitorTest, FindsOursAndSaysWhichAreKnown) {
  const crypto::Certificate ours = named("models.example.org");
  question_.known.insert(value_of(certificate_key(ours.der())));
  log_.add(ours.der());
  log_.add(named("notexample.org").der());
  log_.add(named("*.Example.org").der());
  log_.add(as_bytes("no certificate"));
  log_.publish();
  const MonitorReport report = value_of(look());
  EXPECT_EQ(report.read, 4U);
  EXPECT_EQ(report.unreadable, 1U);
  ASSERT_EQ(report.sightings.size(), 2U);
  EXPECT_TRUE(report.sightings[0].known);
  EXPECT_EQ(report.sightings[1].index, 2U);
  EXPECT_FALSE(report.sightings[1].known);
  EXPECT_EQ(report.sightings[1].names, std::vector<std::string>{"*.example.org"});
}

TEST_F(MonitorTest, GoesOnWhereItStopped) {
  fill(300);
  log_.publish();
  EXPECT_EQ(value_of(look()).read, 300U);
  position_ = value_of(parse_position(format_position(position_)));
  log_.add(named("example.org").der());
  fill(10);
  log_.publish();
  const MonitorReport report = value_of(look());
  EXPECT_EQ(report.read, 11U);
  ASSERT_EQ(report.sightings.size(), 1U);
  EXPECT_EQ(report.sightings[0].index, 300U);
  EXPECT_EQ(value_of(look()).read, 0U);
}

TEST_F(MonitorTest, BeginsAtTheHead) {
  fill(700);
  log_.publish();
  position_ = value_of(position_at_head(log_.fetcher(), log_.key()));
  log_.add(named("example.org").der());
  log_.publish();
  EXPECT_EQ(value_of(look()).sightings.at(0).index, 700U);
}

TEST_F(MonitorTest, ForgedHashesAtTheHead) {
  fill(300);
  log_.publish();
  log_.resources[hash_tile_path(1, 0, 1)][0] ^= 1;
  expect_refused(position_at_head(log_.fetcher(), log_.key()), Code::kCorrupt, "aren't those of the head");
}

TEST_F(MonitorTest, EntriesThatAreNotThoseOfTheHead) {
  log_.add(named("example.org").der());
  log_.publish();
  Bytes& tile = log_.resources[data_tile_path(0, 1)];
  tile[7] ^= 1;
  expect_refused(look(), Code::kCorrupt, "aren't those of the head");
  EXPECT_EQ(position_.entries.size(), 0U);
}

TEST_F(MonitorTest, SmallerThanBefore) {
  fill(3);
  log_.publish();
  const auto before = log_.resources;
  fill(1);
  log_.publish();
  ASSERT_TRUE(look().ok());
  log_.resources = before;
  expect_refused(look(), Code::kCorrupt, "3 entries, and had 4");
}

TEST_F(MonitorTest, AnotherPastThanBefore) {
  fill(3);
  log_.publish();
  ASSERT_TRUE(look().ok());
  FakeLog split{"log.example/2026h2"};
  split.add(named("hidden.example").der());
  for (int i = 0; i < 5; ++i) split.add(named("other.example").der());
  split.publish();
  expect_refused(monitor_log(split.fetcher(), split.key(), question_, position_), Code::kCorrupt, "aren't those");
}

TEST_F(MonitorTest, AnotherLog) {
  fill(1);
  log_.publish();
  ASSERT_TRUE(look().ok());
  FakeLog other{"other.example"};
  other.add(named("a.example").der());
  other.publish();
  expect_refused(monitor_log(other.fetcher(), other.key(), question_, position_), Code::kCorrupt, "not log.example");
}

TEST_F(MonitorTest, AnotherKey) {
  fill(1);
  log_.publish();
  const auto stranger = key_of_seed(78).public_key();
  expect_refused(monitor_log(log_.fetcher(), stranger, question_, position_), Code::kDenied, "didn't sign");
}

TEST_F(MonitorTest, EveryTruncatedTile) {
  log_.add(named("example.org").der());
  log_.add(named("example.org").der());
  log_.publish();
  const Bytes whole = log_.resources[data_tile_path(0, 2)];
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_data_tile(ByteView(whole).first(size), 2).ok()) << size;
  }
  EXPECT_FALSE(parse_data_tile(whole, 1).ok());
  EXPECT_FALSE(parse_data_tile(whole, 3).ok());
}

TEST_F(MonitorTest, MissingTile) {
  fill(1);
  log_.publish();
  log_.resources.erase(data_tile_path(0, 1));
  expect_refused(look(), Code::kNotFound, "tile/data/000.p/1");
}

TEST(TilePathTest, AsTheSpecificationHasThem) {
  EXPECT_EQ(data_tile_path(1234067, 256), "tile/data/x001/x234/067");
  EXPECT_EQ(hash_tile_path(2, 5, 7), "tile/2/005.p/7");
  EXPECT_EQ(hash_tile_path(0, 1000, 256), "tile/0/x001/000");
}

TEST(LogPositionTest, Malformed) {
  for (const char* text :
       {"", "{}", R"({"origin":"a","size":1,"peaks":[]})", R"({"origin":"a","size":1,"peaks":["00"]})",
        R"({"origin":"a","size":-1,"peaks":[]})", R"({"origin":"a","size":0,"peaks":[1]})"}) {
    EXPECT_FALSE(parse_position(text).ok()) << text;
  }
}

}  // namespace
}  // namespace cloister::probe
