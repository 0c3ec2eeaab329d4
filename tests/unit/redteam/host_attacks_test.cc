#include "redteam/host_attacks.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "redteam/lab.h"
#include "redteam/secrets.h"
#include "tests/support/value_of.h"
#include "tests/unit/redteam/fixture.h"

namespace cloister::redteam {
namespace {

using testing::value_of;

constexpr uid_t kNobody = 65534;

void allow_dumps() {
  rlimit limit{};
  getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_CORE, &limit);
  prctl(PR_SET_DUMPABLE, 1);
}

void forbid_dumps() {
  const rlimit limit{0, 0};
  setrlimit(RLIMIT_CORE, &limit);
  prctl(PR_SET_DUMPABLE, 0);
}

// A process that waits, dumpable or not, as an ordinary user also where the tests are root.
class Waiting {
 public:
  explicit Waiting(bool dumpable) {
    int ends[2];
    CLOISTER_CHECK(pipe(ends) == 0);
    pid_ = fork();
    CLOISTER_CHECK(pid_ >= 0);
    if (pid_ == 0) {
      if (geteuid() == 0 && setresuid(kNobody, kNobody, kNobody) != 0) _exit(1);
      dumpable ? allow_dumps() : forbid_dumps();
      if (dumpable) prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
      if (write(ends[1], "x", 1) != 1) _exit(1);
      pause();
      _exit(0);
    }
    char ready = 0;
    CLOISTER_CHECK(read(ends[0], &ready, 1) == 1);
    close(ends[0]);
    close(ends[1]);
  }
  ~Waiting() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

constexpr uid_t kStranger = 65533;

// What comes of it in a child that has become somebody else's.
template <typename Attack>
Outcome as_stranger(const Attack& attack) {
  const pid_t child = fork();
  CLOISTER_CHECK(child >= 0);
  if (child == 0) {
    if (setresuid(kStranger, kStranger, kStranger) != 0) _exit(100);
    _exit(static_cast<int>(attack().outcome));
  }
  int status = 0;
  CLOISTER_CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) < 100);
  return static_cast<Outcome>(WEXITSTATUS(status));
}

class Host : public Exercises {
 protected:
  Path file(const std::string& name, std::string_view text) {
    const Path path = directory_ / name;
    CLOISTER_CHECK(cloister::create_directories(path.parent_path()).ok());
    CLOISTER_CHECK(write_file(path, as_bytes(text), Overwrite::kReplace).ok());
    return path;
  }
  const Field field_ = field();
};

TEST_F(Host, CrashLeavesNothing) {
  const Waiting hardened(false);
  const pid_t others[] = {hardened.pid()};
  const Report report = run_core_dump(field_, others, forbid_dumps);
  expect_defended(report);
  EXPECT_EQ(report.cases, 2);
}

TEST_F(Host, CrashOfWhatMayBeDumped) {
  rlimit limit{};
  getrlimit(RLIMIT_CORE, &limit);
  if (limit.rlim_max == 0) GTEST_SKIP() << "dumps are forbidden to this process";
  const Waiting weak(true);
  const pid_t others[] = {weak.pid()};
  expect_failed(run_core_dump(field_, others, forbid_dumps));
}

TEST_F(Host, CrashOfNobody) {
  const pid_t others[] = {0x3fffffff};
  expect_not_run(run_core_dump(field_, others, forbid_dumps), "1073741823");
}

TEST_F(Host, MemoryIsNotRead) {
  const Waiting hardened(false);
  const pid_t others[] = {hardened.pid()};
  const Report report = run_memory_read(field_, others);
  expect_defended(report);
  EXPECT_EQ(report.cases, 4);
  EXPECT_EQ(kill(hardened.pid(), 0), 0);
}

TEST_F(Host, MemoryOfWhatMayBeTraced) {
  const Waiting weak(true);
  const pid_t others[] = {weak.pid()};
  expect_failed(run_memory_read(field_, others));
  EXPECT_EQ(kill(weak.pid(), 0), 0);
}

// Who is nobody to it is refused whatever its protection.
TEST_F(Host, MemoryOfSomebodyElses) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const Waiting weak(true);
  const pid_t others[] = {weak.pid()};
  EXPECT_EQ(as_stranger([&] { return run_memory_read(field_, others); }), Outcome::kNotRun);
}

// What this program is like says nothing about those that hold keys.
TEST_F(Host, NothingWasNamed) {
  expect_not_run(run_core_dump(field_, {}, forbid_dumps), "--pid");
  expect_not_run(run_memory_read(field_, {}), "--pid");
  expect_not_run(run_environments(field_, {}), "--manifest");
}

