#include "worker/inference/tensor.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/expect.h"

namespace cloister::worker {
namespace {

using cloister::testing::expect_refused;
using cloister::testing::value_of;

std::string question(std::string_view type, std::string_view shape, std::string_view data) {
  return R"({"inputs":[{"name":"x","datatype":")" + std::string(type) + R"(","shape":)" + std::string(shape) +
         R"(,"data":)" + std::string(data) + "}]}";
}

Result<InferenceQuestion> parse(std::string_view json) { return parse_inference_question(as_bytes(json)); }

std::string written(const Tensor& tensor) {
  const net::Buffer out = write_inference_answer("m", "", {tensor});
  return std::string(as_text(out));
}

TEST(Tensors, EveryTypeThereAndBack) {
  for (const auto& [type, data] : std::initializer_list<std::pair<const char*, const char*>>{
           {"BOOL", "[true,false]"},
           {"UINT8", "[0,255]"},
           {"UINT16", "[0,65535]"},
           {"UINT32", "[0,4294967295]"},
           {"UINT64", "[0,18446744073709551615]"},
           {"INT8", "[-128,127]"},
           {"INT16", "[-32768,32767]"},
           {"INT32", "[-2147483648,2147483647]"},
           {"INT64", "[-9223372036854775808,9223372036854775807]"},
           {"FP32", "[0.1,-3.4e+38]"},
           {"FP64", "[0.1,-1.5e+300]"}}) {
    const auto read = parse(question(type, "[1,2]", data));
    ASSERT_TRUE(read.ok()) << type;
    const std::string expected = R"({"model_name":"m","outputs":[{"name":"x","datatype":")" + std::string(type) +
                                 R"(","shape":[1,2],"data":)" + data + "}]}";
    EXPECT_EQ(written(read->inputs[0]), expected);
  }
}

TEST(Tensors, NestedListsAreFlat) {
  const auto read = parse(question("INT32", "[2,2]", "[[1,2],[3,4]]"));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->inputs[0].count(), 4U);
  EXPECT_EQ(written(read->inputs[0]), written(value_of(parse(question("INT32", "[2,2]", "[1,2,3,4]"))).inputs[0]));
  EXPECT_FALSE(parse(question("INT32", "[1]", "[[[[[[[[[1]]]]]]]]]")).ok()) << "deeper than there are dimensions";
}

TEST(Tensors, AScalarAndNothing) {
  EXPECT_EQ(value_of(parse(question("INT64", "[]", "[16000]"))).inputs[0].count(), 1U);
  EXPECT_TRUE(value_of(parse(question("FP32", "[0]", "[]"))).inputs[0].data.empty());
}

TEST(Tensors, IdAndWantedOutputs) {
  const auto read = parse(R"({"id":"7","inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}],)"
                          R"("outputs":[{"name":"y"}],"parameters":{"other":true}})");
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->id, "7");
  EXPECT_EQ(read->outputs, std::vector<std::string>{"y"});
  EXPECT_EQ(as_text(write_inference_answer("m", "7", {})), R"({"model_name":"m","id":"7","outputs":[]})");
}

TEST(Tensors, NumbersThatDoNotFit) {
  for (const auto& [type, data] :
       std::initializer_list<std::pair<const char*, const char*>>{{"UINT8", "[256]"},
                                                                  {"UINT8", "[-1]"},
                                                                  {"INT8", "[-129]"},
                                                                  {"INT32", "[1.5]"},
                                                                  {"INT64", "[9223372036854775808]"},
                                                                  {"FP32", "[1e39]"},
                                                                  {"FP32", "[\"1\"]"},
                                                                  {"FP32", "[true]"},
                                                                  {"FP32", "[null]"},
                                                                  {"BOOL", "[1]"},
                                                                  {"FP32", "[{}]"}}) {
    expect_refused(parse(question(type, "[1]", data)), Code::kInvalid, "doesn't fit");
  }
}

TEST(Tensors, DataThatDoesNotFitItsShape) {
  expect_refused(parse(question("FP32", "[2]", "[1]")), Code::kInvalid, "doesn't fit");
  expect_refused(parse(question("FP32", "[1]", "[1,2]")), Code::kInvalid, "doesn't fit");
  expect_refused(parse(question("FP32", "[-1]", "[]")), Code::kInvalid, "whole numbers");
  expect_refused(parse(question("FP32", "[4294967296,4294967296]", "[]")), Code::kInvalid, "too large");
  expect_refused(parse(question("FP32", "[67108864]", "[]")), Code::kInvalid, "too large");
  expect_refused(parse(question("FP32", "[1,1,1,1,1,1,1,1,1]", "[1]")), Code::kInvalid, "shape");
}

TEST(Tensors, QuestionsThatAreNone) {
  for (const char* json : {"", "[]", "{", "{}", R"({"inputs":[]})", R"({"inputs":{}})", R"({"inputs":[1]})",
                           R"({"inputs":[{"datatype":"FP32","shape":[1],"data":[1]}]})",
                           R"({"inputs":[{"name":"","datatype":"FP32","shape":[1],"data":[1]}]})",
                           R"({"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"data":["a"]}]})",
                           R"({"inputs":[{"name":"x","datatype":1,"shape":[1],"data":[1]}]})",
                           R"({"inputs":[{"name":"x","datatype":"FP32","data":[1]}]})",
                           R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1]}]})",
                           R"({"id":1,"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}]})",
                           R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}],"outputs":[{}]})",
                           R"({"inputs":[{"name":"x","datatype":"FP32","shape":[1],"data":[1]}],"outputs":1})"}) {
    expect_refused(parse(json), Code::kInvalid, "the question");
  }
}

TEST(Tensors, DeepNestingIsRefused) {
  const auto nested = [](std::size_t depth) {
    return question("FP32", "[1]", std::string(depth, '[') + "1" + std::string(depth, ']'));
  };
  EXPECT_TRUE(parse(nested(kTensorRankMax)).ok());
  expect_refused(parse(nested(kTensorRankMax + 1)), Code::kInvalid, "too deeply");
  expect_refused(parse(std::string(100'000, '[')), Code::kInvalid, "too deeply");
  expect_refused(parse(std::string(4'000'000, '[')), Code::kInvalid, "too deeply");
  std::string objects;
  for (int i = 0; i < 100; ++i) objects += R"({"parameters":)";
  expect_refused(parse(objects), Code::kInvalid, "too deeply");
}

TEST(Tensors, BracketsInTextsAreNoNesting) {
  const auto read = parse(R"({"id":"[[[[[[[[[[[[[[\"{{{{{{{{{{{{{{","inputs":)"
                          R"([{"name":"x","datatype":"FP32","shape":[1],"data":[1]}],"parameters":"\\"})");
  EXPECT_EQ(value_of(read).id, "[[[[[[[[[[[[[[\"{{{{{{{{{{{{{{");
}

TEST(Tensors, WhatIsNoNumberBecomesNull) {
  Tensor tensor{"y\xff", ElementType::kFp32, {1}, net::Buffer(4)};
  const float infinite = std::numeric_limits<float>::infinity();
  std::memcpy(tensor.data.data(), &infinite, sizeof infinite);
  EXPECT_NE(written(tensor).find("\"data\":[null]"), std::string::npos);
}

}  // namespace
}  // namespace cloister::worker
