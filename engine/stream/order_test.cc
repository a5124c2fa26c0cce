// What is released, when, and in which order.
#include "engine/stream/order.h"

#include <malloc.h>

#include <algorithm>
#include <map>
#include <tuple>

#include <gtest/gtest.h>

#include "engine/base/random.h"
#include "tests/support/made_record.h"

namespace ebb {
namespace {

using Place = std::tuple<TimeMs, uint16_t, uint16_t, int64_t>;  // effective, source, log, offset

Place PlaceOf(const Record& record) { return {record.effective, record.source, record.log, record.offset}; }

MadeRecord At(const Place& place, std::string_view key = "c") {
  MadeRecord record(key, std::get<0>(place));
  record->source = std::get<1>(place);
  record->log = std::get<2>(place);
  record->offset = std::get<3>(place);
  record->newest_before = std::get<0>(place) - 7;
  return record;
}

RecordBatch Batch(const std::vector<Place>& places) {
  RecordBatch batch;
  for (const Place& place : places) At(place).AddTo(&batch);
  return batch;
}

std::vector<Place> Release(Order* order, TimeMs watermark) {
  std::vector<Place> places;
  for (const Record* record : order->Release(watermark)) places.push_back(PlaceOf(*record));
  return places;
}

TEST(OrderTest, ReleasesStrictlyBelowTheWatermark) {
  Order order;
  order.Push(Batch({{10, 0, 0, 0}, {11, 0, 0, 1}, {9, 0, 1, 0}}));
  EXPECT_EQ(order.waiting(), 3u);
  EXPECT_EQ(Release(&order, 9), std::vector<Place>{});
  EXPECT_EQ(Release(&order, 11), (std::vector<Place>{{9, 0, 1, 0}, {10, 0, 0, 0}}));
  EXPECT_EQ(Release(&order, 11), std::vector<Place>{});
  order.Push(Batch({{11, 0, 0, 2}}));
  EXPECT_EQ(Release(&order, 12), (std::vector<Place>{{11, 0, 0, 1}, {11, 0, 0, 2}}));
  EXPECT_EQ(order.waiting(), 0u);
}

TEST(OrderTest, TiesGoBySourceLogOffset) {
  const std::vector<Place> sorted = {{5, 0, 0, 7},     {5, 0, 0, 8},         {5, 0, 1, 0},
                                     {5, 0, 65535, 1}, {5, 1, 0, 0},         {5, 1, 0, 300},
                                     {5, 65535, 0, 0}, {5, 65535, 65535, 1}, {6, 0, 0, 0}};
  std::vector<Place> shuffled = sorted;
  Random random(1);
  for (int round = 0; round < 20; ++round) {
    for (size_t i = shuffled.size(); i > 1; --i) std::swap(shuffled[i - 1], shuffled[random.Below(i)]);
    Order order;
    order.Push(Batch(shuffled));
    if (round % 2 == 1) order.Release(0);  // through the heap
    EXPECT_EQ(Release(&order, 7), sorted);
  }
}

TEST(OrderTest, ReleasedRecordsKeepTheirContentUntilTheNextCall) {
  Order order;
  RecordBatch batch;
  const std::string long_key(200, 'k');
  for (int i = 0; i < 500; ++i) At({i, 0, 0, i}, long_key).AddTo(&batch);
  order.Push(std::move(batch));
  const std::vector<Record*>& released = order.Release(400);
  ASSERT_EQ(released.size(), 400u);
  Order other;  // whatever is allocated meanwhile must not take their place
  other.Push(Batch({{1, 2, 3, 4}}));
  for (const Record* record : released) EXPECT_EQ(record->key(), long_key);
}

TEST(OrderTest, LowMarksAreThoseOfWaitingRecords) {
  Order order;
  order.Push(Batch({{10, 0, 0, 0}, {20, 0, 0, 1}, {15, 0, 0, 2}, {30, 1, 4, 9}}));
  order.Release(11);
  order.Push(Batch({{12, 2, 0, 5}}));
  std::map<std::pair<int, int>, std::pair<int64_t, TimeMs>> low;
  order.ForEachLowMark([&](uint16_t source, uint16_t log, const LowMark& mark) {
    auto [at, fresh] = low.try_emplace({source, log}, mark.offset, mark.newest_before);
    if (!fresh && mark.offset < at->second.first) at->second = {mark.offset, mark.newest_before};
  });
  EXPECT_EQ(low, (std::map<std::pair<int, int>, std::pair<int64_t, TimeMs>>{
                     {{0, 0}, {1, 13}}, {{1, 4}, {9, 23}}, {{2, 0}, {5, 5}}}));
}

TEST(OrderTest, BatchesHoldRecordsOfEverySize) {
  RecordBatch batch;
  EXPECT_TRUE(batch.empty());
  std::vector<size_t> key_sizes = {0, 1, 7, 8, 9, 255, 256, 100, 1};
  Order order;
  int64_t offset = 0;
  for (int round = 0; round < 300; ++round) {
    for (size_t size : key_sizes) {
      At({offset, 0, 0, offset}, std::string(size, 'x')).AddTo(&batch);
      ++offset;
    }
  }
  EXPECT_FALSE(batch.empty());
  order.Push(std::move(batch));
  const auto& released = order.Release(kAfterTime);
  ASSERT_EQ(static_cast<int64_t>(released.size()), offset);
  for (size_t i = 0; i < released.size(); ++i) {
    EXPECT_EQ(released[i]->offset, static_cast<int64_t>(i));
    EXPECT_EQ(released[i]->key().size(), key_sizes[i % key_sizes.size()]);
  }
}

TEST(OrderTest, MemoryOfReleasedRecordsIsFreed) {
  Order order;
  size_t after_first = 0;
  for (TimeMs step = 0; step < 1000; ++step) {
    std::vector<Place> places;
    for (int i = 0; i < 500; ++i) places.push_back({step, 0, 0, step * 500 + i});
    order.Push(Batch(places));
    ASSERT_EQ(order.Release(step + 1).size(), 500u);
    if (step == 0) after_first = mallinfo2().uordblks;
  }
  EXPECT_LT(mallinfo2().uordblks, after_first + 200'000);  // a thousand batches would be 50 MB
}

// Records of some logs in random batches, released at random watermarks, come out as one sort would put them.
TEST(OrderTest, RandomBatchesAgainstSort) {
  for (uint64_t seed = 0; seed < 300; ++seed) {
    Random random(seed);
    Order order;
    std::vector<Place> pending, released, expected;
    std::map<std::pair<uint16_t, uint16_t>, int64_t> next_offset;
    TimeMs watermark = 0;
    const TimeMs spread = 1 + static_cast<TimeMs>(random.Below(random.Chance(0.5) ? 5 : 1000));
    for (int step = 0; step < 40; ++step) {
      std::vector<Place> batch;
      for (uint64_t n = random.Below(60); n > 0; --n) {
        const auto source = static_cast<uint16_t>(random.Below(3));
        const auto log = static_cast<uint16_t>(random.Below(2));
        const TimeMs effective = watermark + static_cast<TimeMs>(random.Below(spread));
        batch.push_back({effective, source, log, next_offset[{source, log}]++});
      }
      pending.insert(pending.end(), batch.begin(), batch.end());
      order.Push(Batch(batch));
      if (random.Chance(0.3)) continue;
      if (random.Chance(0.7)) watermark += static_cast<TimeMs>(random.Below(spread));
      std::sort(pending.begin(), pending.end());
      auto end =
          std::find_if(pending.begin(), pending.end(), [&](const Place& p) { return std::get<0>(p) >= watermark; });
      expected.assign(pending.begin(), end);
      pending.erase(pending.begin(), end);
      ASSERT_EQ(Release(&order, watermark), expected) << "seed " << seed << " step " << step;
      ASSERT_EQ(order.waiting(), pending.size()) << "seed " << seed;
    }
  }
}

}  // namespace
}  // namespace ebb
