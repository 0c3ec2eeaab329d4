// Manifests: the one shape that is read, and documents whose signature covers less than what they say.
#include "attest/nvidia/rim.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/simulated_nvidia.h"

namespace cloister::attest::nvidia {
namespace {

using namespace cloister::testing;

class NvidiaRimTest : public ::testing::Test {
 protected:
  NvidiaRimTest() { rim_.measurements = {{0, {measurement_of(1)}}, {35, {Bytes(48, 1), measurement_of(36)}}}; }

  std::string text() { return std::string(as_text(signed_rim(rim_, signer_))); }
  static std::string replaced(std::string text, std::string_view from, std::string_view to) {
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  }
  static void expect_malformed(const std::string& text, std::string_view word) {
    expect_refused(parse_rim(as_bytes(text)), Code::kInvalid, word);
  }

  SimulatedPath signer_ = make_rim_path();
  SimulatedRim rim_;
};

TEST_F(NvidiaRimTest, SaysWhatWasSigned) {
  const Bytes bytes = signed_rim(rim_, signer_);
  const Rim rim = value_of(parse_rim(bytes));
  EXPECT_EQ(rim.tag_id, "0123456789abcdef");
  EXPECT_EQ(rim.product, "GH100");
  EXPECT_EQ(rim.edition, "GPU");
  EXPECT_EQ(rim.version, "550.90.07");
  EXPECT_EQ(rim.measurements.size(), 2U);
  EXPECT_EQ(rim.measurements.at(35).size(), 2U);
  EXPECT_EQ(rim.certificates.size(), 4U);
  EXPECT_TRUE(verify_rim_signature(rim).ok());
}

TEST_F(NvidiaRimTest, ChangedMeasurement) {
  const std::string hex = to_hex(measurement_of(1));
  std::string other = hex;
  other[0] = other[0] == '0' ? '1' : '0';
  const Rim rim = value_of(parse_rim(as_bytes(replaced(text(), hex, other))));
  expect_refused(verify_rim_signature(rim), Code::kCorrupt, "digest");
}

TEST_F(NvidiaRimTest, SignedByAnother) {
  const SimulatedPath other = make_rim_path(4500);
  const std::string ours = text();
  const std::string theirs = std::string(as_text(signed_rim(rim_, other)));
  // Their certificates behind our signature.
  const std::string mixed = ours.substr(0, ours.find("<ds:KeyInfo>")) + theirs.substr(theirs.find("<ds:KeyInfo>"));
  EXPECT_FALSE(verify_rim_signature(value_of(parse_rim(as_bytes(mixed)))).ok());
}

TEST_F(NvidiaRimTest, ReferenceToAPart) {
  rim_.reference = R"(<ds:Reference URI="#x">)";
  expect_malformed(text(), "whole document");
  rim_.reference = "<ds:Reference>";
  expect_malformed(text(), "whole document");
  rim_.reference = R"(<ds:Reference URI="" Id="x">)";
  expect_malformed(text(), "whole document");
}

TEST_F(NvidiaRimTest, TwoReferences) {
  const std::string whole = text();
  const std::size_t first = whole.find("<ds:Reference "), end = whole.find("</ds:SignedInfo>");
  std::string two = whole;
  expect_malformed(two.insert(end, whole.substr(first, end - first)), "SignedInfo");
}

TEST_F(NvidiaRimTest, AnotherTransform) {
  expect_malformed(replaced(text(), "xmldsig#enveloped-signature", "xmldsig#base64"), "Transform");
  expect_malformed(
      replaced(text(), R"(<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>)", ""),
      "Transforms");
}

TEST_F(NvidiaRimTest, AnotherAlgorithm) {
  expect_malformed(replaced(text(), "xmldsig-more#ecdsa-sha384", "xmldsig-more#ecdsa-sha256"), "SignatureMethod");
  expect_malformed(replaced(text(), R"(DigestMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#sha384)",
                            R"(DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1)"),
                   "DigestMethod");
  expect_malformed(replaced(text(), "xml-c14n11", "xml-c14n12"), "CanonicalizationMethod");
}

TEST_F(NvidiaRimTest, ObjectInTheSignature) {
  expect_malformed(replaced(text(), "</ds:KeyInfo>", "</ds:KeyInfo><ds:Object>x</ds:Object>"), "Signature");
}

TEST_F(NvidiaRimTest, KeyThatIsNoCertificate) {
  expect_malformed(replaced(text(), "<ds:X509Data>", "<ds:KeyName>x</ds:KeyName><ds:X509Data>"), "KeyInfo");
  expect_malformed(replaced(text(), "<ds:X509Data>", "<ds:X509Data><ds:X509SubjectName>x</ds:X509SubjectName>"),
                   "certificates");
}

TEST_F(NvidiaRimTest, SecondPayload) {
  rim_.root_more = "<ns0:Payload/>";
  expect_malformed(text(), "twice");
}

TEST_F(NvidiaRimTest, SecondSignature) {
  const std::string whole = text();
  const std::size_t first = whole.find("<ds:Signature "), end = whole.find("</SoftwareIdentity>");
  std::string two = whole;
  expect_malformed(two.insert(end, whole.substr(first, end - first)), "twice");
}

TEST_F(NvidiaRimTest, WrappedInAnotherDocument) {
  const std::string whole = text();
  expect_malformed(R"(<SoftwareIdentity xmlns="http://standards.iso.org/iso/19770/-2/2015/schema.xsd" tagId="1">)" +
                       whole + "</SoftwareIdentity>",
                   "SoftwareIdentity");
}

TEST_F(NvidiaRimTest, ResourceOfAnotherType) {
  rim_.payload_more = R"(<ns0:Resource type="Opaque" index="40" active="True" alternatives="1" size="48"/>)";
  expect_malformed(text(), "something else than measurements");
}

TEST_F(NvidiaRimTest, MeasurementTwice) {
  rim_.payload_more = R"(<ns0:Resource type="Measurement" index="0" active="True" alternatives="1" ns2:Hash0=")" +
                      std::string(96, 'a') + R"(" size="48"/>)";
  expect_malformed(text(), "twice");
}

