// An exported audit log read by a second implementation, tests/vectors/audit_log.py: what the library writes verifies
// there, and of everything that is broken both name the same line.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <random>

#include "tests/support/temp_dir.h"
#include "tests/unit/audit/log_fixture.h"

namespace cloister::audit {
namespace {

constexpr std::string_view kFolder = CLOISTER_SOURCE_DIR "/tests/vectors";

struct Verdict {
  int status = -1;
  std::string said;
};

Verdict run(const std::string& command) {
  Verdict verdict;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return verdict;
  char buffer[4096];
  while (const std::size_t count = std::fread(buffer, 1, sizeof buffer, pipe)) verdict.said.append(buffer, count);
  const int status = ::pclose(pipe);
  verdict.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return verdict;
}

// "line 7: …" gives "line 7"; nothing wrong gives nothing.
std::string line_named(std::string_view said) {
  return said.starts_with("line ") ? std::string(said.substr(0, said.find(':'))) : std::string();
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

// The example of docs/formats/audit-log.md; the same bytes must come out as long as version 1 lives.
std::vector<LogRecord> records_of_the_page() {
  Extras extras;
  extras.set_text(Extra::kRequestId, "r-1").set_text(Extra::kSource, "192.0.2.17").set_number(Extra::kKeyVersion, 1);
  extras.set_text(Extra::kPolicy, "gpu-only").set_digest(Extra::kPolicyDigest, crypto::sha256(as_bytes("policy")));
  extras.set_text(Extra::kTee, "insecure_software");
  const Event refused{
      Time{1'700'000'000'001}, "spiffe://example.com/trainer",       "key.release", "acme/production", "mnist",
      Outcome::kRefused,       "the policy accepts no simulated TEE"};
  return {LogRecord::make(0, event_of("kek.rotate"), {}), LogRecord::make(1, refused, extras)};
}

const Path kExample = Path(kFolder) / "audit-log" / "example.jsonl";

TEST(AuditLog, ExampleOfThePageIsWrittenByteForByte) {
  const auto kept = read_file(kExample, 1 << 20);
  ASSERT_TRUE(kept.ok()) << kept.error().message();
  const LogKeys keys;
  std::string text;
  auto writer = value_of(ExportWriter::begin(sink_to(text), std::string(kOrigin)));
  for (const LogRecord& record : records_of_the_page()) EXPECT_TRUE(writer.add(record).ok());
  const std::string note = value_of(sign_checkpoint(checkpoint_of(writer.frontier()), keys.log));
  EXPECT_TRUE(writer.finish(with_cosignature(note, keys.witness)).ok());
  EXPECT_EQ(text, as_text(*kept));
}

class AuditLogPython : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* candidate : {"/usr/bin/python3", "python3"}) {
      if (run(std::string(candidate) + " -c 'import cryptography'").status == 0) python_ = candidate;
      if (!python_.empty()) return;
    }
    GTEST_SKIP() << "no python3 here has the module cryptography (Debian: python3-cryptography)";
  }

  // One process for many files: starting Python is what takes the time.
  std::vector<Verdict> python(const std::vector<std::string>& texts, const CheckpointTrust& trust) {
    std::string list;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const Path path = folder_ / std::to_string(i);
      EXPECT_TRUE(write_file(path, as_bytes(texts[i]), Overwrite::kReplace).ok());
      list += path.string() + "\n";
    }
    EXPECT_TRUE(write_file(folder_ / "list", as_bytes(list), Overwrite::kReplace).ok());
    std::string keys = " '" + trust.log_key.text() + "'";
    if (!trust.witnesses.empty()) keys += " " + std::to_string(trust.quorum);
    for (const VerifierKey& witness : trust.witnesses) keys += " '" + witness.text() + "'";
    const std::string script = "cd '" + std::string(kFolder) + "' && " + python_ +
                               " -c 'import sys, audit_log\nfor path in open(sys.argv[1]).read().split():"
                               " print(\"status\", audit_log.main(path, *sys.argv[2:]))' '" +
                               (folder_ / "list").string() + "'" + keys;
    const Verdict all = run(script);
    EXPECT_EQ(all.status, 0) << all.said;
    std::vector<Verdict> verdicts;
    std::string_view rest = all.said;
    for (std::size_t end; (end = rest.find("status ")) != std::string_view::npos; rest.remove_prefix(end + 9)) {
      verdicts.push_back(Verdict{rest[end + 7] - '0', std::string(rest.substr(0, end))});
    }
    EXPECT_EQ(verdicts.size(), texts.size()) << all.said;
    verdicts.resize(texts.size());
    return verdicts;
  }

  Verdict python_on(const Path& path, const CheckpointTrust& trust) {
    return run(python_ + " '" + std::string(kFolder) + "/audit_log.py' '" + path.string() + "' '" +
               trust.log_key.text() + "' 1 '" + trust.witnesses.at(0).text() + "'");
  }

  void expect_the_same(const std::vector<std::string>& texts, const CheckpointTrust& trust) {
    const auto verdicts = python(texts, trust);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const auto ours = verify_export(source_of(texts[i]), trust);
      EXPECT_EQ(ours.ok(), verdicts[i].status == 0) << verdicts[i].said << (ours.ok() ? "" : ours.error().message());
      EXPECT_EQ(ours.ok() ? "" : line_named(ours.error().message()), line_named(verdicts[i].said))
          << verdicts[i].said << (ours.ok() ? "" : ours.error().message()) << "\n"
          << texts[i];
    }
  }

  LogKeys keys_;
  std::vector<LogRecord> records_ = example_records();
  std::string text_ = export_of(records_, keys_);
  testing::TempDir folder_;
  std::string python_;
};

