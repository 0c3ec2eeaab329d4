#include "base/parallel.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <system_error>
#include <vector>

namespace cloister {

unsigned thread_count(unsigned requested) {
  const unsigned wanted = requested == 0 ? std::thread::hardware_concurrency() : requested;
  return std::clamp(wanted, 1U, 16U);
}

Result<std::thread> start_thread(std::function<void()> body) {
  try {
    return std::thread(std::move(body));
  } catch (const std::system_error& refused) {
    return Error(Code::kInternal, std::string("start a thread: ") + refused.what());
  }
}

Status parallel_pieces(unsigned threads, std::uint64_t pieces, const std::function<PieceWorker()>& make_worker) {
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> stop{false};
  std::mutex mutex;
  std::optional<Error> first_error;

  const auto run = [&] {
    const PieceWorker worker = make_worker();
    while (!stop.load(std::memory_order_relaxed)) {
      const std::uint64_t piece = next.fetch_add(1, std::memory_order_relaxed);
      if (piece >= pieces) return;
      const Status status = worker(piece);
      if (status.ok()) continue;
      stop = true;
      const std::lock_guard lock(mutex);
      if (!first_error) first_error = status.error();
    }
  };

  std::vector<std::thread> helpers;
  const std::uint64_t useful = std::min<std::uint64_t>(thread_count(threads), pieces);
  for (std::uint64_t i = 1; i < useful; ++i) {
    auto helper = start_thread(run);
    if (!helper.ok()) break;
    helpers.push_back(std::move(*helper));
  }
  run();
  for (std::thread& helper : helpers) helper.join();
  if (first_error) return *first_error;
  return {};
}

}  // namespace cloister
