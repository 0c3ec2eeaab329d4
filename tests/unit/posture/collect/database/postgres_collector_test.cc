// PostgreSQL: what pg_tde and EDB say, the community's server which encrypts nothing, and a real one.
#include "posture/collect/database/postgres_collector.h"

#include "tests/support/expect.h"
#include "tests/support/postgres.h"
#include "unit/posture/collect/cloud/cloud_parts.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;
using testing::value_of;

constexpr std::string_view kStorage = "storage.encryption";
constexpr std::string_view kCorpus = "location:corpus";

// Answers questions by a part of them; all others are about what the server doesn't have.
struct Server {
  std::vector<std::pair<std::string, Result<SqlRows>>> answers{{"version()", SqlRows{{"PostgreSQL 17.2"}}},
                                                               {"pg_extension", SqlRows{{"plpgsql"}}}};

  void tde(const std::string& sealed, const std::string& plain, const std::string& wal) {
    answers = {{"version()", SqlRows{{"PostgreSQL 17.2"}}},
               {"pg_extension", SqlRows{{"plpgsql"}, {"pg_tde"}}},
               {"= 'tde_heap'", SqlRows{{sealed}}},
               {"<> 'tde_heap'", SqlRows{{plain}}},
               {"pg_tde.wal_encrypt", SqlRows{{wal}}},
               {"pg_tde.cipher", SqlRows{{"aes_256"}}},
               {"pg_tde_key_info", SqlRows{{"corpus", "keeper"}}},
               {"key_providers", SqlRows{{"keeper", "vault-v2"}}}};
  }
  SqlOpen open() {
    struct Reader final : SqlReader {
      explicit Reader(const Server& of) : server(of) {}
      Result<SqlRows> query(const std::string& sql) override {
        for (const auto& [part, rows] : server.answers) {
          if (sql.find(part) != std::string::npos) return rows;
        }
        return Error(Code::kNotFound, "there is no such thing");
      }
      const Server& server;
    };
    return [this](const std::string&) -> Result<std::unique_ptr<SqlReader>> {
      return std::unique_ptr<SqlReader>(std::make_unique<Reader>(*this));
    };
  }
};

KeptFacts collect(const SqlOpen& open, const std::string& address = "postgresql://db/corpus", bool declared = true) {
  Estate estate = estate_of(address);
  if (declared) estate.keys.push_back({"corpus", "", "dataset", {}, {}, 2});
  KeptFacts facts;
  CollectContext context;
  context.estate = &estate;
  PostgresCollector(open).collect(context, facts);
  return facts;
}

TEST(PostgresCollector, CommunityServerEncryptsNothing) {
  Server server;
  server.answers.push_back({"'data_directory'", SqlRows{{"/var/lib/postgresql/17/main"}}});
  server.answers.push_back({"'ssl'", SqlRows{{"off"}}});
  server.answers.push_back({"pg_hba_file_rules", SqlRows{{"3"}}});
  const KeptFacts facts = collect(server.open());
  const Fact& fact = facts.only(kStorage, kCorpus);
  EXPECT_EQ(text_in(fact, "encrypted"), "unknown") << "its disk may";
  EXPECT_TRUE(notes_say(fact, "/var/lib/postgresql/17/main"));
  EXPECT_TRUE(notes_say(fact, "takes no TLS"));
  EXPECT_TRUE(notes_say(fact, "3 rules of pg_hba.conf"));
  server.answers[1].second = SqlRows{{"pgcrypto"}};
  EXPECT_TRUE(notes_say(collect(server.open()).only(kStorage, kCorpus), "single values"));
}

TEST(PostgresCollector, PgTde) {
  Server server;
  server.tde("12", "0", "on");
  Fact fact = collect(server.open()).only(kStorage, kCorpus);
  EXPECT_EQ(text_in(fact, "encrypted"), "yes");
  EXPECT_EQ(text_in(fact, "scheme"), "tde");
  EXPECT_EQ(text_in(fact, "algorithm"), "aes-256-cbc");
  EXPECT_EQ(text_in(fact, "integrity"), "none");
  EXPECT_EQ(text_in(fact, "key_manager"), "operator");
  fact = collect(server.open(), "db:postgresql://db/corpus", false).only(kStorage, kCorpus);
  EXPECT_EQ(text_in(fact, "key_manager"), "unknown") << "a key that the estate doesn't declare";
  server.answers.back().second = SqlRows{{"keeper", "file"}};
  EXPECT_EQ(text_in(collect(server.open()).only(kStorage, kCorpus), "key_manager"), "none") << "a key beside the data";
  server.answers.back().second = Error(Code::kDenied, "no");
  EXPECT_EQ(text_in(collect(server.open()).only(kStorage, kCorpus), "key_manager"), "unknown");
  server.answers[5].second = SqlRows{{"aes_128"}};
  EXPECT_EQ(collect(server.open()).only(kStorage, kCorpus).number("key_bits"), 128);
  server.answers[5].second = SqlRows{{""}};
  EXPECT_EQ(collect(server.open()).only(kStorage, kCorpus).number("key_bits"), std::nullopt);
}

