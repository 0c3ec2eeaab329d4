#include "worker/inference/inference_config.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "net/http_client.h"
#include "tests/support/deterministic_random.h"
#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"
#include "worker/inference/inference_host.h"

namespace cloister::worker {
namespace {

using cloister::testing::DeterministicRandom;
using cloister::testing::expect_refused;
using cloister::testing::TempDir;
using cloister::testing::value_of;

const std::string kDigest = "sha256:" + std::string(64, 'a');
const std::string kWhole =
    "listen = \"/run/worker.sock\"\nclients = [\"33\", \"1000\"]\nmodel = \"vad\"\n"
    "library = \"/usr/lib/libonnxruntime.so\"\ntokens = [\"acme " +
    kDigest + "\"]\n";

Result<InferenceConfig> parse(const std::string& entries) {
  CLOISTER_TRY(const TomlDocument document, parse_toml("[inference]\n" + entries, TomlSubset::kSettings));
  return parse_inference_config(document.tables.at(0));
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  CLOISTER_CHECK(at != std::string::npos);
  return text.replace(at, what.size(), with);
}

TEST(InferenceConfig, ALibrary) {
  const InferenceConfig config = value_of(parse(kWhole + "library_threads = 2\nthreads = 3\nwaiting = 4\n"));
  EXPECT_EQ(config.listen, Path("/run/worker.sock"));
  EXPECT_EQ(*config.clients, (std::vector<uid_t>{33, 1000}));
  EXPECT_EQ(config.onnx->threads, 2U);
  EXPECT_FALSE(config.engine_socket.has_value());
  EXPECT_EQ(config.tokens.at(0).tenant, "acme");
  EXPECT_EQ(to_hex(config.tokens.at(0).digest), std::string(64, 'a'));
  EXPECT_EQ(config.threads, 3U);
  EXPECT_EQ(config.waiting, 4U);
}

TEST(InferenceConfig, AProcessBehindASocket) {
  const InferenceConfig config = value_of(
      parse(replaced(kWhole, "library = \"/usr/lib/libonnxruntime.so\"",
                     "engine_socket = \"/run/engine.sock\"\nengine_user = 7\nengine_path = \"/v1/completions\"")));
  EXPECT_EQ(config.engine_socket->user, 7U);
  EXPECT_EQ(config.engine_socket->path, "/v1/completions");
  EXPECT_TRUE(value_of(parse(replaced(kWhole, "[\"33\", \"1000\"]", "\"any\""))).clients == std::nullopt);
}

TEST(InferenceConfig, EntriesThatAreMissing) {
  for (const std::string_view key : {"listen", "clients", "model", "library", "tokens"}) {
    const std::size_t begin = kWhole.find(std::string(key) + " = ");
    std::string text = kWhole;
    text.erase(begin, text.find('\n', begin) + 1 - begin);
    expect_refused(parse(text), Code::kInvalid, key);
  }
}

TEST(InferenceConfig, EntriesThatAreWrong) {
  expect_refused(parse(kWhole + "other = 1\n"), Code::kInvalid, "other");
  expect_refused(parse(kWhole + "engine_socket = \"/run/e\"\n"), Code::kInvalid, "one of");
  expect_refused(parse(kWhole + "engine_user = 1\n"), Code::kInvalid, "engine_user");
  expect_refused(parse(kWhole + "threads = 0\n"), Code::kInvalid, "threads");
  expect_refused(parse(replaced(kWhole, "\"/run/worker.sock\"", "\"worker.sock\"")), Code::kInvalid, "listen");
  expect_refused(parse(replaced(kWhole, "\"33\"", "\"www-data\"")), Code::kInvalid, "clients");
  expect_refused(parse(replaced(kWhole, "\"vad\"", "\"../vad\"")), Code::kInvalid, "model");
  expect_refused(parse(replaced(kWhole, "acme sha256:", "acme:")), Code::kInvalid, "token");
  expect_refused(parse(replaced(kWhole, "acme " + kDigest + "\"", "acme " + kDigest + "\", \"b " + kDigest + "\"")),
                 Code::kInvalid, "twice");
}

TEST(InferenceHost, NoLibrary) {
  expect_refused(prepare_engine(value_of(parse(kWhole))), Code::kNotFound, "libonnxruntime");
}

TEST(InferenceHost, ListensForThoseWhoMay) {
  const TempDir folder;
  InferenceConfig config = value_of(
      parse(replaced(kWhole, "library = \"/usr/lib/libonnxruntime.so\"",
                     "engine_socket = \"/run/engine.sock\"\nengine_user = 7\nengine_path = \"/v1/completions\"")));
  config.listen = folder / "worker.sock";
  config.clients = std::vector<uid_t>{::geteuid()};
  DeterministicRandom random(1);
  const auto collect = [](const attest::Binding&) {
    return attest::EvidenceSet{{attest::Kind::kTpm, {{"quote", {1}}}}, {}};
  };
  const auto bundle_status = [&]() -> unsigned {
    auto client = value_of(net::HttpClient::create(net::UnixTarget{config.listen, ::geteuid()}, {}));
    const auto exchange = client->send({"GET", "/v1/bundle", {}, {}, nullptr}, seconds(5));
    return exchange.ok() ? exchange.value().response.status : 0;
  };
  auto host =
      value_of(InferenceHost::start(config, value_of(prepare_engine(config)), {}, collect, system_time, random));
  EXPECT_EQ(bundle_status(), 200U);
  EXPECT_TRUE(host->refresh().ok());
  EXPECT_TRUE(host->stop(seconds(5)).ok());
  host.reset();
  config.clients = std::vector<uid_t>{::geteuid() + 1};
  host = value_of(InferenceHost::start(config, value_of(prepare_engine(config)), {}, collect, system_time, random));
  EXPECT_EQ(bundle_status(), 0U);
}

}  // namespace
}  // namespace cloister::worker
