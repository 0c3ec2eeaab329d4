// The exported log: what is written verifies, and of everything that was changed, left out, put in, moved or cut the
// first wrong line is named.
#include "audit/export.h"

#include "tests/unit/audit/log_fixture.h"

namespace cloister::audit {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t size = text.find('\n') + 1;
    lines.emplace_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

class Export : public ::testing::Test {
 protected:
  Result<ExportSummary> verify(std::string_view text) const { return verify_export(source_of(text), keys_.trust(2)); }
  void refused(const std::string& text, std::string_view part, Code code = Code::kCorrupt) const {
    expect_refused(verify(text), code, part);
  }
  void refused(const std::vector<std::string>& lines, std::string_view part, Code code = Code::kCorrupt) const {
    refused(joined(lines), part, code);
  }
  std::string checkpoint_line(const Frontier& frontier) const {
    return export_checkpoint_line(note_of(frontier, keys_));
  }

  LogKeys keys_;
  std::vector<LogRecord> records_ = example_records();
  std::string text_ = export_of(records_, keys_);
  std::vector<std::string> lines_ = lines_of(text_);
};

TEST_F(Export, Verifies) {
  ASSERT_EQ(lines_.size(), 5u);
  const auto summary = value_of(verify(text_));
  EXPECT_EQ(summary.checkpoint.checkpoint.origin, kOrigin);
  EXPECT_EQ(summary.checkpoint.checkpoint.head.size, 3u);
  EXPECT_EQ(summary.checkpoint.cosignatures.size(), 2u);
  EXPECT_EQ(summary.earliest, Time{1'699'999'999'999});
  EXPECT_EQ(summary.latest, Time{1'700'000'000'001});
}

TEST_F(Export, HowBytesArriveDoesNotMatter) {
  for (const std::size_t step : {1u, 2u, 7u, 100u, 65'536u}) {
    EXPECT_TRUE(verify_export(source_of(text_, step), keys_.trust(2)).ok()) << step;
  }
}

TEST_F(Export, EmptyLog) {
  const auto summary = value_of(verify(export_of({}, keys_)));
  EXPECT_EQ(summary.checkpoint.checkpoint.head.size, 0u);
  EXPECT_FALSE(summary.earliest.has_value());
}

TEST_F(Export, WithoutWitnesses) {
  EXPECT_TRUE(verify_export(source_of(text_), keys_.trust()).ok());
  CheckpointTrust no_quorum = keys_.trust(1);
  no_quorum.quorum = 0;
  expect_refused(verify_export(source_of(text_), no_quorum), Code::kInvalid, "no quorum");
}

TEST_F(Export, EveryChangedByteIsSeen) {
  const auto trust = keys_.trust(2);
  for (std::size_t i = 0; i < text_.size(); ++i) {
    std::string changed = text_;
    changed[i] ^= 1;
    const auto result = verify_export(source_of(changed), trust);
    if (result.ok()) {
      ADD_FAILURE() << "byte " << i << ": " << changed.substr(i < 20 ? 0 : i - 20, 40);
    } else {
      EXPECT_TRUE(result.error().message().starts_with("line ")) << result.error().message();
    }
  }
}

TEST_F(Export, ChangedFieldIsNamedByItsLine) {
  for (std::size_t i = 0; i < records_.size(); ++i) {
    auto lines = lines_;
    std::string& line = lines[i + 1];
    line.replace(line.find("\"actor\":\"") + 9, 1, "X");
    refused(lines, "line " + std::to_string(i + 2) + ": the record was changed");
  }
}

TEST_F(Export, ChangedFieldWithItsLeafRecomputed) {
  Event forged = records_[1].event();
  forged.outcome = Outcome::kAllowed;
  auto lines = lines_;
  lines[2] = export_record_line(LogRecord::make(1, forged, records_[1].extras()));
  refused(lines, "line 5: the records don't have the root that was signed");
}

TEST_F(Export, RecordLeftOut) {
  auto lines = lines_;
  lines.erase(lines.begin() + 2);
  refused(lines, "line 3: record 2 stands where record 1 belongs");
  lines = lines_;
  lines.erase(lines.begin() + 3);
  refused(lines, "line 4: the checkpoint is of 3 records, there are 2");
}

TEST_F(Export, RecordLeftOutAndTheRestRenumbered) {
  auto lines = lines_;
  lines[2] = export_record_line(LogRecord::make(1, records_[2].event(), records_[2].extras()));
  lines.erase(lines.begin() + 3);
  refused(lines, "line 4: the checkpoint is of 3 records");
}

TEST_F(Export, RecordPutIn) {
  auto lines = lines_;
  lines.insert(lines.begin() + 4, export_record_line(LogRecord::make(3, event_of("forged"), {})));
  refused(lines, "line 6: the checkpoint is of 3 records, there are 4");
  lines = lines_;
  lines.insert(lines.begin() + 2, lines_[1]);
  refused(lines, "line 3: record 0 stands where record 1 belongs");
}

TEST_F(Export, RecordsSwapped) {
  auto lines = lines_;
  std::swap(lines[1], lines[2]);
  refused(lines, "line 2: record 1 stands where record 0 belongs");
}

TEST_F(Export, RecordOfAnotherTenant) {
  Event other = records_[1].event();
  other.tenant = "rival";
  auto lines = lines_;
  lines[2] = export_record_line(LogRecord::make(1, other, {}));
  refused(lines, "line 3: the record is of another tenant");
}

TEST_F(Export, OtherLogsHeader) {
  auto lines = lines_;
  lines[0] = export_header_line("audit.example.com/rival");
  refused(lines, "line 1: the log is audit.example.com/rival", Code::kDenied);
  lines[0] = export_header_line("no-slash");
  refused(lines, "line 1: its origin isn't that of an audit log");
}

TEST_F(Export, HeaderMissingOrTwice) {
  refused(std::vector(lines_.begin() + 1, lines_.end()), "line 1: it isn't a header");
  auto lines = lines_;
  lines.insert(lines.begin(), lines_[0]);
  refused(lines, "line 2: it is a second header");
  refused(std::vector{lines_.back()}, "line 1: it isn't a header");
}

TEST_F(Export, CutAnywhere) {
  for (std::size_t size = 0; size < text_.size(); ++size) {
    const auto result = verify(text_.substr(0, size));
    ASSERT_FALSE(result.ok()) << size;
    EXPECT_EQ(result.error().code(), Code::kCorrupt);
  }
  refused("", "line 1: the file ends here, without a checkpoint");
  refused(std::vector(lines_.begin(), lines_.end() - 1), "line 5: the file ends here, without a checkpoint");
  refused(text_.substr(0, text_.size() - 1), "line 5: it ends without a line feed");
}

TEST_F(Export, BytesAfterTheCheckpoint) {
  refused(text_ + lines_.back(), "line 6: it comes after the checkpoint");
  refused(text_ + "\n", "line 6: it comes after the checkpoint");
  refused(text_ + "x", "line 6: it ends without a line feed");
}

TEST_F(Export, LineTooLong) {
  auto lines = lines_;
  lines[2] = std::string(kExportLineSizeMax, ' ') + "\n";
  refused(lines, "line 3: it isn't one JSON object");
  lines[2] = std::string(kExportLineSizeMax + 1, ' ') + "\n";
  refused(lines, "line 3: it is over 262144 bytes");
  // Without a line feed in sight it ends at the bound, not at the end of a file that may never end.
  std::uint64_t given = 0;
  const ByteSource endless = [&given](MutableByteView out) -> Result<std::size_t> {
    std::ranges::fill(out, std::uint8_t{'x'});
    given += out.size();
    return out.size();
  };
  expect_refused(verify_export(endless, keys_.trust()), Code::kCorrupt, "line 1: it is over 262144 bytes");
  EXPECT_LT(given, 2 * kExportLineSizeMax);
}

TEST_F(Export, OlderCheckpoint) {
  auto lines = lines_;
  lines[4] = checkpoint_line(frontier_of({records_[0], records_[1]}));
  refused(lines, "line 5: the checkpoint is of 2 records, there are 3");
  lines.erase(lines.begin() + 3);
  EXPECT_TRUE(verify(joined(lines)).ok());  // the log as it was then
}

TEST_F(Export, CheckpointOfAForkedLog) {
  Frontier forked = frontier_of({records_[0], records_[1]});
  value_of(forked.append(Hash{}));
  auto lines = lines_;
  lines[4] = checkpoint_line(forked);
  refused(lines, "line 5: the records don't have the root");
}

TEST_F(Export, CheckpointByAnotherKey) {
  const auto key = signing_key(9);
  const auto forger = value_of(NoteSigner::make(kOrigin, NoteKeyType::kEd25519, key));
  auto lines = lines_;
  lines[4] = export_checkpoint_line(value_of(sign_checkpoint(checkpoint_of(frontier_of(records_)), forger)));
  refused(lines, "line 5: no trusted key signed", Code::kDenied);
}

TEST_F(Export, ShortOfWitnesses) {
  const std::string note = value_of(sign_checkpoint(checkpoint_of(frontier_of(records_)), keys_.log));
  auto lines = lines_;
  lines[4] = export_checkpoint_line(with_cosignature(note, keys_.witness));
  refused(lines, "line 5: the checkpoint is cosigned by 1 of the trusted witnesses, 2 are needed", Code::kDenied);
  EXPECT_TRUE(verify_export(source_of(joined(lines)), keys_.trust(1)).ok());
}

TEST_F(Export, WrongWitnessKey) {
  CheckpointTrust trust = keys_.trust(1);
  const auto key = signing_key(9);
  trust.witnesses = {value_of(VerifierKey::make(kWitness, NoteKeyType::kCosignatureV1, key.public_key()))};
  expect_refused(verify_export(source_of(text_), trust), Code::kDenied, "line 5: the checkpoint is cosigned by 0");
}

TEST_F(Export, ErrorOfTheSource) {
  const ByteSource broken = [](MutableByteView) -> Result<std::size_t> { return Error(Code::kInternal, "disk away"); };
  expect_refused(verify_export(broken, keys_.trust()), Code::kInternal, "disk away");
}

TEST_F(Export, ManyRecords) {
  std::vector<LogRecord> many;
  for (std::uint64_t i = 0; i < 3000; ++i) many.push_back(LogRecord::make(i, event_of("kek.rotate"), {}));
  std::string text = export_of(many, keys_);
  EXPECT_EQ(value_of(verify(text)).checkpoint.checkpoint.head.size, 3000u);
  auto lines = lines_of(text);
  lines[2718].replace(lines[2718].find("alice"), 5, "mallo");
  refused(lines, "line 2719: the record was changed");
}

class Writing : public Export {};

TEST_F(Writing, WhatAVerifierWouldRefuse) {
  std::string text;
  expect_refused(ExportWriter::begin(sink_to(text), "no-slash"), Code::kInvalid, "SERVER/TENANT");
  auto writer = value_of(ExportWriter::begin(sink_to(text), std::string(kOrigin)));
  expect_refused(writer.add(records_[1]), Code::kInvalid, "record 1 was given where record 0 is due");
  Event other = event_of("x");
  other.tenant = "rival";
  expect_refused(writer.add(LogRecord::make(0, other, {})), Code::kInvalid, "isn't of the tree");
  for (const LogRecord& record : records_) EXPECT_TRUE(writer.add(record).ok());
  expect_refused(writer.finish("no note"), Code::kInvalid, "line feed");
  expect_refused(writer.finish(note_of(frontier_of({records_[0]}), keys_)), Code::kInvalid, "of 1 records");
  Frontier forked = frontier_of({records_[0], records_[1]});
  value_of(forked.append(Hash{}));
  expect_refused(writer.finish(note_of(forked, keys_)), Code::kInvalid, "root");
  const auto rival = value_of(NoteSigner::make("audit.example.com/rival", NoteKeyType::kEd25519, keys_.log_key));
  Checkpoint checkpoint = checkpoint_of(writer.frontier());
  checkpoint.origin = rival.verifier().name();
  expect_refused(writer.finish(value_of(sign_checkpoint(checkpoint, rival))), Code::kInvalid, "rival");
  EXPECT_TRUE(writer.finish(note_of(writer.frontier(), keys_)).ok());
  EXPECT_EQ(text, text_);
  expect_refused(writer.finish(note_of(writer.frontier(), keys_)), Code::kInvalid, "finished");
  expect_refused(writer.add(LogRecord::make(3, event_of("x"), {})), Code::kInvalid, "finished");
}

TEST_F(Writing, ErrorOfTheSink) {
  const ByteSink full = [](ByteView) -> Status { return Error(Code::kInternal, "disk full"); };
  expect_refused(ExportWriter::begin(full, std::string(kOrigin)), Code::kInternal, "disk full");
  int left = 1;
  const ByteSink soon_full = [&left](ByteView) -> Status {
    return left-- > 0 ? Status() : Status(Error(Code::kInternal, "disk full"));
  };
  auto writer = value_of(ExportWriter::begin(soon_full, std::string(kOrigin)));
  expect_refused(writer.add(records_[0]), Code::kInternal, "disk full");
  EXPECT_EQ(writer.frontier().size(), 0u);
}

}  // namespace
}  // namespace cloister::audit
