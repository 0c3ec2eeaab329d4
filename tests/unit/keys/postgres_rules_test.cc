// What is asked of a server and of the way to it: each yes beside what is refused.
#include "keys/postgres_rules.h"

#include "tests/unit/keys/home.h"

namespace cloister::keys {
namespace {

TEST(WayToPostgres, UnixSocketAndLoopbackNeedNoTls) {
  for (const char* host : {"", "/run/postgresql", "@abstract", "localhost", "127.0.0.1", "127.8.0.1", "::1"}) {
    EXPECT_TRUE(is_local_host(host)) << host;
    const auto options = checked_options({{"host", host}, {"sslmode", "disable"}}, {});
    expect_ok(options);
    EXPECT_EQ(options->at("sslmode"), "disable") << host;
  }
}

TEST(WayToPostgres, AnotherMachineIsVerifiedInFull) {
  for (const char* host :
       {"db.example.com", "10.0.0.7", "127.0.0.1.example.com", "localhost.example.com", "/run/a,db"}) {
    const auto options = checked_options({{"host", host}}, {{"sslmode", "prefer"}});
    expect_ok(options);
    EXPECT_EQ(options->at("sslmode"), "verify-full") << host;
    EXPECT_EQ(options->at("ssl_min_protocol_version"), "TLSv1.3");
  }
}

TEST(WayToPostgres, LessThanVerifyFullToAnotherMachine) {
  for (const char* mode : {"disable", "allow", "prefer", "require", "verify-ca"}) {
    expect_error(checked_options({{"host", "db"}, {"sslmode", mode}}, {}), Code::kDenied, mode);
  }
  expect_error(checked_options({{"host", "db"}}, {{"sslmode", "require"}}), Code::kDenied, "require");
  expect_error(checked_options({}, {{"host", "db"}, {"sslmode", "disable"}}), Code::kDenied, "disable");
}

TEST(WayToPostgres, AnAddressCountsAndNotTheNameBesideIt) {
  expect_error(checked_options({{"host", "localhost"}, {"hostaddr", "10.0.0.7"}, {"sslmode", "require"}}, {}),
               Code::kDenied, "10.0.0.7");
  expect_ok(checked_options({{"host", "db"}, {"hostaddr", "127.0.0.1"}, {"sslmode", "require"}}, {}));
}

TEST(WayToPostgres, ThePrimaryIsInsistedOn) {
  const auto options = checked_options({{"host", "/run/a,/run/b"}, {"target_session_attrs", "any"}}, {});
  expect_ok(options);
  EXPECT_EQ(options->at("target_session_attrs"), "read-write");
}

TEST(WayToPostgres, PasswordInTheEnvironmentAndServiceFile) {
  expect_error(checked_options({{"host", "/run"}}, {{"password", "hunter2"}}), Code::kDenied, "PGPASSWORD");
  EXPECT_EQ(checked_options({}, {{"password", "hunter2"}}).error().message().find("hunter2"), std::string::npos);
  expect_error(checked_options({{"service", "keys"}}, {}), Code::kInvalid, "service");
}

TEST(SchemaOfPostgres, Names) {
  for (const char* name : {"cloister", "a", "keys_2"}) expect_ok(check_schema_name(name));
  const std::string too_long(64, 'a');
  for (const char* name :
       {"", "2keys", "Keys", "a b", "a;drop", "a\"", "public", "pg_x", "information_schema", too_long.c_str()}) {
    expect_error(check_schema_name(name), Code::kInvalid);
  }
}

const ServerFacts kGood{150004, "on", "on", "on", "UTF8"};

TEST(ServerOfPostgres, KeepsWhatItAcknowledges) {
  expect_ok(check_server(kGood));
  ServerFacts facts = kGood;
  facts.synchronous_commit = "remote_apply";
  expect_ok(check_server(facts));
  for (const char* weaker : {"off", "local", "remote_write"}) {
    facts.synchronous_commit = weaker;
    expect_error(check_server(facts), Code::kDenied, weaker);
  }
  facts = kGood;
  facts.fsync = "off";
  expect_error(check_server(facts), Code::kDenied, "fsync");
  facts = kGood;
  facts.full_page_writes = "off";
  expect_error(check_server(facts), Code::kDenied, "full_page_writes");
}

TEST(ServerOfPostgres, OldVersionAndOtherEncoding) {
  ServerFacts facts = kGood;
  facts.version = 140011;
  expect_error(check_server(facts), Code::kUnsupported, "PostgreSQL 14");
  facts = kGood;
  facts.encoding = "LATIN1";
  expect_error(check_server(facts), Code::kInvalid, "LATIN1");
}

TEST(StandbyOfPostgres, MustBeThere) {
  expect_ok(check_standby({"one", 1, 0}));
  expect_error(check_standby({"", 1, 0}), Code::kUnavailable, "synchronous_standby_names");
  expect_error(check_standby({"one", 0, 0}), Code::kUnavailable, "no synchronous standby is attached");
  expect_error(check_standby({"one", 0, 1}), Code::kDenied, "pg_monitor");
}

TEST(CodesOfPostgres, WhatTheCallerCanDo) {
  EXPECT_EQ(code_of_sqlstate("23505"), Code::kExists);
  EXPECT_EQ(code_of_sqlstate("23503"), Code::kCorrupt);
  EXPECT_EQ(code_of_sqlstate("42501"), Code::kDenied);
  EXPECT_EQ(code_of_sqlstate("28P01"), Code::kDenied);
  EXPECT_EQ(code_of_sqlstate("3D000"), Code::kNotFound);
  EXPECT_EQ(code_of_sqlstate("53100"), Code::kUnavailable);
  EXPECT_EQ(code_of_sqlstate("55P03"), Code::kUnavailable);
  EXPECT_EQ(code_of_sqlstate("40001"), Code::kUnavailable);
  EXPECT_EQ(code_of_sqlstate("XX001"), Code::kCorrupt);
  EXPECT_EQ(code_of_sqlstate("42601"), Code::kInternal);
  EXPECT_EQ(code_of_sqlstate(""), Code::kInternal);
}

TEST(CodesOfPostgres, WhatTheTransactionCanDo) {
  EXPECT_EQ(trouble_of_sqlstate("40001"), Trouble::kConflict);
  EXPECT_EQ(trouble_of_sqlstate("40P01"), Trouble::kConflict);
  for (const char* lost : {"57P01", "57P02", "57P03", "25006", "25P03", "08006"}) {
    EXPECT_EQ(trouble_of_sqlstate(lost), Trouble::kLost) << lost;
  }
  for (const char* own : {"23505", "55P03", "57014", "42501", "53100", ""}) {
    EXPECT_EQ(trouble_of_sqlstate(own), Trouble::kNone) << own;
  }
}

}  // namespace
}  // namespace cloister::keys
