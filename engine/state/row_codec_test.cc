// Rows as bytes: round trips, one form for equal content, and damage that is noticed or harmless but never a crash.
#include <limits>
#include <optional>

#include <gtest/gtest.h>

#include "engine/base/random.h"
#include "engine/state/row.h"

namespace ebb {
namespace {

RowLayout Layout(std::string_view name = "cells") {
  RowLayoutBuilder builder;
  builder.AddCells(name, 4);
  builder.AddSection("pairs", 2, 8);
  builder.AddSection("singles", 1, 200);
  return builder.Build();
}

std::string Encoded(RowRef row) {
  std::string bytes;
  EncodeRow(row, &bytes);
  return bytes;
}

// The row that the bytes stand for, encoded again; empty when they are refused.
std::optional<std::string> Recoded(std::string_view bytes) {
  RowTable table(Layout());
  if (!DecodeRow(bytes, 9, "other", &table)) return std::nullopt;
  return Encoded(table.Find(9, "other"));
}

// A row with numbers of every length.
RowRef SampleRow(RowTable* table) {
  RowRef row = table->FindOrCreate(1, "c");
  row->time = 1'700'000'000'000;
  row->next_timer = 1'700'000'086'400;
  row.cells()[0] = std::numeric_limits<int64_t>::max();
  row.cells()[1] = std::numeric_limits<int64_t>::min();
  row.cells()[3] = -1;
  for (int i = 0; i < 6; ++i) {
    int64_t* pair = row.PushBack(0);
    pair[0] = int64_t{1} << (i * 10);
    pair[1] = -pair[0] + 1;
  }
  for (int i = 0; i < 20; ++i) row.PushBack(1)[0] = i * 77 - 300;
  return row;
}

TEST(RowCodecTest, EverythingComesBack) {
  RowTable table(Layout());
  const std::string bytes = Encoded(SampleRow(&table));
  RowTable other(Layout());
  ASSERT_TRUE(DecodeRow(bytes, 5, "someone else", &other));
  RowRef row = other.Find(5, "someone else");
  ASSERT_TRUE(row.valid());
  EXPECT_EQ(row->time, 1'700'000'000'000);
  EXPECT_EQ(row->next_timer, 1'700'000'086'400);
  EXPECT_EQ(row->queued_timer, kAfterTime);
  EXPECT_FALSE(row->changed);
  EXPECT_EQ(row.cells()[0], std::numeric_limits<int64_t>::max());
  EXPECT_EQ(row.cells()[1], std::numeric_limits<int64_t>::min());
  EXPECT_EQ(row.cells()[2], 0);
  EXPECT_EQ(row.cells()[3], -1);
  ASSERT_EQ(row.count(0), 6);
  EXPECT_EQ(row.entry(0, 5)[0], int64_t{1} << 50);
  EXPECT_EQ(row.entry(0, 5)[1], -(int64_t{1} << 50) + 1);
  ASSERT_EQ(row.count(1), 20);
  EXPECT_EQ(row.entry(1, 19)[0], 19 * 77 - 300);
  EXPECT_EQ(Encoded(row), bytes) << "the key is not part of the bytes";
}

TEST(RowCodecTest, AppendsToWhatIsThere) {
  RowTable table(Layout());
  const std::string bytes = Encoded(SampleRow(&table));
  std::string out = "before";
  EncodeRow(table.Find(1, "c"), &out);
  EncodeRow(table.Find(1, "c"), &out);
  EXPECT_EQ(out, "before" + bytes + bytes);
}

TEST(RowCodecTest, TimersThatAreNotSetStayUnset) {
  RowTable table(Layout());
  RowRef row = table.FindOrCreate(1, "c");
  RowTable other(Layout());
  ASSERT_TRUE(DecodeRow(Encoded(row), 1, "c", &other));
  EXPECT_EQ(other.Find(1, "c")->next_timer, kAfterTime);
  EXPECT_EQ(other.Find(1, "c")->time, kBeforeTime);
}

TEST(RowCodecTest, SmallNumbersAreShort) {
  RowTable table(Layout());
  RowRef row = table.FindOrCreate(1, "c");
  for (int i = 0; i < 200; ++i) row.PushBack(1)[0] = i % 2 == 0 ? i : -i;
  EXPECT_LT(Encoded(row).size(), size_t{200} * 2 + 50);
}

// Tiles begin at whole minutes, and the times of a row lie near one another.
TEST(RowCodecTest, TimesAreDistances) {
  RowTable table(Layout());
  RowRef row = table.FindOrCreate(1, "c");
  row->time = 1'700'000'123'456;
  const size_t empty = Encoded(row).size();
  for (int i = 0; i < 200; ++i) row.PushBack(1)[0] = 1'699'920'000'000 + (i - 200) * int64_t{86'400'000};
  EXPECT_LE(Encoded(row).size(), empty + 200 * 5 / 2 + 8);
  for (int i = 0; i < 4; ++i) row.cells()[i] = row->time - i * 1000 - 17;
  EXPECT_LE(Encoded(row).size(), empty + 200 * 5 / 2 + 8 + 4 * 2);
  EXPECT_EQ(Recoded(Encoded(row)), Encoded(row));
}

// Distances of every size and sign around the borders of the codes, also those that wrap.
TEST(RowCodecTest, DistancesComeBack) {
  const int64_t bases[] = {0,
                           1'700'000'000'000,
                           -1'700'000'000'000,
                           int64_t{1} << 46,
                           (int64_t{1} << 47) - 1,
                           std::numeric_limits<int64_t>::max(),
                           std::numeric_limits<int64_t>::min()};
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Random random(seed);
    RowTable table(Layout()), other(Layout());
    RowRef row = table.FindOrCreate(1, "c");
    row->time = bases[random.Below(std::size(bases))];
    std::vector<int64_t> words;
    for (int i = 0; i < 8; ++i) {
      int64_t* pair = row.PushBack(0);
      for (int w = 0; w < 2; ++w) {
        const uint64_t far = random.Next() >> random.Below(64);
        const uint64_t distance = random.Chance(0.5) ? far : far % 100'000 * 60'000;
        const auto base = static_cast<uint64_t>(bases[random.Below(std::size(bases))]);
        pair[w] = static_cast<int64_t>(random.Chance(0.5) ? base + distance : base - distance);
        words.push_back(pair[w]);
      }
    }
    ASSERT_TRUE(DecodeRow(Encoded(row), 1, "c", &other));
    RowRef again = other.Find(1, "c");
    for (int i = 0; i < 16; ++i) ASSERT_EQ(again.entry(0, i / 2)[i % 2], words[i]) << "seed " << seed << " word " << i;
  }
}

// Rows with the same content, one built straight, one by detours that leave other capacities, heads and stale words.
TEST(RowCodecTest, EqualContentGivesEqualBytes) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    Random random(seed);
    std::vector<int64_t> pairs(random.Below(9)), singles(random.Below(150));
    for (int64_t& value : pairs) value = static_cast<int64_t>(random.Next()) >> random.Below(64);
    for (int64_t& value : singles) value = static_cast<int64_t>(random.Next()) >> random.Below(64);
    RowTable straight(Layout()), detour(Layout());
    RowRef a = straight.FindOrCreate(1, "c"), b = detour.FindOrCreate(1, "c");
    for (uint64_t n = random.Below(200); n > 0; --n) b.PushBack(1)[0] = -1;
    while (b.count(1) > 0) random.Chance(0.5) ? b.PopFront(1) : b.Erase(1, static_cast<int>(random.Below(b.count(1))));
    for (uint64_t n = random.Below(40); n > 0; --n) {
      if (b.count(0) == 8) b.PopFront(0);
      b.PushBack(0)[1] = -1;
    }
    while (b.count(0) > 0) b.PopFront(0);
    b.cells()[2] = 5;
    b.cells()[2] = 0;
    for (int64_t value : pairs) a.PushBack(0)[1] = value;
    for (int64_t value : singles) a.PushBack(1)[0] = value;
    for (size_t i = pairs.size(); i > 0; --i) b.Insert(0, 0)[1] = pairs[i - 1];
    for (int64_t value : singles) b.PushBack(1)[0] = value;
    ASSERT_EQ(Encoded(a), Encoded(b)) << "seed " << seed;
    ASSERT_EQ(Recoded(Encoded(b)), Encoded(a)) << "seed " << seed;
  }
}

