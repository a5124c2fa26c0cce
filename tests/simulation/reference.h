// What a task must have sent out and counted after each epoch, from the partitions' contents and the decisions of the
// journal alone: the undisturbed run. It takes in records as late as it can, so it needs nothing that a task that
// obeys the protocol has not read.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/task/journal.h"
#include "tests/simulation/input.h"

namespace ebb {

// Confined to its task's thread.
class Reference {
 public:
  // After an epoch.
  struct Epoch {
    uint64_t chain = 0;
    TimeMs cursor = kBeforeTime;
    std::vector<SourceLedger> ledger;
    std::map<std::string, MixingModel::Customer> customers;
    std::vector<int64_t> low_offsets;
  };

  Reference(int task, const std::vector<SourceSchema>* schemas, std::vector<const Input*> inputs);

  // The next epoch of the journal.
  void Advance(const JournalRecord& record);
  // All lines of a stream up to the last epoch; quarantined ones as Brief gives them.
  const std::vector<std::string>& lines(Stream stream) const;
  // 0: before the first.
  const Epoch& epoch(int64_t number) const { return epochs_[static_cast<size_t>(number)]; }
  int64_t epochs() const { return static_cast<int64_t>(epochs_.size()) - 1; }

 private:
  struct Source {
    const Input* input;
    size_t next = 0;  // entry
    TimeMs newest = kBeforeTime;
    std::multimap<int64_t, TimeMs> floors;  // not reached yet: from the offset on
    std::vector<SkippedRecord> skips;
  };

  void Place(size_t source, TimeMs cursor);

  const std::vector<SourceSchema>& schemas_;
  std::vector<Source> sources_;
  std::set<Placed> waiting_;
  MixingModel model_;
  std::vector<SourceLedger> ledger_;
  std::vector<std::string> quarantined_;
  std::vector<Epoch> epochs_;
};

}  // namespace ebb
