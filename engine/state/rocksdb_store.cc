// The durable store: one RocksDB with one column family. A commit is one WriteBatch with the write-ahead log on, so
// rows and progress survive a killed process together; a log cut short loses whole commits from its end, never parts of
// one.
//
// Keys: "m:format" the version of this layout, "m:progress", "r" + customer key. Every value begins with eight bytes of
// checksum over its key and itself, so that damage which RocksDB doesn't see is DataLoss, too.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <system_error>

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>
#include <xxhash.h>

#include "engine/base/check.h"
#include "engine/base/status_macros.h"
#include "engine/state/rocksdb_away_timers.h"
#include "engine/state/rocksdb_env.h"
#include "engine/state/rocksdb_error.h"
#include "engine/state/rocksdb_files.h"
#include "engine/state/rocksdb_manifest.h"
#include "engine/state/store.h"

namespace ebb {
namespace {

constexpr std::string_view kFormatKey = "m:format";
constexpr std::string_view kProgressKey = "m:progress";
constexpr char kRowPrefix = 'r';
constexpr std::string_view kFirstRowKey = "r";
constexpr std::string_view kAfterRowsKey = "s";
constexpr std::string_view kAwayFolder = "away";  // timers of customers who aren't in memory
constexpr int kFormatVersion = 1;
constexpr size_t kChecksumBytes = 8;
constexpr size_t kRowsPerLookup = 256;

rocksdb::Slice AsSlice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view AsView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// The checksum of `value` under the stored key `prefix + key`, as it is stored: little-endian on every machine.
std::array<char, kChecksumBytes> Checksum(char prefix, std::string_view key, std::string_view value) {
  uint64_t seed = XXH3_64bits_withSeed(key.data(), key.size(), static_cast<unsigned char>(prefix));
  uint64_t sum = XXH3_64bits_withSeed(value.data(), value.size(), seed);
  std::array<char, kChecksumBytes> bytes;
  for (size_t i = 0; i < kChecksumBytes; ++i) bytes[i] = static_cast<char>(sum >> (8 * i));
  return bytes;
}

// Adds prefix + key -> checksum + value; copies all of it.
rocksdb::Status PutChecked(rocksdb::WriteBatch& batch, char prefix, std::string_view key, std::string_view value) {
  std::array<char, kChecksumBytes> sum = Checksum(prefix, key, value);
  rocksdb::Slice key_parts[] = {{&prefix, 1}, AsSlice(key)};
  rocksdb::Slice value_parts[] = {{sum.data(), sum.size()}, AsSlice(value)};
  return batch.Put(rocksdb::SliceParts(key_parts, 2), rocksdb::SliceParts(value_parts, 2));
}

// The value without its checksum, or an error when they don't agree.
absl::StatusOr<std::string_view> Checked(std::string_view stored_key, std::string_view stored) {
  if (stored.size() >= kChecksumBytes) {
    std::string_view value = stored.substr(kChecksumBytes);
    std::array<char, kChecksumBytes> sum = Checksum(stored_key[0], stored_key.substr(1), value);
    if (std::memcmp(sum.data(), stored.data(), kChecksumBytes) == 0) return value;
  }
  return absl::DataLossError(fmt::format("the stored value of a key of {} bytes is damaged: {} bytes, wrong checksum",
                                         stored_key.size() - 1, stored.size()));
}

// RocksDB's own log of a read-only store goes nowhere: such a store changes nothing in its directory. Thread-safe.
class NoLog final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

rocksdb::BlockBasedTableOptions TableOptions(const RocksDbStoreOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_size = 16 << 10;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;  // so that block_cache_bytes bounds them, too
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  // A whole filter is larger than a part of a divided cache, which would read it again at each look-up: filters and
  // indexes are in small pieces, and the cache, which one thread uses, is in one.
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes, /*num_shard_bits=*/0);
  return table;
}

rocksdb::Options DatabaseOptions(const RocksDbStoreOptions& options) {
  rocksdb::Options database;
  database.env = OrderedNamesEnv();
  database.create_if_missing = !options.read_only;
  database.paranoid_checks = true;
  database.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();  // for CheckFiles
  database.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  database.max_bgerror_resume_count = 0;  // after an error the store is opened again, never resumed
  database.table_factory.reset(rocksdb::NewBlockBasedTableFactory(TableOptions(options)));

  std::vector<rocksdb::CompressionType> known = rocksdb::GetSupportedCompressions();
  auto choose = [&known](rocksdb::CompressionType wanted) {
    return std::find(known.begin(), known.end(), wanted) == known.end() ? rocksdb::kNoCompression : wanted;
  };
  database.compression = choose(rocksdb::kLZ4Compression);

  database.write_buffer_size = options.write_buffer_bytes;
  database.max_write_buffer_number = 3;
  database.allow_concurrent_memtable_write = false;  // one writer
  // Commits overlap over all keys, so each compaction rewrites what it meets: fewer and larger ones cost less.
  database.level0_file_num_compaction_trigger = 8;
  database.max_bytes_for_level_base = 8 * options.write_buffer_bytes;
  database.max_background_jobs = 2;
  database.max_open_files = 512;
  database.bytes_per_sync = 1 << 20;

  database.stats_dump_period_sec = 0;
  database.stats_persist_period_sec = 0;
  database.skip_stats_update_on_db_open = true;
  database.periodic_compaction_seconds = 0;
  database.ttl = 0;
  database.info_log_level = rocksdb::WARN_LEVEL;
  database.max_log_file_size = 1 << 20;
  database.keep_log_file_num = 2;
  if (options.read_only) database.info_log = std::make_shared<NoLog>();
  return database;
}

// Confined to its task's thread.
class RocksDbStore final : public StateStore {
 public:
  RocksDbStore(std::string directory, std::unique_ptr<rocksdb::DB> database, const RocksDbStoreOptions& options)
      : directory_(std::move(directory)),
        read_only_(options.read_only),
        away_buffer_bytes_(options.write_buffer_bytes / 8),
        database_(std::move(database)) {}

