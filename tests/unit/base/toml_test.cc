#include "base/toml.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister {
namespace {

using testing::expect_refused;

TomlDocument toml_of(std::string_view text) {
  auto document = parse_toml(text);
  EXPECT_TRUE(document.ok()) << document.error().message();
  return document.ok() ? std::move(document).value() : TomlDocument();
}

void expect_line(std::string_view text, std::size_t line, std::string_view words) {
  const auto document = parse_toml(text);
  expect_refused(document, Code::kInvalid, "line " + std::to_string(line) + ": ");
  expect_refused(document, Code::kInvalid, words);
}

TEST(Toml, ReadsWhatPoliciesUse) {
  const TomlDocument document = toml_of(
      "# a comment with \"\"\" and { in it\n"
      "version = 1  # and one behind\n"
      "text = 'C:\\x' \n"
      "escaped = \"a\\tb \\\"c\\\" \\u00e9 [x] = {y} #\"\r\n"
      "when = 2027-01-01T01:00:00+01:00\n"
      "\n"
      "[[rule]]\n"
      "list = [\n"
      "  'a', # first\n"
      "\t\"b\",\n"
      "]\n"
      "[[other]] # x\n"
      "[[rule]]\n"
      "flag = -1_000\n");
  EXPECT_EQ(document.top.find("version")->integer, 1);
  EXPECT_EQ(document.top.find("version")->line, 2U);
  EXPECT_EQ(document.top.find("text")->text, "C:\\x");
  EXPECT_EQ(document.top.find("escaped")->text, "a\tb \"c\" \xc3\xa9 [x] = {y} #");
  EXPECT_EQ(to_rfc3339(document.top.find("when")->time), "2027-01-01T00:00:00.000Z");
  EXPECT_EQ(document.top.find("nothing"), nullptr);
  ASSERT_EQ(document.tables.size(), 3U);
  EXPECT_EQ(document.tables[0].name, "rule");
  EXPECT_EQ(document.tables[0].line, 7U);
  EXPECT_EQ(document.tables[1].name, "other");
  const TomlValue* list = document.tables[0].find("list");
  ASSERT_EQ(list->list.size(), 2U);
  EXPECT_EQ(list->list[0].text, "a");
  EXPECT_EQ(list->list[1].line, 10U);
  EXPECT_EQ(document.tables[2].find("flag")->integer, -1000);
}

TEST(Toml, Empty) {
  for (const std::string_view text : {"", "\n\n", "# nothing\n", " \t\r\n"}) {
    const TomlDocument document = toml_of(text);
    EXPECT_TRUE(document.top.entries.empty());
    EXPECT_TRUE(document.tables.empty());
  }
}

TEST(Toml, TimesInUtc) {
  const auto time = [](std::string_view text) { return toml_of("t = " + std::string(text)).top.find("t")->time; };
  EXPECT_EQ(time("1970-01-01T00:00:00Z"), Time{0});
  EXPECT_EQ(time("2026-11-24T13:23:09.007Z"), Time{1'795'526'589'007});
  EXPECT_EQ(time("2000-02-29T00:00:00-00:30"), Time{951'782'400'000 + 1'800'000});
  for (const std::string_view text :
       {"2027-01-01T00:00:00", "2027-01-01", "12:00:00", "2027-02-30T00:00:00Z", "2027-01-01 00:00:00Z",
        "2027-01-01T$0:00:00Z", "2027-01-01T", "20270101T000000Z"}) {
    expect_line("t = " + std::string(text), 1, "a time like");
  }
}

TEST(Toml, ValuesWithoutQuotes) {
  for (const std::string_view text : {"true", "false", "inf", "nan", "1.5", "0x10", "0b1", "1e5", "01", "1_", "_1",
                                      "1__0", "+", "-", "acme", "1234567890123456789", "."}) {
    expect_line("a = " + std::string(text), 1, "a value is text in quotes");
  }
  for (const std::string_view text : {"$", "1;2", "(1)", "\xc3\xa9", "!", "a*"})
    expect_line("a = " + std::string(text), 1, "");
}

TEST(Toml, NotToml) {
  expect_line("a = 1\nb = \n", 2, "");
  expect_line("a = 1\na = 2\n", 2, "a second a");
  expect_line("[[t]]\na = 1\nb = 2\na = 3\n", 4, "a second a");
  expect_line("a = nonsense\n", 1, "");
  expect_line("a = 1 2\n", 1, "");
  expect_line("a = [1 2]\n", 1, "");
  expect_line("a = 1\n[[a]]\n", 2, "the name of a key");
}

TEST(Toml, MoreOfTomlThanPoliciesUse) {
  expect_line("a.b = 1", 1, "one bare word");
  expect_line("\n\"a\" = 1", 2, "a line is a key");
  expect_line("a = {b = 1}", 1, "inline tables");
  expect_line("a = [[\"b\"]]", 1, "a list inside a list");
  expect_line("a = \"\"\"x\ny\"\"\"", 1, "several lines");
  expect_line("a = '''x'''", 1, "several lines");
  expect_line("[table]", 1, "double brackets");
  expect_line("[[a.b]]", 1, "double brackets");
  expect_line("[[\"a\"]]", 1, "double brackets");
}

TEST(Toml, MalformedHeaders) {
  for (const std::string_view text : {"[", "[[", "[&", "[[[1]]]", "[[[a]]]", "[[[]]", "[[=", "[]", "[[]]", "[[a]",
                                      "[[a] ]", "[ [a]]", "[[a]]]", "[[a]] b", "[[a]][[b]]", "[[a]] = 1", "[[a\n]]"}) {
    expect_line(text, 1, "");
  }
}

TEST(Toml, Escapes) {
  const auto text = [](std::string_view written) {
    return toml_of("a = \"" + std::string(written) + "\"").top.find("a")->text;
  };
  EXPECT_EQ(text("\\b\\t\\n\\f\\r\\\"\\\\"), "\b\t\n\f\r\"\\");
  EXPECT_EQ(text("\\u0041\\u00E9\\u20ac\\U0001F511"), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x91");
  EXPECT_EQ(text("\\u0000").size(), 1U);
  EXPECT_EQ(toml_of("a = '\\u0041'").top.find("a")->text, "\\u0041");
  for (const std::string_view wrong : {"\\q", "\\x41", "\\e", "\\u12", "\\u12g4", "\\ud800", "\\udfff", "\\U00110000",
                                       "\\UFFFFFFFF", "\\U0001F51", "\\ "}) {
    expect_line("a = \"" + std::string(wrong) + "\"", 1, "an escape");
  }
}

// A separator of lines to some programs, and an ordinary character of a comment to TOML.
TEST(Toml, CommentsEndWithTheLine) {
  const TomlDocument document =
      toml_of("# x \xe2\x80\xa8 a = 1\n# \xe2\x80\xa9[[allow]]\nb = '\xef\xb9\xbf' # \xef\xb9\xbf\n");
  EXPECT_EQ(document.top.entries.size(), 1U);
  EXPECT_TRUE(document.tables.empty());
}

TEST(Toml, UnbalancedListsAndStrings) {
  expect_line("a = [\n'b',\n", 2, "inside a list");
  expect_line("a = ['b',\nc = 1\n", 2, "a value is");
  expect_line("a = ['b'\nc = 1\n", 2, "a comma is missing, or the list's ]");
  expect_line("a = ['b',,'c']", 1, "without a value before it");
  expect_line("a = [,]", 1, "without a value before it");
  expect_line("a = ['b'] 'c'", 1, "can follow a value");
  expect_line("a = []]", 1, "can follow a value");
  expect_line("a = ]", 1, "a value is");
  expect_line("a = 'b", 1, "closing quote");
  expect_line("a = \"b\\\"", 1, "closing quote");
  expect_line("a = \"b\\", 1, "closing quote");
  expect_line("a = 1\r\r\nb = 2", 1, "control character");
  expect_line("a = 1\r", 1, "control character");
  expect_line("a", 1, "then =");
  expect_line("= 1", 1, "a line is a key");
  expect_line("]", 1, "a line is a key");
}

TEST(Toml, BytesThatAreNoText) {
  expect_line(std::string_view("a = 1\n# \0\n", 10), 2, "control character");
  expect_line("a = 1\n# \x1b[31m\n", 2, "control character");
  expect_line("a = \"\xff\"", 1, "not UTF-8");
  expect_line("a = \"\xed\xa0\x80\"", 1, "not UTF-8");
  expect_line("# \xc2\x85", 1, "control character");
}

TEST(Toml, TooLarge) {
  EXPECT_TRUE(parse_toml("a = '" + std::string(4090, 'x') + "'").ok());
  expect_line("\na = '" + std::string(4091, 'x') + "'", 2, "4096");
  std::string list = "a = [\n", keys, tables;
  for (std::size_t i = 0; i < kTomlListMax; ++i) list += "1,\n";
  EXPECT_TRUE(parse_toml(list + "]").ok());
  expect_line(list + "1]", 258, "256 values");
  for (std::size_t i = 0; i < kTomlEntriesMax; ++i) keys += "k" + std::to_string(i) + " = 1\n";
  EXPECT_TRUE(parse_toml(keys + "[[t]]\n" + keys).ok());
  expect_line("[[t]]\n" + keys + "k = 1", 34, "32 keys");
  for (std::size_t i = 0; i < kTomlTablesMax; ++i) tables += "[[t]]\n";
  EXPECT_TRUE(parse_toml(tables).ok());
  expect_line(tables + "[[t]]", kTomlTablesMax + 1, "49152 tables");
  std::string large(kTomlSizeMax, '\n');
  EXPECT_TRUE(parse_toml(large).ok());
  large += '\n';
  expect_refused(parse_toml(large), Code::kInvalid, "8 MiB");
}

TomlDocument settings_of(std::string_view text) {
  auto document = parse_toml(text, TomlSubset::kSettings);
  EXPECT_TRUE(document.ok()) << document.error().message();
  return document.ok() ? std::move(document).value() : TomlDocument();
}

void expect_settings_line(std::string_view text, std::size_t line, std::string_view words) {
  const auto document = parse_toml(text, TomlSubset::kSettings);
  expect_refused(document, Code::kInvalid, "line " + std::to_string(line) + ": ");
  expect_refused(document, Code::kInvalid, words);
}

TEST(TomlSettings, TablesOnceAndWordsForYesAndNo) {
  const TomlDocument document =
      settings_of("[listen] # x\non = true\noff = false\nboth = [true, 1]\n[[user]]\n[[user]]\nuid = 1\n");
  ASSERT_EQ(document.tables.size(), 3U);
  EXPECT_FALSE(document.tables[0].listed);
  EXPECT_TRUE(document.tables[1].listed);
  EXPECT_TRUE(document.tables[0].find("on")->boolean);
  EXPECT_FALSE(document.tables[0].find("off")->boolean);
  EXPECT_EQ(document.tables[0].find("off")->kind, TomlValue::Kind::kBoolean);
  EXPECT_TRUE(document.tables[0].find("both")->list[0].boolean);
}

TEST(TomlSettings, TableTwice) {
  expect_settings_line("[a]\n[b]\n[a]\n", 3, "a second a: the first is at line 1");
  expect_settings_line("[a]\n[[a]]\n", 2, "a second a");
  expect_settings_line("[[a]]\n[[a]]\n[a]\n", 3, "a second a");
  expect_settings_line("a = 1\n[a]\n", 2, "the name of a key");
}

TEST(TomlSettings, MalformedHeaders) {
  for (const std::string_view text : {"[", "[]", "[a", "[a]]", "[[a]", "[a.b]", "[a] b", "[\"a\"]", "[a]\n[ b]"}) {
    expect_settings_line(text, text.find('\n') == std::string_view::npos ? 1 : 2, "");
  }
}

TEST(TomlSettings, NearlyTrue) {
  for (const std::string_view text : {"True", "TRUE", "yes", "on", "truee", "\"true"}) {
    expect_settings_line("a = " + std::string(text), 1, "");
  }
}

}  // namespace
}  // namespace cloister
