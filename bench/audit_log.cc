// What the audit log costs: records hashed and appended to a tree, beside plain SHA-256 of the same bytes; and what a
// checkpoint and an export cost.
#include "audit/export.h"
#include "bench.h"

namespace {

using namespace cloister;
using namespace cloister::audit;

constexpr std::uint64_t kRecords = 500'000;
constexpr std::string_view kOrigin = "bench.example/acme";

audit::LogRecord record_at(std::uint64_t index) {
  Event event{Time{1'700'000'000'000 + static_cast<std::int64_t>(index)},
              "spiffe://example.com/ns/train/sa/worker",
              "key.unwrap",
              "acme/production",
              "kek:7f0c2a5b:3",
              Outcome::kAllowed,
              "0.4 ms"};
  Extras extras;
  extras.set_text(Extra::kRequestId, std::to_string(index)).set_text(Extra::kServer, "kms-1.example.com");
  extras.set_text(Extra::kSource, "192.0.2.17").set_number(Extra::kKeyVersion, 3).set_number(Extra::kKeyUse, index);
  extras.set_text(Extra::kPurpose, "dek").set_digest(Extra::kPolicyDigest, crypto::Sha256Digest{});
  return LogRecord::make(index, std::move(event), std::move(extras));
}

struct Contender {
  std::string name;
  std::function<void()> work;
  std::vector<double> cpu = {};
};

// Processor time, in turn; every rate is per second of one core.
void race(std::vector<Contender>& contenders) {
  for (int round = -1; round < bench::rounds(); ++round) {
    for (Contender& contender : contenders) {
      const double start = bench::cpu_seconds();
      contender.work();
      if (round >= 0) contender.cpu.push_back(bench::cpu_seconds() - start);
    }
  }
  const double base = bench::median(contenders[0].cpu);
  for (const Contender& contender : contenders) {
    const double seconds = bench::median(contender.cpu);
    std::printf("  %-52s %9.0f records/s   %.2f of the time of %s\n", contender.name.c_str(),
                static_cast<double>(kRecords) / seconds, seconds / base, contenders[0].name.c_str());
  }
}

void hashing() {
  std::vector<Bytes> records;
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < kRecords; ++i) {
    records.push_back(record_at(i).encode());
    bytes += records.back().size();
  }
  std::printf("audit log: %llu records of %llu bytes on average, %d rounds in turn, one core\n",
              static_cast<unsigned long long>(kRecords), static_cast<unsigned long long>(bytes / kRecords),
              bench::rounds());
  Hash sum{};
  const Bytes two_hashes(65);
  std::vector<Contender> contenders{
      {"plain SHA-256",
       [&] {
         for (const Bytes& record : records) sum[0] ^= crypto::sha256(record)[0];
       }},
      {"plain SHA-256 of records and of 65 bytes for each",
       [&] {
         for (const Bytes& record : records) sum[0] ^= crypto::sha256(record)[0] ^ crypto::sha256(two_hashes)[0];
       }},
      {"leaf hash and frontier (hash, append)",
       [&] {
         Frontier frontier;
         for (const Bytes& record : records) bench::must(frontier.append(leaf_hash(record)));
         sum[0] ^= frontier.root()[0];
       }},
      {"record made, encoded, hashed, appended",
       [&] {
         Frontier frontier;
         for (std::uint64_t i = 0; i < kRecords; ++i) bench::must(frontier.append(leaf_hash(record_at(i).encode())));
         sum[0] ^= frontier.root()[0];
       }},
  };
  race(contenders);
}

void exporting() {
  const bench::Workspace work;
  crypto::SystemRandom random;
  const auto key = crypto::SigningKey::generate(random);
  const auto log = bench::must(NoteSigner::make(kOrigin, NoteKeyType::kEd25519, key));
  const double written = bench::seconds_of([&] {
    const auto file = bench::must(File::create_new(work / "export"));
    auto writer =
        bench::must(ExportWriter::begin([&file](ByteView line) { return file.write_all(line); }, std::string(kOrigin)));
    for (std::uint64_t i = 0; i < kRecords; ++i) bench::must(writer.add(record_at(i)));
    const TreeHead head{writer.frontier().size(), writer.frontier().root()};
    bench::must(writer.finish(bench::must(sign_checkpoint({std::string(kOrigin), head, {}}, log))));
  });
  const auto file = bench::must(File::open(work / "export"));
  const double verified = bench::seconds_of([&] {
    bench::must(
        verify_export([&file](MutableByteView out) { return file.read_some(out); }, CheckpointTrust{log.verifier()}));
  });
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  std::printf("audit log: export of %llu records, %.0f MiB\n", static_cast<unsigned long long>(kRecords),
              static_cast<double>(bench::must(file.size())) / (1 << 20));
  std::printf("  written at %.0f records/s, verified at %.0f records/s, peak memory of the process %.1f MiB\n",
              static_cast<double>(kRecords) / written, static_cast<double>(kRecords) / verified,
              static_cast<double>(usage.ru_maxrss) / 1024);
  constexpr std::uint64_t kSigned = 2000;
  const double signing = bench::seconds_of([&] {
    for (std::uint64_t i = 1; i <= kSigned; ++i) {
      bench::must(sign_checkpoint({std::string(kOrigin), TreeHead{i, Hash{}}, {}}, log));
    }
  });
  std::printf("  checkpoint signed in %.0f us\n", signing / kSigned * 1e6);
}

}  // namespace

int main() {
  exporting();  // first, so that its memory is its own
  hashing();
}
