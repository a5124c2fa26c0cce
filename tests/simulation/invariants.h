// What must hold at every step of a history, whatever went wrong before:
//   1. A decided transaction holds exactly one journal record, the next epoch's, and its messages are those of the
//      reference: in order, numbered without gaps, none missing, none too many. So is what readers see.
//   2. It was written by the one owner that took the task over last, and its offsets are those of its journal record.
//   3. A written state is that of a decided epoch. A task that has committed stands where the reference stands: rows,
//      ledger, cursor.
//   4. While more waits in a task than its budget, only a log that holds the watermark back is read.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/task/live_task.h"
#include "tests/simulation/brokers.h"
#include "tests/simulation/reference.h"

namespace ebb {

// What a task stood at before a step.
struct Standing {
  explicit Standing(const LiveTask& live);

  size_t waiting_bytes;
  TimeMs watermark;
  std::vector<std::pair<int64_t, TimeMs>> logs;  // position and watermark
};

// Confined to its task's thread.
class Invariants : public BrokerObserver {
 public:
  Invariants(Scheduler* scheduler, const std::vector<SourceSchema>* schemas, const LiveOptions* options)
      : scheduler_(*scheduler), schemas_(*schemas), options_(*options) {}
  void AddTask(int task, std::vector<const Input*> inputs);

  void TakenOver(int task, int64_t owner) override;
  void Decided(int task, const DecidedTransaction& transaction) override;
  void Visible(int task, int log, const OutputRecord& record) override;
  // A store has taken this progress.
  void StateWritten(int task, const std::string& progress);
  // After each step of a live task.
  void Stepped(int task, const Standing& before, const LiveTask& live, const StepResult& result);
  // A task has committed, or stopped at a commit.
  void CompareStanding(int task, const LiveTask& live);

  const Reference& reference(int task) const { return tasks_[task]->reference; }
  // Whether readers see all that was decided.
  bool AllVisible(int task) const;

 private:
  struct PerTask {
    explicit PerTask(Reference made) : reference(std::move(made)) {}
    Reference reference;
    int64_t owner = 0;
    std::array<size_t, kOutputLogs> visible{};  // records
  };

  template <typename... T>
  void Check(bool holds, int task, fmt::format_string<T...> format, T&&... arguments) {
    if (holds) return;
    scheduler_.Violate(fmt::format("task {}: {}", task, fmt::format(format, std::forward<T>(arguments)...)));
  }
  bool ok() const { return scheduler_.violation().empty(); }
  void CompareMessages(int task, Stream stream, size_t from, const std::vector<const OutputRecord*>& records);

  Scheduler& scheduler_;
  const std::vector<SourceSchema>& schemas_;
  const LiveOptions& options_;
  std::vector<std::unique_ptr<PerTask>> tasks_;
};

}  // namespace ebb
