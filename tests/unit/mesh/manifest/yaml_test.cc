// YAML: what Kubernetes would read, with lines; and what is refused.
#include "mesh/manifest/yaml.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister::mesh {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::value_of;

TEST(YamlTest, ValuesHaveKindsAndLines) {
  const auto documents = value_of(parse_yaml("a: 1\nb: \"2\"\nc: [x, {d: ~}]\ne:\n---\n- yes\n"));
  ASSERT_EQ(documents.size(), 2u);
  const YamlValue& first = documents[0];
  EXPECT_EQ(first.at("a").integer(), 1);
  EXPECT_TRUE(first.at("a").plain);
  EXPECT_FALSE(first.at("b").plain);
  EXPECT_EQ(first.find("c")->line, 3u);
  EXPECT_TRUE(first.at("c").items[1].at("d").is_null());
  EXPECT_TRUE(first.at("e").is_null());
  EXPECT_EQ(documents[1].items[0].truth(), true);
  EXPECT_EQ(documents[1].items[0].line, 6u);
}

TEST(YamlTest, AWayDownThatIsNotThereIsNull) {
  const auto documents = value_of(parse_yaml("spec: {mtls: {mode: STRICT}, list: [1]}"));
  EXPECT_EQ(documents[0].under("spec.mtls.mode").text, "STRICT");
  EXPECT_TRUE(documents[0].under("spec.selector.matchLabels").is_null());
  EXPECT_TRUE(documents[0].under("spec.list.x").is_null());
  EXPECT_EQ(documents[0].under("spec.nothing").line, 0u);
}

TEST(YamlTest, JsonIsYaml) {
  const auto documents = value_of(parse_yaml("{\"a\": [true, null, \"x\"]}"));
  EXPECT_EQ(documents[0].at("a").items[0].truth(), true);
  EXPECT_TRUE(documents[0].at("a").items[1].is_null());
}

TEST(YamlTest, QuotedYesIsText) {
  const auto documents = value_of(parse_yaml("a: \"yes\"\nb: 'true'\nc: Off\nd: 12x\n"));
  EXPECT_EQ(documents[0].at("a").truth(), std::nullopt);
  EXPECT_EQ(documents[0].at("b").truth(), true);
  EXPECT_EQ(documents[0].at("c").truth(), false);
  EXPECT_EQ(documents[0].at("d").integer(), std::nullopt);
}

TEST(YamlTest, TagsArePassedOver) {
  const auto documents = value_of(parse_yaml("a: !Ref Mesh\nb: !!binary aGk=\nc: !Sub {x: 1}\n"));
  EXPECT_EQ(documents[0].at("a").text, "Mesh");
  EXPECT_EQ(documents[0].at("c").at("x").integer(), 1);
}

TEST(YamlTest, AliasesCopyAndKeepTheirLine) {
  const auto documents = value_of(
      parse_yaml("base: &b\n  x: 1\n  y: 2\nuse: *b\nmore:\n  <<: *b\n  x: 3\nboth:\n  <<: [*b, {z: 4, y: 5}]\n"));
  EXPECT_EQ(documents[0].at("use").at("x").line, 2u);
  EXPECT_EQ(documents[0].at("more").at("x").integer(), 3);
  EXPECT_EQ(documents[0].at("more").at("y").integer(), 2);
  EXPECT_EQ(documents[0].at("both").at("y").integer(), 2);
  EXPECT_EQ(documents[0].at("both").at("z").integer(), 4);
}

TEST(YamlTest, NothingIsNoDocument) {
  EXPECT_TRUE(value_of(parse_yaml("")).empty());
  EXPECT_TRUE(value_of(parse_yaml(std::string_view())).empty());
  EXPECT_TRUE(value_of(parse_yaml("# only words\n")).empty());
  EXPECT_EQ(value_of(parse_yaml("---\n---\na: 1\n")).size(), 2u);
}

TEST(YamlTest, SameNameTwice) {
  expect_refused(parse_yaml("mode: STRICT\nx: 1\nmode: DISABLE\n"), Code::kInvalid, "line 3: the same name twice");
  expect_refused(parse_yaml("a: {b: 1, \"b\": 2}"), Code::kInvalid, "the same name twice");
}

TEST(YamlTest, NotYaml) {
  expect_refused(parse_yaml("a: [1, 2\nb: 3\n"), Code::kInvalid, "line");
  expect_refused(parse_yaml("\ta: 1"), Code::kInvalid, "line 1");
  expect_refused(parse_yaml(std::string_view("a: b\0c", 6)), Code::kInvalid, "byte");
  expect_refused(parse_yaml("a: \xff\xfe"), Code::kInvalid, "byte");
}

TEST(YamlTest, TemplateOfAChartSaysSo) {
  expect_refused(parse_yaml("a: {{ .Values.mode }}\nb: {{- if x }}\n"), Code::kInvalid, "helm template");
}

TEST(YamlTest, NameThatIsNoText) {
  expect_refused(parse_yaml("? [a, b]\n: 1\n"), Code::kInvalid, "isn't text");
  expect_refused(parse_yaml("<<: 3\n"), Code::kInvalid, "<< takes");
  expect_refused(parse_yaml("<<: [{a: 1}, 3]\n"), Code::kInvalid, "<< takes");
}

TEST(YamlTest, AliasOfNothingOrOfItself) {
  expect_refused(parse_yaml("a: *b\n"), Code::kInvalid, "line 1");
  expect_refused(parse_yaml("a: &a [*a]\n"), Code::kInvalid, "isn't whole");
  expect_refused(parse_yaml("a: &a 1\n---\nb: *a\n"), Code::kInvalid, "line 3");
}

TEST(YamlTest, ABombOfAliases) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1), name = "a" + std::to_string(i);
    bomb += name + ": &" + name + " [" + before;
    for (int k = 1; k < 10; ++k) bomb += ", " + before;
    bomb += "]\n";
  }
  expect_refused(parse_yaml(bomb), Code::kInvalid, "too many values");
  // Few values, each long.
  std::string heavy = "a: &a \"" + std::string(1 << 20, 'x') + "\"\nb: [";
  for (int i = 0; i < 100; ++i) heavy += "*a, ";
  expect_refused(parse_yaml(heavy + "*a]\n"), Code::kInvalid, "too many values");
}

TEST(YamlTest, TooDeepTooLongTooMany) {
  expect_refused(parse_yaml(std::string(65, '[') + std::string(65, ']')), Code::kInvalid, "too deeply");
  EXPECT_TRUE(parse_yaml(std::string(64, '[') + std::string(64, ']')).ok());
  expect_refused(parse_yaml(std::string(100'000, '[')), Code::kInvalid, "too deeply");
  expect_refused(parse_yaml(std::string((std::size_t{4} << 20) + 1, ' ')), Code::kInvalid, "at most");
  std::string documents;
  for (int i = 0; i < 4097; ++i) documents += "---\na\n";
  expect_refused(parse_yaml(documents), Code::kInvalid, "too many documents");
}

}  // namespace
}  // namespace cloister::mesh
