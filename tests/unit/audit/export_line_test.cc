#include "audit/export_line.h"

#include "tests/unit/audit/log_fixture.h"

namespace cloister::audit {
namespace {

// One of the lines that are written, without its line feed.
std::string line_of(std::size_t record) {
  std::string line = export_record_line(example_records()[record]);
  line.pop_back();
  return line;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

void refused(const std::string& line, std::string_view part, Code code = Code::kCorrupt) {
  expect_refused(parse_export_line(line), code, part);
}

TEST(ExportLine, RecordIsReadAsItWasWritten) {
  for (const LogRecord& record : example_records()) {
    std::string line = export_record_line(record);
    ASSERT_EQ(line.back(), '\n');
    line.pop_back();
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto parsed = value_of(parse_export_line(line));
    const auto* read = std::get_if<ExportRecord>(&parsed);
    ASSERT_NE(read, nullptr);
    EXPECT_EQ(read->record.encode(), record.encode());
    EXPECT_EQ(read->leaf, leaf_hash(record.encode()));
  }
}

TEST(ExportLine, HeaderAndCheckpoint) {
  EXPECT_EQ(export_header_line("s/acme"), "{\"format\":\"cloister-audit-log\",\"version\":1,\"origin\":\"s/acme\"}\n");
  const auto header = value_of(parse_export_line(R"({"origin":"s/acme","version":1,"format":"cloister-audit-log"})"));
  EXPECT_EQ(std::get<ExportHeader>(header).origin, "s/acme");
  EXPECT_EQ(export_checkpoint_line("a\n\u2014 b\n"), "{\"checkpoint\":\"a\\n\u2014 b\\n\"}\n");
  const auto checkpoint = value_of(parse_export_line(R"({"checkpoint":"a\n"})"));
  EXPECT_EQ(std::get<ExportCheckpoint>(checkpoint).note, "a\n");
}

TEST(ExportLine, HeaderOfAnotherFormatOrVersion) {
  refused(R"({"format":"other","version":1,"origin":"s/a"})", "another format");
  refused(R"({"format":"cloister-audit-log","version":2,"origin":"s/a","more":1})", "version", Code::kUnsupported);
  refused(R"({"format":"cloister-audit-log","version":1,"origin":"s/a","more":1})", "doesn't belong");
  refused(R"({"format":"cloister-audit-log","version":1})", "no origin");
  refused(R"({"format":"cloister-audit-log","version":"1","origin":"s/a"})", "version has the wrong type");
  refused(R"({"format":"cloister-audit-log","version":1,"origin":"s/a","extras":{}})", "isn't a record");
}

TEST(ExportLine, MembersMissingOrTooMany) {
  for (const std::string_view name : {"time", "outcome", "actor", "action", "tenant", "subject", "detail", "leaf"}) {
    refused(replaced(line_of(0), "\"" + std::string(name) + "\"", "\"other\""), "it has no " + std::string(name));
  }
  refused(replaced(line_of(0), "\"index\"", "\"other\""), "neither");
  refused(replaced(line_of(0), "{", R"({"note":"x",)"), "doesn't belong");
  refused(replaced(line_of(0), "{", R"({"format":"cloister-audit-log",)"), "doesn't belong");
  refused("{}", "neither");
  refused(R"({"checkpoint":"a","x":1})", "doesn't belong");
  refused(R"({"checkpoint":7})", "wrong type");
  refused(R"({"checkpoint":{}})", "an object where none belongs");
}

TEST(ExportLine, WrongTypes) {
  refused(replaced(line_of(0), "\"index\":0", "\"index\":\"0\""), "index has the wrong type");
  refused(replaced(line_of(0), "\"acme\"", "7"), "tenant has the wrong type");
}

TEST(ExportLine, ValuesOutOfBounds) {
  refused(replaced(line_of(0), "\"index\":0", "\"index\":9007199254740992"), "2^53");
  refused(replaced(line_of(0), "\"time\":1700000000000", "\"time\":253402300800000"), "year 9999");
  refused(replaced(line_of(0), "\"time\":1700000000000", "\"time\":18446744073709551615"), "year 9999");
  refused(replaced(line_of(0), "allowed", "maybe"), "none of allowed");
  refused(replaced(line_of(0), "\"acme\"", "\"" + std::string(258, 'x') + "\""), "tenant");
  refused(replaced(line_of(0), "\"acme\"", "\"a\\nb\""), "tenant");
  refused(replaced(line_of(0), "\"acme\"", "\"a\\u0000b\""), "tenant");
  refused("{\"checkpoint\":\"" + std::string(kExportLineSizeMax, 'x') + "\"}", "262144");
}

TEST(ExportLine, LeafThatIsNone) {
  const std::string leaf = to_hex(leaf_hash(example_records()[0].encode()));
  std::string upper = leaf;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  refused(replaced(line_of(0), leaf, upper), "lower-case");
  refused(replaced(line_of(0), leaf, leaf.substr(2)), "32 bytes");
  refused(replaced(line_of(0), leaf, leaf + "00"), "32 bytes");
  refused(replaced(line_of(0), leaf, leaf.substr(1)), "lower-case");
  refused(replaced(line_of(0), leaf, ""), "32 bytes");
}

TEST(ExportLine, UnknownExtraHasItsTypeForAName) {
  EXPECT_NE(line_of(2).find(R"("extras":{"request_id":"r-3","type-4711":"0001ff"})"), std::string::npos) << line_of(2);
  refused(replaced(line_of(2), "type-4711", "type-04711"), "doesn't know", Code::kUnsupported);
  refused(replaced(line_of(2), "type-4711", "type-"), "doesn't know", Code::kUnsupported);
  refused(replaced(line_of(2), "type-4711", "type-65536"), "doesn't know", Code::kUnsupported);
  refused(replaced(line_of(2), "type-4711", "type--1"), "doesn't know", Code::kUnsupported);
  refused(replaced(line_of(2), "type-4711", "mood"), "doesn't know", Code::kUnsupported);
  refused(replaced(line_of(2), "type-4711", "type-0"), "type 0");
  refused(replaced(line_of(2), "\"0001ff\"", "\"0001FF\""), "lower-case");
  refused(replaced(line_of(2), "\"0001ff\"", "7"), "wrong type");
  refused(replaced(line_of(2), "0001ff", std::string(514, '0')), "over 256");
}

TEST(ExportLine, KnownExtraUnderItsTypesNumber) {
  // As an older program would write it that has no name for the type yet.
  const std::string older = replaced(line_of(2), R"("request_id":"r-3")", R"("type-1":"722d33")");
  const auto parsed = value_of(parse_export_line(older));
  EXPECT_EQ(std::get<ExportRecord>(parsed).record.encode(), example_records()[2].encode());
  refused(replaced(line_of(2), "type-4711", "type-1"), "request_id");
  refused(replaced(line_of(2), R"("type-4711":"0001ff")", R"("type-1":"722d33")"), "request_id is there twice");
}

TEST(ExportLine, ExtrasOfTheWrongKind) {
  refused(replaced(line_of(1), R"("key_use":7)", R"("key_use":"7")"), "key_use has the wrong type");
  refused(replaced(line_of(1), R"("key_use":7)", R"("key_use":9007199254740992)"), "key_use has a wrong value");
  refused(replaced(line_of(1), R"("purpose":"some purpose")", R"("purpose":7)"), "purpose has the wrong type");
  refused(replaced(line_of(1), R"("purpose":"some purpose")", R"("purpose":"")"), "purpose has a wrong value");
  refused(replaced(line_of(1), R"("policy_digest":"0c)", R"("policy_digest":")"), "policy_digest has a wrong value");
  refused(replaced(line_of(1), R"("policy_digest":"0c)", R"("policy_digest":"0C)"), "lower-case");
}

}  // namespace
}  // namespace cloister::audit
