// KEY-01 to KEY-11 in situations.
#include "tests/unit/posture/judge/cases.h"

namespace cloister::posture {
namespace {

using enum Status;

const std::string kRoot = "arn:aws:kms:eu-west-1:111122223333:key/k";

Fact no_raw_keys(const std::string& location) {
  return fact_of("key.material", at(location), {{"raw_keys", number(0)}, {"where", list({})}});
}

std::vector<Fact> plus(std::vector<Fact> facts, std::initializer_list<Fact> more) {
  facts.insert(facts.end(), more);
  return facts;
}
std::vector<Fact> changed(std::vector<Fact> facts, std::size_t which, const std::string& name, FactValue value) {
  facts[which].values[name] = std::move(value);
  return facts;
}

void add_holding(std::vector<JudgeCase>& out) {
  const std::string control = "KEY-01";
  const Estate estate = estate_with("corpus", "file:/srv/corpus", DataKind::kTrainingData);
  const std::vector<Fact> good = plus(home_keys(), {no_raw_keys("corpus")});
  const JudgeCase pass{control, "UnderAnHsm", kPass, estate, good};
  out.push_back(pass);
  out.push_back(whole({control, "TheRootAlone", kPass, estate, {good[3], good[2]}}));
  out.push_back({control, "ServiceHeld", kPass, estate, changed(good, 2, "protection", text("software"))});
  out.push_back({control, "KeyFile", kFail, estate, changed(good, 2, "origin", text("software")), "cloister key move"});
  out.push_back({control, "Imported", kFail, estate, changed(good, 2, "origin", text("imported"))});
  out.push_back({control, "Exportable", kFail, estate, changed(good, 2, "exportable", truth(true))});
  out.push_back({control, "RawKeyLiesThere", kFail, estate,
                 plus(home_keys(),
                      {with(with(no_raw_keys("corpus"), "raw_keys", number(1)), "where", list({"corpus#id_rsa:0"}))}),
                 "corpus#id_rsa:0"});
  out.push_back({control, "ExternalKey", kNotAssessed, estate, changed(good, 2, "origin", text("external"))});
  out.push_back({control, "HsmThatIsNone", kNotAssessed, estate,
                 changed(changed(good, 2, "origin", text("hsm")), 2, "protection", text("software"))});
  std::vector<Fact> circle = changed(good, 2, "wrapped_by", text("cloister:aa"));
  out.push_back({control, "KeysWrapEachOther", kNotAssessed, estate, circle, "circle"});
  Estate declared = estate;
  declared.keys.push_back({"arn:aws:kms:eu-west-1:111122223333:key/other", "", "kek", {}, {}, 0});
  out.push_back({control, "DeclaredKeyNobodyDescribed", kNotAssessed, declared, good});
}

Fact bucket_of(const std::string& scheme, const std::string& manager, const std::string& key) {
  return fact_of("storage.encryption", at("corpus"),
                 {{"encrypted", text("yes")},
                  {"scheme", text(scheme)},
                  {"algorithm", text("aes-256-gcm")},
                  {"key_bits", number(256)},
                  {"key", text(key)},
                  {"key_manager", text(manager)},
                  {"level", text("object")},
                  {"objects", number(1000)},
                  {"objects_sampled", number(299)},
                  {"sample_bound_permille", number(10)}});
}

void add_platform_defaults(std::vector<JudgeCase>& out) {
  struct Default {
    std::string scheme, address, command;
  };
  for (const Default& one :
       std::vector<Default>{{"sse-s3", "s3://bucket/corpus", "aws s3api put-bucket-encryption --bucket bucket"},
                            {"sse-kms", "s3://bucket/corpus",
                             "aws s3 cp s3://bucket/corpus s3://bucket/corpus --recursive --sse aws:kms"},
                            {"ebs", "ebs:vol-1", "aws ec2 create-snapshot --volume-id vol-1"},
                            {"rds", "rds:db1", "aws rds create-db-snapshot --db-instance-identifier db1"},
                            {"sagemaker", "sagemaker:job", "OutputDataConfig.KmsKeyId"},
                            {"bedrock", "bedrock:model", "--custom-model-kms-key-id"},
                            {"azure", "azure-blob://account/c", "az storage account update --name account"},
                            {"azure-disk", "azure-disk:d", "az disk-encryption-set create"},
                            {"azure-ml", "azure-ml:ws", "keyVaultProperties"},
                            {"gcs", "gs://bucket/c", "gcloud storage objects update 'gs://bucket/c/**'"},
                            {"gce-disk", "gce-disk:d", "gcloud compute disks create"},
                            {"vertex", "vertex:m", "encryptionSpec.kmsKeyName"}}) {
    out.push_back({"KEY-02",
                   "PlatformDefault/" + one.scheme,
                   kFail,
                   estate_with("corpus", one.address, DataKind::kTrainingData),
                   {bucket_of(one.scheme, "platform_default", "")},
                   one.command});
  }
}

void add_managers(std::vector<JudgeCase>& out) {
  const std::string control = "KEY-02";
  Estate estate = estate_with("corpus", "s3://bucket/corpus", DataKind::kTrainingData);
  const Fact good = bucket_of("sse-kms", "operator", kRoot);
  const JudgeCase own{control, "OwnKey", kPass, estate, {good}};
  out.push_back(whole(own));
  const JudgeCase sealed{control, "SealedUnderOwnKeys", kPass, estate_with("corpus", "file:/c", DataKind::kModel),
                         plus(home_keys(), {scan_of("corpus"), seals_of("corpus")})};
  out.push_back(whole(sealed));
  out.push_back({control,
                 "UnknownManagerResolved",
                 kPass,
                 estate,
                 {bucket_of("sse-kms", "unknown", kRoot), posture_of(kRoot, "root")}});
  out.push_back(
      {control, "SealedInABucketOfTheDefaultKey", kPass, estate,
       plus(home_keys(), {bucket_of("sse-s3", "platform_default", ""), scan_of("corpus"), seals_of("corpus")})});
  out.push_back(
      {control, "AliasOfAws", kFail, estate, {bucket_of("sse-kms", "operator", "alias/aws/s3")}, "platform's default"});
  out.push_back(
      {control,
       "RotationProvesNothing",
       kFail,
       estate,
       {bucket_of("sse-kms", "unknown", kRoot), with(posture_of(kRoot, "root"), "manager", text("platform_default"))}});
  out.push_back({control, "ForeignKey", kFail, estate, {bucket_of("sse-kms", "foreign", kRoot)}, "another account"});
  estate.own_accounts = {"999900001111"};
  out.push_back({control, "AccountThatIsNotOurs", kFail, estate, {good}, "another account"});
  estate.own_accounts = {"111122223333"};
  out.push_back({control, "AccountThatIs", kPass, estate, {good}});
  Fact object = bucket_of("sse-s3", "platform_default", "");
  object.subject = object_at("corpus#old");
  out.push_back({control, "OldObjectUnderTheDefault", kFail, estate, {good, object}, "object:corpus#old"});
  out.push_back({control,
                 "PassphraseOnly",
                 kFail,
                 estate_with("corpus", "file:/c", DataKind::kModel),
                 {with(bucket_of("luks2", "none", ""), "level", text("block"))},
                 "clevis"});
  out.push_back({control,
                 "KeyAboutToBeDeleted",
                 kFail,
                 estate,
                 {good, with(posture_of(kRoot, "root"), "deletion_scheduled", truth(true))}});
  out.push_back(
      {control, "KeyDisabled", kFail, estate, {good, with(posture_of(kRoot, "root"), "state", text("disabled"))}});
  out.push_back({control, "DefaultOnlyNoObjectSeen", kNotAssessed, estate, {with(good, "level", text("service"))}});
  out.push_back({control, "DefaultBesideObjects", kPass, estate, {good, with(good, "level", text("service"))}});
  out.push_back({control,
                 "DefaultOfThePlatformBesideObjects",
                 kFail,
                 estate,
                 {good, with(bucket_of("sse-s3", "platform_default", ""), "level", text("service"))}});
  out.push_back({control, "NoSample", kNotAssessed, estate, {with(good, "objects_sampled", number(0))}});
  out.push_back({control, "UnnamedKey", kNotAssessed, estate, {with(good, "key", text(""))}});
  out.push_back({control, "SlotOfSomebodyElse", kNotAssessed, estate_with("corpus", "file:/c", DataKind::kModel),
                 plus(home_keys(), {scan_of("corpus"), with(seals_of("corpus"), "slot_keys", list({"x25519:77ab"}))})});
  add_platform_defaults(out);
}

void add_envelopes(std::vector<JudgeCase>& out) {
  const std::string control = "KEY-03";
  const Estate estate = estate_with("corpus", "file:/c", DataKind::kModel);
  const std::vector<Fact> good = plus(home_keys(), {scan_of("corpus"), seals_of("corpus")});
  const JudgeCase pass{control, "ADataKeyEach", kPass, estate, good};
  out.push_back(whole(pass));
  const auto seal_with = [&](const std::string& name, FactValue value) {
    return changed(good, 4, name, std::move(value));
  };
  out.push_back({control, "SharedDek", kFail, estate, seal_with("deks_reused", number(2)), "share a data key"});
  out.push_back({control, "UnwrappedDek", kFail, estate, seal_with("raw_keys", number(1))});
  out.push_back(
      {control, "RetiredVersion", kFail, estate, seal_with("slot_keys", list({kRing + "/1"})), "cloister rewrap"});
  out.push_back({control, "CountedRetired", kFail, estate,
                 changed(seal_with("dek_wrapped_retired", number(1)), 4, "dek_wrapped_active", number(9))});
  out.push_back({control, "NotAllKnownActive", kNotAssessed, estate,
                 changed(seal_with("dek_wrapped_retired", number(0)), 4, "dek_wrapped_active", number(9))});
  out.push_back({control,
                 "OneVolumeKey",
                 kNotAssessed,
                 estate,
                 {with(bucket_of("luks2", "operator", "t"), "level", text("block"))}});
  out.push_back({control,
                 "ByTheService",
                 kPass,
                 estate_with("corpus", "s3://b/", DataKind::kModel),
                 {bucket_of("sse-kms", "operator", kRoot)}});
}

void add_drill_cases(std::vector<JudgeCase>& out, const std::string& control, const std::vector<Fact>& drills) {
  const JudgeCase pass{control, "Defended", kPass, {}, drills};
  out.push_back(whole(pass));
  for (std::size_t i = 0; i < drills.size(); ++i) {
    if (drills[i].kind != "drill") continue;
    const std::string name = *drills[i].text("drill");
    out.push_back({control, name + "Failed", kFail, {}, changed(drills, i, "outcome", text("failed"))});
    out.push_back({control, name + "NotRun", kNotAssessed, {}, changed(drills, i, "outcome", text("not_run"))});
    out.push_back({control, name + "WithoutCases", kNotAssessed, {}, changed(drills, i, "cases", number(0))});
    if (!drills[i].list("covers")->empty()) {
      out.push_back({control, name + "ShowsLess", kNotAssessed, {}, changed(drills, i, "covers", list({}))});
    }
  }
}

void add_rotation(std::vector<JudgeCase>& out) {
  add_drill_cases(out, "KEY-04",
                  {drill_of("kek-rotation", {"readers", "rewrapped", "data-unchanged", "retired-refused"})});
  add_drill_cases(out, "KEY-07",
                  {drill_of("dek-rotation", {"refused-for-new", "dependants-listed", "re-encrypted", "old-removed"})});

  Fact drill = drill_of("dek-rotation", {"refused-for-new", "dependants-listed", "re-encrypted", "old-removed"});
  drill.at = Time{kNow.unix_ms - days(200).ms};
  out.push_back({"KEY-07", "WithinTheYear", kPass, {}, {drill}});
  drill.at = Time{kNow.unix_ms - days(366).ms};
  out.push_back({"KEY-07", "OverAYearAgo", kNotAssessed, {}, {drill}});

  const std::vector<Fact> scheduled = {posture_of(kRoot, "root"), record_of("key-schedule")};
  const JudgeCase schedule{"KEY-05", "OnSchedule", kPass, {}, scheduled};
  out.push_back(whole(schedule));
  const std::string old = to_rfc3339(Time{kNow.unix_ms - days(800).ms});
  out.push_back({"KEY-05",
                 "Overdue",
                 kFail,
                 {},
                 changed(changed(scheduled, 0, "created", text(old)), 0, "last_rotated", text(old)),
                 "overdue"});
  Estate monthly;
  monthly.keys.push_back({kRoot, "", "root", days(5), {}, 0});
  out.push_back({"KEY-05", "OverdueByItsOwnPeriod", kFail, monthly, scheduled});
  out.push_back({"KEY-05", "ClassWithoutSchedule", kFail, {}, changed(scheduled, 1, "covers", list({"kek"}))});
  out.push_back({"KEY-05", "ApprovedByItsOwner", kNotAssessed, {}, changed(scheduled, 1, "approver", text("ada"))});
  out.push_back({"KEY-05", "OldApproval", kNotAssessed, {}, changed(scheduled, 1, "date", text(old))});
  out.push_back({"KEY-05",
                 "AgeUnknown",
                 kNotAssessed,
                 {},
                 {without(without(scheduled[0], "created"), "last_rotated"), scheduled[1]}});

  const std::vector<Fact> automatic = {posture_of(kRoot, "root"), drill_of("rotation-failure")};
  const JudgeCase by_itself{"KEY-06", "ByItself", kPass, {}, automatic};
  out.push_back(whole(by_itself));
  out.push_back({"KEY-06", "ByHand", kFail, {}, changed(automatic, 0, "rotation_automatic", truth(false))});
  out.push_back({"KEY-06", "LateByItself", kFail, {}, changed(automatic, 0, "rotation_period_days", number(5))});
  out.push_back({"KEY-06", "NobodyIsTold", kFail, {}, changed(automatic, 1, "alerts_seen", truth(false))});
  out.push_back({"KEY-06", "NotYet", kNotAssessed, {}, {without(automatic[0], "last_rotated"), automatic[1]}});
  out.push_back(
      {"KEY-06", "RotatedByHandLast", kNotAssessed, {}, changed(automatic, 0, "rotated_automatically", truth(false))});
}

Fact access_of(Subject subject) {
  return fact_of("key.access", std::move(subject),
                 {{"wildcards", number(0)}, {"admin_and_user", number(0)}, {"canary_denied", truth(true)}});
}

void add_practice(std::vector<JudgeCase>& out) {
  add_drill_cases(out, "KEY-08",
                  {drill_of("RT-K08"), drill_of("RT-K09"), drill_of("RT-K11"), drill_of("RT-K14"),
                   drill_of("aead-limits", {"limits"})});
  const std::vector<Fact> ended = {posture_of(kRoot, "root"),
                                   drill_of("destruction", {"primary", "replica", "backup", "cache"}),
                                   drill_of("RT-K10")};
  add_drill_cases(out, "KEY-09", ended);
  out.push_back({"KEY-09", "Drift", kFail, {}, changed(ended, 0, "state", text("disabled")), "recorded as enabled"});
  out.push_back({"KEY-09", "RollBackUnnoticed", kFail, {}, changed(ended, 2, "alerts_seen", truth(false))});
  out.push_back({"KEY-09", "NotRecorded", kNotAssessed, {}, {without(ended[0], "state_recorded"), ended[1], ended[2]}});

  const std::vector<Fact> access = {access_of({}), posture_of(kRoot, "root"), access_of(of_key(kRoot))};
  const JudgeCase least{"KEY-10", "LeastPrivilege", kPass, {}, access};
  out.push_back(least);
  out.push_back(whole({"KEY-10", "OfTheHome", kPass, {}, {access_of({})}}));
  out.push_back({"KEY-10", "AccessTooOld", kNotAssessed, {}, {access[0], access[1], expired(access[2])}});
  out.push_back({"KEY-10", "Wildcard", kFail, {}, changed(access, 0, "wildcards", number(1))});
  out.push_back({"KEY-10", "AdminDecrypts", kFail, {}, changed(access, 2, "admin_and_user", number(1))});
  out.push_back({"KEY-10", "CanaryLetIn", kFail, {}, changed(access, 0, "canary_denied", truth(false))});
  out.push_back(
      {"KEY-10", "PublicPolicy", kFail, {}, changed(access, 1, "policy_findings", list({"public-principal"}))});
  out.push_back({"KEY-10", "NoCanary", kNotAssessed, {}, {without(access[0], "canary_denied"), access[1], access[2]}});
  out.push_back({"KEY-10", "ProviderKeyWithoutAccess", kNotAssessed, {}, {access[0], access[1]}});

  const Fact cbom = fact_of("cbom", {},
                            {{"components", number(12)},
                             {"unknown_algorithms", number(0)},
                             {"withdrawn", number(0)},
                             {"schema_valid", truth(true)}});
  const std::vector<Fact> listed = {cbom, record_of("pqc-plan")};
  const JudgeCase inventory{"KEY-11", "Listed", kPass, {}, listed};
  out.push_back(whole(inventory));
  out.push_back({"KEY-11", "UnknownAlgorithm", kFail, {}, changed(listed, 0, "unknown_algorithms", number(1))});
  out.push_back({"KEY-11", "Withdrawn", kFail, {}, changed(listed, 0, "withdrawn", number(1))});
  out.push_back(
      {"KEY-11", "NotHeldAgainstItsSchema", kNotAssessed, {}, changed(listed, 0, "schema_valid", truth(false))});
  const std::vector<Fact> unheld = changed(listed, 0, "schema_valid", truth(false));
  out.push_back({"KEY-11", "WithdrawnAndUnheld", kFail, {}, changed(unheld, 0, "withdrawn", number(1))});
  out.push_back({"KEY-11", "Empty", kNotAssessed, {}, changed(listed, 0, "components", number(0))});
  Fact last_quarter = cbom;
  last_quarter.at = Time{kNow.unix_ms - days(31).ms};
  out.push_back({"KEY-11", "OfLastQuarter", kNotAssessed, {}, {last_quarter, listed[1]}});
}

}  // namespace

std::vector<JudgeCase> key_lines() {
  std::vector<JudgeCase> out;
  add_holding(out);
  add_managers(out);
  add_envelopes(out);
  add_rotation(out);
  add_practice(out);
  return out;
}

}  // namespace cloister::posture
