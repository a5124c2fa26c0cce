// Duplicates of one source: for each customer the ids of the records that were used, for a while of event time. A
// record is a duplicate when its id was used within (t - D, t], t being its effective time; a duplicate changes nothing
// and doesn't make its id last longer. Hashes of ids are kept, at most max_ids; when it is full, the oldest goes.
#pragma once

#include <string>

#include "engine/state/row.h"
#include "engine/stream/record.h"
#include "operators/plan.h"

namespace ebb {

// Immutable after construction.
class SeenIds {
 public:
  enum class Verdict : uint8_t {
    kFirst,         // not seen, or without an id; remembered from now on
    kFirstButFull,  // the same, and an id had to go before its time
    kAgain,         // a duplicate
  };

  SeenIds(const DedupPlan& plan, const std::string& source, RowLayoutBuilder* layout)
      : plan_(plan), section_(layout->AddSection(source + ".ids", 2, plan.max_ids)) {}

  // `now` is the record's effective time; it never goes back for one customer.
  Verdict Look(const Record& record, RowRef* row, TimeMs now) const;

 private:
  DedupPlan plan_;
  int section_;  // entries: hash of the id, effective time of its record; oldest first
};

}  // namespace ebb
