// A line of an exported log, of any bytes: parsed or refused; a record that was parsed has one encoding, which is read
// back as it was, and a line of its own that says the same.
#include <vector>

#include "tests/unit/audit/log_fixture.h"

namespace {

using namespace cloister;
using namespace cloister::audit;

void push(std::vector<std::vector<std::uint8_t>>* seeds, std::string_view line) {
  seeds->emplace_back(line.begin(), line.end() - 1);
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const LogKeys keys;
  push(seeds, export_header_line(kOrigin));
  for (const LogRecord& record : example_records()) push(seeds, export_record_line(record));
  push(seeds, export_checkpoint_line(note_of(frontier_of(example_records()), keys)));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = parse_export_line(as_text({data, size}));
  if (!parsed.ok()) return 0;
  const auto* line = std::get_if<ExportRecord>(&*parsed);
  if (line == nullptr) return 0;
  const Bytes encoded = line->record.encode();
  CLOISTER_CHECK(encoded.size() <= kRecordSizeMax);
  const auto read = LogRecord::parse(encoded);
  CLOISTER_CHECK(read.ok() && read->encode() == encoded);
  std::string own = export_record_line(line->record);
  own.pop_back();
  const auto again = parse_export_line(own);
  CLOISTER_CHECK(again.ok());
  const auto* same = std::get_if<ExportRecord>(&*again);
  CLOISTER_CHECK(same != nullptr && same->record.encode() == encoded && same->leaf == leaf_hash(encoded));
  return 0;
}
