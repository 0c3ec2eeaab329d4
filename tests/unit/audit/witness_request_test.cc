// What a log asks a witness: written and read back, or refused.
#include "audit/witness_request.h"

#include <gtest/gtest.h>

#include "audit/signed_note.h"

namespace cloister::audit {
namespace {

constexpr const char* kHash = "dGnb48fHwd0nuNu7rMmfGPX8fDv8y/ZQjkiPkiCOBFE=\n";

void refused(const std::string& text, std::string_view words) {
  const auto request = parse_witness_request(text);
  ASSERT_FALSE(request.ok()) << text;
  EXPECT_EQ(request.error().code(), Code::kCorrupt);
  EXPECT_NE(request.error().message().find(words), std::string::npos) << request.error().message();
}

TEST(WitnessRequest, IsReadBackAsItWasWritten) {
  for (std::size_t count : {0u, 1u, 63u}) {
    WitnessRequest request{count, std::vector<Hash>(count, Hash{1, 2, 3}), "the note\n"};
    const std::string text = write_witness_request(request);
    const auto read = parse_witness_request(text);
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_EQ(read->older, request.older);
    EXPECT_EQ(read->proof, request.proof);
    EXPECT_EQ(read->note, request.note);
    EXPECT_EQ(write_witness_request(*read), text);
  }
  EXPECT_EQ(parse_witness_request("old 0\n\nx")->note, "x");
  EXPECT_EQ(parse_witness_request("old 5\n" + std::string(kHash) + "\n\n\n")->note, "\n\n");
}

TEST(WitnessRequest, EveryTruncationBeforeTheNoteIsRefused) {
  const std::string text = "old 5\n" + std::string(kHash) + kHash + "\nnote\n";
  const std::size_t note = text.find("note");
  for (std::size_t size = 0; size <= note; ++size) {
    EXPECT_FALSE(parse_witness_request(text.substr(0, size)).ok()) << size;
  }
}

TEST(WitnessRequest, AnotherForm) {
  refused("", "ends before");
  refused("old 1", "ends before");
  refused("older 1\n\nnote\n", "`old SIZE`");
  refused("OLD 1\n\nnote\n", "`old SIZE`");
  for (const char* size : {"", "01", "+1", "-1", " 1", "1 ", "1\r", "0x1", "18446744073709551616"}) {
    refused("old " + std::string(size) + "\n\nnote\n", "decimal");
  }
  EXPECT_TRUE(parse_witness_request("old 18446744073709551615\n\nnote\n").ok());
  for (const char* hash : {"x", "AAAA", "dGnb48fHwd0nuNu7rMmfGPX8fDv8y/ZQjkiPkiCOBFE", " ",
                           "dGnb48fHwd0nuNu7rMmfGPX8fDv8y/ZQjkiPkiCOBFF=", "\r"}) {
    refused("old 1\n" + std::string(hash) + "\n\nnote\n", "base64");
  }
  std::string many = "old 1\n";
  for (int i = 0; i < 64; ++i) many += kHash;
  refused(many + "\nnote\n", "more than 63");
  refused("old 1\n\n" + std::string(kNoteSizeMax + 1, 'x'), "131072");
}

}  // namespace
}  // namespace cloister::audit
