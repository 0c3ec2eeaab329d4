// Reads exceptions, and says which of them have no effect.
#include "posture/exception.h"

#include <array>

#include "base/toml_fields.h"
#include "posture/people.h"

namespace cloister::posture {
namespace {

constexpr std::array<std::string_view, 9> kKeys = {
    "control", "subject", "owner", "approver", "reason", "compensating_control", "created", "expires", "reopen_when"};

Result<Subject> parse_subject(const TomlFields& fields) {
  CLOISTER_TRY(const std::string text, fields.text("subject"));
  const std::size_t colon = text.find(':');
  const auto kind = parse_subject_kind(std::string_view(text).substr(0, colon));
  const std::string line_error =
      "a subject is its kind, a colon and its name, as findings show it: \"location:corpus\"";
  if (!kind) return fields.error(fields.line_of("subject"), line_error);
  Subject subject{*kind, colon == std::string::npos ? "" : text.substr(colon + 1)};
  if (subject.id.empty() != (subject.kind == SubjectKind::kPlatform) || subject.text() != text)
    return fields.error(fields.line_of("subject"), line_error);
  return subject;
}

// What is left out is found by problem_of(): an exception with a hole in it is reported, and the others are read.
Result<std::string> text_or_none(const TomlFields& fields, std::string_view key) {
  CLOISTER_TRY(auto text, fields.optional_text(key));
  return text.value_or("");
}

Result<Exception> parse_exception(const TomlTable& table) {
  const TomlFields fields(table, "[[exception]]");
  CLOISTER_RETURN_IF_ERROR(fields.expect_only(kKeys));
  Exception exception;
  CLOISTER_TRY(exception.control, fields.text("control"));
  CLOISTER_TRY(exception.subject, parse_subject(fields));
  CLOISTER_TRY(exception.owner, text_or_none(fields, "owner"));
  CLOISTER_TRY(exception.approver, text_or_none(fields, "approver"));
  CLOISTER_TRY(exception.reason, text_or_none(fields, "reason"));
  CLOISTER_TRY(exception.compensating_control, text_or_none(fields, "compensating_control"));
  CLOISTER_TRY(exception.reopen_when, text_or_none(fields, "reopen_when"));
  CLOISTER_TRY(exception.created, fields.time("created"));
  CLOISTER_TRY(exception.expires, fields.time("expires"));
  return exception;
}

}  // namespace

Result<std::vector<Exception>> parse_exceptions(std::string_view toml) {
  CLOISTER_TRY(const TomlDocument document, parse_toml(toml));
  if (!document.top.entries.empty()) return Error(Code::kInvalid, "line 1: every key belongs to an [[exception]]");
  std::vector<Exception> out;
  for (const TomlTable& table : document.tables) {
    if (table.name != "exception")
      return Error(Code::kInvalid, "line " + std::to_string(table.line) + ": there is no table [[" + table.name + "]]");
    CLOISTER_TRY(Exception exception, parse_exception(table));
    out.push_back(std::move(exception));
  }
  return out;
}

std::string problem_of(const Exception& exception, Time now) {
  const std::string people = problem_of_people(exception.owner, exception.approver);
  if (!people.empty()) return people;
  if (is_blank(exception.reason)) return "it has no reason";
  if (is_blank(exception.compensating_control)) return "it names no compensating control";
  if (is_blank(exception.reopen_when)) return "it doesn't say what reopens it";
  if (exception.subject.id.find('*') != std::string::npos) return "its subject is a pattern: it takes exactly one";
  if (exception.created > now) return "it was created in the future";
  if (exception.expires <= exception.created) return "it expires before it was created";
  if (exception.expires - exception.created > kExceptionMax) return "it would hold for more than a year";
  if (exception.expires <= now) return "it expired at " + to_rfc3339(exception.expires);
  return "";
}

}  // namespace cloister::posture
