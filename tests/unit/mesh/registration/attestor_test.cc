// What is attested of a caller: from a /proc of the test's own, and from the real one.
#include "mesh/registration/attestor.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/expect.h"
#include "tests/support/temp_dir.h"
#include "tests/support/value_of.h"

namespace cloister::mesh {
namespace {

using testing::expect_refused;
using testing::TempDir;
using testing::value_of;

const std::string kContainer = "4b1ce0a5c1d58eb2c1d2b9a2f9e8b4be4a6f1d0e7c3a5b9d8e7f6a5b4c3d2e1f";
const std::string kPod = "2c48913c-b29f-11e7-9350-020968147796";

void write(const Path& path, const std::string& text) {
  ASSERT_TRUE(write_file(path, as_bytes(text), Overwrite::kReplace).ok());
}

class AttestorTest : public ::testing::Test {
 protected:
  AttestorTest() {
    const int descriptor = static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0));
    CLOISTER_CHECK(descriptor >= 0);
    caller_ = {4711, 1000, 1001,
               std::make_shared<const File>(File::from_descriptor(descriptor, "pidfd", File::Owned::kYes))};
    std::filesystem::create_directory(proc_ / "4711");
    write(proc_ / "4711/status", "Uid:\t1000\t1000\t1000\t1000\nGid:\t1001\t1001\t1001\t1001\nGroups:\t24 44 \n");
    write(folder_ / "program", "program");
    std::filesystem::create_symlink(folder_ / "program", proc_ / "4711/exe");
    options_.proc = proc_.path();
    options_.unit_folders = {folder_ / "etc", folder_ / "usr"};
    std::filesystem::create_directory(folder_ / "etc");
    std::filesystem::create_directory(folder_ / "usr");
    options_.user_name = [](uid_t uid) { return uid == 1000 ? std::string("alice") : std::string(); };
    options_.group_name = [](gid_t gid) { return gid == 44 ? std::string("video") : std::string(); };
    options_.on_problem = [this](const Error& error) { problems_.push_back(error.message()); };
    groups("0::/\n");
  }

  void groups(const std::string& text) { write(proc_ / "4711/cgroup", text); }

  std::set<std::string> selectors(AttestWith with = {}) {
    Attestor attestor(options_);
    return selectors_by(attestor, with);
  }
  std::set<std::string> selectors_by(Attestor& attestor, AttestWith with = {}) {
    std::set<std::string> all;
    for (const Selector& one : value_of(attestor.attest(caller_, with)).selectors) all.insert(one.to_string());
    return all;
  }

  TempDir proc_, folder_;
  AttestorOptions options_;
  net::UnixPeer caller_;
  std::vector<std::string> problems_;
};

TEST_F(AttestorTest, UserAndProgram) {
  const std::set<std::string> expected = {"unix:uid:1000", "unix:gid:1001", "unix:supplementary_gid:24",
                                          "unix:supplementary_gid:44", "unix:path:" + (folder_ / "program").string()};
  EXPECT_EQ(selectors(), expected);
}

TEST_F(AttestorTest, NamesAndDigestOnlyWhenAskedFor) {
  const auto all = selectors({.digest = true, .names = true});
  EXPECT_TRUE(all.contains("unix:user:alice"));
  EXPECT_TRUE(all.contains("unix:supplementary_group:video"));
  EXPECT_TRUE(all.contains("unix:sha256:" + to_hex(crypto::sha256(as_bytes("program")))));
  EXPECT_FALSE(all.contains("unix:group:"));
}

TEST_F(AttestorTest, KernelThatDoesNotSayWhichProcess) {
  caller_.pidfd = nullptr;
  EXPECT_EQ(selectors(), (std::set<std::string>{"unix:uid:1000", "unix:gid:1001"}));
}

TEST_F(AttestorTest, AnotherUserByNow) {
  caller_.uid = 1002;
  Attestor attestor(options_);
  expect_refused(attestor.attest(caller_, {}), Code::kDenied, "isn't the user any more");
}

TEST_F(AttestorTest, UnitAndItsFile) {
  groups("0::/system.slice/web@7.service\n");
  write(folder_ / "usr/web@.service", "[Service]");
  EXPECT_FALSE(selectors().contains("systemd:id:web@7.service"));
  options_.systemd = true;
  auto all = selectors();
  EXPECT_TRUE(all.contains("systemd:id:web@7.service"));
  EXPECT_TRUE(all.contains("systemd:fragment_path:" + (folder_ / "usr/web@.service").string()));
  // The administrator's file comes before the package's.
  write(folder_ / "etc/web@7.service", "[Service]");
  all = selectors();
  EXPECT_TRUE(all.contains("systemd:fragment_path:" + (folder_ / "etc/web@7.service").string()));
  EXPECT_FALSE(all.contains("systemd:fragment_path:" + (folder_ / "usr/web@.service").string()));
}

TEST_F(AttestorTest, SlurmStep) {
  options_.slurm = true;
  groups("0::/system.slice/slurmstepd.scope/job_42/step_batch/user/task_0\n");
  const auto all = selectors();
  EXPECT_TRUE(all.contains("slurm:job_id:42"));
  EXPECT_TRUE(all.contains("slurm:step:batch"));
}

TEST_F(AttestorTest, PodWithItsListKeptFresh) {
  options_.kubernetes = true;
  options_.pods_file = folder_ / "pods.json";
  groups("0::/kubepods/pod" + kPod + "/" + kContainer + "\n");
  Attestor attestor(options_);
  auto all = selectors_by(attestor);
  EXPECT_TRUE(all.contains("k8s:pod-uid:" + kPod));
  EXPECT_FALSE(all.contains("k8s:ns:ml"));
  ASSERT_EQ(problems_.size(), 1U);
  selectors_by(attestor);
  EXPECT_EQ(problems_.size(), 1U) << "said again though nothing changed";

  write(options_.pods_file,
        R"({"items":[{"metadata":{"uid":")" + kPod +
            R"(","namespace":"ml"},"status":{"containerStatuses":[{"name":"a","containerID":"x://)" + kContainer +
            R"("}]}}]})");
  EXPECT_TRUE(selectors_by(attestor).contains("k8s:ns:ml"));
  write(options_.pods_file, "broken");
  EXPECT_FALSE(selectors_by(attestor).contains("k8s:ns:ml"));
  EXPECT_EQ(problems_.size(), 2U);
}

TEST_F(AttestorTest, ListThatOthersMayWrite) {
  options_.docker = true;
  options_.containers_file = folder_ / "containers.json";
  write(options_.containers_file, R"([{"Id":")" + kContainer + R"(","Config":{"Labels":{"role":"db"}}}])");
  groups("0::/system.slice/docker-" + kContainer + ".scope\n");
  EXPECT_TRUE(selectors().contains("docker:label:role:db"));
  std::filesystem::permissions(options_.containers_file, std::filesystem::perms(0666));
  const auto all = selectors();
  EXPECT_FALSE(all.contains("docker:label:role:db"));
  EXPECT_TRUE(all.contains("docker:container_id:" + kContainer));
  ASSERT_EQ(problems_.size(), 1U);
}

}  // namespace
}  // namespace cloister::mesh
