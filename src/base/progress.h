// How far long work has come, and whether somebody asked it to stop.
#pragma once

#include <atomic>
#include <cstdint>

namespace cloister {

// Written by any thread, read by whoever shows it. Work calls add() as it goes and stops soon after stop_requested().
class Progress {
 public:
  void expect(std::uint64_t bytes) { bytes_expected_.fetch_add(bytes, std::memory_order_relaxed); }
  void add(std::uint64_t bytes) { bytes_done_.fetch_add(bytes, std::memory_order_relaxed); }
  void expect_objects(std::uint64_t count) { objects_expected_.fetch_add(count, std::memory_order_relaxed); }
  void add_object() { objects_done_.fetch_add(1, std::memory_order_relaxed); }

  std::uint64_t bytes_expected() const { return bytes_expected_.load(std::memory_order_relaxed); }
  std::uint64_t bytes_done() const { return bytes_done_.load(std::memory_order_relaxed); }
  std::uint64_t objects_expected() const { return objects_expected_.load(std::memory_order_relaxed); }
  std::uint64_t objects_done() const { return objects_done_.load(std::memory_order_relaxed); }

  // Safe to call from a signal handler.
  void request_stop() { stop_.store(true, std::memory_order_relaxed); }
  bool stop_requested() const { return stop_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> bytes_expected_{0};
  std::atomic<std::uint64_t> bytes_done_{0};
  std::atomic<std::uint64_t> objects_expected_{0};
  std::atomic<std::uint64_t> objects_done_{0};
  std::atomic<bool> stop_{false};
};

}  // namespace cloister