// proc and sys as a test wants them, the swap area a file of the test's.
class Swap : public Host {
 protected:
  SwapTarget machine(const std::string& uuid, const std::string& resume) {
    const Path area = file("area", "x");
    struct stat state{};
    CLOISTER_CHECK(stat(area.c_str(), &state) == 0);
    const std::string device = std::to_string(major(state.st_dev)) + ":" + std::to_string(minor(state.st_dev));
    file("proc/swaps", "Filename Type Size Used Priority\n" + area.string() + " file 1 0 -2\n");
    file("sys/dev/block/" + device + "/dm/uuid", uuid);
    file("sys/power/resume", resume);
    return {directory_ / "proc", directory_ / "sys"};
  }
};

TEST_F(Swap, OnCryptOrNone) {
  expect_defended(run_swap(field_, machine("CRYPT-PLAIN-swap\n", "0:0\n")));
  file("proc/swaps", "Filename Type Size Used Priority\n");
  expect_defended(run_swap(field_, {directory_ / "proc", directory_ / "sys"}));
}

TEST_F(Swap, InTheClear) {
  expect_failed(run_swap(field_, machine("LVM-abc\n", "0:0\n")));
  expect_failed(run_swap(field_, machine("CRYPT-VERITY-1\n", "0:0\n")));
  expect_failed(run_swap(field_, machine("CRYPT-INTEGRITY-swap\n", "0:0\n")));
  const Report report = run_swap(field_, machine("CRYPT-PLAIN-swap\n", "8:3\n"));
  expect_failed(report);
  EXPECT_NE(report.reason.find("hibernation"), std::string::npos);
}

TEST_F(Swap, BeneathWhatIsNotKnown) {
  SwapTarget target = machine("", "0:0\n");
  target.sys = directory_ / "elsewhere";
  expect_not_run(run_swap(field_, target), "isn't known");
  expect_not_run(run_swap(field_, {directory_ / "nowhere", directory_ / "sys"}), "nowhere");
}

constexpr std::string_view kKey = "4f1c9be27a305d68f2e1c0b7a9d83e5462718fbc0d9e3a5476c8b1f0e2d43a97";

TEST(Secrets, WhatIsFound) {
  const std::string key(kKey);
  const std::vector<std::string> canaries = {"canary-7f3a"};
  const auto finds = [&](const std::string& text) { return find_secrets(text, canaries).size(); };
  EXPECT_EQ(finds("-----BEGIN PRIVATE KEY-----\nMIG"), 1u);
  EXPECT_EQ(finds("-----BEGIN EC PRIVATE KEY-----"), 1u);
  EXPECT_EQ(finds(R"({"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T"})"), 1u);
  EXPECT_EQ(finds("token hvs.CAESIJ1x8Rk2mQ9zT4w7YbN3vLpE"), 1u);
  EXPECT_EQ(finds("MASTER_KEY=" + key), 1u);
  EXPECT_EQ(finds("\"db_password\": \"" + key + "\""), 1u);
  EXPECT_EQ(finds("secret: TTqY2u0yQ8mXc5rV9bN1kL7pZ3wE6sD4fG8hJ0aKxRo="), 1u);
  EXPECT_EQ(finds("x canary-7f3a y"), 1u);
  EXPECT_EQ(finds("x 63616e6172792d37663361 y"), 1u);
  EXPECT_EQ(finds("x Y2FuYXJ5LTdmM2E= y"), 1u);
}

