#include "redteam/model_attacks.h"

#include "tests/unit/redteam/fixture.h"

namespace cloister::redteam {
namespace {

using ModelAttacks = Exercises;
using Attack = Report (*)(const Field& field, const MakeLoader& make);

TEST_F(ModelAttacks, OurLoader) {
  int count = 0;
  for (const Attack attack :
       {run_signature_swap, run_unsigned_files, run_old_version, run_swap_after_check, run_malicious_files}) {
    expect_defended(attack(field(("field" + std::to_string(++count)).c_str()), loader_of));
  }
}

TEST_F(ModelAttacks, SignedModelThatLoadsIsCovered) {
  EXPECT_EQ(run_signature_swap(field(), loader_of).covers, std::vector<std::string>{"positive"});
}

// Reads whatever lies there.
ModelLoader careless(const ModelLab&, std::optional<Time>) {
  const auto verify = [](const Path& folder, const Path&, Time) -> Result<LoadFile> {
    return LoadFile([folder](const std::string& name) { return read_file(folder / name, 1 << 20); });
  };
  return {verify, [](const Path&) { return ok_status(); }};
}

TEST_F(ModelAttacks, LoaderThatNeverAsks) {
  int count = 0;
  for (const Attack attack :
       {run_signature_swap, run_unsigned_files, run_old_version, run_swap_after_check, run_malicious_files}) {
    expect_failed(attack(field(("field" + std::to_string(++count)).c_str()), careless));
  }
}

// Verifies as it should, and then opens files by their names again.
ModelLoader by_name(const ModelLab& lab, std::optional<Time> until) {
  const ModelLoader ours = loader_of(lab, until);
  const auto verify = [ours](const Path& folder, const Path& ledger, Time now) -> Result<LoadFile> {
    CLOISTER_TRY([[maybe_unused]] const LoadFile load, ours.verify(folder, ledger, now));
    return LoadFile([folder](const std::string& name) { return read_file(folder / name, 1 << 20); });
  };
  return {verify, ours.check_file};
}

TEST_F(ModelAttacks, LoaderThatOpensAgain) {
  expect_failed(run_swap_after_check(field("one"), by_name));
  expect_defended(run_signature_swap(field("two"), by_name));
}

// Has no memory: every ledger is the newest.
ModelLoader forgetful(const ModelLab& lab, std::optional<Time> until) {
  const auto verify = [&lab, until](const Path& folder, const Path& ledger, Time now) {
    return loader_of(lab, until).verify(folder, ledger, now);
  };
  return {verify, loader_of(lab, until).check_file};
}

TEST_F(ModelAttacks, LoaderThatForgets) { expect_failed(run_old_version(field(), forgetful)); }

// Takes versions that no ledger lists.
ModelLoader unlisted(const ModelLab& lab, std::optional<Time> until) {
  const ModelLoader ours = loader_of(lab, until);
  const auto verify = [ours](const Path& folder, const Path& ledger, Time now) -> Result<LoadFile> {
    auto load = ours.verify(folder, ledger, now);
    if (load.ok() || load.error().message().find("has no version") == std::string::npos) return load;
    return LoadFile([folder](const std::string& name) { return read_file(folder / name, 1 << 20); });
  };
  return {verify, ours.check_file};
}

TEST_F(ModelAttacks, LoaderThatTakesUnlistedVersions) {
  const Report report = run_old_version(field(), unlisted);
  expect_failed(report);
  EXPECT_EQ(report.cases - report.refused, 1);
}

// Takes nothing at all.
ModelLoader broken(const ModelLab&, std::optional<Time>) {
  const Error none(Code::kDenied, "nothing is loaded here");
  return {[none](const Path&, const Path&, Time) -> Result<LoadFile> { return none; },
          [none](const Path&) -> Status { return none; }};
}

TEST_F(ModelAttacks, LoaderThatTakesNothing) {
  expect_not_run(run_signature_swap(field("one"), broken), "nothing is loaded");
  expect_not_run(run_malicious_files(field("two"), broken), "nothing is loaded");
}

}  // namespace
}  // namespace cloister::redteam
