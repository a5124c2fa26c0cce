// An epoch: its decisions are added, every partition gives what lies below the cursor, and that happens in order.
#include "tests/simulation/reference.h"

#include <algorithm>
#include <utility>

namespace ebb {

Reference::Reference(int task, const std::vector<SourceSchema>* schemas, std::vector<const Input*> inputs)
    : schemas_(*schemas), ledger_(schemas->size()) {
  model_.task = task;
  for (const Input* input : inputs) sources_.push_back({.input = input, .floors = {}, .skips = {}});
  epochs_.push_back({0, kBeforeTime, ledger_, {}, std::vector<int64_t>(schemas->size(), 0)});
}

void Reference::Place(size_t source, TimeMs cursor) {
  Source& from = sources_[source];
  const std::vector<Partition::Entry>& entries = from.input->partition().entries;
  for (; from.next < entries.size(); ++from.next) {
    const Partition::Entry& entry = entries[from.next];
    while (!from.floors.empty() && from.floors.begin()->first <= entry.offset) {
      from.newest = std::max(from.newest, from.floors.begin()->second);
      from.floors.erase(from.floors.begin());
    }
    if (from.newest != kBeforeTime && from.newest - schemas_[source].time.disorder >= cursor) return;
    waiting_.insert(PlaceEntry(schemas_[source], entry, {}, &from.newest));
  }
}

void Reference::Advance(const JournalRecord& record) {
  Epoch epoch;
  for (size_t s = 0; s < sources_.size(); ++s) {
    for (const Floor& floor : record.logs[s].floors) sources_[s].floors.emplace(floor.from_offset, floor.newest);
    const std::vector<SkippedRecord>& skips = record.logs[s].skipped;
    sources_[s].skips.insert(sources_[s].skips.end(), skips.begin(), skips.end());
    Place(s, record.cursor);
    epoch.low_offsets.push_back(record.logs[s].low_offset);
  }
  while (!waiting_.empty() && waiting_.begin()->effective < record.cursor) {
    Placed placed = *waiting_.begin();
    // Decided while it waits, perhaps.
    if (IsSkipped(placed, sources_[static_cast<size_t>(placed.source)].skips)) placed.reason = Reason::kSkipped;
    Apply(placed, &model_, &ledger_[static_cast<size_t>(placed.source)], &quarantined_);
    waiting_.erase(waiting_.begin());
  }
  model_.FireBefore(record.cursor);
  epoch.chain = record.chain;
  epoch.cursor = record.cursor;
  epoch.ledger = ledger_;
  epoch.customers = model_.customers;
  epochs_.push_back(std::move(epoch));
}

const std::vector<std::string>& Reference::lines(Stream stream) const {
  static const std::vector<std::string> kNone;
  switch (stream) {
    case Stream::kAlerts:
      return model_.alerts;
    case Stream::kScores:
      return model_.lines;
    case Stream::kQuarantine:
      return quarantined_;
    case Stream::kShadow:
      break;
  }
  return kNone;
}

}  // namespace ebb
