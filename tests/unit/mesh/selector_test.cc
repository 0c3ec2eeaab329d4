// Selectors as text.
#include "mesh/selector.h"

#include <gtest/gtest.h>

namespace cloister::mesh {
namespace {

TEST(SelectorTest, ValueMayHaveColons) {
  const auto selector = parse_selector("k8s:pod-label:app:vllm");
  ASSERT_TRUE(selector.ok());
  EXPECT_EQ(selector.value().type, "k8s");
  EXPECT_EQ(selector.value().value, "pod-label:app:vllm");
  EXPECT_EQ(selector.value().to_string(), "k8s:pod-label:app:vllm");
}

TEST(SelectorTest, WhatIsNoSelector) {
  for (const std::string text : {"", "unix", ":uid:0", "unix:", "Unix:uid:0", "un ix:uid:0", "unix:path:/bin/a\nb"}) {
    EXPECT_FALSE(parse_selector(text).ok()) << text;
  }
  EXPECT_TRUE(parse_selector("unix:" + std::string(kSelectorMax - 5, 'a')).ok());
  EXPECT_FALSE(parse_selector("unix:" + std::string(kSelectorMax - 4, 'a')).ok());
}

}  // namespace
}  // namespace cloister::mesh