TEST(PostgresCollector, PgTdeThatLeavesSomethingOut) {
  Server server;
  server.tde("12", "1", "on");
  EXPECT_EQ(text_in(collect(server.open()).only(kStorage, kCorpus), "encrypted"), "no");
  server.tde("12", "0", "off");
  const Fact fact = collect(server.open()).only(kStorage, kCorpus);
  EXPECT_EQ(text_in(fact, "encrypted"), "no");
  EXPECT_TRUE(notes_say(fact, "write-ahead log"));
  for (const char* count : {"", "x", "-", "1e9"}) {
    server.tde(count, "0", "on");
    EXPECT_EQ(text_in(collect(server.open()).only(kStorage, kCorpus), "encrypted"), "unknown") << count;
  }
}

TEST(PostgresCollector, Edb) {
  Server server;
  server.answers.push_back({"data_encryption_version", SqlRows{{"1"}}});
  const Fact fact = collect(server.open()).only(kStorage, kCorpus);
  EXPECT_EQ(text_in(fact, "encrypted"), "yes");
  EXPECT_EQ(text_in(fact, "key_manager"), "unknown");
  server.answers.back().second = SqlRows{{"0"}};
  EXPECT_EQ(text_in(collect(server.open()).only(kStorage, kCorpus), "encrypted"), "unknown");
}

TEST(PostgresCollector, WhatCannotBeAskedIsNotAssessed) {
  Server server;
  server.answers.clear();
  EXPECT_TRUE(collect(server.open()).only(kStorage, kCorpus).not_assessed);
  const SqlOpen nobody = [](const std::string&) -> Result<std::unique_ptr<SqlReader>> {
    return Error(Code::kUnavailable, "nobody there");
  };
  EXPECT_EQ(*collect(nobody).only(kStorage, kCorpus).not_assessed, "nobody there");
  EXPECT_EQ(collect(nobody, "s3://x").all.size(), 0U);
}

TEST(SqlReader, SecretsInAnAddress) {
  for (const char* address :
       {"postgresql://u:p@h/d", "postgresql://h/d?password=p", "postgresql://h/d?sslpassword=p"}) {
    expect_refused(open_postgres(address), Code::kInvalid, "password");
  }
}

TEST(SqlReader, NobodyThere) {
  expect_refused(open_postgres("postgresql:///x?host=/nowhere"), Code::kUnavailable, "nowhere");
}

TEST(SqlReader, ARealServer) {
  if (!testing::TestPostgres::installed()) GTEST_SKIP() << "postgresql isn't installed";
  auto& server = testing::TestPostgres::shared();
  const auto reader = value_of(open_postgres("postgresql:///postgres?user=postgres&host=" + server.host()));
  EXPECT_EQ(value_of(reader->query("SELECT 1, NULL, 'x'")), (SqlRows{{"1", "", "x"}}));
  expect_refused(reader->query("CREATE TABLE t (x int)"), Code::kInvalid, "read-only");
  expect_refused(reader->query("SELECT nothing()"), Code::kNotFound, "nothing");
  const StorageView view = value_of(postgres_view(*reader, estate_of("postgresql:///postgres")));
  EXPECT_EQ(view.encrypted, "unknown");
  const auto says = [&view](std::string_view what) {
    for (const std::string& note : view.notes) {
      if (note.find(what) != std::string::npos) return true;
    }
    return false;
  };
  EXPECT_TRUE(says("the server encrypts nothing itself"));
  EXPECT_TRUE(says("its data lies in " + server.data().string()));
  EXPECT_TRUE(says("PostgreSQL "));
}

}  // namespace
}  // namespace cloister::posture