  absl::StatusOr<std::string> ReadProgress() override { return ReadChecked(kProgressKey); }
  absl::StatusOr<std::vector<std::string>> ReadRows(const std::vector<std::string_view>& keys) override;
  absl::Status ScanRows(const std::function<absl::Status(std::string_view, std::string_view)>& visit) override;
  absl::Status Commit(const StateBatch& batch) override;
  absl::Status Sync() override;
  absl::Status Checkpoint(const std::string& directory) override;
  absl::StatusOr<std::unique_ptr<AwayTimers>> NewAwayTimers() override {
    return OpenRocksDbAwayTimers(fmt::format("{}/{}/{}", directory_, kAwayFolder, away_timers_++), away_buffer_bytes_);
  }

  // Sees that the store is ebb's and of a version that we read; makes an empty new one so.
  absl::Status CheckFormat();

 private:
  absl::StatusOr<std::string> ReadChecked(std::string_view key);
  absl::Status Poison(const std::string& attempt, const rocksdb::Status& status);
  absl::Status WriteFormat();

  // Constant.
  const std::string directory_;
  const bool read_only_;
  const size_t away_buffer_bytes_;
  const std::unique_ptr<rocksdb::DB> database_;
  // Transient: the first error of a write; the handle isn't used for writing any more after it.
  absl::Status failed_;
  int away_timers_ = 0;  // how many were made
};

absl::Status RocksDbStore::Poison(const std::string& attempt, const rocksdb::Status& status) {
  failed_ = StateError(attempt, directory_, status);
  return failed_;
}

absl::StatusOr<std::string> RocksDbStore::ReadChecked(std::string_view key) {
  rocksdb::PinnableSlice stored;
  rocksdb::Status status =
      database_->Get(rocksdb::ReadOptions(), database_->DefaultColumnFamily(), AsSlice(key), &stored);
  if (status.IsNotFound()) return std::string();
  if (!status.ok()) return StateError("read the state", directory_, status);
  EBB_ASSIGN_OR_RETURN(std::string_view value, Checked(key, AsView(stored)));
  return std::string(value);
}

absl::StatusOr<std::vector<std::string>> RocksDbStore::ReadRows(const std::vector<std::string_view>& keys) {
  // RocksDB 7.8 answers a look-up of many keys wrongly when one of them occurs twice: ask in order, each key once.
  std::vector<size_t> order(keys.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&keys](size_t a, size_t b) { return keys[a] < keys[b]; });

