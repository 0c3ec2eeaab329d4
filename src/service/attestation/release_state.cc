#include "service/attestation/release_state.h"

#include "attest/floors.h"
#include "base/json.h"
#include "service/attestation/judgement.h"

namespace cloister::service {
namespace {

constexpr std::string_view kPolicyName = "attestation_policy";
constexpr std::string_view kStateName = "attestation_state";
constexpr std::string_view kAnswersName = "attestation_answers";
constexpr std::string_view kArchiveName = "attestation_archive";
constexpr std::size_t kFloorsMax = 4096;
constexpr std::size_t kAnswersMax = 4096;

// What isn't there, as if it were empty.
Result<std::string> read_or_empty(const AuthenticSettings& settings, keys::Store& store, std::string_view name) {
  auto value = settings.read(store, name);
  if (!value.ok() && value.error().code() == Code::kNotFound) return std::string();
  return value;
}

Result<attest::Floors> parse_floors(const JsonValue* value) {
  const Error malformed(Code::kCorrupt, "the state of attested release is malformed");
  if (value == nullptr || value->object() == nullptr) return malformed;
  attest::Floors floors;
  for (const auto& [name, number] : *value->object()) {
    if (!number.unsigned_integer()) return malformed;
    floors.emplace(name, *number.unsigned_integer());
  }
  return floors;
}

JsonValue json_of(const attest::Floors& floors) {
  JsonValue::Object members;
  for (const auto& [name, number] : floors) members.emplace_back(name, number);
  return members;
}

// Those of answers that are among the others: programs of before kept all together.
attest::Floors take_answers(attest::Floors& floors) {
  attest::Floors answers;
  for (const auto& [name, number] : floors) {
    if (attest::is_answer_floor(name)) answers.emplace(name, number);
  }
  std::erase_if(floors, [](const auto& floor) { return attest::is_answer_floor(floor.first); });
  return answers;
}

}  // namespace

Result<ReleaseSettings::Counted> ReleaseSettings::read_counted(keys::Store& store) const {
  CLOISTER_TRY(const std::string text, read_or_empty(settings_, store, kStateName));
  Counted counted;
  if (text.empty()) return counted;
  const Error malformed(Code::kCorrupt, "the state of attested release is malformed");
  const auto value = parse_json(text);
  if (!value.ok()) return malformed;
  const JsonValue* epoch = value->find("epoch");
  if (epoch == nullptr || !epoch->unsigned_integer()) return malformed;
  counted.epoch = *epoch->unsigned_integer();
  CLOISTER_TRY(counted.floors, parse_floors(value->find("floors")));
  return counted;
}

Result<attest::Floors> ReleaseSettings::read_answers(keys::Store& store) const {
  CLOISTER_TRY(const std::string text, read_or_empty(settings_, store, kAnswersName));
  if (text.empty()) return attest::Floors();
  const auto value = parse_json(text);
  if (!value.ok()) return Error(Code::kCorrupt, "the state of attested release is malformed");
  return parse_floors(&*value);
}

Status ReleaseSettings::put_counted(keys::Store::Change& change, const Counted& counted) const {
  const JsonValue value = JsonValue::Object{{"epoch", counted.epoch}, {"floors", json_of(counted.floors)}};
  return settings_.put(change, kStateName, value.serialize());
}

Result<std::shared_ptr<const ReleaseState>> ReleaseSettings::load(
    keys::Store& store, const std::shared_ptr<const ReleaseState>& before) const {
  // The epoch first: a policy that is replaced meanwhile is one of a later epoch, which expect_epoch() notices.
  CLOISTER_TRY(Counted counted, read_counted(store));
  CLOISTER_TRY(const attest::Floors answers, read_answers(store));
  CLOISTER_TRY(std::string text, read_or_empty(settings_, store, kPolicyName));
  auto state = std::make_shared<ReleaseState>();
  if (before != nullptr && before->policy_text == text) {
    state->policy = before->policy;
  } else if (!text.empty()) {
    CLOISTER_TRY(state->policy, policy::load_attestation_policy(text).with_context("read the attestation policy"));
  }
  if (!text.empty()) state->policy_digest = crypto::sha256(as_bytes(text));
  state->policy_text = std::move(text);
  state->floors = higher(counted.floors, answers);
  state->epoch = counted.epoch;
  return std::shared_ptr<const ReleaseState>(std::move(state));
}

Result<std::uint64_t> ReleaseSettings::epoch(keys::Store& store) const {
  CLOISTER_TRY(const Counted counted, read_counted(store));
  return counted.epoch;
}

Status ReleaseSettings::expect_epoch(keys::Store& store, std::uint64_t expected) const {
  CLOISTER_TRY(const std::uint64_t current, epoch(store));
  if (current == expected) return {};
  return Error(Code::kUnavailable, "the attestation policy or a floor was changed meanwhile");
}

Status ReleaseSettings::put_policy(keys::Store& store, keys::Store::Change& change, std::string_view text) const {
  CLOISTER_TRY(Counted counted, read_counted(store));
  ++counted.epoch;
  CLOISTER_RETURN_IF_ERROR(put_counted(change, counted));
  return settings_.put(change, kPolicyName, text);
}

Result<std::uint64_t> ReleaseSettings::raise_floors(keys::Store& store, keys::Store::Change& change,
                                                    const attest::Floors& seen) const {
  CLOISTER_TRY(Counted counted, read_counted(store));
  CLOISTER_TRY(attest::Floors answers, read_answers(store));
  attest::Floors of_vendors = seen;
  const attest::Floors moved = take_answers(counted.floors);
  const attest::Floors of_answers = higher(take_answers(of_vendors), moved);
  const bool answers_changed = attest::raise_answers(answers, of_answers, kAnswersMax);
  bool changed = !moved.empty();
  bool rises = false;
  for (const auto& [name, number] : of_vendors) {
    const auto floor = counted.floors.find(name);
    if (floor == counted.floors.end()) {
      if (counted.floors.size() == kFloorsMax) return Error(Code::kUnavailable, "there are too many floors");
      counted.floors.emplace(name, number);
      changed = true;
    } else if (floor->second < number) {
      floor->second = number;
      rises = true;
    }
  }
  if (rises) ++counted.epoch;
  if (changed || rises) CLOISTER_RETURN_IF_ERROR(put_counted(change, counted));
  if (answers_changed) CLOISTER_RETURN_IF_ERROR(settings_.put(change, kAnswersName, json_of(answers).serialize()));
  return counted.epoch;
}

Result<crypto::KeyMaterial> ReleaseSettings::archive_key(keys::Store& store, crypto::Random& random,
                                                         const keys::Caller& caller) const {
  CLOISTER_TRY(std::string text, read_or_empty(settings_, store, kArchiveName));
  if (text.empty()) {
    const crypto::KeyMaterial key = crypto::KeyMaterial::random(random);
    const std::string wrapped = to_hex(settings_.wrap(kArchiveName, key, random));
    const audit::Event event{
        caller.now, caller.actor, "attestation.create-archive-key", "", "attestation", audit::Outcome::kAllowed, ""};
    CLOISTER_RETURN_IF_ERROR(store.change(event, [&](keys::Store::Change& change) -> Status {
      CLOISTER_TRY(const std::string meanwhile, read_or_empty(settings_, store, kArchiveName));
      return meanwhile.empty() ? settings_.put(change, kArchiveName, wrapped) : ok_status();
    }));
    CLOISTER_TRY(text, settings_.read(store, kArchiveName));
  }
  CLOISTER_TRY(const Bytes wrapped, from_hex(text));
  return settings_.unwrap(kArchiveName, wrapped).with_context("open the key of kept releases");
}

}  // namespace cloister::service
