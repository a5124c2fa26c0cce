// A customer's row: everything that is remembered of one customer, in one piece of memory: a header, a directory of
// sections, fixed 64-bit cells, the key, then the sections (rings of entries of whole 64-bit words, oldest first).
// Operators declare the cells and sections they need; a row has no pointers into itself, so it is copied by memcpy, and
// fetching a few lines ahead of use is enough to have it in the cache.
//
//   RowLayoutBuilder layout;
//   int last = layout.AddCells("calls.last", 1);
//   int tiles = layout.AddSection("calls.tiles", /*words=*/3, /*max_entries=*/97);
//   ...
//   RowRef row = rows.FindOrCreate(HashKey("c_1"), "c_1");
//   row.cells()[last] = time;
//   int64_t* tile = row.PushBack(tiles);      // may move the row: pointers into it are gone
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "engine/base/check.h"
#include "engine/state/row_slabs.h"
#include "engine/stream/time.h"

namespace ebb {

// Immutable after construction.
struct RowLayout {
  struct Section {
    uint16_t words;  // of one entry
    uint16_t max_entries;
  };
  int cells = 0;
  std::vector<Section> sections;
  uint64_t id = 0;  // hash of everything declared, names included: stored with every row
};

// Confined to its task's thread.
class RowLayoutBuilder {
 public:
  // `count` cells, zero in a new row; returns the index of the first.
  int AddCells(std::string_view name, int count);
  static constexpr int kMaxEntries = 32767;  // of a section
  // An empty section; returns its index.
  int AddSection(std::string_view name, int words, int max_entries);
  RowLayout Build() const { return layout_; }

 private:
  RowLayout layout_;
};

// Where a section stands within its row, in words, and which part of its ring is used.
struct SectionRef {
  uint16_t offset;
  uint16_t capacity;
  uint16_t head;
  uint16_t count;
};

// The header; made by RowTable only.
struct Row {
  uint64_t key_hash;
  Row* same_hash;       // next row with the same hash of another key
  TimeMs time;          // up to which the row has been advanced
  TimeMs next_timer;    // when it wants to be woken; kAfterTime: never
  TimeMs queued_timer;  // earliest entry of the task's timer queue for it; kAfterTime: none
  uint32_t index;       // its number in the table
  uint16_t words;       // allocated, this header included
  uint16_t key_bytes;
  bool changed;  // since the last commit
  bool recent;   // changed since memory was looked through for rows that nobody needs
};

class RowTable;

// A row and its table; a row may move when a section grows. Confined to its task's thread.
class RowRef {
 public:
  RowRef(RowTable* table, Row* row) : table_(table), row_(row) {}

  Row* operator->() const { return row_; }
  Row& operator*() const { return *row_; }
  bool valid() const { return row_ != nullptr; }
  const RowLayout& layout() const;
  int64_t* cells() const;
  std::string_view key() const;
  int count(int section) const { return directory()[section].count; }
  // The entry with number `i` from the oldest; 0 <= i < count.
  int64_t* entry(int section, int i) const { return entry(section, i, words(section)); }
  // The same for callers that know the words of the section's entries already.
  int64_t* entry(int section, int i, int words) const;
  // The entries as one or two pieces of memory, the older piece first; both together are the whole ring.
  struct Pieces {
    int64_t* older;
    int older_count;
    int64_t* newer;
    int newer_count;
  };
  Pieces pieces(int section) const;
  // A new entry after the newest, its words zero. The section must hold fewer than its max_entries.
  int64_t* PushBack(int section);
  // The same with `words` words that the caller fills at once.
  int64_t* PushBackUnset(int section, int words);
  // A new entry before number `i`, its words zero; later ones move up.
  int64_t* Insert(int section, int i);
  void PopFront(int section);
  // Takes `number` entries out, beginning with number `i`.
  void Erase(int section, int i, int number = 1);

 private:
  friend class RowTable;
  void Move(int section, int from, int to);
  SectionRef* directory() const { return reinterpret_cast<SectionRef*>(row_ + 1); }
  int words(int section) const;

  RowTable* table_;
  Row* row_;
};

// Rows by key: those of a task's customers that are in memory. Confined to its task's thread.
class RowTable {
 public:
  explicit RowTable(const RowLayout& layout);
  ~RowTable();
  RowTable(const RowTable&) = delete;
  RowTable& operator=(const RowTable&) = delete;