  std::vector<std::string> rows(keys.size());
  std::array<std::string, kRowsPerLookup> stored_keys;
  std::array<rocksdb::Slice, kRowsPerLookup> slices;
  std::array<rocksdb::PinnableSlice, kRowsPerLookup> values;
  std::array<rocksdb::Status, kRowsPerLookup> statuses;
  rocksdb::ReadOptions options;
  size_t next = 0;
  while (next < order.size()) {
    size_t first = next;
    size_t count = 0;
    for (; next < order.size(); ++next) {
      std::string_view key = keys[order[next]];
      if (next > first && key == keys[order[next - 1]]) continue;
      if (count == kRowsPerLookup) break;
      stored_keys[count].assign(1, kRowPrefix).append(key);
      slices[count] = stored_keys[count];
      ++count;
    }
    database_->MultiGet(options, database_->DefaultColumnFamily(), count, slices.data(), values.data(), statuses.data(),
                        /*sorted_input=*/true);
    size_t answer = 0;
    for (size_t i = first; i < next; ++i) {
      if (i > first && keys[order[i]] != keys[order[i - 1]]) ++answer;
      if (statuses[answer].IsNotFound()) continue;
      if (!statuses[answer].ok()) return StateError("read the state", directory_, statuses[answer]);
      EBB_ASSIGN_OR_RETURN(std::string_view row, Checked(stored_keys[answer], AsView(values[answer])));
      rows[order[i]] = row;
    }
    for (size_t i = 0; i < count; ++i) values[i].Reset();
  }
  return rows;
}

absl::Status RocksDbStore::ScanRows(const std::function<absl::Status(std::string_view, std::string_view)>& visit) {
  rocksdb::Slice end = AsSlice(kAfterRowsKey);
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = &end;
  options.fill_cache = false;
  options.readahead_size = 1 << 20;
  std::unique_ptr<rocksdb::Iterator> at(database_->NewIterator(options));
  std::string last;
  for (at->Seek(AsSlice(kFirstRowKey)); at->Valid(); at->Next()) {
    if (AsView(at->key()) <= last) {
      return absl::DataLossError(fmt::format("the rows in '{}' are out of order: the state is damaged", directory_));
    }
    last = AsView(at->key());
    EBB_ASSIGN_OR_RETURN(std::string_view row, Checked(AsView(at->key()), AsView(at->value())));
    EBB_RETURN_IF_ERROR(visit(AsView(at->key()).substr(1), row));
  }
  if (!at->status().ok()) return StateError("read the state", directory_, at->status());
  return absl::OkStatus();
}

absl::Status RocksDbStore::Commit(const StateBatch& batch) {
  EBB_CHECK(!read_only_, "a commit to the read-only state in '{}'", directory_);
  if (!failed_.ok()) return failed_;
  CheckAscending(batch);
  constexpr size_t kOverheadBytes = kChecksumBytes + 1 + 1 + 5 + 5;  // checksum, prefix, tag and two lengths
  size_t bytes = 64 + batch.progress.size();
  for (const auto& [key, row] : batch.rows) bytes += key.size() + row.size() + kOverheadBytes;

  rocksdb::WriteBatch writes(bytes);
  rocksdb::Status status;
  for (const auto& [key, row] : batch.rows) {
    if (row.empty()) {
      rocksdb::Slice parts[] = {{&kRowPrefix, 1}, AsSlice(key)};
      status = writes.Delete(rocksdb::SliceParts(parts, 2));
    } else {
      status = PutChecked(writes, kRowPrefix, key, row);
    }
    if (!status.ok()) return Poison("commit to the state", status);
  }
  status = PutChecked(writes, kProgressKey[0], kProgressKey.substr(1), batch.progress);
  if (status.ok()) status = database_->Write(rocksdb::WriteOptions(), &writes);
  return status.ok() ? absl::OkStatus() : Poison("commit to the state", status);
}

absl::Status RocksDbStore::Sync() {
  if (!failed_.ok()) return failed_;
  if (read_only_) return absl::OkStatus();
  rocksdb::Status status = database_->SyncWAL();
  return status.ok() ? absl::OkStatus() : Poison("sync the state to the disk", status);
}

absl::Status RocksDbStore::Checkpoint(const std::string& directory) {
  if (!failed_.ok()) return failed_;
  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(database_.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(directory);
  return status.ok() ? absl::OkStatus() : StateError("make a checkpoint of the state", directory_, status);
}

absl::Status RocksDbStore::CheckFormat() {
  EBB_ASSIGN_OR_RETURN(std::string format, ReadChecked(kFormatKey));
  if (format.empty()) return WriteFormat();
  int version = 0;
  std::from_chars(format.data(), format.data() + format.size(), version);
  if (version == kFormatVersion) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("the state in '{}' has format {}, this ebb reads format {}: {}", directory_, format, kFormatVersion,
                  version > kFormatVersion ? "it was written by a newer ebb, use that one" : "remove it and replay"));
}