TEST(RowCodecTest, AnotherLayoutIsRefused) {
  RowTable table(Layout("other cells"));
  EXPECT_EQ(Recoded(Encoded(table.FindOrCreate(1, "c"))), std::nullopt);
}

TEST(RowCodecTest, EveryTruncationIsRefused) {
  RowTable table(Layout());
  const std::string bytes = Encoded(SampleRow(&table));
  for (size_t length = 0; length < bytes.size(); ++length) {
    const std::string shorter(bytes, 0, length);  // of its own, so that reading past its end is noticed
    EXPECT_EQ(Recoded(std::string_view(shorter.data(), length)), std::nullopt) << length;
  }
  EXPECT_EQ(Recoded(bytes + '\0'), std::nullopt);
  EXPECT_EQ(Recoded(bytes), bytes);
}

// A flipped value can't be told from a true one here (the store has checksums); it must only do no harm.
TEST(RowCodecTest, RandomDamageNeverCrashes) {
  RowTable table(Layout());
  const std::string bytes = Encoded(SampleRow(&table));
  int refused = 0;
  for (uint64_t seed = 0; seed < 10000; ++seed) {
    Random random(seed);
    std::string damaged = bytes;
    for (uint64_t n = 1 + random.Below(4); n > 0; --n) {
      damaged[random.Below(random.Chance(0.5) ? 12 : damaged.size())] ^= static_cast<char>(1 << random.Below(8));
    }
    RowTable other(Layout());
    if (!DecodeRow(damaged, 1, "c", &other)) {
      ++refused;
      continue;
    }
    RowRef row = other.Find(1, "c");
    ASSERT_TRUE(row.valid());
    ASSERT_LE(row.count(0), 8);
    ASSERT_LE(row.count(1), 200);
    Encoded(row);
  }
  EXPECT_GT(refused, 3000);
}

TEST(RowCodecTest, GarbageIsRefused) {
  for (uint64_t seed = 0; seed < 10000; ++seed) {
    Random random(seed);
    std::string garbage(random.Below(100), '\0');
    for (char& c : garbage) c = static_cast<char>(random.Next());
    if (garbage.size() >= 4) garbage[1] = garbage[2] = garbage[3] = 0;
    ASSERT_EQ(Recoded(garbage), std::nullopt) << "seed " << seed;
  }
}

}  // namespace
}  // namespace ebb
