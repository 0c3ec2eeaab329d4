#include "attest/intel/signed_json.h"

#include <gtest/gtest.h>

#include "attest/intel/qe_identity.h"
#include "tests/support/expect.h"
#include "tests/support/simulated_intel.h"

namespace cloister::attest::intel {
namespace {

using namespace cloister::testing;

const std::string kSignature = "\"signature\":\"" + std::string(128, 'a') + "\"";

Result<SignedJson> read(const std::string& text) { return parse_signed_json(as_bytes(text), "tcbInfo"); }

TEST(SignedJson, TheVeryBytesOfTheObject) {
  const std::string inner = R"({ "a" : [1, {"b":"}]\"{"}, "x,y"] ,"c":{}  })";
  for (const std::string& text :
       {"{\"tcbInfo\":" + inner + "," + kSignature + "}", "{" + kSignature + ",\"tcbInfo\":" + inner + "}",
        " \n{ \"tcbInfo\" :\t" + inner + " , " + kSignature + " } \n"}) {
    const auto parsed = read(text);
    ASSERT_TRUE(parsed.ok()) << text;
    EXPECT_EQ(parsed->text, inner);
    EXPECT_EQ(parsed->signature, Bytes(64, 0xAA));
  }
}

TEST(SignedJson, MembersMissingTwiceOrOthers) {
  for (const std::string& text : std::vector<std::string>{
           "{}", "{\"tcbInfo\":{}}", "{" + kSignature + "}", "{\"tcbInfo\":{},\"tcbInfo\":{}}",
           "{\"tcbInfo\":{}," + kSignature + ",\"more\":1}", "{\"tcbInfo\":[]," + kSignature + "}",
           "{\"tcbInfo\":\"{}\"," + kSignature + "}", "{\"tcbInfo\":{\"a\":1,\"a\":2}," + kSignature + "}",
           "{\"tcbInf\\u006f\":{}," + kSignature + "}", "{\"tcbInfo\":{},\"signature\":\"aa\"}",
           "{\"tcbInfo\":{},\"signature\":7}", "{\"tcbInfo\":{}," + kSignature + "}x", "[]", ""}) {
    EXPECT_FALSE(read(text).ok()) << text;
  }
}

TEST(TcbInfo, EveryMemberIsNeeded) {
  const SimulatedIntel platform(Kind::kTdx, 4);
  const JsonValue whole = value_of(parse_json(platform.tcb_info));
  ASSERT_TRUE(read_tcb_info(whole).ok());
  for (const JsonValue::Member& member : *whole.object()) {
    JsonValue::Object rest = *whole.object();
    std::erase_if(rest, [&](const JsonValue::Member& other) { return other.first == member.first; });
    const bool optional = member.first == "tdxModuleIdentities";
    EXPECT_EQ(read_tcb_info(JsonValue(rest)).ok(), optional) << member.first;
    for (JsonValue::Member& other : rest) other.second = JsonValue(std::uint64_t{70000});
    EXPECT_FALSE(read_tcb_info(JsonValue(rest)).ok());
  }
}

TEST(TcbInfo, LevelsThatLackSomething) {
  const std::string good = SimulatedIntel(Kind::kTdx, 4).tcb_info;
  const std::pair<const char*, const char*> changes[] = {
      {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"Fine\""},
      {"\"tcbStatus\":\"UpToDate\"", "\"tcbStatus\":\"TDRelaunchAdvised\""},
      {"\"tcbDate\":", "\"tcbdate\":"},
      {"\"pcesvn\":13", "\"pcesvn\":65536"},
      {"\"pcesvn\":13", "\"pcesvn\":-1"},
      {"\"pcesvn\":13", "\"pcesvn\":13.0"},
      {"\"sgxtcbcomponents\":[{\"svn\":5},", "\"sgxtcbcomponents\":["},
      {"\"sgxtcbcomponents\":[", "\"sgxtcbcomponents\":[{\"svn\":5},"},
      {"\"tdxtcbcomponents\"", "\"tdxcomponents\""},
      {"\"isvsvn\":6", "\"isvsvn\":\"6\""},
      {"\"version\":3", "\"version\":4"},
      {"\"id\":\"TDX\"", "\"id\":\"tdx\""},
      {"\"tcbType\":0", "\"tcbType\":1"},
      {"\"attributes\":\"0000000000000000\"", "\"attributes\":\"00000000000000\""},
      {"INTEL-SA-00888\"]", "INTEL-SA-00888\",7]"},
  };
  for (const auto& [from, to] : changes) {
    std::string text = good;
    ASSERT_NE(text.find(from), std::string::npos) << from;
    text.replace(text.find(from), std::string_view(from).size(), to);
    const auto value = parse_json(text);
    ASSERT_TRUE(value.ok()) << to;
    EXPECT_FALSE(read_tcb_info(*value).ok()) << to;
  }
}

TEST(QeIdentity, EveryMemberIsNeeded) {
  const SimulatedIntel platform(Kind::kSgx, 3);
  const JsonValue whole = value_of(parse_json(platform.identity));
  ASSERT_TRUE(read_qe_identity(whole).ok());
  for (const JsonValue::Member& member : *whole.object()) {
    JsonValue::Object rest = *whole.object();
    std::erase_if(rest, [&](const JsonValue::Member& other) { return other.first == member.first; });
    EXPECT_FALSE(read_qe_identity(JsonValue(rest)).ok()) << member.first;
  }
}

TEST(QeIdentity, OfAnotherEnclaveOrVersion) {
  for (const auto& [from, to] : {std::pair{"\"id\":\"QE\"", "\"id\":\"QVE\""}, {"\"version\":2", "\"version\":3"}}) {
    SimulatedIntel platform(Kind::kSgx, 3);
    platform.identity.replace(platform.identity.find(from), std::string_view(from).size(), to);
    expect_refused(read_qe_identity(value_of(parse_json(platform.identity))), Code::kUnsupported, "");
  }
}

}  // namespace
}  // namespace cloister::attest::intel
