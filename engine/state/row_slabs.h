// Memory for rows: slabs of 2 MiB, cut into blocks of size classes an eighth apart. A slab can be emptied and used
// again as a whole, so that rows which come and go in other sizes never leave memory that nobody can use.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "absl/container/flat_hash_set.h"

namespace ebb {

struct Row;

// Confined to its task's thread.
class RowSlabs {
 public:
  static constexpr size_t kSlabBytes = size_t{2} << 20;
  static constexpr size_t kLargestWords = 65535;
  using Slab = const char*;

  RowSlabs();
  ~RowSlabs();
  RowSlabs(const RowSlabs&) = delete;
  RowSlabs& operator=(const RowSlabs&) = delete;

  // Room for a row of so many words; sets its `words` to those that it has got, and nothing else.
  Row* Allocate(size_t words);
  void Release(Row* row);

  static Slab SlabOf(const Row* row) {
    return reinterpret_cast<Slab>(reinterpret_cast<size_t>(row) & ~(kSlabBytes - 1));
  }
  // Begins to empty the oldest slabs, until `enough(slab)`, asked of each in turn, says that no more are needed. Blocks
  // of them are no longer given out. The caller takes its rows elsewhere, then
  // calls Reuse.
  absl::flat_hash_set<Slab> BeginToEmpty(const std::function<bool(Slab)>& enough);
  void Reuse(const absl::flat_hash_set<Slab>& emptied);

  // Of the slabs in use, with what they keep for later.
  size_t bytes() const { return slabs_.size() * kSlabBytes; }

 private:
  size_t WordsOf(size_t size_class) const { return (8 + size_class % 8) << (1 + size_class / 8); }
  size_t ClassOf(size_t words) const;
  void NewSlab();

  std::vector<char*> slabs_;  // the oldest first; the last is being filled
  std::vector<char*> spare_;
  std::vector<Row*> free_;  // by size class, chained through same_hash
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace ebb