// A database without a format is new if it holds nothing, and somebody else's if it holds anything.
absl::Status RocksDbStore::WriteFormat() {
  std::unique_ptr<rocksdb::Iterator> at(database_->NewIterator(rocksdb::ReadOptions()));
  at->SeekToFirst();
  if (!at->status().ok()) return StateError("read the state", directory_, at->status());
  if (!at->Valid() && read_only_) {
    return absl::NotFoundError(fmt::format("there is no state in the directory '{}'", directory_));
  }
  if (at->Valid()) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not a state directory of ebb: it is a RocksDB database of something else", directory_));
  }
  rocksdb::WriteBatch writes;
  rocksdb::Status status =
      PutChecked(writes, kFormatKey[0], kFormatKey.substr(1), fmt::format_int(kFormatVersion).str());
  if (status.ok()) status = database_->Write(rocksdb::WriteOptions(), &writes);
  return status.ok() ? absl::OkStatus() : Poison("make a new state", status);
}

bool StartsWithAny(const std::string& name, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&name](std::string_view prefix) { return name.compare(0, prefix.size(), prefix) == 0; });
}

// Looks at the directory before RocksDB does, which would make a new database beside strange files or in the place of a
// lost one. A directory that a killed process had only begun to fill counts as empty.
absl::Status CheckDirectory(const std::string& directory, bool read_only, bool check_files) {
  std::error_code error;
  std::filesystem::file_status status = std::filesystem::status(directory, error);
  if (status.type() == std::filesystem::file_type::not_found) {
    if (read_only) return absl::NotFoundError(fmt::format("there is no state directory '{}'", directory));
    if (std::filesystem::create_directory(directory, error); error) {
      return absl::FailedPreconditionError(
          fmt::format("cannot make the state directory '{}': {}", directory, error.message()));
    }
    return absl::OkStatus();
  }
  if (status.type() != std::filesystem::file_type::directory) {
    return absl::InvalidArgumentError(fmt::format("the state '{}' is not a directory", directory));
  }
  bool current = false;
  bool data = false;
  std::string strange;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    std::string extension = at->path().extension().string();
    if (name == "CURRENT") {
      current = true;
    } else if (extension == ".sst" || extension == ".log") {
      data = true;
    } else if (extension != ".dbtmp" && !StartsWithAny(name, {"LOCK", "LOG", "IDENTITY", "MANIFEST-", "OPTIONS-"})) {
      strange = name;
    }
  }
  if (error) {
    return absl::PermissionDeniedError(fmt::format("cannot read the directory '{}': {}", directory, error.message()));
  }
  if (current) {
    EBB_RETURN_IF_ERROR(CheckManifest(directory));
    return check_files ? CheckFiles(directory) : absl::OkStatus();
  }
  if (!strange.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not a state directory of ebb: it holds '{}'", directory, strange));
  }
  if (data) {
    return absl::DataLossError(fmt::format(
        "the state in '{}' is damaged: its file CURRENT is missing; restore it from a copy, or remove it and replay",
        directory));
  }
  if (read_only) return absl::NotFoundError(fmt::format("there is no state in the directory '{}'", directory));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateStore>> OpenRocksDbStore(const std::string& directory,
                                                             const RocksDbStoreOptions& options) {
  EBB_RETURN_IF_ERROR(CheckDirectory(directory, options.read_only, options.check_files));
  rocksdb::DB* opened = nullptr;
  rocksdb::Options database_options = DatabaseOptions(options);
  rocksdb::Status status = options.read_only ? rocksdb::DB::OpenForReadOnly(database_options, directory, &opened)
                                             : rocksdb::DB::Open(database_options, directory, &opened);
  if (!status.ok()) return StateError("open the state", directory, status);
  auto store = std::make_unique<RocksDbStore>(directory, std::unique_ptr<rocksdb::DB>(opened), options);
  EBB_RETURN_IF_ERROR(store->CheckFormat());
  if (!options.read_only) {
    std::error_code error;  // what can't be removed is noticed when it is to be made again
    std::filesystem::remove_all(fmt::format("{}/{}", directory, kAwayFolder), error);
  }
  return store;
}

}  // namespace ebb