TEST_F(AuditLogPython, WhatTheLibraryWrites) {
  std::vector<LogRecord> many;
  for (std::uint64_t i = 0; i < 1000; ++i) many.push_back(LogRecord::make(i, event_of("kek.rotate"), {}));
  for (const CheckpointTrust& trust : {keys_.trust(), keys_.trust(1), keys_.trust(2)}) {
    const auto verdicts = python({text_, export_of({}, keys_), export_of(many, keys_)}, trust);
    for (const Verdict& verdict : verdicts) EXPECT_EQ(verdict.status, 0) << verdict.said;
    EXPECT_EQ(verdicts[0].said, "size 3 root " + to_hex(frontier_of(records_).root()) + "\n");
    EXPECT_EQ(verdicts[2].said, "size 1000 root " + to_hex(frontier_of(many).root()) + "\n");
  }
}

TEST_F(AuditLogPython, ExampleOfThePage) {
  const CheckpointTrust trust{keys_.log.verifier(), {keys_.witness.verifier()}, 1};
  const Verdict verdict = python_on(kExample, trust);
  EXPECT_EQ(verdict.status, 0) << verdict.said;
  EXPECT_EQ(verdict.said, "size 2 root " + to_hex(frontier_of(records_of_the_page()).root()) + "\n");
  EXPECT_EQ(python_on(folder_ / "absent", trust).status, 1);
  const CheckpointTrust other{keys_.log.verifier(), {keys_.other_witness.verifier()}, 1};
  EXPECT_EQ(line_named(python_on(kExample, other).said), "line 4");
}

TEST_F(AuditLogPython, ChangedBytes) {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < text_.size(); i += 5) {
    texts.push_back(text_);
    texts.back()[i] ^= 1;
  }
  expect_the_same(texts, keys_.trust(2));
}

TEST_F(AuditLogPython, CutAnywhere) {
  std::vector<std::string> texts;
  for (std::size_t size = 0; size < text_.size(); size += 17) texts.push_back(text_.substr(0, size));
  texts.push_back(text_.substr(0, text_.size() - 1));
  texts.push_back(text_ + "\n");
  texts.push_back(text_ + text_);
  expect_the_same(texts, keys_.trust(2));
}

