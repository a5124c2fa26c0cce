// Damaged files of the RocksDB store: whatever is flipped, cut or lost, reading gives DataLoss or exactly what was
// committed, never another value. A damaged log may lose commits from its end, whole ones.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "engine/base/random.h"
#include "engine/state/rocksdb_manifest.h"
#include "engine/state/store.h"
#include "tests/contract/state_fixture.h"

namespace ebb {
namespace {

namespace fs = std::filesystem;

// Commits 0 to 9, each of 400 rows that say the commit's number, in several table files and a log.
class DamagedStoreTest : public DurableStoreTest {
 protected:
  void SetUp() override {
    Random random(11);
    for (int part = 0; part < 2; ++part) {
      auto store = MustOpen(path_);
      for (int commit = part * 5; commit < part * 5 + 5; ++commit) {
        Rows rows;
        for (int i = 0; i < 400; ++i) {
          std::string& row = rows[fmt::format("k{:04}", i)];
          row = fmt::format("{}:", commit);
          while (row.size() < 200) row.push_back(static_cast<char>(random.Below(256)));
        }
        ASSERT_TRUE(Commit(*store, rows, fmt::format("{}", commit)).ok());
        history_.push_back(rows);
      }
    }
  }

  std::vector<fs::path> Files(std::initializer_list<std::string_view> parts_of_name) {
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(path_)) {
      std::string name = entry.path().filename();
      for (std::string_view part : parts_of_name) {
        if (name.find(part) != std::string::npos && entry.file_size() > 0) found.push_back(entry.path());
      }
    }
    std::sort(found.begin(), found.end());
    return found;
  }

  // Opens the store as it stands and reads all of it. True: read without an error, and then it is exactly one commit.
  bool ReadsExactly(bool only_the_last) {
    auto store = Open(path_, true);
    if (!store.ok()) {
      EXPECT_EQ(store.status().code(), absl::StatusCode::kDataLoss) << store.status();
      return false;
    }
    auto progress = (*store)->ReadProgress();
    auto rows = Scan(**store);
    std::vector<std::string_view> keys;
    for (const auto& [key, row] : history_.back()) keys.push_back(key);
    auto looked_up = (*store)->ReadRows(keys);
    for (const absl::Status& status : {progress.status(), rows.status(), looked_up.status()}) {
      if (status.ok()) continue;
      EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
      return false;
    }
    size_t commit = progress->empty() ? history_.size() : std::atoi(progress->c_str());
    EXPECT_TRUE(!only_the_last || commit == history_.size() - 1) << "commit " << commit;
    Rows expected = commit < history_.size() ? history_[commit] : Rows();
    EXPECT_EQ(*rows, expected) << "progress " << *progress;
    for (size_t i = 0; i < keys.size(); ++i) {
      auto found = expected.find(std::string(keys[i]));
      EXPECT_EQ((*looked_up)[i], found == expected.end() ? "" : found->second) << keys[i];
    }
    return true;
  }

  // Flips one bit in one of `files`, `times` times, and says how many of the damaged stores were read.
  int ReadableAfterFlips(const std::vector<fs::path>& files, int times, uint64_t seed, bool only_the_last) {
    Random random(seed);
    int readable = 0;
    for (int time = 0; time < times && !HasFailure(); ++time) {
      const fs::path& file = files[random.Below(files.size())];
      int64_t offset = random.Between(0, static_cast<int64_t>(fs::file_size(file)) - 1);
      int bit = static_cast<int>(random.Below(8));
      Flip(file, offset, bit);
      readable += ReadsExactly(only_the_last);
      Flip(file, offset, bit);
      EXPECT_FALSE(HasFailure()) << file << " byte " << offset << " bit " << bit << " seed " << seed;
    }
    EXPECT_TRUE(ReadsExactly(true));
    return readable;
  }

  static void Flip(const fs::path& file, int64_t offset, int bit) {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    stream.seekg(offset);
    char byte = static_cast<char>(stream.get() ^ (1 << bit));
    stream.seekp(offset);
    stream.put(byte);
  }

  std::vector<Rows> history_;
};

TEST_F(DamagedStoreTest, FlippedBitsInTablesAreDataLossOrHarmless) {
  MustOpen(path_);  // opening moves the log's rows into a table
  std::vector<fs::path> tables = Files({".sst"});
  ASSERT_GE(tables.size(), 2u);
  EXPECT_LT(ReadableAfterFlips(tables, 80, 1, true), 60);
}

TEST_F(DamagedStoreTest, AnyFlippedBitInTheManifestIsDataLoss) {
  fs::path manifest = Files({"MANIFEST-"}).front();
  Random random(2);
  for (int64_t offset = 0; offset < static_cast<int64_t>(fs::file_size(manifest)) && !HasFailure(); ++offset) {
    int bit = static_cast<int>(random.Below(8));
    Flip(manifest, offset, bit);
    EXPECT_FALSE(ReadsExactly(true)) << "byte " << offset << " bit " << bit;
    Flip(manifest, offset, bit);
  }
  EXPECT_TRUE(ReadsExactly(true));
}

TEST_F(DamagedStoreTest, ManifestThatACrashCutOffIsNotDamaged) {
  std::string manifest = FilesOf(path_)[Files({"MANIFEST-"}).front().filename()];
  for (size_t size = 0; size <= manifest.size(); ++size) {
    EXPECT_FALSE(HasDamagedLength(std::string_view(manifest).substr(0, size))) << size << " of " << manifest.size();
  }
}

TEST_F(DamagedStoreTest, FlippedBitsInTheLogLoseWholeCommitsOnly) {
  EXPECT_EQ(ReadableAfterFlips(Files({".log"}), 40, 3, false), 40);
}

TEST_F(DamagedStoreTest, LostFilesAreDataLoss) {
  MustOpen(path_);
  for (const char* name : {"CURRENT", "MANIFEST-", ".sst"}) {
    fs::path file = Files({name}).front();
    fs::rename(file, directory_.Sub("aside"));
    EXPECT_FALSE(ReadsExactly(true)) << name;
    EXPECT_EQ(Open(path_).status().code(), absl::StatusCode::kDataLoss) << name;
    fs::rename(directory_.Sub("aside"), file);
    EXPECT_TRUE(ReadsExactly(true)) << name;
  }
}

TEST_F(DamagedStoreTest, ShortenedTablesAreDataLoss) {
  MustOpen(path_);
  for (const fs::path& table : Files({".sst"})) {
    fs::copy_file(table, directory_.Sub("aside"), fs::copy_options::overwrite_existing);
    for (int64_t size : {int64_t{0}, int64_t{10}, static_cast<int64_t>(fs::file_size(table)) - 1}) {
      fs::resize_file(table, size);
      EXPECT_FALSE(ReadsExactly(true)) << table << " cut to " << size;
      fs::copy_file(directory_.Sub("aside"), table, fs::copy_options::overwrite_existing);
    }
  }
  EXPECT_TRUE(ReadsExactly(true));
}

}  // namespace
}  // namespace ebb
