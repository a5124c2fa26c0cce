// Damaged files of the RocksDB store: whatever is flipped, cut or lost, reading gives DataLoss or exactly what was
// committed, never another value. A damaged log may lose commits from its end, whole ones.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/random.h"
#include "engine/state/rocksdb_log.h"
#include "engine/state/rocksdb_manifest.h"
#include "engine/state/store.h"
#include "tests/contract/state_fixture.h"

namespace ebb {
namespace {

namespace fs = std::filesystem;

// Commits 0 to 9, each of 400 rows that say the commit's number and one row that no other commit writes, in several
// table files and a log.
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
        rows[fmt::format("only{}", commit)] = "written once";
        ASSERT_TRUE(Commit(*store, rows, fmt::format("{}", commit)).ok());
        if (commit > 0) rows.insert(history_.back().begin(), history_.back().end());
        history_.push_back(rows);
      }
    }
  }

  // Commits 10 to 19, of one new row each, in a log of their own whose records stand in one block.
  void AddSmallCommits() {
    auto store = MustOpen(path_);
    for (int commit = 10; commit < 20; ++commit) {
      Rows rows = {{fmt::format("only{}", commit), "written once"}};
      ASSERT_TRUE(Commit(*store, rows, fmt::format("{}", commit)).ok());
      rows.insert(history_.back().begin(), history_.back().end());
      history_.push_back(rows);
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

  // Where the pieces of a MANIFEST or a log end.
  static std::vector<size_t> RecordEnds(std::string_view log) {
    std::vector<size_t> ends;
    for (size_t at = 0; at + kLogHeaderBytes <= log.size();) {
      if (kLogBlockBytes - at % kLogBlockBytes < kLogHeaderBytes) {
        at += kLogBlockBytes - at % kLogBlockBytes;
        continue;
      }
      at += kLogHeaderBytes + LogNumber(log.substr(at + 4), 2);
      ends.push_back(std::min(at, log.size()));
    }
    return ends;
  }

  static void Write(const fs::path& file, const std::string& bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
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

TEST_F(DamagedStoreTest, AnyFlippedBitInATableIsDataLoss) {
  MustOpen(path_);  // opening moves the log's rows into a table
  std::vector<fs::path> tables = Files({".sst"});
  ASSERT_GE(tables.size(), 2u);
  EXPECT_EQ(ReadableAfterFlips(tables, 80, 1, true), 0);
}

TEST_F(DamagedStoreTest, TablesInOneAnothersPlaceAreDataLoss) {
  MustOpen(path_);
  const std::vector<fs::path> tables = Files({".sst"});
  fs::rename(tables[0], directory_.Sub("aside"));
  fs::rename(tables[1], tables[0]);
  fs::rename(directory_.Sub("aside"), tables[1]);
  EXPECT_FALSE(ReadsExactly(true));
  const absl::Status status = Open(path_).status();
  EXPECT_NE(std::string(status.message()).find("has another checksum"), std::string::npos) << status;
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

TEST_F(DamagedStoreTest, CurrentThatNamesNoManifestIsDataLoss) {
  for (const char* text : {"", "\n", ".\n", "000004.log\n", "MANIFEST-../MANIFEST-1\n"}) {
    Write(fs::path(path_) / "CURRENT", text);
    const absl::Status status = OpenRocksDbStore(path_, {}).status();
    EXPECT_TRUE(absl::IsDataLoss(status)) << status;
    EXPECT_THAT(std::string(status.message()), testing::HasSubstr("CURRENT names no MANIFEST"));
  }
}

TEST_F(DamagedStoreTest, ManifestWithoutItsEndIsDataLossOrOneCommit) {
  const fs::path path = Files({"MANIFEST-"}).front();
  const std::string manifest = FilesOf(path_)[path.filename()];
  std::vector<size_t> sizes = RecordEnds(manifest);
  ASSERT_GE(sizes.size(), 4u);
  for (size_t size = 0; size < manifest.size(); size += 5) sizes.push_back(size);
  for (size_t size : sizes) {
    const std::string start = manifest.substr(0, size);
    for (const std::string& damaged : {start, start + std::string(manifest.size() - size, '\0')}) {
      Write(path, damaged);
      ReadsExactly(false);
      ASSERT_FALSE(HasFailure()) << "cut to " << size << " of " << manifest.size();
    }
  }
  Write(path, manifest);
  EXPECT_TRUE(ReadsExactly(true));
}

TEST_F(DamagedStoreTest, LogWithoutItsBeginningIsDataLossOrOneCommit) {
  AddSmallCommits();
  const fs::path path = Files({".log"}).front();
  const std::string log = FilesOf(path_)[path.filename()];
  for (size_t end : RecordEnds(log)) {
    // The next record moves to the front, as if what was before it had never been there.
    Write(path, log.substr(end));
    ReadsExactly(false);
    ASSERT_FALSE(HasFailure()) << "without its first " << end << " bytes";
  }
}

TEST_F(DamagedStoreTest, LogsMustFollowOneAnother) {
  AddSmallCommits();
  const fs::path path = Files({".log"}).front();
  const fs::path second = fs::path(path_) / "000999.log";
  const std::string log = FilesOf(path_)[path.filename()];
  const std::vector<size_t> ends = RecordEnds(log);
  ASSERT_EQ(ends.size(), 10u);
  Write(path, log.substr(0, ends[2]));
  Write(second, log.substr(ends[2]));
  EXPECT_TRUE(ReadsExactly(true)) << "one log in two pieces";
  Write(second, log.substr(ends[3]));
  EXPECT_FALSE(ReadsExactly(true)) << "a commit is missing between two logs";
  EXPECT_EQ(Open(path_).status().code(), absl::StatusCode::kDataLoss);
  // A log that breaks off within a record ends the state there, whatever follows.
  Write(path, log.substr(0, ends[2] + 10));
  EXPECT_TRUE(ReadsExactly(false));
}

TEST_F(DamagedStoreTest, LogsWrittenTwiceAreDataLoss) {
  AddSmallCommits();
  for (const char* kind : {"MANIFEST-", ".log"}) {
    const fs::path path = Files({kind}).front();
    const std::string log = FilesOf(path_)[path.filename()];
    Write(path, log + log);
    EXPECT_FALSE(ReadsExactly(true)) << kind;
    EXPECT_EQ(Open(path_).status().code(), absl::StatusCode::kDataLoss) << kind;
    Write(path, log);
    EXPECT_TRUE(ReadsExactly(true)) << kind;
  }
}

TEST_F(DamagedStoreTest, SentencesHaveOneLine) {
  MustOpen(path_);
  const fs::path table = Files({".sst"}).front();
  Write(table, FilesOf(path_)[table.filename()] + "more");
  const std::string message(Open(path_).status().message());
  EXPECT_NE(message.find(table.filename()), std::string::npos) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
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
