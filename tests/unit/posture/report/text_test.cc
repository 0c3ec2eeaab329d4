// Names from outside, as text.
#include "posture/report/text.h"

#include <gtest/gtest.h>

#include "support/sample_posture.h"

namespace cloister::posture::report {
namespace {

TEST(TextTest, MarkupBecomesText) {
  EXPECT_EQ(html("<a href=\"x\" id='y'>&"), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;");
  const std::string shown = html(testing::kHostileMarkup);
  EXPECT_EQ(shown.find('<'), std::string::npos);
  EXPECT_EQ(shown.find('"'), std::string::npos);
}

TEST(TextTest, CommandsOfATerminalAreShown) {
  EXPECT_EQ(plain(testing::kHostileTerminal), "\\x1b]0;pwned\\x07\\x1b[2J");
  EXPECT_EQ(plain("a\nb\tc\x7f"), "a\\x0ab\\x09c\\x7f");
  EXPECT_EQ(plain("\xc2\x9b"
                  "2J"),
            "\\xc2\\x9b2J")
      << "the same command in eight bits";
}

TEST(TextTest, WhatIsNoTextIsShownByItsBytes) {
  EXPECT_EQ(plain(testing::kHostileBytes), "weights-\\xff\\xfe\\x80");
  EXPECT_EQ(plain("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "half of a surrogate pair";
  EXPECT_EQ(plain("\xe2\x82"), "\\xe2\\x82") << "cut off";
}

TEST(TextTest, TurnedAndUnseenCharactersAreNamed) {
  EXPECT_EQ(plain(testing::kHostileDirection), "gpj\\u{202e}exe.safetensors");
  EXPECT_EQ(plain("a\xe2\x80\x8b"
                  "b"),
            "a\\u{200b}b");
  EXPECT_EQ(plain("\xef\xbb\xbf"), "\\u{feff}");
  EXPECT_EQ(plain("a\xc2\xa0"), "a\\u{a0}");
  EXPECT_EQ(plain("\xe1\x9a\x80\xe2\x80\x80\xe2\x80\x8a\xe2\x80\xaf\xe2\x81\x9f\xe3\x80\x80"),
            "\\u{1680}\\u{2000}\\u{200a}\\u{202f}\\u{205f}\\u{3000}");
  EXPECT_EQ(plain("\xe3\x80\x81"), "\xe3\x80\x81") << "the ideographic comma is seen";
}

TEST(TextTest, OrdinaryWordsStay) { EXPECT_EQ(plain("Größe – 模型 🙂"), "Größe – 模型 🙂"); }

TEST(TextTest, LongNamesKeepTheirEnds) {
  EXPECT_EQ(tail_text("short", 10), "short");
  EXPECT_EQ(tail_text("arn:aws:kms:key/3f1c2b9e", 12), "…/3f1c2b9e");
  EXPECT_EQ(tail_text("aaaaaaaaaa\xc3\xb6"
                      "bbbb",
                      8),
            "…bbbb")
      << "never half a character";
}

TEST(TextTest, Numbers) {
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1'234'567), "1,234,567");
  EXPECT_EQ(score_text(9895), "0.9895");
  EXPECT_EQ(score_text(10000), "1.0000");
  EXPECT_EQ(permille_text(971), "97.1 %");
  EXPECT_EQ(counted(1, "key"), "1 key");
  EXPECT_EQ(counted(0, "key"), "0 keys");
  EXPECT_EQ(coverage_text({68, 70}), "97.1 % (68 of 70)");
  EXPECT_EQ(coverage_text({0, 0}), "nothing is known") << "never a hundred percent of nothing";
  EXPECT_EQ(age_text(minutes(-5)), "0 min");
  EXPECT_EQ(age_text(hours(47)), "47 h");
  EXPECT_EQ(age_text(days(12)), "12 d");
}

}  // namespace
}  // namespace cloister::posture::report
