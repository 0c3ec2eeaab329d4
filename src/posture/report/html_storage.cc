// Where data lies, under whose key, by configuration and by content: the two are shown side by side, since only one of
// them is what the bytes say.
#include <algorithm>
#include <map>
#include <set>

#include "posture/report/markup.h"

namespace cloister::posture::report {
namespace {

constexpr std::size_t kPlacesShown = 200;
constexpr long kContentWidth = 120;  // pixels

// Who holds the key of a place, from safe to bad to unknown: the columns of the map.
enum class Holder { kOperator, kPlatform, kForeign, kNobody, kUnknown };
constexpr std::size_t kHolderCount = 5;

struct Place {
  Subject subject;
  const Location* declared = nullptr;
  const Fact* encryption = nullptr;  // null: nobody looked
  const Fact* content = nullptr;
  Holder holder = Holder::kUnknown;
  std::string why;  // one line in the cell
};

Holder holder_of(const Run& run, const Fact* fact, std::string& why) {
  if (fact == nullptr) return why = "nobody looked", Holder::kUnknown;
  if (fact->not_assessed) return why = "could not look", Holder::kUnknown;
  if (run.expired(*fact)) return why = "too old", Holder::kUnknown;
  const std::string* encrypted = fact->text("encrypted");
  const std::string* manager = fact->text("key_manager");
  const std::string* key = fact->text("key");
  const std::string* scheme = fact->text("scheme");
  const std::string named = key != nullptr && !key->empty() ? *key : scheme != nullptr ? *scheme : "";
  if (encrypted != nullptr && *encrypted == "no") return why = "not encrypted", Holder::kNobody;
  if (encrypted == nullptr || *encrypted != "yes") return why = "not known", Holder::kUnknown;
  why = tail_text(named, 30);
  if (manager != nullptr && *manager == "operator") return Holder::kOperator;
  if (manager != nullptr && *manager == "platform_default") return Holder::kPlatform;
  if (manager != nullptr && *manager == "foreign") return Holder::kForeign;
  const bool unmanaged = manager != nullptr && *manager == "none";
  why += std::string(why.empty() ? "" : ", ") + (unmanaged ? "nobody manages the key" : "key not known");
  return Holder::kUnknown;
}

// Worst first: what is readable, then whose key somebody else holds, then what isn't known.
int rank(Holder holder) {
  switch (holder) {
    case Holder::kNobody: return 0;
    case Holder::kPlatform: return 1;
    case Holder::kForeign: return 2;
    case Holder::kUnknown: return 3;
    case Holder::kOperator: break;
  }
  return 4;
}

std::string tenant_of(const Place& place) { return place.declared == nullptr ? "" : place.declared->label.tenant; }

int sensitivity_of(const Place& place) {
  if (place.declared == nullptr || !place.declared->label.sensitivity) return static_cast<int>(Sensitivity::kInternal);
  return static_cast<int>(*place.declared->label.sensitivity);
}

std::vector<Place> places_of(const Run& run) {
  std::set<Subject> subjects;
  for (const Location& one : run.posture().estate.locations) subjects.insert({SubjectKind::kLocation, one.name});
  for (const std::string_view kind : {"storage.encryption", "content.scan", "seal.location"}) {
    for (const std::size_t at : run.index->of_kind(kind)) {
      const Subject& subject = run.posture().facts[at].subject;
      if (subject.kind == SubjectKind::kLocation) subjects.insert(subject);
    }
  }
  std::vector<Place> places;
  for (const Subject& subject : subjects) {
    Place place{.subject = subject,
                .declared = run.index->location_of(subject),
                .encryption = run.index->newest("storage.encryption", subject),
                .content = run.index->newest("content.scan", subject),
                .holder = Holder::kUnknown,
                .why = ""};
    place.holder = holder_of(run, place.encryption, place.why);
    places.push_back(std::move(place));
  }
  std::ranges::sort(places, [](const Place& a, const Place& b) {
    const std::string left = tenant_of(a), right = tenant_of(b);
    if (left != right) return right.empty() || (!left.empty() && left < right);
    if (rank(a.holder) != rank(b.holder)) return rank(a.holder) < rank(b.holder);
    const int first = sensitivity_of(a), second = sensitivity_of(b);
    return first != second ? first < second : a.subject < b.subject;
  });
  return places;
}

std::string_view look_of(Holder holder) {
  if (holder == Holder::kOperator) return "pass";
  return holder == Holder::kUnknown ? "open" : "fail";
}

void add_slots(Markup& page, const Run& run, const Place& place) {
  for (std::size_t i = 0; i < kHolderCount; ++i) {
    page.raw("<td class=\"slot\">");
    if (static_cast<std::size_t>(place.holder) == i) {
      page.raw("<span class=\"holder ").raw(look_of(place.holder)).raw("\">");
      if (place.encryption == nullptr) {
        page.text(place.why);
      } else {
        add_fact_link(page, run, run.index->id_of(*place.encryption), place.why);
      }
      page.raw("</span>");
    }
    page.raw("</td>");
  }
}

std::int64_t sum_of(const Fact& fact, std::initializer_list<std::string_view> names) {
  std::int64_t sum = 0;
  for (const std::string_view name : names) sum += std::max<std::int64_t>(fact.number(name).value_or(0), 0);
  return sum;
}

void add_content(Markup& page, const Run& run, const Fact* fact) {
  page.raw("<td>");
  if (fact == nullptr || fact->not_assessed || run.expired(*fact)) {
    page.raw("<span class=\"badge open\">").raw(fact == nullptr ? "not scanned" : "not assessed").raw("</span></td>");
    return;
  }
  const std::int64_t closed = sum_of(*fact, {"sealed", "encrypted_other"});
  const std::int64_t readable = sum_of(*fact, {"plaintext", "plaintext_unknown_type", "compressed"});
  const std::int64_t unknown = sum_of(*fact, {"high_entropy_unknown", "unreadable", "skipped"});
  const std::int64_t all = std::max<std::int64_t>(closed + readable + unknown, 1);
  page.raw("<svg role=\"img\" width=\"120\" height=\"12\" viewBox=\"0 0 120 12\"><title>");
  page.raw(count_text(static_cast<std::uint64_t>(closed)) + " encrypted, " +
           count_text(static_cast<std::uint64_t>(readable)) + " readable, " +
           count_text(static_cast<std::uint64_t>(unknown)) + " not known</title>");
  long x = 0;
  for (const auto& [count, look] :
       {std::pair(closed, "pass"), std::pair(unknown, "open"), std::pair(readable, "fail")}) {
    // Few among many still show.
    const long width = count == 0 ? 0 : std::max(static_cast<long>(count * kContentWidth / all), 3L);
    if (width == 0) continue;
    x = std::min(x, kContentWidth - width);
    page.raw("<rect class=\"f-")
        .raw(look)
        .raw("\" x=\"" + std::to_string(x) + "\" y=\"1\" width=\"" + std::to_string(width) + "\" height=\"10\"/>");
    x += width;
  }
  page.raw("</svg>");
  add_fact_link(page, run, run.index->id_of(*fact),
                readable != 0 ? count_text(static_cast<std::uint64_t>(readable)) + " of " +
                                    count_text(static_cast<std::uint64_t>(all)) + " readable"
                              : count_text(static_cast<std::uint64_t>(all)) + " looked at, none readable");
  page.raw("</td>");
}

void add_place(Markup& page, const Run& run, const Place& place) {
  page.raw("<tr><td class=\"name\"><b>").text(place.subject.id).raw("</b>");
  if (place.declared == nullptr) {
    page.raw(" <span class=\"tag critical\">undeclared</span>");
  } else {
    page.raw("<br><span class=\"soft small\">").text(place.declared->address).raw("</span>");
  }
  page.raw("</td><td class=\"nowrap\">");
  if (place.declared != nullptr) {
    page.raw(name_of(place.declared->kind)).raw("<br><span class=\"soft small\">");
    page.raw(place.declared->label.sensitivity ? name_of(*place.declared->label.sensitivity) : "no label")
        .raw("</span>");
  }
  page.raw("</td>");
  add_slots(page, run, place);
  add_content(page, run, place.content);
  page.raw("</tr>\n");
}

void add_sentence(Markup& page, const std::vector<Place>& places) {
  std::array<std::size_t, kHolderCount> counts{};
  for (const Place& place : places) ++counts[static_cast<std::size_t>(place.holder)];
  const auto of = [&counts](Holder holder) { return std::to_string(counts[static_cast<std::size_t>(holder)]); };
  page.raw("<p>Of ").raw(counted(places.size(), "location")).raw(": ").raw(of(Holder::kOperator));
  page.raw(" encrypted under a key of the operator, ")
      .raw(of(Holder::kPlatform))
      .raw(" under the platform's default key, ");
  page.raw(of(Holder::kForeign))
      .raw(" under a key of somebody else, ")
      .raw(of(Holder::kNobody))
      .raw(" not encrypted, ");
  page.raw(of(Holder::kUnknown)).raw(" unmanaged or not known.</p>");
}

}  // namespace

void add_storage(Markup& page, const Run& run) {
  begin_section(page, run, "storage", "Where data lies, and who holds its key",
                "Each location stands in the column of whoever can decrypt it. Beside it, what the bytes say.");
  const std::vector<Place> places = places_of(run);
  if (places.empty()) {
    add_nothing(page, "No location is declared, and none was found.");
    end_section(page);
    return;
  }
  add_sentence(page, places);
  page.raw(
      "<div class=\"wide\"><table class=\"map\"><thead><tr><th scope=\"col\">location</th><th scope=\"col\">data</th>");
  for (const std::string_view holder :
       {"operator's key", "platform default", "foreign key", "no encryption", "unmanaged, unknown"}) {
    page.raw("<th scope=\"col\" class=\"slot\">").raw(holder).raw("</th>");
  }
  page.raw("<th scope=\"col\">content</th></tr></thead><tbody>\n");
  const std::string* group = nullptr;
  std::string shown;
  for (std::size_t i = 0; i < places.size() && i < kPlacesShown; ++i) {
    const std::string tenant = tenant_of(places[i]);
    if (group == nullptr || shown != tenant) {
      shown = tenant;
      group = &shown;
      page.raw("<tr class=\"group\"><td colspan=\"8\">");
      page.text(tenant.empty() ? "No tenant named" : "Tenant " + tenant).raw("</td></tr>\n");
    }
    add_place(page, run, places[i]);
  }
  end_table(page);
  if (places.size() > kPlacesShown) {
    page.raw("<p class=\"small\">The other ").raw(count_text(places.size() - kPlacesShown));
    page.raw(" stand in the <a href=\"#" + run.prefix + "populations\">list of locations</a>.</p>");
  }
  end_section(page);
}

}  // namespace cloister::posture::report