TEST_F(AuditLogPython, ThingsReadersOfJsonDifferIn) {
  // Of record 0, so that nothing else is wrong with the line.
  const std::string_view index = "\"index\":0";
  std::vector<std::string> texts;
  for (const std::string_view number : {"-0", "0.0", "0e0", "00", "true", "false", "null", "\"0\"", "[0]", "{}", "NaN",
                                        " 0 ", "\t0", "9007199254740992", "1e999", "123456789012345678901234567890"}) {
    texts.push_back(replaced(text_, index, "\"index\":" + std::string(number)));
  }
  texts.push_back(replaced(text_, index, "\"\\u0069ndex\":0"));
  texts.push_back(replaced(text_, index, "\"index\":0,\"index\":0"));
  texts.push_back(replaced(text_, index, "\"index\":0,\"\\u0069ndex\":0"));
  texts.push_back(replaced(text_, index, "\"index\":0,"));
  texts.push_back(replaced(text_, index, "\"index\":0,\"more\":1"));
  texts.push_back(replaced(text_, index, "\"index\":0,\"extras\":{}"));
  texts.push_back(replaced(text_, index, "\"index\":0,\"extras\":\"\""));
  texts.push_back(replaced(text_, index, "\"index\":0,\"extras\":{\"type-0\":\"\"}"));
  texts.push_back(replaced(text_, index, "\"index\":0,\"extras\":{},\"extras\":{}"));
  texts.push_back(replaced(text_, index, "\"index\":0,\"subject\":{}"));
  for (const std::string_view value :
       {"kek:00:1\\ud800", "kek:00:1\\ud83d\\ude00", "kek:00:\\u0031", "kek\\u003a00:1", "kek:00:1\\u0000",
        "kek:00:1\\u007f", "kek:00:1\\u0085", "kek:00:1\x7f", "kek:00:1\xff"}) {
    texts.push_back(replaced(text_, "kek:00:1", value));
  }
  texts.push_back("\xef\xbb\xbf" + text_);
  texts.push_back(" " + text_);
  texts.push_back(replaced(text_, "}\n", "} \n"));
  texts.push_back(replaced(text_, "}\n", "}\r\n"));
  texts.push_back(replaced(text_, "}\n", std::string_view("}\0}\n", 4)));
  texts.push_back(replaced(text_, "}\n", "}\n\n"));
  texts.push_back(replaced(text_, "\"version\":1", "\"version\":true"));
  texts.push_back(replaced(text_, "\"version\":1", "\"version\":2"));
  texts.push_back(replaced(text_, "{", std::string(5000, '[')));
  std::string deep;
  for (int i = 0; i < 20'000; ++i) deep += "{\"extras\":";
  texts.push_back(replaced(text_, "\"extras\":{", "\"extras\":" + deep + "{"));
  expect_the_same(texts, keys_.trust(2));
}

TEST_F(AuditLogPython, ExtrasUnderEveryNameAndOfEveryKind) {
  const std::string_view known = R"("request_id":"r-3")";
  std::vector<std::string> texts;
  for (const std::string_view other : {R"("type-1":"722d33")",
                                       R"("type-1":"722D33")",
                                       R"("type-01":"722d33")",
                                       R"("type-1":"")",
                                       R"("type-1":"ff")",
                                       R"("type-1":"0a")",
                                       R"("request_id":"")",
                                       R"("request_id":7)",
                                       R"("request_id":null)",
                                       R"("unheard":"x")",
                                       R"("type-8":"0700000000000000")",
                                       R"("type-8":"ffffffffffffff00")",
                                       R"("type-8":"07")",
                                       R"("type-3":"00")",
                                       R"("key_use":7)",
                                       R"("key_use":"7")",
                                       R"("key_use":true)",
                                       R"("policy_digest":"00")",
                                       R"("type-65535":"")",
                                       R"("type-65536":"")",
                                       R"("type-4711":"")",
                                       R"("request_id":"r-3","type-1":"722d33")"}) {
    texts.push_back(replaced(text_, known, other));
  }
  texts.push_back(replaced(text_, "type-4711\":\"", "type-4711\":\"" + std::string(506, '0')));
  texts.push_back(replaced(text_, "type-4711\":\"", "type-4711\":\"" + std::string(508, '0')));
  expect_the_same(texts, keys_.trust(2));
}

TEST_F(AuditLogPython, ManyChangesAtRandom) {
  std::mt19937_64 random(20'261'125);
  std::vector<std::string> texts;
  for (int i = 0; i < 800; ++i) {
    std::string text = text_;
    for (std::size_t changes = random() % 3 + 1; changes-- > 0;) {
      const std::size_t at = random() % text.size();
      switch (random() % 4) {
        case 0: text[at] = static_cast<char>(random()); break;
        case 1: text.erase(at, random() % 4); break;
        case 2: text.insert(at, 1, "\"{}:,0a\\\n"[random() % 9]); break;
        default: text.insert(at, text.substr(random() % text.size(), random() % 40)); break;
      }
    }
    texts.push_back(std::move(text));
  }
  expect_the_same(texts, keys_.trust(1));
}

TEST_F(AuditLogPython, OtherKeys) {
  const auto key = signing_key(9);
  const auto stranger = [&key](std::string_view name, NoteKeyType type) {
    return value_of(VerifierKey::make(name, type, key.public_key()));
  };
  const VerifierKey log = keys_.log.verifier();
  const VerifierKey witness = keys_.witness.verifier();
  for (const CheckpointTrust& trust : std::vector<CheckpointTrust>{
           {stranger(kOrigin, NoteKeyType::kEd25519)},
           {stranger("audit.example.com/rival", NoteKeyType::kEd25519)},
           {stranger("no-slash", NoteKeyType::kEd25519)},
           {log, {stranger(kWitness, NoteKeyType::kCosignatureV1)}, 1},
           {log, {witness, stranger("w9", NoteKeyType::kCosignatureV1)}, 2},
           {log, {witness, stranger("w9", NoteKeyType::kCosignatureV1)}, 1},
           {log, {witness, witness}, 1},
           {log, {witness}, 0},
           {log, {witness}, 2},
           {witness},
       }) {
    const auto verdict = python({text_}, trust)[0];
    EXPECT_EQ(verify_export(source_of(text_), trust).ok(), verdict.status == 0) << verdict.said;
  }
}

}  // namespace
}  // namespace cloister::audit
