#include "service/problem.h"

#include <gtest/gtest.h>

#include "base/json.h"

namespace cloister::service {
namespace {

TEST(Problem, SaysWhatAndNothingMore) {
  const auto response =
      to_response({ProblemCode::kQuotaExceeded, "tenant \"acme\" asks too often", Duration{1500}}, "0123");
  EXPECT_EQ(response.status, 429U);
  EXPECT_EQ(*response.headers.find("content-type"), "application/problem+json");
  EXPECT_EQ(*response.headers.find("retry-after"), "2");
  const auto json = parse_json(as_text(response.body));
  ASSERT_TRUE(json.ok());
  EXPECT_EQ(*json->find("type")->string(), "urn:cloister:problem:quota-exceeded");
  EXPECT_EQ(*json->find("detail")->string(), "tenant \"acme\" asks too often");
  EXPECT_EQ(*json->find("request_id")->string(), "0123");
  EXPECT_EQ(json->find("status")->unsigned_integer(), 429U);
  EXPECT_EQ(json->object()->size(), 6U);
  EXPECT_EQ(to_response({ProblemCode::kInternal, ""}, "").headers.find("retry-after"), nullptr);
}

TEST(Problem, InternalsStayInside) {
  for (const Code code : {Code::kCorrupt, Code::kUnavailable, Code::kInternal, Code::kUnsupported}) {
    const Problem problem = problem_of(Error(code, "open /secret/store.db: broken"));
    EXPECT_EQ(problem.detail.find("secret"), std::string::npos);
    EXPECT_GE(kind_of(problem.code).status, 422U);
  }
  for (const Code code : {Code::kInvalid, Code::kDenied, Code::kNotFound, Code::kExists, Code::kExpired}) {
    EXPECT_EQ(problem_of(Error(code, "version 3 of acme")).detail, "version 3 of acme");
  }
}

TEST(Problem, WhatCouldNotBeRecordedWasNotDone) {
  const Problem problem =
      problem_of(Error(Code::kDenied, "no (and the audit couldn't be told: open /secret/store.db: broken)"));
  EXPECT_EQ(problem.code, ProblemCode::kAuditUnavailable);
  EXPECT_EQ(problem.detail.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace cloister::service
