// Records of a directory's journal of any bytes: parsed or refused, none with a name that leaves the directory, and
// what was parsed is written back as it was.
#include <vector>

#include "base/reader.h"
#include "seal/directory_journal.h"

using namespace cloister;

namespace {

Bytes written(const std::vector<seal::JournalEntry>& entries) {
  Writer writer;
  for (const seal::JournalEntry& entry : entries) seal::write_journal_entry(entry, writer);
  return writer.take();
}

}  // namespace

extern "C" void CloisterFuzzSeeds(std::vector<std::vector<std::uint8_t>>* seeds) {
  const seal::JournalEntry plain{7, 1'700'000'000'000'000'000, {"a.sealed", "a", 7, 0644, {}, {}}};
  const seal::JournalEntry deep{1, -1, {"b/c.sealed", "b/c", 1, 0600, {}, {}}};
  seeds->push_back(written({plain}));
  seeds->push_back(written({plain, deep}));
  seeds->push_back(written({{0, 0, {"../a", "a", 0, 0, {}, {}}}}));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView input(data, size);
  Reader reader(input);
  const auto entries = seal::parse_journal_entries(reader);
  if (!entries.ok()) return 0;
  for (const seal::JournalEntry& entry : *entries) {
    CLOISTER_CHECK(seal::is_safe_relative_name(entry.object.stored_name));
    CLOISTER_CHECK(seal::is_safe_relative_name(entry.object.original_name));
  }
  CLOISTER_CHECK(equal(written(*entries), input));
  return 0;
}
