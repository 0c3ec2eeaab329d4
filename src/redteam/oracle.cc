// RT-K11: whether the way in which something doesn't open says what is wrong with it.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <set>

#include "redteam/cipher_drills.h"
#include "redteam/object_image.h"
#include "seal/slots.h"

namespace cloister::redteam {
namespace {

constexpr double kTMax = 4.5;
constexpr int kRepeats = 5;  // a difference that is there is there each time; one of the machine's isn't
constexpr double kPercentile = 0.9;
constexpr std::string_view kRemedy =
    "how something is refused tells what is wrong with it: keep the answers, and give one answer in one time";

std::string words(const Error& error) { return std::to_string(static_cast<int>(error.code())) + " " + error.message(); }

class Oracle {
 public:
  Oracle(const Field& field, const OracleTarget& target)
      : field_(field), target_(target), tally_(field, "RT-K11", std::string(kRemedy)) {}

  Report run() && {
    const Status ready = read();
    if (!ready.ok()) return not_run("RT-K11", ready.error().message());
    tally_.honest("the object as it is", opened(image_->bytes));
    tally_.honest("its wrapped key as it is", unwrapped(wrapped_, context_));
    wrapped_keys();
    chunks();
    timing();
    return std::move(tally_).finish();
  }

 private:
  Status read() {
    CLOISTER_TRY(image_, read_image(target_.object));
    if (image_->slots.slots.empty()) return Error(Code::kInvalid, "the object has no slot");
    wrapped_ = image_->slots.slots.front().wrapped;
    const seal::Preamble& preamble = image_->preamble;
    context_ = {image_->slots.slots.front().tenant, preamble.context.dataset, to_bytes(preamble.object_id), "dek",
                preamble.commitment};
    return {};
  }
  Status unwrapped(const crypto::WrappedKey& wrapped, const crypto::WrapContext& context) {
    const auto came = target_.keys->unwrap(wrapped, context);
    return came.ok() ? Status() : Status(came.error());
  }
  Status opened(ByteView bytes) {
    CLOISTER_TRY(const Path path, lay_out(field_.folder, bytes));
    const auto came = target_.open(path);
    return came.ok() ? Status() : Status(came.error());
  }

  // Of one kind of attack, all answers: one is right.
  void one_answer(const std::string& what, const std::set<std::string>& answers) {
    const bool one = answers.size() == 1;
    tally_.holds(
        what + ": one answer",
        one ? Status()
            : Status(Error(Code::kDenied, std::to_string(answers.size()) + " different ones: " +
                                              (answers.empty() ? "" : *answers.begin() + "; " + *answers.rbegin()))));
  }

  void wrapped_keys() {
    std::set<std::string> answers;
    for (std::size_t at = 0; at < wrapped_.ciphertext.size() && !tally_.over(); ++at) {
      crypto::WrappedKey changed = wrapped_;
      changed.ciphertext[at] ^= 1;
      const Status came = unwrapped(changed, context_);
      tally_.attack("wrapped key, byte " + std::to_string(at), came);
      if (!came.ok()) answers.insert(words(came.error()));
    }
    const std::function<void(crypto::WrapContext&)> contexts[] = {
        [](crypto::WrapContext& c) { c.tenant += "x"; }, [](crypto::WrapContext& c) { c.dataset += "x"; },
        [](crypto::WrapContext& c) { c.object[0] ^= 1; }, [](crypto::WrapContext& c) { c.purpose = "ring"; },
        [](crypto::WrapContext& c) { c.commitment[0] ^= 1; }};
    for (const auto& change : contexts) {
      crypto::WrapContext changed = context_;
      change(changed);
      const Status came = unwrapped(wrapped_, changed);
      tally_.attack("a wrapped key in another context", came);
      if (!came.ok()) answers.insert(words(came.error()));
    }
    one_answer("a wrapped key that is changed, or of another context", answers);
  }

