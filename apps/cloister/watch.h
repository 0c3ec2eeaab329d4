// Watches long work from a thread of its own: shows progress, and turns SIGINT and SIGTERM into a request to stop.
#pragma once

#include <pthread.h>

#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "base/progress.h"

namespace cloister::cli {

// Made before any other thread: it blocks the signals for all of them and takes them itself. The first one asks the
// work to stop; a second ends the process on the spot.
class Watch {
 public:
  enum class Show { kYes, kNo };
  Watch(Progress& progress, Show show);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  // From here on a bar (on a terminal) or a line every ten seconds (elsewhere) tells how far `doing` has come.
  void begin(std::string doing);
  // Clears the bar, so that other lines can be printed.
  void end();

 private:
  void run();
  void draw(double now);
  void clear();
  std::string objects_text(double elapsed) const;

  Progress* progress_;
  Show show_;
  bool terminal_;
  pthread_t main_thread_;
  std::atomic<bool> finished_{false};
  std::mutex mutex_;  // over everything below
  bool showing_ = false;
  bool drawn_ = false;
  std::string doing_;
  double started_ = 0;
  double last_shown_ = 0;
  std::thread thread_;
};

}  // namespace cloister::cli