  // The key's row, or an invalid one.
  RowRef Find(uint64_t hash, std::string_view key);
  RowRef FindOrCreate(uint64_t hash, std::string_view key);
  // First of two steps of fetching ahead: the place in the index. Then First() and PrefetchRow().
  void PrefetchIndex(uint64_t hash) const { index_.prefetch(hash); }
  // The first row with this hash, or null: good enough for fetching ahead.
  Row* First(uint64_t hash) const {
    auto it = index_.find(hash);
    return it == index_.end() ? nullptr : it->second;
  }
  // The row with this number, below slots(); invalid when there is none.
  RowRef at(uint32_t index) { return RowRef(this, rows_[index]); }
  size_t slots() const { return rows_.size(); }
  // Makes a copy of another table's row, in the same layout, the only row of this one: for looking at a row as of later
  // without moving it on.
  RowRef HoldCopy(RowRef row);
  // Forgets all rows.
  void Clear();
  // Asks for the lines of a row that every record touches: header, directory, cells and key.
  void PrefetchFixed(const Row* row) const {
    const char* at = reinterpret_cast<const char*>(row);
    for (const char* end = at + fixed_bytes_; at < end; at += 64) __builtin_prefetch(at, 1);
  }
  size_t size() const { return rows_.size() - unused_.size(); }
  // Of all rows, with what the allocator keeps for later.
  size_t bytes() const { return slabs_.bytes(); }
  const RowLayout& layout() const { return layout_; }

  // Notes that the row differs from what is committed.
  void Touch(RowRef row) {
    if (row->changed) return;
    row->changed = row->recent = true;
    changed_.push_back(row->index);
    changed_bytes_ += row->words * 8;
  }
  const std::vector<uint32_t>& changed() const { return changed_; }
  size_t changed_bytes() const { return changed_bytes_; }
  // All changed rows have been committed.
  void ClearChanged();

  // Takes rows out, those first that were not touched for long, until bytes() is `most`, or little more; `leaves` is
  // shown each before. No row may be changed. Rows move, and numbers of those that are gone are given to others.
  void Shrink(size_t most, const std::function<void(RowRef)>& leaves);

 private:
  friend class RowRef;
  // Moves the row into a larger block in which `section` has room for at least one more entry.
  Row* Grow(Row* row, int section);
  // From now on `row` is to be found where `old` was.
  void Relink(const Row* old, Row* row);
  // These leave the old block to the caller.
  void Forget(const Row* row);
  void MoveToNewerSlab(Row* row);

  struct IdentityHash {
    size_t operator()(uint64_t hash) const { return hash; }
  };

  const RowLayout layout_;
  const int header_words_;  // Row and its directory
  const int fixed_bytes_;   // those, the cells and a key of ordinary length
  absl::flat_hash_map<uint64_t, Row*, IdentityHash> index_;
  std::vector<Row*> rows_;        // by number; null where there is none
  std::vector<uint32_t> unused_;  // numbers
  std::vector<uint32_t> changed_;
  size_t changed_bytes_ = 0;

  RowSlabs slabs_;
};

inline const RowLayout& RowRef::layout() const { return table_->layout_; }

inline int64_t* RowRef::cells() const { return reinterpret_cast<int64_t*>(row_) + table_->header_words_; }

inline std::string_view RowRef::key() const {
  return {reinterpret_cast<const char*>(cells() + table_->layout_.cells), row_->key_bytes};
}

inline int RowRef::words(int section) const { return table_->layout_.sections[section].words; }

inline int64_t* RowRef::entry(int section, int i, int words) const {
  const SectionRef& ref = directory()[section];
  int place = ref.head + i;
  if (place >= ref.capacity) place -= ref.capacity;
  return reinterpret_cast<int64_t*>(row_) + ref.offset + place * words;
}

inline RowRef::Pieces RowRef::pieces(int section) const {
  const SectionRef& ref = directory()[section];
  int64_t* start = reinterpret_cast<int64_t*>(row_) + ref.offset;
  const int first = std::min<int>(ref.count, ref.capacity - ref.head);
  return {start + ref.head * table_->layout_.sections[section].words, first, start, ref.count - first};
}

inline int64_t* RowRef::PushBackUnset(int section, int words) {
  if (directory()[section].count == directory()[section].capacity) row_ = table_->Grow(row_, section);
  return entry(section, directory()[section].count++, words);
}

inline int64_t* RowRef::PushBack(int section) {
  int64_t* entry = PushBackUnset(section, words(section));
  std::fill_n(entry, words(section), 0);
  return entry;
}

inline void RowRef::PopFront(int section) {
  SectionRef& ref = directory()[section];
  ref.head = ref.head + 1 == ref.capacity ? 0 : ref.head + 1;
  if (--ref.count == 0) ref.head = 0;
}

// The row as bytes for the store: layout id, time, next timer, cells and entries, without the key, each word stripped
// of its leading zero bytes. Equal content gives equal bytes, however the row came about.
void EncodeRow(RowRef row, std::string* out);
// The room that EncodeRow asks for behind what `out` holds, at most.
size_t MostEncodedBytes(RowRef row);
// Fills a new row, which may move, from EncodeRow's bytes. False when they are damaged or of another layout.
bool FillRow(std::string_view bytes, RowRef row);
// The next timer of a row, from EncodeRow's bytes; none when they are damaged or of another layout.
std::optional<TimeMs> StoredTimer(std::string_view bytes, const RowLayout& layout);
// Makes the row of `key` from EncodeRow's bytes; false as above.
bool DecodeRow(std::string_view bytes, uint64_t key_hash, std::string_view key, RowTable* table);

}  // namespace ebb
