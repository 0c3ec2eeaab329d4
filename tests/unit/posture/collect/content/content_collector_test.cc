#include "posture/collect/content/content_collector.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "seal/keyring.h"
#include "seal/writer.h"
#include "tests/support/content_estate.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/temp_dir.h"

namespace cloister::posture::content {
namespace {

namespace fs = std::filesystem;

class Facts final : public FactSink {
 public:
  void add(Fact fact) override { facts.push_back(std::move(fact)); }
  const Fact* find(std::string_view kind, const std::string& subject) const {
    for (const Fact& fact : facts) {
      if (fact.kind == kind && fact.subject.id == subject) return &fact;
    }
    return nullptr;
  }
  std::vector<Fact> facts;
};

void put(const Path& path, std::string_view text) { std::ofstream(path, std::ios::binary) << text; }

class ContentCollectorTest : public ::testing::Test {
 protected:
  void declare(const std::string& name, const std::string& address) {
    estate_.locations.emplace_back().name = name;
    estate_.locations.back().address = address;
  }
  void declare(const std::string& name) { declare(name, "file:" + root_.path().string()); }

  Facts collect(ContentOptions options, Progress* progress = nullptr) {
    Facts sink;
    ContentCollector collector(std::move(options), random_);
    CollectContext context;
    context.estate = &estate_;
    context.now = Time{1'795'526'589'000};
    context.progress = progress;
    context.threads = 2;
    collector.collect(context, sink);
    for (const Fact& fact : sink.facts) EXPECT_TRUE(parse_fact(fact_json(fact)).ok()) << fact.kind;
    return sink;
  }

  KnownKeys seal_into(const Path& path) {
    const auto wrapper = seal::KeyringWrapper::create(keyring_, random_);
    crypto::KeyWrapper* wrappers[] = {wrapper->get()};
    seal::SealOptions options;
    options.context = {"acme", "corpus", keyring_.outline().keyring_id, std::nullopt};
    options.threads = 1;
    const auto file = File::create_new(path);
    EXPECT_TRUE(seal::seal_bytes(testing::json_lines(1, 9000), *file, options, wrappers, random_).ok());
    KnownKeys keys;
    keys.versions[{to_hex(keyring_.outline().keyring_id), 1}] = {KeyUse::kActive, "cloister:kek"};
    return keys;
  }

