// The XML of manifests: its canonical form, and everything that isn't read.
#include "attest/nvidia/xml.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister::attest::nvidia {
namespace {

using namespace cloister::testing;

std::string canonical(std::string_view text) { return canonical_xml(*value_of(parse_xml(as_bytes(text))), nullptr); }

void expect_no_xml(std::string_view text, std::string_view word) {
  expect_refused(parse_xml(as_bytes(text)), Code::kInvalid, word);
}

TEST(NvidiaXml, CanonicalFormIsItsOwn) {
  const std::string text = R"(<a xmlns="urn:d" xmlns:p="urn:p" x="1" p:y="2"><p:b></p:b> text </a>)";
  EXPECT_EQ(canonical(text), text);
}

// The examples of Canonical XML 1.1, 3.3 and 3.4, as far as they need no document type.
TEST(NvidiaXml, StartAndEndTags) {
  EXPECT_EQ(canonical("<doc>\n <e1   />\n <e2   ></e2>\n <e3   name = \"elem3\"   id=\"elem3\"   />\n</doc>"),
            "<doc>\n <e1></e1>\n <e2></e2>\n <e3 id=\"elem3\" name=\"elem3\"></e3>\n</doc>");
}

TEST(NvidiaXml, NamespacesAndAttributesInOrder) {
  EXPECT_EQ(canonical(R"(<e5 a:attr="out" b:attr="sorted" attr2="all" attr="I'm" )"
                      R"(xmlns:b="http://www.ietf.org" xmlns:a="http://www.w3.org" xmlns="http://example.org"/>)"),
            R"(<e5 xmlns="http://example.org" xmlns:a="http://www.w3.org" xmlns:b="http://www.ietf.org" attr="I'm" )"
            R"(attr2="all" b:attr="sorted" a:attr="out"></e5>)");
}

TEST(NvidiaXml, NamespaceDeclaredAgainIsDropped) {
  EXPECT_EQ(canonical(R"(<a xmlns:p="urn:p"><p:b xmlns:p="urn:p"/><p:c xmlns:p="urn:q"/></a>)"),
            R"(<a xmlns:p="urn:p"><p:b></p:b><p:c xmlns:p="urn:q"></p:c></a>)");
}

TEST(NvidiaXml, CharactersAreEscaped) {
  EXPECT_EQ(canonical("<a b=\"&quot;&lt;&amp;&#x9;&#10;&#xD;>\">&lt;&amp;>&#xD;\"</a>"),
            "<a b=\"&quot;&lt;&amp;&#x9;&#xA;&#xD;>\">&lt;&amp;&gt;&#xD;\"</a>");
}

TEST(NvidiaXml, LinesEndWithLineFeeds) {
  EXPECT_EQ(canonical("<a b=\"1\r\n2\t3\">\r\n\r</a>"), "<a b=\"1 2 3\">\n\n</a>");
}

TEST(NvidiaXml, LettersOfOtherAlphabets) {
  EXPECT_EQ(canonical("<a>&#233;&#x20AC;&#x1F512;\xC3\xA9</a>"), "<a>\xC3\xA9\xE2\x82\xAC\xF0\x9F\x94\x92\xC3\xA9</a>");
}

TEST(NvidiaXml, ElementWithoutAnother) {
  const auto root = value_of(parse_xml(as_bytes("<a><b/>x<c/></a>")));
  EXPECT_EQ(canonical_xml(*root, root->elements()[1]), "<a><b></b>x</a>");
}

TEST(NvidiaXml, ElementInTheMiddleHasWhatIsInForce) {
  const auto root = value_of(
      parse_xml(as_bytes(R"(<a xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:q"><p:b xmlns:q="urn:r"><c/></p:b></a>)")));
  EXPECT_EQ(canonical_xml(*root->elements()[0], nullptr),
            R"(<p:b xmlns="urn:d" xmlns:p="urn:p" xmlns:q="urn:r"><c></c></p:b>)");
}

TEST(NvidiaXml, DeclarationInFront) {
  EXPECT_EQ(canonical("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a/>\n"), "<a></a>");
  expect_no_xml("<?xml version=\"1.0\" encoding=\"UTF-16\"?><a/>", "instruction");
}

TEST(NvidiaXml, WhatCouldDeclareOrHide) {
  expect_no_xml("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", "declaration");
  expect_no_xml("<a><!-- hidden --></a>", "comment");
  expect_no_xml("<a><![CDATA[x]]></a>", "declaration");
  expect_no_xml("<a><?run it?></a>", "instruction");
  expect_no_xml("<a>&nbsp;</a>", "entity");
  expect_no_xml("<a xml:id=\"x\"/>", "prefix");
  expect_no_xml("<a>]]></a>", "CDATA");
}

TEST(NvidiaXml, NamesAndNamespaces) {
  expect_no_xml("<p:a/>", "prefix");
  expect_no_xml("<a p:b=\"1\"/>", "prefix");
  expect_no_xml("<a xmlns:p=\"\"/>", "namespace");
  expect_no_xml("<a xmlns:xml=\"urn:x\"/>", "namespace");
  expect_no_xml("<a xmlns:xmlns=\"urn:x\"/>", "namespace");
  expect_no_xml("<a xmlns:p=\"http://www.w3.org/XML/1998/namespace\"/>", "namespace");
  expect_no_xml("<a:b:c/>", "gap");
  expect_no_xml("<1a/>", "name");
  expect_no_xml("<\xC3\xA9/>", "name");
}

TEST(NvidiaXml, AttributeTwice) {
  expect_no_xml("<a b=\"1\" b=\"1\"/>", "twice");
  expect_no_xml(R"(<a xmlns:p="urn:x" xmlns:q="urn:x" p:b="1" q:b="1"/>)", "twice");
  expect_no_xml(R"(<a xmlns:p="urn:x" xmlns:p="urn:y"/>)", "twice");
}

TEST(NvidiaXml, Malformed) {
  for (const std::string_view text : {"",
                                      " ",
                                      "a",
                                      "<",
                                      "<a",
                                      "<a>",
                                      "<a></b>",
                                      "<a></ab>",
                                      "<a/><b/>",
                                      "<a/>x",
                                      "<a b/>",
                                      "<a b=1/>",
                                      "<a b=\"1\"c=\"2\"/>",
                                      "<a b=\"<\"/>",
                                      "<a b=\"1/>",
                                      "<a>&</a>",
                                      "<a>&#;</a>",
                                      "<a>&#x;</a>",
                                      "<a>&#0;</a>",
                                      "<a>&#xD800;</a>",
                                      "<a>&#x110000;</a>",
                                      "<a>&#99999999;</a>",
                                      "<a>&#1a;</a>",
                                      "<a>\x01</a>",
                                      "<a>\xC0\x80</a>",
                                      "<a>\xED\xA0\x80</a>",
                                      "<a>\xEF\xBF\xBF</a>",
                                      "<a>\xE2\x82</a>",
                                      "\xEF\xBB\xBF<a/>"}) {
    EXPECT_FALSE(parse_xml(as_bytes(text)).ok()) << text;
  }
  EXPECT_FALSE(parse_xml(as_bytes(std::string_view("<a>\0</a>", 8))).ok());
}

TEST(NvidiaXml, Limits) {
  std::string deep;
  for (unsigned i = 0; i < kXmlDepthMax + 1; ++i) deep += "<a>";
  expect_no_xml(deep, "deep");
  std::string many = "<a>";
  for (std::size_t i = 0; i < kXmlElementsMax; ++i) many += "<b/>";
  expect_no_xml(many + "</a>", "long");
  std::string attributes = "<a";
  for (std::size_t i = 0; i <= kXmlAttributesMax; ++i) attributes += " b" + std::to_string(i) + "=\"\"";
  expect_no_xml(attributes + "/>", "too many");
  expect_no_xml(std::string(kXmlSizeMax + 1, ' '), "too large");
  expect_no_xml("<" + std::string(200, 'a') + "/>", "name");
  const std::string uri(kXmlNamespaceSizeMax, 'u');
  EXPECT_TRUE(parse_xml(as_bytes("<a xmlns=\"" + uri + "\"/>")).ok());
  expect_no_xml("<a xmlns=\"" + uri + "u\"/>", "too long");
  expect_no_xml("<a xmlns:p=\"" + uri + "u\"/>", "too long");
}

TEST(NvidiaXml, TextOfAnElement) {
  const auto root = value_of(parse_xml(as_bytes("<a><b>one</b><c>two<d/></c> <e/>\n</a>")));
  EXPECT_EQ(root->elements()[0]->text(), "one");
  EXPECT_EQ(root->elements()[1]->text(), "");
  EXPECT_TRUE(root->only_elements());
  EXPECT_FALSE(root->elements()[1]->only_elements());
}

}  // namespace
}  // namespace cloister::attest::nvidia
