// What the state store's contract tests share: a directory of their own, and stores that are opened, filled and read
// whole.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "engine/state/store.h"

namespace ebb {

using Rows = std::map<std::string, std::string>;

// A directory of its own for each test, gone afterwards.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ebb-state-XXXXXX").string();
    if (mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string Sub(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

inline absl::StatusOr<std::unique_ptr<StateStore>> Open(const std::string& directory, bool read_only = false) {
  RocksDbStoreOptions options;
  options.read_only = read_only;
  options.block_cache_bytes = 1 << 20;
  options.write_buffer_bytes = 256 << 10;  // small, so that tests have several files
  return OpenRocksDbStore(directory, options);
}

inline std::unique_ptr<StateStore> MustOpen(const std::string& directory, bool read_only = false) {
  auto store = Open(directory, read_only);
  if (!store.ok()) ADD_FAILURE() << store.status();
  return store.ok() ? *std::move(store) : nullptr;
}

inline absl::Status Commit(StateStore& store, const Rows& rows, const std::string& progress) {
  StateBatch batch;
  for (const auto& [key, row] : rows) batch.rows.emplace_back(key, row);
  batch.progress = progress;
  return store.Commit(batch);
}

inline absl::StatusOr<Rows> Scan(StateStore& store) {
  Rows rows;
  std::string last;
  absl::Status status = store.ScanRows([&](std::string_view key, std::string_view row) {
    if (!rows.empty() && key <= last) ADD_FAILURE() << "key " << rows.size() << " is out of order";
    last = key;
    rows.emplace(key, row);
    return absl::OkStatus();
  });
  if (!status.ok()) return status;
  return rows;
}

inline Rows MustScan(StateStore& store) {
  auto rows = Scan(store);
  EXPECT_TRUE(rows.ok()) << rows.status();
  return rows.ok() ? *rows : Rows();
}

inline std::vector<std::string> MustRead(StateStore& store, const std::vector<std::string_view>& keys) {
  auto rows = store.ReadRows(keys);
  EXPECT_TRUE(rows.ok()) << rows.status();
  return rows.ok() ? *rows : std::vector<std::string>();
}

inline std::string MustReadProgress(StateStore& store) {
  auto progress = store.ReadProgress();
  EXPECT_TRUE(progress.ok()) << progress.status();
  return progress.ok() ? *progress : "error";
}

inline std::map<std::string, std::string> FilesOf(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream in(entry.path(), std::ios::binary);
    files[entry.path().filename()] = std::string(std::istreambuf_iterator<char>(in), {});
  }
  return files;
}

class DurableStoreTest : public ::testing::Test {
 protected:
  DurableStoreTest() : path_(directory_.Sub("state")) {}

  TemporaryDirectory directory_;
  const std::string path_;
};

}  // namespace ebb
