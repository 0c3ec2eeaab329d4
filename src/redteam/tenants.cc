// RT-K12: who may write to where objects and keyrings are kept mixes up two tenants.
#include "redteam/object_attacks.h"
#include "redteam/object_image.h"

namespace cloister::redteam {
namespace {

constexpr std::string_view kRemedy =
    "one tenant's keys open what says it is another's, or nobody records who tried: bind tenant and dataset into every "
    "wrap, refuse what doesn't open in that context, and write each refusal to the log";

class Tenants {
 public:
  Tenants(const Field& field, const TenantsTarget& target, ObjectImage alders, ObjectImage birches)
      : field_(field),
        target_(target),
        alders_(std::move(alders)),
        birches_(std::move(birches)),
        tally_(field, "RT-K12", std::string(kRemedy)) {}

  Report run() && {
    tally_.honest("the first tenant's own object", status_of(target_.open_as_alder(target_.alders)));
    tally_.honest("the second tenant's own object", status_of(target_.open_as_birch(target_.birches)));
    both("the first tenant's object", alders_.bytes, /*alder=*/false, /*birch=*/true);
    both("the second tenant's object", birches_.bytes, true, false);
    wrapped_keys_of_the_other();
    forged_names();
    for (const TenantsTarget::Mix& mix : target_.mixes) {
      if (!tally_.over()) mix_up(mix);
    }
    if (!tally_.over()) look_at_log();
    return std::move(tally_).finish();
  }

 private:
  void mix_up(const TenantsTarget::Mix& mix) {
    const Status came = mix.attempt();
    tally_.attack(mix.what, came);
    if (came.ok() || came.error().code() == Code::kUnavailable || came.error().code() == Code::kInternal) {
      all_mixes_refused_ = false;
    }
  }

  // A log that can't be read tells nothing; one that can, and lacks what was refused, is a failure.
  void look_at_log() {
    const Status recorded = target_.refusals_recorded();
    const bool missing = all_mixes_refused_ && !recorded.ok() && recorded.error().code() == Code::kNotFound;
    missing ? tally_.attack("refusals that nobody recorded", Status())
            : tally_.honest("the refusals in the log", recorded);
  }

  static Status status_of(const Result<Bytes>& came) { return came.ok() ? Status() : Status(came.error()); }

  void both(const std::string& what, ByteView image, bool alder = true, bool birch = true) {
    if (tally_.over()) return;
    const auto path = lay_out(field_.folder, image);
    if (!path.ok()) return tally_.cannot(path.error().message());
    if (alder) tally_.attack(what + ", by the first tenant", target_.open_as_alder(*path));
    if (birch) tally_.attack(what + ", by the second tenant", target_.open_as_birch(*path));
  }

  void wrapped_keys_of_the_other() {
    Bytes changed = alders_.bytes;
    Status put = put_slots(changed, alders_.preamble, birches_.slots);
    if (!put.ok()) return tally_.cannot(put.error().message());
    both("the second tenant's wrapped key in the first's object", changed);

    seal::SlotTable mixed = alders_.slots;
    mixed.seq += 1;
    mixed.slots.insert(mixed.slots.end(), birches_.slots.slots.begin(), birches_.slots.slots.end());
    changed = alders_.bytes;
    put = put_slots(changed, alders_.preamble, mixed);
    if (!put.ok()) return tally_.cannot(put.error().message());
    both("both tenants' wrapped keys in the first's object", changed, false, true);

    seal::SlotTable renamed = alders_.slots;
    for (seal::Slot& slot : renamed.slots) slot.tenant = target_.birch;
    changed = alders_.bytes;
    put = put_slots(changed, alders_.preamble, renamed);
    if (!put.ok()) return tally_.cannot(put.error().message());
    both("the first's wrapped key under the second's name", changed);
  }

  void forged_names() {
    seal::Preamble preamble = alders_.preamble;
    preamble.context.tenant = birches_.preamble.context.tenant;
    Bytes changed = alders_.bytes;
    put_preamble(changed, preamble);
    both("the second tenant's name in the first's object", changed);

    preamble.context = birches_.preamble.context;
    changed = alders_.bytes;
    put_preamble(changed, preamble);
    both("the second's tenant, dataset and keyring in the first's object", changed);
    const Status put = put_slots(changed, preamble, birches_.slots);
    if (!put.ok()) return tally_.cannot(put.error().message());
    both("the second's names and wrapped key in the first's object", changed);

    preamble = alders_.preamble;
    preamble.context.dataset = "another";
    changed = alders_.bytes;
    put_preamble(changed, preamble);
    both("another dataset's name in the first's object", changed);
    preamble.context.dataset.clear();
    changed = alders_.bytes;
    put_preamble(changed, preamble);
    both("no dataset's name in the first's object", changed);
  }

  const Field& field_;
  const TenantsTarget& target_;
  const ObjectImage alders_, birches_;
  Tally tally_;
  bool all_mixes_refused_ = true;
};

}  // namespace

Report run_tenants(const Field& field, const TenantsTarget& target) {
  auto alders = read_image(target.alders);
  if (!alders.ok()) return not_run("RT-K12", alders.error().message());
  auto birches = read_image(target.birches);
  if (!birches.ok()) return not_run("RT-K12", birches.error().message());
  return Tenants(field, target, std::move(*alders), std::move(*birches)).run();
}

}  // namespace cloister::redteam
