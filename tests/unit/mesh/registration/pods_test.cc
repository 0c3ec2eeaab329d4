// Lists of pods and containers as kubelet and Docker write them.
#include "mesh/registration/pods.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "mesh/registration/containers.h"
#include "tests/support/expect.h"
#include "tests/support/value_of.h"

namespace cloister::mesh {
namespace {

using testing::expect_refused;
using testing::value_of;

const std::string kContainer = "4b1ce0a5c1d58eb2c1d2b9a2f9e8b4be4a6f1d0e7c3a5b9d8e7f6a5b4c3d2e1f";
const std::string kOther = "ffffe0a5c1d58eb2c1d2b9a2f9e8b4be4a6f1d0e7c3a5b9d8e7f6a5b4c3d2e1f";
const std::string kPod = "2c48913c-b29f-11e7-9350-020968147796";

std::string pod(const std::string& uid, const std::string& container, const std::string& annotations = "{}") {
  return R"({"metadata":{"name":"vllm-0","namespace":"ml","uid":")" + uid +
         R"(","labels":{"app":"vllm","odd":5},"annotations":)" + annotations +
         R"(,"ownerReferences":[{"kind":"StatefulSet","name":"vllm","uid":"77"}]},)"
         R"("spec":{"serviceAccountName":"serving","nodeName":"node7","containers":[{"image":"vllm:0.31"}]},)"
         R"("status":{"containerStatuses":[{"name":"server","image":"vllm:0.31",)"
         R"("imageID":"reg/vllm@sha256:ab","containerID":"containerd://)" +
         container + R"("},{"name":"waiting","containerID":""}]}})";
}
std::string list(const std::string& pods) { return R"({"kind":"PodList","items":[)" + pods + "]}"; }

std::vector<std::string> texts(std::vector<Selector> selectors) {
  std::vector<std::string> all;
  for (const Selector& selector : selectors) all.push_back(selector.to_string());
  std::ranges::sort(all);
  return all;
}

TEST(PodsTest, ContainerOfAPod) {
  const Pods pods = value_of(Pods::parse(list(pod(kPod, kContainer))));
  const std::vector<std::string> expected = {"k8s:container-image:reg/vllm@sha256:ab",
                                             "k8s:container-image:vllm:0.31",
                                             "k8s:container-name:server",
                                             "k8s:node-name:node7",
                                             "k8s:ns:ml",
                                             "k8s:pod-image-count:1",
                                             "k8s:pod-image:vllm:0.31",
                                             "k8s:pod-label:app:vllm",
                                             "k8s:pod-name:vllm-0",
                                             "k8s:pod-owner-uid:StatefulSet:77",
                                             "k8s:pod-owner:StatefulSet:vllm",
                                             "k8s:pod-uid:" + kPod,
                                             "k8s:sa:serving"};
  EXPECT_EQ(texts(pods.selectors_of({kPod, kContainer})), expected);
}

TEST(PodsTest, ContainerThatIsNotThere) {
  const Pods pods = value_of(Pods::parse(list(pod(kPod, kContainer))));
  EXPECT_TRUE(pods.selectors_of({kPod, kOther}).empty());
}

TEST(PodsTest, ContainerUnderAnotherPodThanTheKernelSays) {
  const Pods pods = value_of(Pods::parse(list(pod(kPod, kContainer))));
  EXPECT_TRUE(pods.selectors_of({"00000000-b29f-11e7-9350-020968147796", kContainer}).empty());
}

TEST(PodsTest, PodFromAFileOfTheNode) {
  const std::string hash = "8b7d4b5c6a7f8e9d0c1b2a3f4e5d6c7b";
  const Pods pods =
      value_of(Pods::parse(list(pod(kPod, kContainer, R"({"kubernetes.io/config.mirror":")" + hash + R"("})"))));
  EXPECT_FALSE(pods.selectors_of({hash, kContainer}).empty());
  EXPECT_TRUE(pods.selectors_of({kPod, kContainer}).empty());
}

TEST(PodsTest, ListsThatAreNone) {
  expect_refused(Pods::parse("{}"), Code::kInvalid, "no items");
  expect_refused(Pods::parse(R"({"items":{}})"), Code::kInvalid, "no items");
  expect_refused(Pods::parse(R"({"items":[5]})"), Code::kInvalid, "no uid");
  expect_refused(Pods::parse(R"({"items":[)"), Code::kInvalid, "list of pods");
  expect_refused(Pods::parse(list(pod(kPod, kContainer) + "," + pod(kPod, kOther))), Code::kInvalid, "twice");
  expect_refused(Pods::parse(list(pod(kPod, kContainer) + "," + pod("other", kContainer))), Code::kInvalid, "twice");
  std::string many = "{}";
  for (std::size_t i = 0; i < kPodsMax; ++i) many += ",{}";
  expect_refused(Pods::parse(list(many)), Code::kInvalid, "more than 4096");
}

std::string container(const std::string& id) {
  return R"({"Id":")" + id +
         R"(","Image":"sha256:cd","Config":{"Image":"redis:7","Env":["ROLE=cache"],"Labels":{"team":"ml","n":1}}})";
}

TEST(ContainersTest, LabelsAndImage) {
  const Containers containers = value_of(Containers::parse("[" + container(kContainer) + "]"));
  const std::vector<std::string> expected = {"docker:env:ROLE=cache", "docker:image_config_digest:sha256:cd",
                                             "docker:image_id:redis:7", "docker:label:team:ml"};
  EXPECT_EQ(texts(containers.selectors_of(kContainer)), expected);
  EXPECT_TRUE(containers.selectors_of(kOther).empty());
}

TEST(ContainersTest, ListsThatAreNone) {
  expect_refused(Containers::parse("{}"), Code::kInvalid, "no array");
  expect_refused(Containers::parse("[{}]"), Code::kInvalid, "no id");
  expect_refused(Containers::parse(R"([{"Id":"short"}])"), Code::kInvalid, "no id");
  expect_refused(Containers::parse("[" + container(kContainer) + "," + container(kContainer) + "]"), Code::kInvalid,
                 "twice");
}

}  // namespace
}  // namespace cloister::mesh
