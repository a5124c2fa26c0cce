// Rows and their table: sections as rings, growth, many rows, keys with equal hashes, and a random walk against deques.
#include "engine/state/row.h"

#include <deque>
#include <map>
#include <optional>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/random.h"
#include "engine/stream/record.h"

namespace ebb {
namespace {

using ::testing::ElementsAre;

RowLayout SmallLayout() {
  RowLayoutBuilder builder;
  builder.AddCells("first", 2);
  builder.AddSection("pairs", 2, 5);
  builder.AddCells("more", 1);
  builder.AddSection("singles", 1, 300);
  return builder.Build();
}

std::vector<int64_t> FirstWords(const RowRef& row, int section) {
  std::vector<int64_t> words;
  for (int i = 0; i < row.count(section); ++i) words.push_back(row.entry(section, i)[0]);
  return words;
}

TEST(RowLayoutTest, PlacesAndIdentity) {
  RowLayoutBuilder builder;
  EXPECT_EQ(builder.AddCells("a", 2), 0);
  EXPECT_EQ(builder.AddSection("s", 3, 10), 0);
  EXPECT_EQ(builder.AddCells("b", 1), 2);
  EXPECT_EQ(builder.AddSection("t", 1, 1), 1);
  EXPECT_EQ(builder.Build().cells, 3);
  const auto id = [](std::string_view cell, int count, std::string_view section, int words) {
    RowLayoutBuilder other;
    other.AddCells(cell, count);
    other.AddSection(section, words, 10);
    return other.Build().id;
  };
  EXPECT_EQ(id("a", 1, "s", 2), id("a", 1, "s", 2));
  EXPECT_NE(id("a", 1, "s", 2), id("b", 1, "s", 2));
  EXPECT_NE(id("a", 1, "s", 2), id("a", 2, "s", 2));
  EXPECT_NE(id("a", 1, "s", 2), id("a", 1, "t", 2));
  EXPECT_NE(id("a", 1, "s", 2), id("a", 1, "s", 3));
}

TEST(RowTest, ANewRowIsEmpty) {
  RowTable table(SmallLayout());
  EXPECT_FALSE(table.Find(HashKey("c"), "c").valid());
  RowRef row = table.FindOrCreate(HashKey("c"), "c");
  EXPECT_EQ(row.key(), "c");
  EXPECT_EQ(row->time, kBeforeTime);
  EXPECT_EQ(row->next_timer, kAfterTime);
  EXPECT_EQ(row->queued_timer, kAfterTime);
  EXPECT_FALSE(row->changed);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(row.cells()[i], 0);
  EXPECT_EQ(row.count(0), 0);
  EXPECT_EQ(&*table.FindOrCreate(HashKey("c"), "c"), &*row);
  EXPECT_EQ(table.size(), 1u);
}

TEST(RowTest, AReusedBlockIsEmptyAgain) {
  RowTable table(SmallLayout());
  RowRef row = table.FindOrCreate(1, "old");
  row.cells()[0] = row.cells()[2] = -1;
  for (int i = 0; i < 300; ++i) row.PushBack(1)[0] = -1;  // leaves blocks of every size behind
  RowRef fresh = table.FindOrCreate(2, "new");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fresh.cells()[i], 0);
  for (int i = 0; i < 5; ++i) {
    const int64_t* words = fresh.PushBack(0);
    EXPECT_EQ(words[0], 0);
    EXPECT_EQ(words[1], 0);
  }
}

TEST(RowTest, RingsWrap) {
  RowTable table(SmallLayout());
  RowRef row = table.FindOrCreate(1, "c");
  for (int i = 0; i < 5; ++i) row.PushBack(0)[0] = i;
  const Row* before = &*row;
  for (int i = 5; i < 100; ++i) {
    row.PopFront(0);
    int64_t* words = row.PushBack(0);
    EXPECT_EQ(words[0], 0);
    EXPECT_EQ(words[1], 0);
    words[0] = words[1] = i;
    ASSERT_THAT(FirstWords(row, 0), ElementsAre(i - 4, i - 3, i - 2, i - 1, i));
  }
  EXPECT_EQ(&*row, before) << "a ring that wraps needs no more room";
  for (int i = 0; i < 5; ++i) row.PopFront(0);
  EXPECT_EQ(row.count(0), 0);
}

TEST(RowTest, InsertAndErase) {
  RowTable table(SmallLayout());
  RowRef row = table.FindOrCreate(1, "c");
  row.Insert(0, 0)[0] = 30;
  row.Insert(0, 0)[0] = 10;
  int64_t* middle = row.Insert(0, 1);
  EXPECT_EQ(middle[0], 0);
  EXPECT_EQ(middle[1], 0);
  middle[0] = 20;
  row.Insert(0, 3)[0] = 40;
  EXPECT_THAT(FirstWords(row, 0), ElementsAre(10, 20, 30, 40));
  row.Erase(0, 1);
  EXPECT_THAT(FirstWords(row, 0), ElementsAre(10, 30, 40));
  row.Erase(0, 2);
  row.Erase(0, 0);
  EXPECT_THAT(FirstWords(row, 0), ElementsAre(30));
  row.Erase(0, 0);
  EXPECT_EQ(row.count(0), 0);
}

TEST(RowDeathTest, AFullSectionIsABugOfOurs) {
  RowTable table(SmallLayout());
  RowRef row = table.FindOrCreate(1, "c");
  for (int i = 0; i < 5; ++i) row.PushBack(0);
  EXPECT_DEATH(row.PushBack(0), "section 0 is full");
}

TEST(RowTest, KeysOfEverySize) {
  RowTable table(SmallLayout());
  for (size_t size = 0; size <= 256; ++size) {
    const std::string key(size, static_cast<char>('a' + size % 26));
    RowRef row = table.FindOrCreate(HashKey(key), key);
    row.PushBack(1)[0] = static_cast<int64_t>(size);
    row.cells()[2] = -static_cast<int64_t>(size);
  }
  for (size_t size = 0; size <= 256; ++size) {
    const std::string key(size, static_cast<char>('a' + size % 26));
    RowRef row = table.Find(HashKey(key), key);
    ASSERT_TRUE(row.valid());
    EXPECT_EQ(row.key(), key);
    EXPECT_EQ(row.entry(1, 0)[0], static_cast<int64_t>(size));
    EXPECT_EQ(row.cells()[2], -static_cast<int64_t>(size));
  }
}

TEST(RowTest, ALargeRow) {
  RowLayoutBuilder builder;
  builder.AddCells("cell", 1);
  builder.AddSection("wide", 100, 320);
  builder.AddSection("long", 1, 20000);
  RowTable table(builder.Build());
  RowRef row = table.FindOrCreate(1, "c");
  row.cells()[0] = 77;
  for (int i = 0; i < 20000; ++i) {
    row.PushBack(1)[0] = i;
    if (i % 63 == 0) row.PushBack(0)[99] = i;
  }
  EXPECT_EQ(row.cells()[0], 77);
  EXPECT_EQ(row.entry(1, 19999)[0], 19999);
  EXPECT_EQ(row.entry(0, 317)[99], 317 * 63);
}

TEST(RowTableTest, TouchedRowsAreListedOnce) {
  RowTable table(SmallLayout());
  RowRef a = table.FindOrCreate(1, "a"), b = table.FindOrCreate(2, "b"), c = table.FindOrCreate(3, "c");
  table.Touch(c);
  table.Touch(a);
  table.Touch(c);
  EXPECT_THAT(table.changed(), ElementsAre(c->index, a->index));
  size_t bytes = (a->words + c->words) * size_t{8};
  EXPECT_EQ(table.changed_bytes(), bytes);
  for (int i = 0; i < 100; ++i) a.PushBack(1);
  for (int i = 0; i < 100; ++i) b.PushBack(1);
  EXPECT_EQ(table.changed_bytes(), (a->words + c->words) * size_t{8}) << "growth counts for changed rows only";
  table.ClearChanged();
  EXPECT_EQ(table.changed_bytes(), 0u);
  table.Touch(a);
  EXPECT_THAT(table.changed(), ElementsAre(a->index));
}

// Rows of different keys with one hash are chained; each can grow without losing the others.
TEST(RowTableTest, KeysWithEqualHashes) {
  RowTable table(SmallLayout());
  constexpr uint64_t kHash = 42;
  const std::vector<std::string> keys = {"a", "b", "c", "d", "", "aa"};
  for (const std::string& key : keys) table.FindOrCreate(kHash, key);
  EXPECT_EQ(table.size(), keys.size());
  EXPECT_FALSE(table.Find(kHash, "e").valid());
  Random random(3);
  std::map<std::string, int> counts;
  for (int i = 0; i < 600; ++i) {
    const std::string& key = keys[random.Below(keys.size())];
    if (counts[key] == 300) continue;
    RowRef row = table.FindOrCreate(kHash, key);
    row.PushBack(1)[0] = ++counts[key];
    for (const std::string& other : keys) {
      RowRef found = table.Find(kHash, other);
      ASSERT_TRUE(found.valid()) << other;
      ASSERT_EQ(found.key(), other);
      ASSERT_EQ(found.count(1), counts[other]);
      ASSERT_EQ(&*table.at(found->index), &*found);
    }
  }
  EXPECT_EQ(table.size(), keys.size());
}

// Every operation on many rows at once against plain deques.
TEST(RowTableTest, RandomWalkAgainstDeques) {
  struct Model {
    int64_t cell = 0;
    std::deque<int64_t> section[2];
  };
  const int limits[2] = {5, 300};
  for (uint64_t seed = 0; seed < 10; ++seed) {
    Random random(seed);
    RowTable table(SmallLayout());
    std::map<std::string, Model> models;
    for (int step = 0; step < 20000; ++step) {
      const std::string key = "customer_" + std::to_string(random.Below(60));
      const uint64_t hash = HashKey(key) % 40;  // many share one
      RowRef row = table.FindOrCreate(hash, key);
      Model& model = models[key];
      const int s = static_cast<int>(random.Below(2));
      std::deque<int64_t>& section = model.section[s];
      const auto value = static_cast<int64_t>(random.Next());
      const auto size = static_cast<int>(section.size());
      const int at = static_cast<int>(random.Below(section.size() + 1));
      switch (random.Below(8)) {
        case 0:
          row.cells()[1] = model.cell = value;
          break;
        case 1:
          if (size == 0) break;
          row.PopFront(s);
          section.pop_front();
          break;
        case 2:
          if (at == size) break;
          row.Erase(s, at, static_cast<int>(value & 1) * (size - at) / 2 + 1);
          section.erase(section.begin() + at, section.begin() + at + (value & 1) * (size - at) / 2 + 1);
          break;
        case 3:
          if (size == limits[s]) break;
          row.Insert(s, at)[0] = value;
          section.insert(section.begin() + at, value);
          break;
        default:
          if (size == limits[s]) break;
          row.PushBack(s)[0] = value;
          section.push_back(value);
      }
      ASSERT_EQ(FirstWords(row, s), std::vector<int64_t>(section.begin(), section.end())) << "seed " << seed;
    }
    for (const auto& [key, model] : models) {
      RowRef row = table.Find(HashKey(key) % 40, key);
      ASSERT_TRUE(row.valid());
      ASSERT_EQ(row.cells()[1], model.cell);
      for (int s = 0; s < 2; ++s) {
        ASSERT_EQ(FirstWords(row, s), std::vector<int64_t>(model.section[s].begin(), model.section[s].end()));
      }
    }
  }
}

std::string Stored(RowRef row) {
  std::string bytes;
  EncodeRow(row, &bytes);
  return bytes;
}

TEST(StoredRowTest, ItsTimerIsKnownWithoutReadingAllOfIt) {
  RowTable table(SmallLayout());
  RowRef row = table.FindOrCreate(7, "someone");
  row->time = 5;
  row.PushBack(0)[1] = 42;
  EXPECT_EQ(StoredTimer(Stored(row), table.layout()), kAfterTime);
  row->next_timer = 9;
  EXPECT_EQ(StoredTimer(Stored(row), table.layout()), 9);
  EXPECT_EQ(StoredTimer("nonsense", table.layout()), std::nullopt);
  EXPECT_EQ(StoredTimer("", table.layout()), std::nullopt);
  RowLayoutBuilder other;
  other.AddCells("other", 1);
  EXPECT_EQ(StoredTimer(Stored(row), other.Build()), std::nullopt);
}

// Rows of all sizes, with equal hashes among them, that grow, are written, leave memory and come back.
TEST(LeavingRowTest, RowsThatComeAndGoAreAsTheyWere) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    RowTable table(SmallLayout());
    std::map<std::string, std::string> store;
    std::map<std::string, int64_t> sums;  // of the singles
    std::set<std::string> here;
    const auto hash_of = [](const std::string& key) { return HashKey(key) % 2000; };
    const auto find = [&](const std::string& key) {
      const RowRef found = table.Find(hash_of(key), key);
      EXPECT_EQ(found.valid(), here.count(key) == 1) << key;
      if (!found.valid() && store.count(key) == 1) {
        EXPECT_TRUE(DecodeRow(store.at(key), hash_of(key), key, &table));
      }
      here.insert(key);
      return table.FindOrCreate(hash_of(key), key);
    };
    size_t left = 0;
    for (int step = 0; step < 20000; ++step) {
      const std::string key = "c" + std::to_string(random.Below(3000));
      RowRef row = find(key);
      table.Touch(row);
      if (row.count(1) == 300) row.PopFront(1);
      row.PushBack(1)[0] = step;
      row.cells()[0] += step;
      sums[key] += step;
      ASSERT_EQ(table.at(row->index).key(), key);
      ASSERT_EQ(table.size(), here.size());
      if (!random.Chance(0.002)) continue;
      for (uint32_t index : table.changed()) store[std::string(table.at(index).key())] = Stored(table.at(index));
      table.ClearChanged();
      const size_t most = random.Below(3) * RowSlabs::kSlabBytes;
      table.Shrink(most, [&](RowRef leaves) {
        EXPECT_EQ(here.erase(std::string(leaves.key())), 1u);
        ++left;
      });
      EXPECT_LE(table.bytes(), most + most / 4 + 2 * RowSlabs::kSlabBytes);
    }
    EXPECT_GT(left, 3000u);
    EXPECT_LE(table.slots(), 3000u) << "numbers are used again";
    for (const auto& [key, sum] : sums) ASSERT_EQ(find(key).cells()[0], sum) << "seed " << seed << " " << key;
  }
}

}  // namespace
}  // namespace ebb
