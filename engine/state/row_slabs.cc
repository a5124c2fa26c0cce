// Free blocks are chained by size class; slabs that were emptied wait to be filled again.
#include "engine/state/row_slabs.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>

#include "engine/base/check.h"
#include "engine/state/row.h"

namespace ebb {
namespace {

char* Map(size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  EBB_CHECK(at != MAP_FAILED, "out of memory for rows");
  return static_cast<char*>(at);
}

// On a boundary of its own size. Straight from the system and back to it: the heap would keep the holes between slabs,
// and the advice to use huge pages with them.
char* MapSlab() {
  constexpr size_t kBytes = RowSlabs::kSlabBytes;
  char* const lucky = Map(kBytes);
  if (reinterpret_cast<size_t>(lucky) % kBytes == 0) return lucky;
  munmap(lucky, kBytes);
  char* const both = Map(2 * kBytes);
  const size_t over = reinterpret_cast<size_t>(both) % kBytes;
  char* const slab = both + (kBytes - over);
  munmap(both, kBytes - over);
  if (over > 0) munmap(slab + kBytes, over);
  return slab;
}

}  // namespace

RowSlabs::RowSlabs() : free_(ClassOf(kLargestWords) + 1, nullptr) {}

RowSlabs::~RowSlabs() {
  for (const std::vector<char*>* slabs : {&slabs_, &spare_}) {
    for (char* slab : *slabs) munmap(slab, kSlabBytes);
  }
}

// 16, 18, 20, ... 32, 36, 40, ... 64, 72, ... words, eight steps a doubling.
size_t RowSlabs::ClassOf(size_t words) const {
  words = std::max(words, size_t{16});
  const int shift = std::bit_width(words) - 4;  // words in [8, 16) << shift
  const size_t eighth = (words + (size_t{1} << shift) - 1) >> shift;
  return (shift - 1) * 8 + (eighth - 8);
}

Row* RowSlabs::Allocate(size_t words) {
  EBB_CHECK(words <= kLargestWords, "a row of {} bytes is larger than 512 KiB", words * 8);
  const size_t size_class = ClassOf(words);
  const size_t class_words = WordsOf(size_class);
  Row* row = free_[size_class];
  if (row != nullptr) {
    free_[size_class] = row->same_hash;
  } else {
    if (static_cast<size_t>(end_ - at_) < class_words * 8) NewSlab();
    row = reinterpret_cast<Row*>(at_);
    at_ += class_words * 8;
  }
  row->words = static_cast<uint16_t>(std::min(class_words, kLargestWords));
  return row;
}

void RowSlabs::NewSlab() {
  if (!spare_.empty()) {
    slabs_.push_back(spare_.back());
    spare_.pop_back();
  } else {
    slabs_.push_back(MapSlab());
    // Fewer page-table walks; harmless where it is refused. Not the first one: a small table uses little of it.
    if (slabs_.size() > 1) madvise(slabs_.back(), kSlabBytes, MADV_HUGEPAGE);
  }
  at_ = slabs_.back();
  end_ = at_ + kSlabBytes;
}

void RowSlabs::Release(Row* row) {
  const size_t size_class = ClassOf(row->words);
  row->same_hash = free_[size_class];
  free_[size_class] = row;
}

absl::flat_hash_set<RowSlabs::Slab> RowSlabs::BeginToEmpty(const std::function<bool(Slab)>& enough) {
  absl::flat_hash_set<Slab> chosen;
  for (const char* slab : slabs_) {
    if (enough(slab)) break;
    chosen.insert(slab);
  }
  if (chosen.size() == slabs_.size()) at_ = end_ = nullptr;
  for (Row*& first : free_) {
    Row** link = &first;
    while (*link != nullptr) {
      if (chosen.contains(SlabOf(*link))) {
        *link = (*link)->same_hash;
      } else {
        link = &(*link)->same_hash;
      }
    }
  }
  return chosen;
}

void RowSlabs::Reuse(const absl::flat_hash_set<Slab>& emptied) {
  const auto kept =
      std::stable_partition(slabs_.begin(), slabs_.end(), [&](const char* slab) { return !emptied.contains(slab); });
  spare_.insert(spare_.end(), kept, slabs_.end());
  slabs_.erase(kept, slabs_.end());
}

}  // namespace ebb
