#include "policy/request.h"

#include <gtest/gtest.h>

#include "tests/unit/policy/policy_text.h"

namespace cloister::policy {
namespace {

Request on(Operation operation, std::string_view tenant, std::string_view environment, std::string_view dataset) {
  Request request = good_request();
  request.operation = operation;
  request.tenant = tenant;
  request.environment = environment;
  request.dataset = dataset;
  return request;
}

TEST(CheckRequest, Complete) {
  EXPECT_TRUE(check_request(good_request()).ok());
  EXPECT_TRUE(check_request(on(Operation::kUnwrap, "acme", "", "images")).ok());
  EXPECT_TRUE(check_request(on(Operation::kKekRotate, "acme", "production", "")).ok());
  EXPECT_TRUE(check_request(on(Operation::kPolicyRead, "", "", "")).ok());
}

TEST(CheckRequest, NoCaller) {
  Request request = good_request();
  request.caller = "";
  expect_refused(check_request(request), Code::kInvalid, "names no caller");
  request.caller = "alice";
  expect_refused(check_request(request), Code::kInvalid, "isn't a SPIFFE id");
}

TEST(CheckRequest, NoPurposeOrNoKey) {
  Request request = good_request();
  request.purpose.reset();
  expect_refused(check_request(request), Code::kInvalid, "names no purpose");
  request = good_request();
  request.keys = 0;
  expect_refused(check_request(request), Code::kInvalid, "no key");
}

TEST(CheckRequest, NamesTooLittle) {
  expect_refused(check_request(on(Operation::kUnwrap, "", "", "images")), Code::kInvalid, "no tenant for unwrap");
  expect_refused(check_request(on(Operation::kUnwrap, "acme", "", "")), Code::kInvalid, "no dataset for unwrap");
  expect_refused(check_request(on(Operation::kKekRotate, "", "", "")), Code::kInvalid, "no tenant for kek.rotate");
}

TEST(CheckRequest, NamesTooMuch) {
  expect_refused(check_request(on(Operation::kKekRotate, "acme", "", "images")), Code::kInvalid, "must not name");
  expect_refused(check_request(on(Operation::kPolicyRead, "acme", "", "")), Code::kInvalid, "must not name");
  expect_refused(check_request(on(Operation::kRandom, "", "production", "")), Code::kInvalid, "must not name");
  expect_refused(check_request(on(Operation::kRandom, "", "", "images")), Code::kInvalid, "must not name");
}

TEST(CheckRequest, NamesThatAreNone) {
  for (const std::string_view name : {"any", "none", "*", "Acme", "a/b", "../acme"}) {
    expect_refused(check_request(on(Operation::kUnwrap, name, "", "images")), Code::kInvalid, "tenant isn't a name");
    expect_refused(check_request(on(Operation::kUnwrap, "acme", name, "images")), Code::kInvalid,
                   "environment isn't a name");
    expect_refused(check_request(on(Operation::kUnwrap, "acme", "", name)), Code::kInvalid, "dataset isn't a name");
  }
}

TEST(Target, ReadsAsElsewhere) {
  EXPECT_EQ(target_of(good_request()), "acme/production/images");
  EXPECT_EQ(target_of(on(Operation::kUnwrap, "acme", "", "images")), "acme/images");
  EXPECT_EQ(target_of(on(Operation::kKekRotate, "acme", "", "")), "acme");
  EXPECT_EQ(target_of(on(Operation::kRandom, "", "", "")), "");
}

}  // namespace
}  // namespace cloister::policy
