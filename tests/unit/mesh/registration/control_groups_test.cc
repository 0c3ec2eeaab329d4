// Control groups as systemd, Slurm, container runtimes and users make them: lines recorded from /proc/PID/cgroup.
#include "mesh/registration/control_groups.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"
#include "tests/support/value_of.h"

namespace cloister::mesh {
namespace {

using testing::expect_refused;
using testing::value_of;

const std::string kContainer = "4b1ce0a5c1d58eb2c1d2b9a2f9e8b4be4a6f1d0e7c3a5b9d8e7f6a5b4c3d2e1f";
const std::string kOther = "ffffe0a5c1d58eb2c1d2b9a2f9e8b4be4a6f1d0e7c3a5b9d8e7f6a5b4c3d2e1f";
const std::string kPod = "2c48913c-b29f-11e7-9350-020968147796";
const std::string kPodUnderscored = "2c48913c_b29f_11e7_9350_020968147796";

ControlGroupFacts facts(const std::string& text) { return facts_of(value_of(parse_control_groups(text))); }

TEST(ControlGroupsTest, SystemdUnits) {
  EXPECT_EQ(facts("0::/system.slice/nginx.service\n").systemd_unit, "nginx.service");
  EXPECT_EQ(facts("0::/system.slice/system-getty.slice/getty@tty1.service\n").systemd_unit, "getty@tty1.service");
  EXPECT_EQ(facts("0::/init.scope\n").systemd_unit, "init.scope");
  EXPECT_EQ(facts("0::/system.slice/nginx.service/worker/7\n").systemd_unit, "nginx.service");
  EXPECT_EQ(facts("0::/system.slice/_cpu.service\n").systemd_unit, "cpu.service");
  const std::string version1 =
      "12:pids:/system.slice/ssh.service\n11:cpu,cpuacct:/\n1:name=systemd:/system.slice/ssh.service\n0::/\n";
  EXPECT_EQ(facts(version1).systemd_unit, "ssh.service");
}

TEST(ControlGroupsTest, UserMakesAUnitOfTheSystemsName) {
  const auto forged = facts("0::/user.slice/user-1000.slice/user@1000.service/app.slice/nginx.service\n").systemd_unit;
  EXPECT_EQ(forged, "user@1000.service");
  EXPECT_EQ(facts("0::/user.slice/user-1000.slice/session-3.scope/nginx.service\n").systemd_unit, "session-3.scope");
}

TEST(ControlGroupsTest, NoUnit) {
  for (const std::string path :
       {"/", "/system.slice", "/docker/abc", "/../nginx.service", "/a/../nginx.service", "/system.slice//nginx.service",
        "/system.slice/.service", "/system.slice/a b.service", "/system.slice/target.target"}) {
    EXPECT_FALSE(systemd_unit_of(path)) << path;
  }
}

TEST(ControlGroupsTest, SlurmSteps) {
  const SlurmStep step{"4711", "0"};
  EXPECT_EQ(facts("0::/system.slice/slurmstepd.scope/job_4711/step_0/user/task_3\n").slurm, step);
  EXPECT_EQ(facts("0::/system.slice/node7_slurmstepd.scope/job_4711/step_0/user/task_0\n").slurm, step);
  EXPECT_EQ(facts("0::/system.slice/slurmstepd.scope/job_4711/step_batch/user/task_0\n").slurm->step, "batch");
  EXPECT_EQ(facts("0::/system.slice/slurmstepd.scope/job_4711\n").slurm, (SlurmStep{"4711", ""}));
  EXPECT_EQ(facts("9:memory:/slurm/uid_1000/job_4711/step_0/task_0\n5:devices:/slurm/uid_1000/job_4711/step_0\n"
                  "1:name=systemd:/system.slice/slurmd.service\n")
                .slurm,
            step);
  EXPECT_EQ(facts("9:memory:/slurm_node7/uid_1000/job_4711/step_extern\n").slurm->step, "extern");
}

TEST(ControlGroupsTest, ForgedSlurmJob) {
  for (const std::string path :
       {"/user.slice/user-1000.slice/user@1000.service/system.slice/slurmstepd.scope/job_1/step_0",
        "/user.slice/user-1000.slice/user@1000.service/slurm/uid_1000/job_1/step_0", "/slurm/uid_x/job_1/step_0",
        "/slurm/uid_1000/job_/step_0", "/slurm/uid_1000/job_1x/step_0", "/slurm/job_1/step_0",
        "/system.slice/evil.service/job_1/step_0", "/system.slice/slurmstepd.scope/x/job_1"}) {
    EXPECT_FALSE(slurm_step_of(path)) << path;
  }
}

TEST(ControlGroupsTest, PodsOfEveryRuntimeAndDriver) {
  const PodContainer expected{kPod, kContainer};
  const std::string slice = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kPodUnderscored;
  for (const std::string& path : {
           slice + ".slice/cri-containerd-" + kContainer + ".scope",
           slice + ".slice/crio-" + kContainer + ".scope",
           slice + ".slice/crio-" + kContainer + ".scope/container",
           slice + ".slice/docker-" + kContainer + ".scope",
           "/kubepods.slice/kubepods-pod" + kPodUnderscored + ".slice/cri-containerd-" + kContainer + ".scope",
           "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod" +
               kPodUnderscored + ".slice/cri-containerd-" + kContainer + ".scope",
           "/kubepods/burstable/pod" + kPod + "/" + kContainer,
           "/kubepods/pod" + kPod + "/" + kContainer,
           "/kubelet/kubepods/besteffort/pod" + kPod + "/" + kContainer,
       }) {
    EXPECT_EQ(pod_container_of(path), expected) << path;
  }
  const std::string of_a_file = "/kubepods/pod8b7d4b5c6a7f8e9d0c1b2a3f4e5d6c7b/" + kContainer;
  EXPECT_EQ(pod_container_of(of_a_file)->pod_uid, "8b7d4b5c6a7f8e9d0c1b2a3f4e5d6c7b");
}

TEST(ControlGroupsTest, ForgedPod) {
  const std::string user = "/user.slice/user-1000.slice/user@1000.service";
  for (const std::string& path : {
           user + "/kubepods/pod" + kPod + "/" + kContainer,
           user + "/kubepods.slice/kubepods-pod" + kPodUnderscored + ".slice/cri-containerd-" + kContainer + ".scope",
           "/kubepods/pod" + kPod + "/short",
           "/kubepods/pod" + kPod,
           "/kubepods/podnot-a-uid/" + kContainer,
           "/kubepods.slice/kubepods-pod" + kPodUnderscored + ".slice/crio-conmon-" + kContainer + ".scope",
           "/kubepods.slice/kubepods-burstable-pod" + kPodUnderscored + ".slice/crio-" + kContainer + ".scope",
           "/../kubepods/pod" + kPod + "/" + kContainer,
           "/kubepods/burstable/../pod" + kPod + "/" + kContainer,
       }) {
    EXPECT_FALSE(pod_container_of(path)) << path;
  }
}

TEST(ControlGroupsTest, DockerAndPodman) {
  EXPECT_EQ(facts("0::/system.slice/docker-" + kContainer + ".scope\n").docker_container, kContainer);
  EXPECT_EQ(facts("4:memory:/docker/" + kContainer + "\n1:name=systemd:/docker/" + kContainer + "\n").docker_container,
            kContainer);
  EXPECT_EQ(facts("0::/machine.slice/libpod-" + kContainer + ".scope/container\n").docker_container, kContainer);
  // Without root a user's own runtime makes the group, and so could the user.
  EXPECT_FALSE(facts("0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kContainer + ".scope\n")
                   .docker_container);
}

TEST(ControlGroupsTest, HierarchiesThatDisagree) {
  const auto split = facts("4:memory:/docker/" + kContainer + "\n3:cpu:/docker/" + kOther + "\n");
  EXPECT_FALSE(split.docker_container);
  EXPECT_FALSE(facts("9:memory:/slurm/uid_1/job_1/step_0\n8:cpuset:/slurm/uid_1/job_2/step_0\n").slurm);
}

TEST(ControlGroupsTest, WhatTheKernelDoesNotWrite) {
  for (const std::string text : {"0:/\n", "x::/\n", "0::relative\n", "0::\n", "\n", "0::/a\n\n", "-1::/\n"}) {
    expect_refused(parse_control_groups(text), Code::kCorrupt, "malformed");
  }
  std::string many;
  for (std::size_t i = 0; i <= kControlGroupLinesMax; ++i) many += "0::/\n";
  expect_refused(parse_control_groups(many), Code::kCorrupt, "malformed");
  expect_refused(parse_control_groups("0::/" + std::string(kControlGroupPathMax, 'a')), Code::kCorrupt, "malformed");
  EXPECT_TRUE(value_of(parse_control_groups("")).empty());
}

}  // namespace
}  // namespace cloister::mesh