TEST(Secrets, WhatIsNone) {
  const std::string key(kKey);
  const auto finds = [&](const std::string& text) { return find_secrets(text, {}).size(); };
  EXPECT_EQ(finds("sha256 " + key), 0u);
  EXPECT_EQ(finds("KEY_ID=" + key), 0u);
  EXPECT_EQ(finds("ROOT_KEY_FILE=/etc/cloister/4f1c9be27a305d68f2e1c0b7a9d83e54"), 0u);
  EXPECT_EQ(finds("-----BEGIN CERTIFICATE-----\nMIIB"), 0u);
  EXPECT_EQ(finds("-----BEGIN PUBLIC KEY-----\nMFk"), 0u);
  EXPECT_EQ(finds(R"({"kty":"EC","x":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"})"), 0u);
  EXPECT_EQ(finds("password=changeme"), 0u);
  EXPECT_EQ(finds("key=0000000000000000000000000000000000000000"), 0u);
  EXPECT_EQ(finds(""), 0u);
  EXPECT_LE(find_secrets(std::string(100'000, '='), {}).size(), 100u);
}

TEST_F(Host, LogsWithAndWithoutSecrets) {
  file("logs/a.log", "2026-11-26 started, key id 0f3a\n");
  file("logs/deep/b.log", "sealed 3 objects, digest " + std::string(kKey) + "\n");
  expect_defended(run_logs(field_, {{directory_ / "logs"}, {"canary-7f3a"}}));
  file("logs/deep/b.log", "debug: dek_key=" + std::string(kKey) + "\n");
  const Report report = run_logs(field_, {{directory_ / "logs"}, {}});
  expect_failed(report);
  // The place, and not the secret.
  EXPECT_EQ(transcript(report).find(kKey.substr(0, 16)), std::string::npos);
  expect_not_run(run_logs(field_, {}), "no logs were named");
  expect_not_run(run_logs(field_, {{directory_ / "nowhere"}, {}}), "nowhere");
}

TEST_F(Host, LogsBehindLinks) {
  file("logs/a.log", "started\n");
  std::filesystem::create_symlink(directory_ / "logs/a.log", directory_ / "link");
  std::filesystem::create_directory_symlink(directory_ / "logs", directory_ / "folder");
  expect_defended(run_logs(field_, {{directory_ / "link"}, {}}));
  expect_defended(run_logs(field_, {{directory_ / "folder"}, {}}));
  file("logs/a.log", "debug: dek_key=" + std::string(kKey) + "\n");
  expect_failed(run_logs(field_, {{directory_ / "link"}, {}}));
  expect_failed(run_logs(field_, {{directory_ / "folder"}, {}}));
}

TEST_F(Host, LogsThatCannotBeSearched) {
  CLOISTER_CHECK(mkfifo((directory_ / "pipe").c_str(), 0600) == 0);
  expect_not_run(run_logs(field_, {{directory_ / "pipe"}, {}}), "neither");
  file("logs/a.log", "started\n");
  for (const char* packed : {"\x1f\x8b\x08", "\x28\xb5\x2f\xfd", "\xfd\x37zXZ", "BZh9", "PK\x03\x04", "LPKSHHRH"}) {
    file("logs/old.log", packed);
    expect_not_run(run_logs(field_, {{directory_ / "logs"}, {}}), "compressed");
  }
  file("logs/old.log", "started\n");
  std::filesystem::create_directory_symlink(directory_ / "field", directory_ / "logs/elsewhere");
  expect_not_run(run_logs(field_, {{directory_ / "logs"}, {}}), "isn't followed");
}

TEST_F(Host, ManifestsWithAndWithoutKeys) {
  const Path good = file("good.yaml", "env:\n- name: ROOT_KEY_FILE\n  value: /run/secrets/root.key\n");
  expect_defended(run_environments(field_, {{}, {good}, {}}));
  const Path bad = file("bad.yaml", "data:\n  root_key: " + std::string(kKey) + "\n");
  expect_failed(run_environments(field_, {{}, {good, bad}, {}}));
}

TEST_F(Host, EnvironmentWithACanary) {
  const Waiting weak(true);
  expect_not_run(run_environments(field_, {{0x3fffffff}, {}, {}}), "isn't there");
  // Every process has a PATH: standing in for a secret that somebody handed over so.
  expect_failed(run_environments(field_, {{weak.pid()}, {}, {"PATH="}}));
}

TEST_F(Host, EnvironmentOfSomebodyElses) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  const Waiting weak(true);
  EXPECT_EQ(as_stranger([&] { return run_environments(field_, {{weak.pid()}, {}, {}}); }), Outcome::kNotRun);
}

TEST_F(Host, BackupDoesNotOpen) {
  const auto lab = value_of(Lab::create(field_));
  const Report report = run_backup(field_, value_of(backup_target(*lab, field_)));
  expect_defended(report);
  EXPECT_EQ(report.cases, 6);
}

TEST_F(Host, BackupThatDoesNotOpenAnyway) {
  const auto lab = value_of(Lab::create(field_));
  BackupTarget target = value_of(backup_target(*lab, field_));
  target.honest.attempt = [] { return Status(Error(Code::kCorrupt, "damaged")); };
  expect_not_run(run_backup(field_, target), "damaged");
}

TEST_F(Host, BackupWithTheKeyInIt) {
  const auto lab = value_of(Lab::create(field_));
  BackupTarget target = value_of(backup_target(*lab, field_));
  target.files.push_back(file("dump", "abc" + std::string(as_text(target.never.front())) + "def"));
  expect_failed(run_backup(field_, target));
  target.files.pop_back();
  target.files.push_back(lab->root_path());
  expect_failed(run_backup(field_, target));
  target.files.pop_back();
  for (const Bytes& key : target.never) {
    target.files.push_back(file("dump", "abc" + std::string(as_text(key)) + "def"));
    expect_failed(run_backup(field_, target));
    target.files.pop_back();
  }
  target.attempts.push_back({"with the root key beside it", [&]() -> Status {
                               const auto came = lab->keys().unlock_keyring(kAlder, "redteam", lab->caller());
                               return came.ok() ? Status() : Status(came.error());
                             }});
  expect_failed(run_backup(field_, target));
}

}  // namespace
}  // namespace cloister::redteam
