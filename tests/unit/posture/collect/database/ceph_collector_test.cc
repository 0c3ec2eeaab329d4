// Ceph: what its tools' files say of disks, and files that say nothing or leave an OSD out.
#include "posture/collect/database/ceph_collector.h"

#include <fstream>

#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"
#include "unit/posture/collect/cloud/cloud_parts.h"

namespace cloister::posture {
namespace {

constexpr std::string_view kStorage = "storage.encryption";
constexpr std::string_view kCorpus = "location:corpus";

struct CephTest : ::testing::Test {
  testing::TempDir folder;

  CephTest() {
    write("osd-dump.json", R"({"osds":[{"osd":0},{"osd":1}]})");
    write("config-dump.json", R"([{"section":"global","name":"ms_cluster_mode","value":"secure"},)"
                              R"({"section":"global","name":"ms_service_mode","value":"secure"},)"
                              R"({"section":"global","name":"ms_client_mode","value":"secure"}])");
    write("volumes-a.json", R"({"0":[{"tags":{"ceph.encrypted":"1"}},{"tags":{"ceph.encrypted":"1"}}]})");
    write("volumes-b.json", R"({"1":[{"tags":{"ceph.encrypted":"1"}}]})");
  }
  void write(const std::string& name, const std::string& text) { std::ofstream(folder.path() / name) << text; }
  KeptFacts collect() {
    const Estate estate = estate_of("ceph:" + folder.path().string());
    KeptFacts facts;
    CollectContext context;
    context.estate = &estate;
    CephCollector().collect(context, facts);
    return facts;
  }
};

TEST_F(CephTest, EveryDiskIsEncrypted) {
  const KeptFacts facts = collect();
  const Fact& fact = facts.only(kStorage, kCorpus);
  EXPECT_EQ(text_in(fact, "encrypted"), "yes");
  EXPECT_EQ(text_in(fact, "algorithm"), "aes-256-xts");
  EXPECT_EQ(text_in(fact, "key_manager"), "none") << "the monitors have the keys";
  EXPECT_FALSE(notes_say(fact, "unencrypted"));
  EXPECT_EQ(facts.count("key.material"), 0U);
}

TEST_F(CephTest, OneDiskOrOnePartOfItIsPlain) {
  write("volumes-b.json", R"({"1":[{"tags":{"ceph.encrypted":"1"}},{"tags":{"ceph.encrypted":"0"}}]})");
  EXPECT_EQ(text_in(collect().only(kStorage, kCorpus), "encrypted"), "no");
  write("volumes-b.json", R"({"1":[{"tags":{}}]})");
  EXPECT_EQ(text_in(collect().only(kStorage, kCorpus), "encrypted"), "no");
  write("volumes-b.json", R"({"1":[]})");
  EXPECT_EQ(text_in(collect().only(kStorage, kCorpus), "encrypted"), "no");
}

TEST_F(CephTest, OsdThatNoHostListsIsNotAssessed) {
  std::filesystem::remove(folder.path() / "volumes-b.json");
  EXPECT_EQ(*collect().only(kStorage, kCorpus).not_assessed, "1 of 2 OSDs are in no host's list of volumes");
  write("osd-dump.json", R"({"osds":[]})");
  EXPECT_TRUE(collect().only(kStorage, kCorpus).not_assessed);
}

TEST_F(CephTest, RawKeyInTheConfiguration) {
  write("config-dump.json", R"([{"name":"rgw_crypt_default_encryption_key","value":"c2VjcmV0"}])");
  const KeptFacts facts = collect();
  EXPECT_EQ(facts.only("key.material", kCorpus).number("raw_keys"), 1);
  EXPECT_TRUE(notes_say(facts.only(kStorage, kCorpus), "ms_client_mode is crc secure"));
  for (const Fact& fact : facts.all) EXPECT_EQ(fact_json(fact).find("c2VjcmV0"), std::string::npos);
}

TEST_F(CephTest, FilesThatSayNothing) {
  for (const char* name : {"osd-dump.json", "config-dump.json", "volumes-a.json"}) {
    for (const char* text : {"", "7", R"({"x":{}})", R"({"osds":[{}]})", "[[[[[[[[[[[[[[[[[[[["}) {
      write(name, text);
      EXPECT_TRUE(collect().only(kStorage, kCorpus).not_assessed) << name << " " << text;
    }
  }
  const Estate estate = estate_of("ceph:/nowhere");
  KeptFacts facts;
  CollectContext context;
  context.estate = &estate;
  CephCollector().collect(context, facts);
  EXPECT_TRUE(facts.only(kStorage, kCorpus).not_assessed);
}

}  // namespace
}  // namespace cloister::posture
