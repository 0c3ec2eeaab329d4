#include "worker/broker_set.h"

#include <algorithm>

namespace cloister::worker {
namespace {

constexpr std::size_t kPoliciesSizeMax = 256;  // as a receipt has room for
constexpr Duration kEnough = seconds(5);       // for a service that is there, also on a busy machine

}  // namespace

// One service, and what became of asking it.
class BrokerSet::Asked final : public crypto::KeyWrapper {
 public:
  explicit Asked(Broker broker) : broker_(std::move(broker)) {}

  Result<crypto::WrappedKey> wrap(const crypto::KeyMaterial& key, const crypto::WrapContext& context) override {
    return broker_.keys->wrap(key, context);
  }
  Result<crypto::KeyMaterial> unwrap(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) override {
    if (!broker_.keyring.empty() && wrapped.key_id != broker_.keyring) {
      return Error(Code::kNotFound, "the slot is another key's");
    }
    auto key = broker_.keys->unwrap(wrapped, context);
    if (!key.ok() && key.error().code() == Code::kNotFound) return key;
    if (!key.ok()) return refused(key.error());
    released();
    return key;
  }

  std::string holder() const override { return broker_.name.empty() ? "" : "key service " + broker_.name; }

  bool holds() const { return until_.has_value(); }
  std::optional<Time> until() const { return until_; }
  std::string policy() const { return broker_.keys->policy(); }

  // What it may be asked for in another's stead.
  void learn(const seal::Preamble& preamble, const seal::SlotTable& slots) {
    for (const seal::Slot& slot : slots.slots) {
      if (!slot.is_share() || slot.wrapped.key_id != broker_.keyring) continue;
      share_ = slot.wrapped;
      context_ = seal::slot_context(preamble, slot);
    }
  }
  bool renew() {
    const Status renewed = broker_.keys->renew();
    if (renewed.ok()) {
      released();
      return true;
    }
    const Code code = renewed.error().code();
    if (code != Code::kUnavailable && code != Code::kInternal) until_.reset();
    ignore_result(refused(renewed.error()));
    return false;
  }
  // For one whose lease doesn't hold: its share is asked for to be let go on, not to be used.
  bool join() {
    if (released_once_) return renew();
    return share_ && unwrap(*share_, context_).ok();
  }

  std::optional<Refusal> take_refusal() { return std::exchange(refusal_, std::nullopt); }

 private:
  Error refused(const Error& error) {
    const Error said = broker_.name.empty() ? error : error.with_context(holder());
    refusal_ = Refusal{broker_.name, said};
    return said;
  }
  void released() {
    until_ = broker_.keys->lease_end();
    released_once_ = true;
    refusal_.reset();
  }

  const Broker broker_;
  std::optional<Time> until_;
  bool released_once_ = false;
  std::optional<crypto::WrappedKey> share_;
  crypto::WrapContext context_;
  std::optional<Refusal> refusal_;
};

BrokerSet::BrokerSet(std::vector<Broker> brokers, Patience& patience) : patience_(patience) {
  CLOISTER_CHECK(!brokers.empty());
  for (Broker& broker : brokers) all_.push_back(std::make_unique<Asked>(std::move(broker)));
}

BrokerSet::~BrokerSet() = default;

std::vector<crypto::KeyWrapper*> BrokerSet::wrappers() {
  std::vector<crypto::KeyWrapper*> list;
  for (const auto& asked : all_) list.push_back(asked.get());
  return list;
}

std::vector<BrokerSet::Refusal> BrokerSet::take_refusals() {
  std::vector<Refusal> refusals;
  for (const auto& asked : all_) {
    if (auto refusal = asked->take_refusal()) refusals.push_back(std::move(*refusal));
  }
  return refusals;
}

void BrokerSet::opened(const seal::Preamble& preamble, const seal::SlotTable& slots) {
  for (const auto& asked : all_) asked->learn(preamble, slots);
  const auto gave = std::ranges::count_if(all_, [](const auto& asked) { return asked->holds(); });
  // More gave theirs than are needed where one was wrong; one alone where it gave the whole key.
  const std::size_t enough = std::max(1U, seal::shares_needed(slots.slots));
  needed_ = std::clamp<std::size_t>(static_cast<std::size_t>(gave), 1, enough);
}

std::optional<Time> BrokerSet::lease_end() const {
  std::vector<Time> ends;
  for (const auto& asked : all_) {
    if (asked->holds()) ends.push_back(*asked->until());
  }
  if (ends.size() < needed_) return std::nullopt;
  std::ranges::sort(ends, std::ranges::greater());
  return ends[needed_ - 1];
}

// Whoever is asked last leaves a part, too: what the others said is no use after the end. With one alone there are no
// others.
void BrokerSet::limit(Time end, std::size_t left) {
  const Time now = patience_.now();
  const Duration rest = end - now;
  const Duration share{rest.ms / static_cast<std::int64_t>(left + 1)};
  const Duration enough = std::min(kEnough, Duration{rest.ms / 2});
  patience_.end_at(all_.size() == 1 ? end : now + std::max(share, enough));
}

bool BrokerSet::renew() {
  const auto end = lease_end();
  if (!end) return false;
  std::size_t said_yes = 0;
  std::size_t left = all_.size();
  std::vector<Asked*> others;
  for (const auto& asked : all_) {
    if (!asked->holds()) {
      others.push_back(asked.get());
      continue;
    }
    limit(*end, left--);
    if (asked->renew()) ++said_yes;
  }
  for (Asked* asked : others) {
    if (said_yes >= needed_) break;
    limit(*end, left--);
    if (asked->join()) ++said_yes;
  }
  patience_.lift();
  return said_yes >= needed_;
}

std::string BrokerSet::policies() const {
  std::string text;
  for (const auto& asked : all_) {
    const std::string policy = asked->holds() ? asked->policy() : "";
    const std::string_view between = text.empty() ? "" : ", ";
    if (policy.empty() || text.size() + between.size() + policy.size() > kPoliciesSizeMax) continue;
    text += std::string(between) + policy;
  }
  return text;
}

}  // namespace cloister::worker