TEST_F(NvidiaRimTest, MalformedMeasurements) {
  const auto resource = [](const std::string& attributes) {
    return "<ns0:Resource type=\"Measurement\" " + attributes + "/>";
  };
  const std::string hash = "ns2:Hash0=\"" + std::string(96, 'a') + "\"";
  for (const std::string& attributes :
       {R"(index="5" active="true" alternatives="1" size="48" )" + hash,
        R"(index="5" active="True" alternatives="2" size="48" )" + hash,
        R"(index="5" active="True" alternatives="0" size="48")" + std::string(),
        R"(index="05" active="True" alternatives="1" size="48" )" + hash,
        R"(index="256" active="True" alternatives="1" size="48" )" + hash,
        R"(index="-1" active="True" alternatives="1" size="48" )" + hash,
        R"(index="5" active="True" alternatives="1" size="32" )" + hash,
        R"(index="5" active="True" alternatives="1" size="48" ns2:Hash1=")" + std::string(96, 'a') + "\"",
        R"(index="5" active="True" alternatives="1" size="48" ns2:Hash0="aa")" + std::string()}) {
    rim_.payload_more = resource(attributes);
    EXPECT_FALSE(parse_rim(signed_rim(rim_, signer_)).ok()) << attributes;
  }
}

TEST_F(NvidiaRimTest, InactiveMeasurementIsNoReference) {
  rim_.payload_more = R"(<ns0:Resource type="Measurement" index="5" active="False" alternatives="1" ns2:Hash0=")" +
                      std::string(96, 'a') + R"(" size="48"/>)";
  EXPECT_FALSE(value_of(parse_rim(signed_rim(rim_, signer_))).measurements.contains(5));
}

TEST_F(NvidiaRimTest, WithoutWhatItMustSay) {
  for (const char* name : {"tagId=", "colloquialVersion=", "edition=", "product="}) {
    expect_malformed(replaced(text(), name, "other="), "has no");
  }
  expect_malformed(replaced(text(), "SoftwareIdentity xmlns=", "SoftwareIdentity xmlns:x="), "another document");
}

// Every byte: what still verifies says the same, by the same signer.
TEST_F(NvidiaRimTest, EveryFlippedByte) {
  rim_.measurements.erase(35);
  const std::string whole = text();
  const Rim before = value_of(parse_rim(as_bytes(whole)));
  const std::size_t key_info = whole.find("<ds:KeyInfo>");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x01);
    const auto rim = parse_rim(as_bytes(changed));
    if (!rim.ok() || !verify_rim_signature(*rim).ok()) continue;
    EXPECT_GT(i, key_info) << "covered by the signature";
    EXPECT_EQ(rim->measurements, before.measurements);
    EXPECT_NE(rim->certificates, before.certificates) << i;
  }
}

}  // namespace
}  // namespace cloister::attest::nvidia
