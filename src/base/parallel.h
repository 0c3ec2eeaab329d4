// Many pieces of work over a few threads.
#pragma once

#include <cstdint>
#include <functional>
#include <thread>

#include "base/result.h"

namespace cloister {

// 0 becomes the number of processors; never more than 16.
unsigned thread_count(unsigned requested);

// A thread running `body`. kInternal when the system has no more of them.
Result<std::thread> start_thread(std::function<void()> body);

// Does the piece with this number. Each thread has its own, with whatever buffers it needs.
using PieceWorker = std::function<Status(std::uint64_t piece)>;

// Calls workers for every piece from 0 to pieces - 1, taken in ascending order by up to `threads` threads, the caller's
// among them. Where the system has fewer threads, with those. The first error stops the rest and is returned; all
// threads have ended when this returns.
Status parallel_pieces(unsigned threads, std::uint64_t pieces, const std::function<PieceWorker()>& make_worker);

}  // namespace cloister
