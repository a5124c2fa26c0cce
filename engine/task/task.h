// A task: one share of the keys, one order, one table of rows. It has no thread and reads no clock: it is stepped like
// a function with records and a watermark, and everything that it does follows from these.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "engine/observe/ledger.h"
#include "engine/state/row.h"
#include "engine/state/store.h"
#include "engine/stream/order.h"
#include "engine/task/operator.h"
#include "engine/task/state_rows.h"

namespace ebb {

// Names for the quarantine's lines: by source, then by log.
struct LogNames {
  std::vector<std::string> sources;
  std::vector<std::vector<std::string>> logs;
};

// What a commit would have to hold.
struct UncommittedBytes {
  size_t rows = 0;  // those that have changed
  size_t outputs = 0;

  size_t total() const { return rows + outputs; }
  bool operator==(const UncommittedBytes&) const = default;
};

// Of what a task may take in memory, 0 for no limit, what is for rows. A quarter of it are the buffers of the store
// (RocksDbStoreOptions::FitTo); the rest is for the rows' index and their timers, and for what a commit copies.
constexpr size_t RowBytesOf(size_t memory_bytes) { return memory_bytes / 2; }
// How many bytes of changed rows are to be written at once, since only rows that are written can leave memory.
constexpr size_t MostChangedBytes(size_t memory_bytes) { return RowBytesOf(memory_bytes) / 4; }

// Confined to its task's thread.
class Task {
 public:
  // `store` is where rows are that are not in memory; it outlives the task. Null: all rows are in memory.
  Task(std::unique_ptr<Operator> work, const RowLayout& layout, const LogNames* names, StateStore* store = nullptr);

  // Takes in records, then lets everything strictly below the watermark happen: records in order, and the timers
  // between.
  void Step(RecordBatch batch, TimeMs watermark);
  // The earliest time at which something of this task waits to happen; kAfterTime: nothing does.
  TimeMs next_instant() const;
  // A change of a row by a meeting, as of `time`, behind everything else of that time; `rank` orders the lines of one
  // meeting. `what` sets the row's next timer.
  void AtMeeting(TimeMs time, std::string_view customer, int64_t rank,
                 const std::function<void(RowRef*, Outputs*)>& what);
  // Takes over a customer from the store: a row, or if memory is scarce only what is known of customers who are away.
  // DataLoss when the bytes can't be read.
  absl::Status LoadRow(std::string_view key, std::string_view bytes);

  // What this task and its store may take. Needs a store.
  void LimitMemory(size_t bytes) { row_bytes_ = RowBytesOf(bytes); }
  // Makes of all changed rows what WriteState takes; it is good until the next step.
  void EncodeChanged() { encoded_ = EncodeChangedRows(&rows_); }
  const EncodedRows& encoded() const { return encoded_; }
  // After they were written: rows that were not used for long leave memory when it is scarce.
  void AfterWrite();
  // Set when a row could not be read from the store. Nothing of what the task did since is to be used.
  const absl::Status& failed() const { return failed_; }

  Outputs& outputs() { return outputs_; }
  const Outputs& outputs() const { return outputs_; }
  // Those that are in memory.
  RowTable& rows() { return rows_; }
  const RowTable& rows() const { return rows_; }
  // Customers whose rows are in the store only.
  size_t away() const { return away_; }
  size_t customers() const { return rows_.size() + away_; }
  StateStore* store() const { return store_; }
  const Order& order() const { return order_; }
  const std::vector<SourceLedger>& ledger() const { return ledger_; }
  const Operator& work() const { return *work_; }
  Operator& work() { return *work_; }
  UncommittedBytes uncommitted_bytes() const { return {rows_.changed_bytes(), outputs_.bytes()}; }

 private:
  static constexpr size_t kPrefetchRecords = 64;

  struct Timer {
    TimeMs time;
    uint32_t row;
    bool operator>(const Timer& other) const { return time != other.time ? time > other.time : row > other.row; }
  };

  void Process(Record* const* records, size_t count);
  // Reads the rows of these records that are away.
  void FetchRowsOf(Record* const* records, size_t count, Row** row_of);
  // Reads the rows of customers who are away and whose timers are due, some at once.
  void FetchDueRows(TimeMs limit);
  // Makes rows of those keys that are away. With a limit all of them are, and those without a timer before it stay so.
  absl::Status FetchRows(const std::vector<std::string_view>& keys, std::optional<TimeMs> limit);
  absl::Status LetRowsLeave();
  // Notes what is to be known of a customer who is away.
  absl::Status NoteAway(TimeMs next_timer, std::string_view key);
  // Lets the record meet its row; `known` may be that row, another of the same hash, or null. Returns where the row is
  // now.
  Row* Use(const Record& record, Row* known);
  void Count(const Record& record);
  void Quarantine(const Record& record);
  // Whether any fired.
  bool FireTimersBefore(TimeMs limit);
  // Queues the row's timer unless an entry that is early enough is there already.
  void Arm(RowRef row);

  std::unique_ptr<Operator> work_;
  const LogNames* names_;
  RowTable rows_;
  EncodedRows encoded_;
  Order order_;
  Outputs outputs_;
  std::vector<SourceLedger> ledger_;
  StateStore* const store_;
  size_t row_bytes_ = 0;  // 0: no limit
  absl::Status failed_;
  std::vector<Timer> timers_;  // a heap, earliest first; may hold entries that a row has outlived
  size_t away_ = 0;
  std::unique_ptr<AwayTimers> away_timers_;  // null until the first row is away
  std::string line_;
};

// Each row of tasks that share a store, as of now, in a copy that `look` may move on.
absl::Status LookAtRows(const std::vector<Task*>& tasks, const std::function<void(RowRef)>& look);

}  // namespace ebb
