// config.json: one root as it always was, several in version 3, and what is no configuration.
#include "home/home_config.h"

#include <gtest/gtest.h>

#include "crypto/random.h"
#include "home/home.h"
#include "home/providers.h"
#include "kms/software_key.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"
#include "tests/support/value_of.h"

namespace cloister::home {
namespace {

using testing::expect_refused;
using testing::value_of;
using Passphrase = RootConfig::Passphrase;

Result<HomeConfig> parse(std::string_view text) { return parse_home_config(as_bytes(text)); }

TEST(HomeConfig, OneRootIsWrittenAsItAlwaysWas) {
  const HomeConfig config{{{"first", {}}}, {}};
  EXPECT_EQ(value_of(home_config_text(config)),
            "{\n  \"version\": 1,\n  \"root\": {\n    \"kind\": \"software\",\n    \"passphrase\": \"none\"\n  }\n}\n");
  HomeConfig elsewhere = config;
  elsewhere.postgres = PostgresConfig{"/etc/postgres", "keys", Standby::kRequired};
  const std::string text = value_of(home_config_text(elsewhere));
  EXPECT_NE(text.find("\"version\": 2"), std::string::npos);
  EXPECT_EQ(value_of(parse(text)).postgres->schema, "keys");
}

TEST(HomeConfig, SeveralRoots) {
  RootConfig token{"pkcs11", "pkcs11:12:root", Passphrase::kFile, "/run/pin", {}};
  token.options = {{"module", "/lib/module.so"}, {"token", "cloister"}, {"key", "root"}};
  const RootConfig file{"software", "file:12", Passphrase::kNone, "", {}};
  const std::string text = value_of(home_config_text({{{"first", file}, {"hsm", token}}, {}}));
  EXPECT_NE(text.find("\"version\": 3"), std::string::npos);
  const HomeConfig again = value_of(parse(text));
  EXPECT_EQ(again.roots.at("first"), file);
  EXPECT_EQ(again.roots.at("hsm"), token);
}

// One root, but not one that an older program could open.
TEST(HomeConfig, OneRootOfANewKindOrName) {
  const RootConfig file{"software", "file:12", Passphrase::kNone, "", {{"key_file", "roots/a.key"}}};
  for (const HomeConfig& config : {HomeConfig{{{"first", file}}, {}}, HomeConfig{{{"second", {}}}, {}}}) {
    const std::string text = value_of(home_config_text(config));
    EXPECT_NE(text.find("\"version\": 3"), std::string::npos);
    EXPECT_EQ(value_of(parse(text)).roots, config.roots);
  }
}

// An older program must not open a store that an anchor contradicts.
TEST(HomeConfig, Anchor) {
  HomeConfig config{{{"first", {}}}, {}};
  config.anchor = "/mnt/elsewhere/anchor";
  const std::string text = value_of(home_config_text(config));
  EXPECT_NE(text.find("\"version\": 4"), std::string::npos);
  EXPECT_EQ(value_of(parse(text)).anchor, config.anchor);
  EXPECT_EQ(value_of(parse(text)).roots, config.roots);
  config.anchor = "elsewhere/anchor";
  expect_refused(home_config_text(config), Code::kInvalid, "from the root of the file system");
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string changed = text;
    return parse(changed.replace(changed.find(from), from.size(), to));
  };
  expect_refused(with("\"version\": 4", "\"version\": 3"), Code::kInvalid, "version 4 alone");
  expect_refused(with("/mnt/elsewhere/anchor", ""), Code::kInvalid, "must name a file");
  expect_refused(with("/mnt/elsewhere", "elsewhere"), Code::kInvalid, "from the root of the file system");
  expect_refused(with("\"anchor\": ", "\"other\": "), Code::kInvalid, "version 4 alone");
}

TEST(HomeConfig, WhatARootIsNotTold) {
  expect_refused(check_root({"paper", "", Passphrase::kNone, "", {}}), Code::kInvalid, "unknown kind");
  expect_refused(check_root({"pkcs11", "", Passphrase::kNone, "", {{"token", "t"}, {"key", "k"}}}), Code::kInvalid,
                 "needs module");
  expect_refused(check_root({"software", "", Passphrase::kNone, "", {{"region", "eu"}}}), Code::kInvalid,
                 "has no region");
  expect_refused(home_config_text({{{"first", {"software", "bad\n", Passphrase::kNone, "", {}}}}, {}}), Code::kInvalid,
                 "plain UTF-8");
}

TEST(HomeConfig, Malformed) {
  const auto refused = [](std::string_view text, std::string_view words) {
    expect_refused(parse(text), Code::kInvalid, words);
  };
  refused(R"({"version": 3, "roots": []})", "1 to 100 roots");
  refused(R"({"version": 3, "roots": {"a": 1}})", "must be an object");
  refused(R"({"version": 3, "roots": {"a": {"kind": "software", "passphrase": "none", "key_file": 7}}})",
          "must be text");
  refused(R"({"version": 3, "root": {}, "roots": {}})", "version 3 has roots");
  refused(R"({"version": 1, "root": {"kind": "software", "passphrase": "none"}, "roots": {}})", "version 3 has roots");
  expect_refused(parse(R"({"version": 5, "roots": {}})"), Code::kUnsupported, "another version");
}

TEST(Roots, FoundInTheConfigurationAsItIsNow) {
  testing::TempDir folder;
  crypto::SystemRandom random;
  const auto make = [&](const std::string& name) {
    EXPECT_TRUE(kms::create_key_file(folder / name, std::nullopt, {}, random).ok());
    return value_of(kms::SoftwareKey::open(folder / name, std::nullopt, random))->key_id();
  };
  const auto write = [&](const HomeConfig& config) {
    const std::string text = value_of(home_config_text(config));
    EXPECT_TRUE(write_file(config_path(folder.path()), as_bytes(text), Overwrite::kReplace, 0600).ok());
  };
  HomeConfig config{{{"first", {"software", make("root.key"), Passphrase::kNone, "", {}}}}, {}};
  write(config);
  const auto secret = [](const std::string&, const RootConfig& root) { return stored_root_secret(root); };
  const auto roots = roots_of(folder.path(), config, secret, random);
  const std::string other = make("other.key");
  expect_refused(roots->with_id(other), Code::kDenied, "no root " + other);
  config.roots["other"] = {"software", other, Passphrase::kNone, "", {{"key_file", "other.key"}}};
  write(config);
  EXPECT_EQ(value_of(roots->with_id(other)).id, other);
}

TEST(Providers, KeyFileHasNobodyToAsk) {
  expect_refused(open_provider({"software", "", Passphrase::kNone, "", {}}, {}), Code::kUnsupported, "no provider");
}

TEST(Providers, WordsThatAreNone) {
  RootConfig aws{"aws-kms", "", Passphrase::kNone, "", {{"key", "k"}, {"region", "eu-west-1"}, {"fips", "maybe"}}};
  expect_refused(open_provider(aws, {}), Code::kInvalid, "yes or no");
  aws.options["fips"] = "no";
  aws.options["endpoint"] = "http://kms.example";
  expect_refused(open_provider(aws, {}), Code::kInvalid, "plain http");
}

}  // namespace
}  // namespace cloister::home
