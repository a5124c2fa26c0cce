// Ids stand in the order of their effective times, which is the order of processing: what is too old is at the front.
#include "operators/window/seen_ids.h"

namespace ebb {

SeenIds::Verdict SeenIds::Look(const Record& record, RowRef* row, TimeMs now) const {
  if (record.is_null(plan_.slot)) return Verdict::kFirst;
  const int64_t id = record.slots()[plan_.slot];
  const TimeMs oldest = now - plan_.within;  // and before: forgotten
  // The latest first, as most duplicates follow their record closely.
  for (int i = row->count(section_); i-- > 0;) {
    const int64_t* entry = row->entry(section_, i);
    if (entry[1] <= oldest) break;
    if (entry[0] == id) return Verdict::kAgain;
  }
  while (row->count(section_) > 0 && row->entry(section_, 0)[1] <= oldest) row->PopFront(section_);
  const bool full = row->count(section_) == plan_.max_ids;
  if (full) row->PopFront(section_);
  int64_t* entry = row->PushBack(section_);
  entry[0] = id;
  entry[1] = now;
  return full ? Verdict::kFirstButFull : Verdict::kFirst;
}

}  // namespace ebb
