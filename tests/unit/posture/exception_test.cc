#include "posture/exception.h"

#include <gtest/gtest.h>

#include "tests/support/expect.h"

namespace cloister::posture {
namespace {

using testing::expect_refused;

constexpr std::string_view kFile = R"toml(# Who lives with what
[[exception]]
control = "REST-03"
subject = "location:vectors"
owner = "ana@example.org"
approver = "bo@example.org"
reason = "the index is rebuilt in spring"
compensating_control = "its network has one client"
reopen_when = "a second client, or personal data"
created = 2026-11-01T00:00:00Z
expires = 2027-02-01T00:00:00Z
)toml";

const Time kNow = *parse_rfc3339("2026-11-26T12:00:00Z");

Exception exception() { return parse_exceptions(kFile)->front(); }

std::string with(std::string_view from, std::string_view to) {
  std::string text(kFile);
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Exception, Reads) {
  const Exception read = exception();
  EXPECT_EQ(read.control, "REST-03");
  EXPECT_EQ(read.subject, (Subject{SubjectKind::kLocation, "vectors"}));
  EXPECT_EQ(read.reopen_when, "a second client, or personal data");
  EXPECT_EQ(problem_of(read, kNow), "");
  EXPECT_TRUE(parse_exceptions("")->empty());
  EXPECT_EQ(parse_exceptions(with("location:vectors", "platform"))->front().subject, Subject{});
  EXPECT_EQ(parse_exceptions(with("location:vectors", "object:s3://b#x:y"))->front().subject.id, "s3://b#x:y");
}

TEST(Exception, RefusesWhatIsNoList) {
  expect_refused(parse_exceptions("owner = \"a\"\n"), Code::kInvalid, "line 1: every key belongs to");
  expect_refused(parse_exceptions(with("[[exception]]", "[[waiver]]")), Code::kInvalid, "line 2: there is no table");
  expect_refused(parse_exceptions(with("reason", "resaon")), Code::kInvalid, "reason");
  expect_refused(parse_exceptions(with("location:vectors", "place:vectors")), Code::kInvalid, "line 4");
  expect_refused(parse_exceptions(with("location:vectors", "location")), Code::kInvalid, "line 4");
  expect_refused(parse_exceptions(with("location:vectors", "location:")), Code::kInvalid, "line 4");
  expect_refused(parse_exceptions(with("location:vectors", "platform:all")), Code::kInvalid, "line 4");
  expect_refused(parse_exceptions(with("2027-02-01T00:00:00Z", "\"spring\"")), Code::kInvalid, "expires");
  expect_refused(parse_exceptions(with("control = \"REST-03\"\n", "")), Code::kInvalid, "control");
}

TEST(Exception, HoleIsAProblemAndNoError) {
  for (const std::string_view key : {"owner", "approver", "reason", "compensating_control", "reopen_when"}) {
    std::string text(kFile);
    const std::size_t at = text.find("\n" + std::string(key) + " = ");
    text.erase(at, text.find('\n', at + 1) - at);
    const auto read = parse_exceptions(text);
    ASSERT_TRUE(read.ok()) << read.error().message();
    EXPECT_NE(problem_of(read->front(), kNow), "") << key;
  }
}

void problem(const std::function<void(Exception&)>& change, std::string_view want) {
  Exception changed = exception();
  change(changed);
  EXPECT_NE(problem_of(changed, kNow).find(want), std::string::npos) << problem_of(changed, kNow);
}

TEST(Exception, OwnerMayNotApprove) {
  problem([](Exception& it) { it.approver = it.owner; }, "its owner approved it");
  problem([](Exception& it) { it.approver = " Ana@Example.ORG "; }, "its owner approved it");
  problem([](Exception& it) { it.approver = "  "; }, "it has no approver");
  problem([](Exception& it) { it.owner = "\t"; }, "it has no owner");
  problem([](Exception& it) { it.reason = "\n"; }, "it has no reason");
}

TEST(Exception, PatternIsNoSubject) {
  problem([](Exception& it) { it.subject.id = "s3://*"; }, "its subject is a pattern");
}

TEST(Exception, Dates) {
  problem([](Exception& it) { it.created = kNow + seconds(1); }, "created in the future");
  problem([](Exception& it) { it.expires = kNow; }, "it expired at 2026-11-26T12:00:00.000Z");
  problem([](Exception& it) { it.expires = it.created; }, "before it was created");
  problem([](Exception& it) { it.expires = it.created + kExceptionMax + seconds(1); }, "more than a year");
  Exception longest = exception();
  longest.expires = longest.created + kExceptionMax;
  EXPECT_EQ(problem_of(longest, kNow), "");
  EXPECT_EQ(problem_of(exception(), Time{exception().expires.unix_ms - 1}), "");
  EXPECT_NE(problem_of(exception(), exception().expires), "");
}

}  // namespace
}  // namespace cloister::posture
