// Which groups and signature algorithms are taken: asked without a key of any of them.
#include <algorithm>

#include "probe/tls/checks.h"
#include "probe/tls/cipher_suites.h"
#include "probe/tls/names.h"

namespace cloister::probe {
namespace {

using Codes = std::vector<std::uint16_t>;

Codes all_groups(std::uint16_t version) {
  Codes codes;
  for (const Group& group : groups()) {
    const bool finite = group.code >= 0x0100 && group.code <= 0x0104;
    if (version == kTls13 || (group.kind == GroupKind::kClassic && !finite)) codes.push_back(group.code);
  }
  return codes;
}

// RFC 8446 4.1.4: without a share, the server names the group that it wants one of.
Taken groups_by_retry(Asker& asker) {
  return take_all(
      all_groups(kTls13),
      [&](const Codes& offered) {
        ClientHello hello = asker.hello(kTls13, asker.default_suites(kTls13));
        hello.set(kExtGroups, list16_body(offered));
        return asker.ask(hello);
      },
      [](const Answer& answer) { return answer.hello.group; });
}

// For stacks that want a share: one group at a time.
Taken groups_by_share(Asker& asker) {
  Taken taken;
  for (const std::uint16_t group : all_groups(kTls13)) {
    if (plausible_share(group, asker.random32()).empty()) continue;
    const Answer answer = asker.ask(hello13_with_share(asker, group));
    if (answer.accepted() && answer.hello.group == group) taken.codes.push_back(group);
    if (answer.accepted() || answer.refused()) continue;
    taken.complete = false;
    taken.why = answer.to_string();
  }
  return taken;
}

Taken groups_of_tls12(Asker& asker, const Known& known) {
  const std::uint16_t version = known.newest_old();
  Codes suites;
  for (const std::uint16_t code : known.suites_of(version)) {
    const SuiteTraits traits = traits_of(code);
    if (traits.ecdhe && !traits.shared_key) suites.push_back(code);
  }
  if (version < kTls10 || suites.empty()) return {};
  return take_all(
      all_groups(version),
      [&](const Codes& offered) {
        ClientHello hello = asker.hello(version, suites);
        hello.set(kExtGroups, list16_body(offered));
        return asker.ask(hello, Want::kFlight);
      },
      [](const Answer& answer) {
        return answer.key_exchange ? answer.key_exchange->curve : std::optional<std::uint16_t>();
      });
}

bool holds(const Codes& codes, std::uint16_t code) { return std::ranges::find(codes, code) != codes.end(); }

void add_groups(const Known& known, Facts& facts) {
  Codes all = known.groups13.codes;
  for (const std::uint16_t code : known.groups12.codes) {
    if (!holds(all, code)) all.push_back(code);
  }
  for (const std::uint16_t code : all) {
    std::string where = holds(known.groups13.codes, code) ? "TLS 1.3" : "";
    if (holds(known.groups12.codes, code)) where += std::string(where.empty() ? "" : ", ") + "up to TLS 1.2";
    facts.add("G1", group_name(code), Seen::kYes, where);
  }
  for (const Taken* taken : {&known.groups13, &known.groups12}) {
    if (!taken->complete) facts.add("G1", "", Seen::kUnknown, "there may be more: " + taken->why);
  }
}

void add_post_quantum(const Known& known, Facts& facts) {
  const Seen otherwise =
      !known.groups13.complete || known.versions.at(kTls13) == Seen::kUnknown ? Seen::kUnknown : Seen::kNo;
  bool hybrid = false;
  for (const Group& group : groups()) {
    if (group.kind == GroupKind::kClassic) continue;
    const bool taken = holds(known.groups13.codes, group.code);
    hybrid = hybrid || (taken && group.kind == GroupKind::kHybrid);
    facts.add("G2", std::string(group.name), taken ? Seen::kYes : otherwise);
  }
  facts.add("G2", "", hybrid ? Seen::kYes : otherwise,
            hybrid ? "" : "no hybrid post-quantum group is known to be taken");
}

void check_pq_preference(Asker& asker, const Known& known, Facts& facts) {
  const auto is_pq = [](std::uint16_t code) {
    const auto all = groups();
    const auto found = std::ranges::find(all, code, &Group::code);
    return found != all.end() && (found->kind == GroupKind::kHybrid || found->kind == GroupKind::kPureMlKem);
  };
  const bool takes_both = std::ranges::any_of(known.groups13.codes, is_pq) && holds(known.groups13.codes, kX25519);
  if (!takes_both) {
    return facts.add("G3", "", Seen::kNotApplicable, "it doesn't take both x25519 and a post-quantum group");
  }
  ClientHello hello = hello13_with_share(asker, kX25519);
  hello.set(kExtGroups, list16_body(known.groups13.codes));
  const Answer answer = asker.ask(hello);
  if (!answer.accepted() || !answer.hello.group) return facts.add("G3", "", Seen::kUnknown, answer.to_string());
  const bool asked_again = answer.hello.is_retry && is_pq(*answer.hello.group);
  facts.add("G3", "", asked_again ? Seen::kYes : Seen::kNo,
            asked_again ? "a share of x25519 isn't enough: it asks for " + group_name(*answer.hello.group)
                        : "takes a share of " + group_name(*answer.hello.group) + " as it comes");
}

// Kinds of which a server has either all or one: first asked for together.
const std::vector<Codes>& scheme_kinds() {
  static const std::vector<Codes> kinds = {{0x0403, 0x0503, 0x0603}, {0x0807, 0x0808},         {0x0804, 0x0805, 0x0806},
                                           {0x0809, 0x080a, 0x080b}, {0x0401, 0x0501, 0x0601}, {0x0201, 0x0203},
                                           {0x081a, 0x081b, 0x081c}, {0x0904, 0x0905, 0x0906}, {0x0708}};
  return kinds;
}

Taken schemes_of_tls13(Asker& asker, std::uint16_t group) {
  std::vector<Taken> found(scheme_kinds().size());
  const auto ask = [&](const Codes& offered) {
    ClientHello hello = hello13_with_share(asker, group);
    hello.set(kExtSignatureAlgorithms, list16_body(offered));
    return asker.ask(hello);
  };
  std::vector<std::function<void()>> tasks;
  for (std::size_t i = 0; i < found.size(); ++i) {
    tasks.push_back([&, i] {
      const Codes& kind = scheme_kinds()[i];
      const Answer any = ask(kind);
      found[i].complete = any.accepted() || any.refused();
      found[i].why = any.to_string();
      if (!any.accepted()) return;
      if (kind.size() == 1) found[i].codes = kind;
      for (const std::uint16_t code : kind.size() == 1 ? Codes() : kind) {
        if (ask({code}).accepted()) found[i].codes.push_back(code);
      }
    });
  }
  run_together(asker.options().at_once, tasks);
  Taken all;
  for (const Taken& one : found) {
    all.codes.insert(all.codes.end(), one.codes.begin(), one.codes.end());
    if (one.complete) continue;
    all.complete = false;
    all.why = one.why;
  }
  return all;
}

Taken schemes_of_tls12(Asker& asker, const Known& known) {
  Codes suites;
  for (const std::uint16_t code : known.suites_of(kTls12)) {
    const SuiteTraits traits = traits_of(code);
    if ((traits.ecdhe || traits.dhe) && !traits.anonymous && !traits.shared_key) suites.push_back(code);
  }
  if (suites.empty()) return {};
  Codes all;
  for (const SignatureScheme& scheme : signature_schemes()) all.push_back(scheme.code);
  return take_all(
      all,
      [&](const Codes& offered) {
        ClientHello hello = asker.hello(kTls12, suites);
        hello.set(kExtSignatureAlgorithms, list16_body(offered));
        return asker.ask(hello, Want::kFlight);
      },
      [](const Answer& answer) {
        return answer.key_exchange ? answer.key_exchange->scheme : std::optional<std::uint16_t>();
      });
}

void add_schemes(const Taken& taken, const std::string& version, Facts& facts) {
  bool sha1 = false;
  bool md5 = false;
  for (const std::uint16_t code : taken.codes) {
    const std::string name = scheme_name(code);
    facts.add("S1", version + " " + name, Seen::kYes);
    sha1 = sha1 || name.ends_with("sha1");
    md5 = md5 || name.ends_with("md5");
  }
  const Seen otherwise = taken.complete ? Seen::kNo : Seen::kUnknown;
  facts.add("S1", version + " SHA-1", sha1 ? Seen::kYes : otherwise, taken.why);
  facts.add("S1", version + " MD5", md5 ? Seen::kYes : otherwise, taken.why);
}

}  // namespace

ClientHello hello13_with_share(Asker& asker, std::uint16_t group) {
  ClientHello hello = asker.hello(kTls13, asker.default_suites(kTls13));
  hello.set(kExtGroups, list16_body(std::array{group}));
  hello.set(kExtKeyShare, key_share_body(std::array{KeyShare{group, plausible_share(group, asker.random32())}}));
  return hello;
}

std::optional<std::uint16_t> usable_group(const Known& known) {
  const std::array<std::uint8_t, 32> any{};
  for (const std::uint16_t group : {kX25519, kP256}) {
    if (holds(known.groups13.codes, group)) return group;
  }
  for (const std::uint16_t group : known.groups13.codes) {
    if (!plausible_share(group, any).empty()) return group;
  }
  return std::nullopt;
}

Facts check_groups(Asker& asker, Known& known) {
  if (known.speaks(kTls13)) known.groups13 = known.empty_share ? groups_by_retry(asker) : groups_by_share(asker);
  if (known.newest_old() != 0) known.groups12 = groups_of_tls12(asker, known);
  Facts facts;
  add_groups(known, facts);
  add_post_quantum(known, facts);
  check_pq_preference(asker, known, facts);
  return facts;
}

Facts check_signatures(Asker& asker, const Known& known) {
  Facts facts;
  if (known.speaks(kTls13)) {
    const auto group = usable_group(known);
    Taken none;
    none.complete = false;
    none.why = "no share can be made for its groups";
    add_schemes(group ? schemes_of_tls13(asker, *group) : none, "TLS 1.3", facts);
  }
  if (known.speaks(kTls12)) add_schemes(schemes_of_tls12(asker, known), "TLS 1.2", facts);
  return facts;
}

}  // namespace cloister::probe
