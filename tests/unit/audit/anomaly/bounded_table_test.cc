#include "audit/anomaly/bounded_table.h"

#include <gtest/gtest.h>

#include <list>
#include <unordered_map>

#include "tests/support/sim_random.h"

namespace cloister::audit::anomaly {
namespace {

struct Entry {
  std::uint64_t id = 0;
  int value = 0;
};

TEST(BoundedTable, TheLeastRecentMakesRoom) {
  BoundedTable<Entry> table(2);
  table.insert(1).value = 10;
  table.insert(2).value = 20;
  EXPECT_EQ(table.find(1)->value, 10);
  table.insert(3);
  EXPECT_EQ(table.find(2), nullptr);
  EXPECT_EQ(table.find(1)->value, 10);
  EXPECT_EQ(table.peek(3)->value, 0);  // what was there before is gone from the slot
  EXPECT_EQ(table.evictions(), 1U);
}

TEST(BoundedTable, PeekingIsNotUsing) {
  BoundedTable<Entry> table(2);
  table.insert(1);
  table.insert(2);
  EXPECT_NE(table.peek(1), nullptr);
  table.insert(3);
  EXPECT_EQ(table.peek(1), nullptr);
}

TEST(BoundedTable, OfOne) {
  BoundedTable<Entry> table(1);
  for (std::uint64_t id = 1; id < 100; ++id) {
    EXPECT_TRUE(table.find_or_insert(id).is_new);
    EXPECT_FALSE(table.find_or_insert(id).is_new);
    EXPECT_EQ(table.size(), 1U);
  }
}

// Against a list and a map, with hashes that collide often.
TEST(BoundedTable, BehavesAsAListWould) {
  for (const std::uint64_t mask : {std::uint64_t{7}, std::uint64_t{0xF0}, ~std::uint64_t{0}}) {
    testing::SimRandom random(mask);
    BoundedTable<Entry> table(20);
    std::list<std::uint64_t> recent;
    std::unordered_map<std::uint64_t, int> values;
    for (int step = 0; step < 20000; ++step) {
      const std::uint64_t number = static_cast<std::uint64_t>(random.below(40)) + 1;
      const std::uint64_t id = (number & mask) | number << 40;
      const auto [entry, is_new] = table.find_or_insert(id);
      ASSERT_EQ(is_new, !values.contains(id));
      if (is_new && recent.size() == 20) {
        values.erase(recent.front());
        recent.pop_front();
      }
      recent.remove(id);
      recent.push_back(id);
      ASSERT_EQ(entry->value, values[id]);
      entry->value = values[id] = step;
    }
    std::vector<std::uint64_t> order;
    table.for_each([&order](const Entry& entry) { order.push_back(entry.id); });
    EXPECT_EQ(order, std::vector<std::uint64_t>(recent.begin(), recent.end()));
  }
}

}  // namespace
}  // namespace cloister::audit::anomaly
