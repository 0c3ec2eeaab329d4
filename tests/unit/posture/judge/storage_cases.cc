// REST-01 to REST-07 in situations.
#include "tests/unit/posture/judge/cases.h"

namespace cloister::posture {
namespace {

using enum Status;

Fact sse(const std::string& location) {
  return fact_of("storage.encryption", at(location),
                 {{"encrypted", text("yes")},
                  {"scheme", text("sse-kms")},
                  {"algorithm", text("aes-256-gcm")},
                  {"key_bits", number(256)},
                  {"aead", truth(true)},
                  {"integrity", text("aead")},
                  {"key", text("arn:aws:kms:eu-west-1:111122223333:key/k")},
                  {"key_manager", text("operator")},
                  {"level", text("object")},
                  {"objects", number(1000)},
                  {"objects_sampled", number(299)},
                  {"sample_bound_permille", number(10)}});
}

Fact disk(const std::string& location, const std::string& encrypted) {
  return fact_of("storage.encryption", at(location),
                 {{"encrypted", text(encrypted)},
                  {"scheme", text("luks2")},
                  {"algorithm", text("aes-256-xts")},
                  {"key_bits", number(256)},
                  {"aead", truth(false)},
                  {"integrity", text("elsewhere")},
                  {"key", text("luks-token:kms")},
                  {"key_manager", text("operator")},
                  {"level", text("block")}});
}

void add_disagreements(std::vector<JudgeCase>& out, const std::string& control, const Estate& bucket) {
  const Fact good = sse("corpus"), bad = with(good, "encrypted", text("no"));
  out.push_back({control, "SameCollectorSaysBoth", kFail, bucket, {good, bad}});
  const Fact by_default = with(good, "level", text("service"));
  out.push_back({control, "DefaultYesAndObjectsNo", kFail, bucket, {by_default, bad}});
  const Fact unknown = with(by_default, "encrypted", text("unknown"));
  out.push_back({control, "DefaultUnknownAndObjectsYes", kPass, bucket, {unknown, good}});
}

void add_encryption(std::vector<JudgeCase>& out, const std::string& control, DataKind kind) {
  const Estate bucket = estate_with("corpus", "s3://bucket/corpus", kind);
  const Estate folder = estate_with("corpus", "file:/srv/corpus", kind);
  const JudgeCase configured{control, "EncryptedByConfiguration", kPass, bucket, {sse("corpus")}};
  const JudgeCase sealed{control, "EveryFileSealed", kPass, folder, {scan_of("corpus")}};
  out.push_back(whole(configured));
  out.push_back(whole(sealed));
  out.push_back({control, "SealedOnADiskThatIsNot", kPass, folder, {disk("corpus", "no"), scan_of("corpus")}});
  out.push_back({control,
                 "PlaintextOnADiskThatIs",
                 kPass,
                 folder,
                 {disk("corpus", "yes"), with(scan_of("corpus"), "plaintext", number(3))}});
  out.push_back({control, "NotEncrypted", kFail, folder, {disk("corpus", "no")}, "cloister seal /srv/corpus"});
  out.push_back({control,
                 "OnePlaintextFile",
                 kFail,
                 folder,
                 {disk("corpus", "no"), with(scan_of("corpus"), "plaintext", number(1))},
                 "1 files can be read"});
  Fact claimed = with(disk("corpus", "yes"), "scheme", text("cloister"));
  out.push_back(
      {control, "SaidSealedAndIsNot", kFail, folder, {claimed, with(scan_of("corpus"), "plaintext", number(1))}});
  out.push_back({control, "SaidSealedAndNobodyLooked", kNotAssessed, folder, {claimed}});
  out.push_back({control, "CompressedIsReadable", kFail, folder, {with(scan_of("corpus"), "compressed", number(1))}});
  out.push_back({control,
                 "OneObjectIsNot",
                 kFail,
                 bucket,
                 {sse("corpus"),
                  [&] {
                    Fact object = with(sse("corpus"), "encrypted", text("no"));
                    object.subject = object_at("corpus#old/part-0");
                    return object;
                  }()},
                 "object:corpus#old/part-0"});
  out.push_back({control, "AnotherCollectorSaysNo", kFail, bucket, {sse("corpus"), [] {
                                                                      Fact other =
                                                                          with(sse("corpus"), "encrypted", text("no"));
                                                                      other.collector = "other/1";
                                                                      return other;
                                                                    }()}});
  out.push_back({control,
                 "VoidScan",
                 kNotAssessed,
                 folder,
                 {with(with(scan_of("corpus"), "canaries_right", truth(false)), "plaintext", number(2))}});
  out.push_back({control, "UnreadableFiles", kNotAssessed, folder, {with(scan_of("corpus"), "unreadable", number(1))}});
  out.push_back({control,
                 "HighEntropyIsNoSeal",
                 kNotAssessed,
                 folder,
                 {with(scan_of("corpus"), "high_entropy_unknown", number(1))}});
  out.push_back({control, "IncompleteScan", kNotAssessed, folder, {with(scan_of("corpus"), "complete", truth(false))}});
  out.push_back({control, "NegativeCounts", kNotAssessed, folder, {with(scan_of("corpus"), "plaintext", number(-1))}});
  out.push_back({control, "UnknownWord", kNotAssessed, bucket, {with(sse("corpus"), "encrypted", text("surely"))}});
  out.push_back({control, "UnknownScheme", kNotAssessed, bucket, {with(sse("corpus"), "scheme", text("rot13"))}});
  out.push_back({control, "NobodyLooked", kNotAssessed, bucket, {}, "nobody looked"});
  add_disagreements(out, control, bucket);
  Estate staging = bucket;
  staging.locations[0].label.environment = "staging";
  out.push_back({control, "StagingIsOutOfScope", kNotAssessed, staging, {sse("corpus")}, "nothing"});
  Estate allowed = folder;
  allowed.locations[0].plaintext_allowed = "public data";
  out.push_back({control,
                 "AllowedPlaintextIsNoEncryption",
                 kFail,
                 allowed,
                 {disk("corpus", "no"), with(scan_of("corpus"), "plaintext", number(1))}});
}

Fact swap_of(const std::string& state) {
  return fact_of("transient.persistence", {SubjectKind::kHost, "node1"},
                 {{"what", text("swap")}, {"protected", text(state)}, {"where", text("/dev/dm-1")}});
}
Fact dumps_of(bool limited, bool dumpable) {
  return fact_of("process.dumps", of_workload("keys"),
                 {{"core_limit_zero", truth(limited)}, {"dumpable", truth(dumpable)}});
}

void add_transient(std::vector<JudgeCase>& out) {
  const std::string control = "REST-05";
  Estate estate = estate_with("backups", "s3://backups/", DataKind::kBackup);
  Workload keys;
  keys.name = "keys";
  keys.use = WorkloadUse::kKeyService;
  estate.workloads.push_back(keys);
  const std::vector<Fact> good = {sse("backups"), swap_of("yes"), dumps_of(true, false)};
  const JudgeCase pass{control, "EverythingOnTheSideEncrypted", kPass, estate, good};
  out.push_back(whole(pass));
  out.push_back({control, "SwapIsNeverWritten", kPass, estate, {good[0], swap_of("none"), good[2]}});
  out.push_back({control, "PlainSwap", kFail, estate, {good[0], swap_of("no"), good[2]}, "swapoff"});
  out.push_back({control, "KeyServiceWritesDumps", kFail, estate, {good[0], good[1], dumps_of(false, true)}});
  out.push_back({control,
                 "PlainBackup",
                 kFail,
                 estate,
                 {with(good[0], "encrypted", text("no")), good[1], good[2]},
                 "aws s3api put-bucket-encryption --bucket backups"});
  out.push_back({control, "SwapNotKnown", kNotAssessed, estate, {good[0], swap_of("unknown"), good[2]}});
  Fact core = with(drill_of("RT-K01"), "outcome", text("failed"));
  out.push_back({control, "ACoreHeldAKey", kFail, estate, {good[0], good[1], good[2], core}});
}

void add_algorithms(std::vector<JudgeCase>& out) {
  const std::string control = "REST-06";
  const Estate folder = estate_with("corpus", "file:/srv/corpus", DataKind::kTrainingData);
  const Estate bucket = estate_with("corpus", "s3://bucket/corpus", DataKind::kTrainingData);
  const JudgeCase sealed{control, "Sealed", kPass, folder, {scan_of("corpus"), seals_of("corpus")}};
  const JudgeCase configured{control, "XtsWithIntegrityElsewhere", kPass, folder, {disk("corpus", "yes")}};
  out.push_back(whole(sealed));
  out.push_back(whole(configured));
  out.push_back({control, "ByTheService", kPass, bucket, {without(sse("corpus"), "aead")}});
  out.push_back({control, "XtsAlone", kFail, folder, {with(disk("corpus", "yes"), "integrity", text("none"))}});
  out.push_back({control, "Aes128", kFail, folder, {with(disk("corpus", "yes"), "key_bits", number(128))}, "128 bits"});
  out.push_back({control, "Ecb", kFail, folder, {with(disk("corpus", "yes"), "algorithm", text("AES-256-ECB"))}});
  out.push_back(
      {control, "ParquetCtr", kFail, folder, {with(disk("corpus", "yes"), "algorithm", text("AES_GCM_CTR_V1"))}});
  out.push_back({control, "EncFs", kFail, folder, {with(disk("corpus", "yes"), "scheme", text("encfs"))}});
  Fact cbc = with(with(disk("corpus", "yes"), "level", text("file")), "algorithm", text("aes-256-cbc"));
  out.push_back({control, "FilesWithoutAead", kFail, folder, {cbc}, "doesn't notice changed bytes"});
  out.push_back({control, "IntegrityNotKnown", kNotAssessed, folder, {without(disk("corpus", "yes"), "integrity")}});
  out.push_back(
      {control, "UnknownCipher", kNotAssessed, folder, {with(disk("corpus", "yes"), "algorithm", text("kuznyechik"))}});
  out.push_back({control, "NoAlgorithm", kNotAssessed, folder, {without(disk("corpus", "yes"), "algorithm")}});
  out.push_back({control,
                 "UnknownSuite",
                 kNotAssessed,
                 folder,
                 {scan_of("corpus"), with(seals_of("corpus"), "algorithms", list({"suite-9"}))}});
  out.push_back({control,
                 "OtherEncryptedFiles",
                 kNotAssessed,
                 folder,
                 {with(scan_of("corpus"), "encrypted_other", number(2)), seals_of("corpus")}});
}

void add_residue(std::vector<JudgeCase>& out) {
  const std::string control = "REST-07";
  const Estate folder = estate_with("corpus", "file:/srv/corpus", DataKind::kTrainingData);
  const JudgeCase clean{control, "NothingReadable", kPass, folder, {scan_of("corpus")}};
  out.push_back(whole(clean));
  const Fact plain = with(scan_of("corpus"), "plaintext", number(1));
  Fact file = fact_of("content.object", object_at("corpus#a#b.parquet"),
                      {{"verdict", text("plaintext")}, {"type", text("parquet")}, {"bytes", number(10)}});
  out.push_back({control, "OneParquet", kFail, folder, {plain, file}, "object:corpus#a#b.parquet"});
  out.push_back(
      {control, "StrippedMagic", kFail, folder, {with(scan_of("corpus"), "plaintext_unknown_type", number(1))}});
  out.push_back({control, "OnAnEncryptedDiskToo", kFail, folder, {plain, disk("corpus", "yes")}});
  Estate allowed = folder;
  allowed.locations[0].plaintext_allowed = "emptied every night";
  out.push_back({control, "AllowedZone", kPass, allowed, {plain, file}, "emptied every night"});
  out.push_back(
      {control, "CanaryToldWrong", kNotAssessed, folder, {with(plain, "canaries_right", truth(false))}, "void"});
  out.push_back({control, "Skipped", kNotAssessed, folder, {with(scan_of("corpus"), "skipped", number(1))}});
  out.push_back({control,
                 "LookAlikesFooledIt",
                 kFail,
                 folder,
                 {scan_of("corpus"), with(drill_of("RT-M08"), "outcome", text("failed"))}});
}

}  // namespace

std::vector<JudgeCase> storage_lines() {
  std::vector<JudgeCase> out;
  add_encryption(out, "REST-01", DataKind::kTrainingData);
  add_encryption(out, "REST-02", DataKind::kModel);
  add_encryption(out, "REST-03", DataKind::kFeatures);
  add_encryption(out, "REST-04", DataKind::kInferenceLog);
  add_transient(out);
  add_algorithms(out);
  add_residue(out);
  return out;
}

}  // namespace cloister::posture