  testing::TempDir root_;
  testing::DeterministicRandom random_{1};
  seal::Keyring keyring_ = seal::Keyring::create({"acme", "", "corpus"}, Time{}, random_).value();
  Estate estate_;
};

TEST_F(ContentCollectorTest, CountsNamesAndHashesAndNoContent) {
  put(root_ / "secret-name.jsonl", as_text(testing::json_lines(1, 3000)));
  put(root_ / "id_rsa", "-----BEGIN PRIVATE KEY-----\nZZZZ\n-----END PRIVATE KEY-----\n");
  declare("corpus");
  const Facts facts = collect({});
  const Fact* scan = facts.find("content.scan", "corpus");
  ASSERT_NE(scan, nullptr);
  EXPECT_EQ(scan->number("files"), 2);
  EXPECT_EQ(scan->number("plaintext"), 2);
  EXPECT_EQ(scan->truth("complete"), true);
  EXPECT_EQ(scan->truth("canaries_right"), true);
  EXPECT_EQ(scan->number("coverage_permille"), 1000);
  const Fact* object = facts.find("content.object", "corpus#secret-name.jsonl");
  ASSERT_NE(object, nullptr);
  EXPECT_EQ(*object->text("verdict"), "plaintext");
  EXPECT_EQ(*object->text("type"), "jsonl");
  EXPECT_EQ(object->text("sha256_head")->size(), 64U);
  EXPECT_EQ(facts.find("key.material", "corpus")->number("raw_keys"), 1);
  EXPECT_EQ(facts.find("key.material", "corpus")->list("where")->front(), "id_rsa: pem-private-key at 0");
  for (const Fact& fact : facts.facts) {
    EXPECT_EQ(fact_json(fact).find("patient"), std::string::npos);
    EXPECT_EQ(fact_json(fact).find("ZZZZ"), std::string::npos);
  }
}

TEST_F(ContentCollectorTest, OnlyALocationThatIsAllSealedIsEncrypted) {
  const KnownKeys keys = seal_into(root_ / "a.sealed");
  put(root_ / "empty", "");
  declare("corpus");
  ContentOptions options;
  options.keys = keys;
  const Facts sealed = collect(options);
  const Fact* encryption = sealed.find("storage.encryption", "corpus");
  ASSERT_NE(encryption, nullptr);
  EXPECT_EQ(*encryption->text("key"), "cloister:kek");
  EXPECT_EQ(*encryption->text("algorithm"), "aes-256-gcm");
  EXPECT_EQ(sealed.find("seal.location", "corpus")->number("dek_wrapped_active"), 1);
  EXPECT_EQ(sealed.find("seal.location", "corpus")->list("tenants")->front(), "acme");

  put(root_ / "left-over.csv", "a,b\n1,2\n3,4\n");
  EXPECT_EQ(collect(options).find("storage.encryption", "corpus"), nullptr);
}

TEST_F(ContentCollectorTest, WithoutItsKeyNothingIsSealed) {
  seal_into(root_ / "a.sealed");
  declare("corpus");
  const Facts facts = collect({});
  EXPECT_EQ(facts.find("storage.encryption", "corpus"), nullptr);
  EXPECT_EQ(facts.find("content.scan", "corpus")->number("sealed"), 0);
  EXPECT_EQ(facts.find("content.scan", "corpus")->number("high_entropy_unknown"), 1);
  EXPECT_EQ(facts.find("seal.location", "corpus")->number("dek_unresolved"), 1);
}

TEST_F(ContentCollectorTest, OneWrapInTwoObjectsIsADekUsedTwice) {
  const KnownKeys keys = seal_into(root_ / "a.sealed");
  seal_into(root_ / "b.sealed");
  fs::copy_file(root_ / "a.sealed", root_ / "copy-of-a.sealed");
  declare("corpus");
  ContentOptions options;
  options.keys = keys;
  EXPECT_EQ(collect(options).find("seal.location", "corpus")->number("deks_reused"), 0);
  // Slots of one object in another.
  Bytes a = read_file(root_ / "a.sealed", 1 << 20).value(), b = read_file(root_ / "b.sealed", 1 << 20).value();
  std::copy(a.begin() + 4096, a.begin() + 3 * 4096, b.begin() + 4096);
  put(root_ / "b.sealed", as_text(b));
  EXPECT_EQ(collect(options).find("seal.location", "corpus")->number("deks_reused"), 1);
}

TEST_F(ContentCollectorTest, WhatIsNotThereIsNotAssessed) {
  declare("none", "file:" + (root_ / "none").string());
  declare("relative", "file:data");
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  declare("pipe", "file:" + (root_ / "pipe").string());
  declare("bucket", "s3://bucket");
  const Facts facts = collect({});
  for (const char* name : {"none", "relative", "pipe"}) {
    for (const char* kind : {"content.scan", "seal.location", "key.material"}) {
      ASSERT_NE(facts.find(kind, name), nullptr) << name;
      EXPECT_TRUE(facts.find(kind, name)->not_assessed.has_value()) << name;
    }
  }
  EXPECT_EQ(facts.find("content.scan", "bucket"), nullptr);
}

TEST_F(ContentCollectorTest, AFileCanBeALocation) {
  put(root_ / "model.gguf", "GGUF and more");
  declare("model", "file://" + (root_ / "model.gguf").string());
  EXPECT_EQ(collect({}).find("content.scan", "model")->number("plaintext"), 1);
}

TEST_F(ContentCollectorTest, LocationsWithinAreCountedOnce) {
  fs::create_directory(root_ / "public");
  put(root_ / "public" / "a.csv", "a,b\n1,2\n3,4\n");
  put(root_ / "b.csv", "a,b\n1,2\n3,4\n");
  declare("all");
  declare("public", "file:" + (root_ / "public").string() + "/");
  const Facts facts = collect({});
  EXPECT_EQ(facts.find("content.scan", "all")->number("files"), 1);
  EXPECT_EQ(facts.find("content.scan", "public")->number("files"), 1);
}

TEST_F(ContentCollectorTest, WrongCanariesMakeTheScanVoid) {
  const KnownKeys keys = seal_into(root_ / "a.sealed");
  declare("corpus");
  ContentOptions options;
  options.keys = keys;
  options.scratch = root_ / "there is no such folder";
  const Facts facts = collect(options);
  EXPECT_EQ(facts.find("content.scan", "corpus")->truth("canaries_right"), false);
  EXPECT_EQ(facts.find("content.scan", "corpus")->truth("complete"), false);
  EXPECT_EQ(facts.find("storage.encryption", "corpus"), nullptr);
  EXPECT_TRUE(facts.find("seal.location", "corpus")->not_assessed.has_value());
}

TEST_F(ContentCollectorTest, ObjectsBeyondTheBoundAreCounted) {
  for (int i = 0; i < 30; ++i) put(root_ / (std::to_string(i) + ".csv"), "a,b\n1,2\n3,4\n");
  declare("corpus");
  ContentOptions options;
  options.objects_max = 10;
  const Facts facts = collect(options);
  EXPECT_EQ(std::ranges::count(facts.facts, "content.object", &Fact::kind), 10);
  EXPECT_EQ(facts.find("content.scan", "corpus")->number("objects_left_out"), 20);
}

TEST_F(ContentCollectorTest, AStopIsSaid) {
  put(root_ / "a.csv", "a,b\n1,2\n3,4\n");
  declare("corpus");
  declare("second");
  Progress progress;
  progress.request_stop();
  const Facts facts = collect({}, &progress);
  EXPECT_EQ(*facts.find("content.scan", "second")->not_assessed, "stopped before it was looked at");
}

TEST_F(ContentCollectorTest, HostileNamesStayWhatTheyAre) {
  put(root_ / "a\nb\x1B[31m\xFF.csv", "a,b\n1,2\n3,4\n");
  declare("corpus");
  const Facts facts = collect({});
  EXPECT_EQ(facts.find("content.scan", "corpus")->number("plaintext"), 1);
}

TEST(LocalPath, OnlyAbsoluteOnes) {
  EXPECT_EQ(local_path("file:/srv/x/"), Path("/srv/x"));
  EXPECT_EQ(local_path("file:///srv//x/../y"), Path("/srv/y"));
  EXPECT_EQ(local_path("file:/"), Path("/"));
  EXPECT_EQ(local_path("file:srv"), std::nullopt);
  EXPECT_EQ(local_path("s3://bucket"), std::nullopt);
}

}  // namespace
}  // namespace cloister::posture::content
