#include "audit/event.h"

#include "base/reader.h"

namespace cloister::audit {
namespace {

struct Field {
  std::string Event::* text;
  std::size_t size_max;
  std::string_view name;
};
constexpr Field kFields[] = {{&Event::actor, kActorMax, "actor"},
                             {&Event::action, kActionMax, "action"},
                             {&Event::tenant, kTenantMax, "tenant"},
                             {&Event::subject, kSubjectMax, "subject"},
                             {&Event::detail, kDetailMax, "detail"}};

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::kAllowed: return "allowed";
    case Outcome::kRefused: return "refused";
    case Outcome::kFailed: return "failed";
  }
  return "unknown";
}

Result<Outcome> parse_outcome(std::string_view name) {
  for (const Outcome outcome : {Outcome::kAllowed, Outcome::kRefused, Outcome::kFailed}) {
    if (name == outcome_name(outcome)) return outcome;
  }
  return Error(Code::kCorrupt, "an audit row's outcome is none of allowed, refused, failed");
}

// A name somebody typed must not stop the audit, nor put a second line or a terminal's control codes into it.
std::string recordable_text(std::string text, std::size_t size_max) {
  if (!is_plain_utf8(text)) {
    for (char& character : text) {
      const auto byte = static_cast<unsigned char>(character);
      if (byte < 0x20 || byte > 0x7e) character = '?';
    }
  }
  if (text.size() <= size_max) return text;
  text.resize(size_max);
  while (!text.empty() && !is_plain_utf8(text)) text.pop_back();
  return text;
}

Event recordable(Event event) {
  for (const Field& field : kFields) {
    event.*field.text = recordable_text(std::move(event.*field.text), field.size_max);
  }
  return event;
}

Status check_recordable(const Event& event) {
  for (const Field& field : kFields) {
    const std::string& text = event.*field.text;
    if (text.size() > field.size_max || !is_plain_utf8(text)) {
      return Error(Code::kCorrupt, "its " + std::string(field.name) + " isn't text a record can hold");
    }
  }
  return {};
}

}  // namespace cloister::audit
