// Reports of devices: every field that is read, and every form that must be refused.
#include "attest/nvidia/report.h"

#include <gtest/gtest.h>

#include "tests/support/certificates.h"
#include "tests/support/expect.h"
#include "tests/support/hex.h"
#include "tests/support/simulated_nvidia.h"

namespace cloister::attest::nvidia {
namespace {

using namespace cloister::testing;

// Whatever signature: nobody verifies it here.
Bytes with_signature(const SimulatedReport& report) {
  Bytes bytes = report_to_sign(report);
  bytes.resize(bytes.size() + kSignatureSize, 0x5A);
  return bytes;
}

void expect_no_report(const Bytes& bytes, std::string_view word) {
  expect_refused(parse_report(bytes), Code::kCorrupt, word);
}

TEST(NvidiaReport, FieldsOfAGpu) {
  const SimulatedReport said;
  const Bytes bytes = with_signature(said);
  const Report report = value_of(parse_report(bytes));
  EXPECT_TRUE(equal(report.nonce, said.nonce));
  EXPECT_EQ(report.measurements.size(), 64U);
  EXPECT_TRUE(equal(report.measurements.at(7), measurement_of(7)));
  EXPECT_EQ(report.opaque.driver, "550.90.07");
  EXPECT_EQ(report.opaque.project, "1010");
  EXPECT_EQ(report.opaque.project_sku, "0200");
  EXPECT_EQ(report.opaque.chip_sku, "882");
  EXPECT_EQ(gpu_vbios_version(report.opaque.vbios), "96.00.9F.00.01");
  EXPECT_EQ(report.opaque.nvdec0, 0x55);
  EXPECT_EQ(report.opaque.feature, Feature::kSingleGpu);
  EXPECT_EQ(report.signed_part.size() + kSignatureSize, bytes.size());
  EXPECT_FALSE(report.trailing_zero);
}

TEST(NvidiaReport, FeatureOfAnOldReportIsUnknown) {
  SimulatedReport old;
  old.opaque_version.reset();
  const Bytes without = with_signature(old);
  EXPECT_FALSE(value_of(parse_report(without)).opaque.feature);
  old.opaque_version = 0;
  const Bytes zero = with_signature(old);
  EXPECT_FALSE(value_of(parse_report(zero)).opaque.feature);
}

TEST(NvidiaReport, FeatureThatMustBeThere) {
  SimulatedReport report;
  report.feature = 3;
  expect_no_report(with_signature(report), "mode");
  report.feature.reset();
  expect_no_report(with_signature(report), "mode");
}

TEST(NvidiaReport, SwitchesOfAGpu) {
  SimulatedReport report;
  report.switch_pdis = unhex("00112233445566778899aabbccddeeff");
  const Bytes bytes = with_signature(report);
  EXPECT_EQ(value_of(parse_report(bytes)).opaque.switch_pdis.size(), 2U);
  report.switch_pdis.pop_back();
  expect_no_report(with_signature(report), "switches");
}

TEST(NvidiaReport, UnknownFieldIsSkipped) {
  SimulatedReport report;
  report.more = unhex("1a000400deadbeef");
  EXPECT_TRUE(parse_report(with_signature(report)).ok());
}

TEST(NvidiaReport, FieldTwice) {
  SimulatedReport report;
  report.more = unhex("0b00010055");
  expect_no_report(with_signature(report), "field 11 twice");
  report.more = unhex("1a0000001a000000");
  expect_no_report(with_signature(report), "field 26 twice");
}

TEST(NvidiaReport, FieldBeyondTheEnd) {
  SimulatedReport report;
  report.more = unhex("1a000500deadbeef");
  expect_no_report(with_signature(report), "");
  report.more = unhex("1a");
  expect_no_report(with_signature(report), "");
}

TEST(NvidiaReport, MalformedFields) {
  SimulatedReport report;
  report.fwid = Bytes(47, 1);
  expect_no_report(with_signature(report), "firmware id");
  report = {};
  report.nvdec0 = 0x56;
  expect_no_report(with_signature(report), "NVDEC0");
  report = {};
  report.driver = "550/../x";
  expect_no_report(with_signature(report), "driver");
  report = {};
  report.project = "10_10";
  expect_no_report(with_signature(report), "project");
}

TEST(NvidiaReport, MeasurementOfAnotherSize) {
  SimulatedReport report;
  report.measurements[5] = Bytes(32, 1);
  expect_no_report(with_signature(report), "SHA-384");
}

TEST(NvidiaReport, MeasurementTwice) {
  Bytes bytes = with_signature({});
  bytes[37 + 8 + 55] = 1;  // the second block's index
  expect_no_report(bytes, "twice");
}

TEST(NvidiaReport, CountOfMeasurements) {
  for (const std::uint8_t count : {0, 63, 65, 255}) {
    Bytes bytes = with_signature({});
    bytes[37 + 4] = count;
    expect_no_report(bytes, "");
  }
}

TEST(NvidiaReport, AnotherRequest) {
  // version, code, signature wanted, which measurements, slot, and the response's version and code
  for (const std::size_t at : {0, 1, 2, 3, 36, 37, 38}) {
    Bytes bytes = with_signature({});
    bytes[at] ^= 0x02;
    expect_no_report(bytes, "report");
  }
}

TEST(NvidiaReport, EveryTruncation) {
  SimulatedReport small;
  small.blocks = 2;
  const Bytes bytes = with_signature(small);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(parse_report(ByteView(bytes).first(size)).ok()) << size;
  }
}

TEST(NvidiaReport, WhatFollowsTheSignature) {
  Bytes bytes = with_signature({});
  bytes.push_back(0);
  EXPECT_TRUE(value_of(parse_report(bytes)).trailing_zero);
  bytes.back() = 1;
  expect_no_report(bytes, "behind the signature");
  bytes.back() = 0;
  bytes.push_back(0);
  expect_no_report(bytes, "");
}

TEST(NvidiaReport, TooLarge) { expect_no_report(Bytes(kReportSizeMax + 1), "too large"); }

TEST(NvidiaReport, VbiosOfAnotherSize) {
  EXPECT_EQ(gpu_vbios_version(unhex("005e009601000000")), "96.00.5E.00.01");
  EXPECT_FALSE(gpu_vbios_version(unhex("005e0096010000")));
}

}  // namespace
}  // namespace cloister::attest::nvidia