  void chunks() {
    std::set<std::string> answers;
    const auto start = static_cast<std::size_t>(image_->layout.chunk_offset(0));
    const auto tag = static_cast<std::size_t>(image_->layout.tag_offset(0));
    const std::size_t length = image_->layout.chunk_length(0);
    for (const std::size_t at : {start, start + length / 2, start + length - 1, tag, tag + 7, tag + 15}) {
      Bytes changed = image_->bytes;
      changed[at] ^= 1;
      const Status came = opened(changed);
      tally_.attack("the first chunk or its tag, byte " + std::to_string(at), came);
      if (!came.ok()) answers.insert(words(came.error()));
    }
    one_answer("a chunk that is changed, or its tag", answers);
  }

  double once(const crypto::WrappedKey& wrapped) {
    const auto from = std::chrono::steady_clock::now();
    const auto came = target_.keys->unwrap(wrapped, context_);
    const auto to = std::chrono::steady_clock::now();
    got_out_ = got_out_ || came.ok();
    return std::chrono::duration<double, std::nano>(to - from).count();
  }

  // Two ways of being wrong, in an order that nothing outside of this process knows.
  double measure(const crypto::WrappedKey& first, const crypto::WrappedKey& second) {
    std::vector<double> a, b;
    Bytes coins(4096);
    // In one place both: where bytes lie makes a difference in time as well.
    crypto::WrappedKey asked = first;
    for (std::uint64_t i = 0; a.size() < target_.timings || b.size() < target_.timings; ++i) {
      if (i % (coins.size() * 8) == 0) field_.random->fill(coins);
      if (i % 1024 == 0 && tally_.over()) break;
      const std::uint64_t bit = i % (coins.size() * 8);
      const bool heads = (coins[bit / 8] >> (bit % 8) & 1) != 0;
      asked = heads ? first : second;
      (heads ? a : b).push_back(once(asked));
    }
    return welch_t(std::move(a), std::move(b));
  }

  void timing() {
    crypto::WrappedKey early = wrapped_, late = wrapped_;
    early.ciphertext[early.ciphertext.size() - 16] ^= 1;
    late.ciphertext.back() ^= 1;
    double least = 1e9;
    for (int i = 0; i < kRepeats && least >= kTMax && !tally_.over(); ++i) {
      least = std::min(least, std::abs(measure(early, late)));
    }
    if (!got_out_ && tally_.over()) return;  // nothing was measured to its end
    const std::string t = "|t| = " + std::to_string(least);
    tally_.holds("the first and the last byte of a tag wrong, " + std::to_string(target_.timings) +
                     " times each: no difference in time",
                 least < kTMax && !got_out_ ? Status() : Status(Error(Code::kDenied, t)));
    tally_.note(t + ", below " + std::to_string(kTMax) + " is no difference");
  }

  const Field& field_;
  const OracleTarget& target_;
  Tally tally_;
  std::optional<ObjectImage> image_;
  crypto::WrappedKey wrapped_;
  crypto::WrapContext context_;
  bool got_out_ = false;
};

struct Moments {
  double mean = 0, variance = 0, count = 0;
};

Moments moments_of(const std::vector<double>& values, double above) {
  Moments out;
  for (const double value : values) {
    if (value > above) continue;
    out.count += 1;
    const double from = value - out.mean;
    out.mean += from / out.count;
    out.variance += from * (value - out.mean);
  }
  if (out.count > 1) out.variance /= out.count - 1;
  return out;
}

}  // namespace

double welch_t(std::vector<double> a, std::vector<double> b) {
  if (a.size() < 2 || b.size() < 2) return 0;
  std::vector<double> both = a;
  both.insert(both.end(), b.begin(), b.end());
  const auto at = both.begin() + static_cast<std::ptrdiff_t>(kPercentile * static_cast<double>(both.size() - 1));
  std::ranges::nth_element(both, at);
  const Moments first = moments_of(a, *at), second = moments_of(b, *at);
  if (first.count < 2 || second.count < 2) return 0;
  const double error = std::sqrt(first.variance / first.count + second.variance / second.count);
  if (error == 0) return first.mean == second.mean ? 0 : 1e9;
  return (first.mean - second.mean) / error;
}

Report run_oracle(const Field& field, const OracleTarget& target) { return Oracle(field, target).run(); }

}  // namespace cloister::redteam
