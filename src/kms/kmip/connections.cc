#include "kms/kmip/connections.h"

#include <algorithm>
#include <array>

namespace cloister::kms::kmip {
namespace {

constexpr double kKeptSecondsMax = 60;

class Patience {
 public:
  explicit Patience(Duration whole) : until_(monotonic_seconds() + static_cast<double>(whole.ms) / 1000) {}
  Duration left() const {
    return Duration{std::max<std::int64_t>(0, static_cast<std::int64_t>((until_ - monotonic_seconds()) * 1000))};
  }

 private:
  double until_;
};

Status read_exactly(KmipChannel& channel, MutableByteView out, const Patience& patience) {
  while (!out.empty()) {
    const Duration left = patience.left();
    if (left == Duration{}) return Error(Code::kUnavailable, "the server's answer didn't come in time");
    CLOISTER_TRY(const std::size_t count, channel.read(out, left));
    if (count == 0) return Error(Code::kUnavailable, "the server closed the connection");
    out = out.subspan(std::min(count, out.size()));
  }
  return {};
}

Result<net::Buffer> exchange_over(KmipChannel& channel, ByteView request, const Patience& patience) {
  CLOISTER_RETURN_IF_ERROR(channel.write(request, patience.left()));
  net::Buffer answer(kTtlvHeader);
  CLOISTER_RETURN_IF_ERROR(read_exactly(channel, answer, patience));
  CLOISTER_TRY(const std::size_t size, ttlv_message_size(answer, tag::kResponseMessage, kMessageMax));
  // A server that says a megabyte and sends nothing gets no megabyte.
  constexpr std::size_t kStep = 16 << 10;
  while (answer.size() < size) {
    const std::size_t before = answer.size();
    answer.resize(std::min(size, before + kStep));
    CLOISTER_RETURN_IF_ERROR(read_exactly(channel, MutableByteView(answer).subspan(before), patience));
  }
  return answer;
}

}  // namespace

std::unique_ptr<KmipChannel> Connections::take_kept() {
  const std::lock_guard lock(mutex_);
  while (!kept_.empty()) {
    Kept kept = std::move(kept_.back());
    kept_.pop_back();
    if (monotonic_seconds() - kept.since <= kKeptSecondsMax && kept.channel->usable()) return std::move(kept.channel);
  }
  return nullptr;
}

void Connections::keep(std::unique_ptr<KmipChannel> channel) {
  const std::lock_guard lock(mutex_);
  if (kept_.size() < kept_max_) kept_.push_back({std::move(channel), monotonic_seconds()});
}

Result<net::Buffer> Connections::exchange(ByteView request, Duration patience) {
  const Patience clock(patience);
  if (auto kept = take_kept()) {
    Result<net::Buffer> answer = exchange_over(*kept, request, clock);
    if (answer.ok()) keep(std::move(kept));
    if (answer.ok() || answer.error().code() != Code::kUnavailable || clock.left() == Duration{}) return answer;
  }
  CLOISTER_TRY(std::unique_ptr<KmipChannel> fresh, dial_(clock.left()));
  CLOISTER_TRY(net::Buffer answer, exchange_over(*fresh, request, clock));
  keep(std::move(fresh));
  return answer;
}

}  // namespace cloister::kms::kmip
