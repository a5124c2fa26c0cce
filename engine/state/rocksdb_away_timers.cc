// A RocksDB of its own without a write-ahead log, since nothing of it outlives the process. A key is the time, as eight
// bytes that sort as it does, and the customer's key. What was taken is never read again, and files that hold nothing
// else are dropped as a whole.
#include "engine/state/rocksdb_away_timers.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "engine/state/rocksdb_error.h"

namespace ebb {
namespace {

constexpr size_t kBatchBytes = size_t{256} << 10;
constexpr size_t kTakenBetweenDrops = 100'000;
constexpr size_t kCacheBytes = size_t{1} << 20;

std::string TimeKey(TimeMs time) {
  const uint64_t sorted = __builtin_bswap64(static_cast<uint64_t>(time) ^ (uint64_t{1} << 63));
  return {reinterpret_cast<const char*>(&sorted), sizeof(sorted)};
}

TimeMs TimeOf(const rocksdb::Slice& key) {
  uint64_t sorted;
  std::memcpy(&sorted, key.data(), sizeof(sorted));
  return static_cast<TimeMs>(__builtin_bswap64(sorted) ^ (uint64_t{1} << 63));
}

rocksdb::Options DatabaseOptions(size_t buffer_bytes) {
  rocksdb::Options database;
  database.create_if_missing = true;
  database.error_if_exists = true;
  database.write_buffer_size = buffer_bytes;
  database.max_write_buffer_number = 2;
  database.allow_concurrent_memtable_write = false;  // one writer
  database.avoid_flush_during_shutdown = true;
  database.max_bgerror_resume_count = 0;
  database.max_open_files = 64;
  database.stats_dump_period_sec = 0;
  database.stats_persist_period_sec = 0;
  database.info_log_level = rocksdb::FATAL_LEVEL;
  database.compression = rocksdb::kNoCompression;
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(kCacheBytes, /*num_shard_bits=*/0);
  database.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return database;
}

// Confined to its task's thread.
class RocksDbAwayTimers final : public AwayTimers {
 public:
  RocksDbAwayTimers(std::string directory, std::unique_ptr<rocksdb::DB> database)
      : directory_(std::move(directory)), database_(std::move(database)) {}
  ~RocksDbAwayTimers() override {
    database_.reset();
    std::error_code error;  // the next store that is opened in the same place removes what is left
    std::filesystem::remove_all(directory_, error);
  }

  absl::Status Add(TimeMs time, std::string_view key) override {
    std::string stored = TimeKey(time).append(key);
    EBB_CHECK(stored >= position_, "a timer of '{}' lies before those that were taken", key);
    earliest_ = std::min(earliest_, time);
    const rocksdb::Status status = batch_.Put(stored, rocksdb::Slice());
    if (!status.ok()) return Failed(status);
    return batch_.GetDataSize() < kBatchBytes ? absl::OkStatus() : Write();
  }

  absl::StatusOr<std::vector<AwayTimer>> Take(TimeMs limit, size_t most) override {
    EBB_RETURN_IF_ERROR(Write());
    std::vector<AwayTimer> taken;
    const std::unique_ptr<rocksdb::Iterator> at(database_->NewIterator(rocksdb::ReadOptions()));
    for (at->Seek(position_); at->Valid(); at->Next()) {
      const TimeMs time = TimeOf(at->key());
      if (time >= limit || taken.size() == most) break;
      taken.push_back({time, at->key().ToString().substr(sizeof(uint64_t))});
    }
    if (!at->status().ok()) return Failed(at->status());
    earliest_ = at->Valid() ? TimeOf(at->key()) : kAfterTime;
    if (!taken.empty()) position_ = TimeKey(taken.back().time).append(taken.back().key).append(1, '\0');
    EBB_RETURN_IF_ERROR(Drop(taken.size()));
    return taken;
  }

  TimeMs earliest() const override { return earliest_; }

 private:
  absl::Status Failed(const rocksdb::Status& status) const {
    return StateError("keep the timers of customers who aren't in memory", directory_, status);
  }

  absl::Status Write() {
    if (batch_.Count() == 0) return absl::OkStatus();
    rocksdb::WriteOptions options;
    options.disableWAL = true;
    const rocksdb::Status status = database_->Write(options, &batch_);
    batch_.Clear();
    return status.ok() ? absl::OkStatus() : Failed(status);
  }

  // From time to time, files of what was taken.
  absl::Status Drop(size_t taken) {
    taken_ += taken;
    if (taken_ < kTakenBetweenDrops) return absl::OkStatus();
    taken_ = 0;
    const rocksdb::Slice end = position_;
    const rocksdb::Status status =
        rocksdb::DeleteFilesInRange(database_.get(), database_->DefaultColumnFamily(), nullptr, &end, false);
    return status.ok() ? absl::OkStatus() : Failed(status);
  }

  const std::string directory_;
  std::unique_ptr<rocksdb::DB> database_;
  rocksdb::WriteBatch batch_;  // what isn't in the database yet
  std::string position_;       // everything before it was taken
  TimeMs earliest_ = kAfterTime;
  size_t taken_ = 0;  // since files were dropped
};

}  // namespace

absl::StatusOr<std::unique_ptr<AwayTimers>> OpenRocksDbAwayTimers(const std::string& directory, size_t buffer_bytes) {
  std::error_code error;
  std::filesystem::remove_all(directory, error);
  std::filesystem::create_directories(directory, error);
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(DatabaseOptions(buffer_bytes), directory, &opened);
  if (!status.ok()) return StateError("keep the timers of customers who aren't in memory", directory, status);
  return std::make_unique<RocksDbAwayTimers>(directory, std::unique_ptr<rocksdb::DB>(opened));
}

}  // namespace ebb
