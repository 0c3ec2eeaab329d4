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
  for (const char* text :
       {"", "text", "<a>", "<a", "<a></b>", "</a>", "<a></a><b></b>", "<a></a>x", "<a>x<b></b></a>", "<a><b></b>x</a>",
        "<a>&x;</a>", "<a>&#65;</a>", "<a>&amp</a>", "<>x</>", "<a b=\"></a>", "< a></a>", "<a <b></a>", "<a></a"}) {
    EXPECT_EQ(read_xml(text).ok(), false) << text;
  }
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
