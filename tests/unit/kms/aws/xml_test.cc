#include "kms/aws/xml.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister::kms {
namespace {

using testing::expect_refused;
using testing::value_of;

TEST(Xml, ReadsElementsWithoutElements) {
  const auto texts =
      value_of(read_xml("<?xml version=\"1.0\"?>\n<a xmlns=\"https://x/>\">\n <b>one</b>\n <c/>"
                        "<d x='1'><e>&lt;&amp;&gt;&quot;&apos;</e></d>\n</a>\n"));
  ASSERT_EQ(texts.size(), 3U);
  EXPECT_EQ(find_text(texts, "a/b"), "one");
  EXPECT_EQ(find_text(texts, "a/c"), "");
  EXPECT_EQ(find_text(texts, "a/d/e"), "<&>\"'");
  EXPECT_EQ(find_text(texts, "a/x"), "");
}

TEST(Xml, WhatIsNotWellFormed) {
  for (const char* text : {"",
                           "text",
                           "<a>",
                           "<a",
                           "<a></b>",
                           "</a>",
                           "<a></a><b></b>",
                           "<a></a>x",
                           "<a>x<b></b></a>",
                           "<a><b></b>x</a>",
                           "<a>&x;</a>",
                           "<a>&#0;</a>",
                           "<a>&#xD800;</a>",
                           "<a>&#1114112;</a>",
                           "<a>&#;</a>",
                           "<a>&#-5;</a>",
                           "<a>&#x 41;</a>",
                           "<a>&#65</a>",
                           "<a>&amp</a>",
                           "<>x</>",
                           "<a b=\"></a>",
                           "< a></a>",
                           "<a <b></a>",
                           "<a></a"}) {
    EXPECT_EQ(read_xml(text).ok(), false) << text;
  }
}

TEST(Xml, CharactersByNumber) {
  const auto texts = value_of(read_xml("<a>&#34;&#x22;&#xE9;&#8364;&#x1F512;</a>"));
  EXPECT_EQ(find_text(texts, "a"), "\"\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x92");
}

TEST(Xml, ElementsOfAListDifferByWhatTheyAreIn) {
  const auto texts = value_of(read_xml("<a><i><x>1</x><y>2</y></i><i><y>3</y><z><x>4</x></z></i></a>"));
  ASSERT_EQ(texts.size(), 4U);
  EXPECT_EQ(texts[0].within, texts[1].within);
  EXPECT_NE(texts[1].within, texts[2].within);
  ASSERT_EQ(texts[3].within.size(), 3U);
  EXPECT_EQ(texts[3].within[1], texts[2].within[1]) << "the second item";
}

TEST(Xml, DocumentTypesAndTheirLike) {
  for (const char* text : {"<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "<a><![CDATA[x]]></a>", "<a><!-- x --></a>",
                           "<a><?php x ?></a>"}) {
    EXPECT_EQ(read_xml(text).ok(), false) << text;
  }
}

TEST(Xml, TooMuch) {
  std::string deep, many = "<a>";
  for (int i = 0; i < 17; ++i) deep += "<a>";
  for (int i = 0; i < 1024; ++i) many += "<b/>";
  expect_refused(read_xml(deep), Code::kInvalid, "too many");
  expect_refused(read_xml(many + "</a>"), Code::kInvalid, "too many");
  expect_refused(read_xml("<a>" + std::string(65536, 'x') + "</a>"), Code::kInvalid, "too long");
}

}  // namespace
}  // namespace cloister::kms
