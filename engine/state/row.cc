// Rows live in slabs of 2 MiB, in size classes an eighth apart; a row that grows moves to the next class that fits.
#include "engine/state/row.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <utility>

#include "engine/stream/record.h"

namespace ebb {
namespace {

constexpr size_t kSlabBytes = size_t{2} << 20;
constexpr size_t kSmallestWords = 16;
constexpr size_t kLargestWords = 65535;
constexpr int kMostPrefetchedBytes = 2048;

// Size classes: 16, 18, 20, ... 32, 36, 40, ... 64, 72, ... words: eight steps a doubling.
size_t ClassWords(size_t size_class) { return (8 + size_class % 8) << (1 + size_class / 8); }

size_t ClassOf(size_t words) {
  words = std::max(words, kSmallestWords);
  int shift = std::bit_width(words) - 4;  // words in [8, 16) << shift
  size_t eighth = (words + (size_t{1} << shift) - 1) >> shift;
  return (shift - 1) * 8 + (eighth - 8);
}

size_t KeyWords(size_t key_bytes) { return (key_bytes + 7) / 8; }

}  // namespace

int RowLayoutBuilder::AddCells(std::string_view name, int count) {
  layout_.id = layout_.id * 0x9E3779B97F4A7C15ull + static_cast<uint64_t>(HashText(name)) + count;
  layout_.cells += count;
  return layout_.cells - count;
}

int RowLayoutBuilder::AddSection(std::string_view name, int words, int max_entries) {
  EBB_CHECK(words > 0 && words < 1000 && max_entries > 0 && max_entries <= 20000);
  layout_.id = layout_.id * 0x9E3779B97F4A7C15ull + static_cast<uint64_t>(HashText(name)) * 31 + words;
  layout_.sections.push_back({static_cast<uint16_t>(words), static_cast<uint16_t>(max_entries)});
  return static_cast<int>(layout_.sections.size()) - 1;
}

int64_t* RowRef::Insert(int section, int i) {
  PushBack(section);
  const size_t bytes = table_->layout_.sections[section].words * sizeof(int64_t);
  for (int at = count(section) - 1; at > i; --at) std::memcpy(entry(section, at), entry(section, at - 1), bytes);
  int64_t* words = entry(section, i);
  std::memset(words, 0, bytes);
  return words;
}

void RowRef::Erase(int section, int i) {
  const size_t bytes = table_->layout_.sections[section].words * sizeof(int64_t);
  for (int at = i; at + 1 < count(section); ++at) std::memcpy(entry(section, at), entry(section, at + 1), bytes);
  SectionRef& ref = directory()[section];
  if (--ref.count == 0) ref.head = 0;
}

RowTable::RowTable(const RowLayout& layout)
    : layout_(layout),
      header_words_(static_cast<int>((sizeof(Row) + layout.sections.size() * sizeof(SectionRef)) / 8)),
      fixed_bytes_(std::min((header_words_ + layout.cells + 2) * 8, kMostPrefetchedBytes)),
      free_(ClassOf(kLargestWords) + 1, nullptr) {}

RowTable::~RowTable() {
  for (void* slab : slabs_) std::free(slab);
}

Row* RowTable::Allocate(size_t words) {
  EBB_CHECK(words <= kLargestWords, "a row of {} bytes is larger than 512 KiB", words * 8);
  size_t size_class = ClassOf(words);
  size_t class_words = ClassWords(size_t{size_class});
  Row* row = free_[size_class];
  if (row != nullptr) {
    free_[size_class] = row->same_hash;
  } else {
    size_t bytes = class_words * 8;
    if (static_cast<size_t>(slab_end_ - slab_at_) < bytes) {
      size_t slab_bytes = std::max(kSlabBytes, (bytes + kSlabBytes - 1) / kSlabBytes * kSlabBytes);
      void* slab = std::aligned_alloc(kSlabBytes, slab_bytes);
      EBB_CHECK(slab != nullptr, "out of memory for rows");
      madvise(slab, slab_bytes, MADV_HUGEPAGE);  // fewer page-table walks; harmless where it is refused
      slabs_.push_back(slab);
      slab_at_ = static_cast<char*>(slab);
      slab_end_ = slab_at_ + slab_bytes;
      allocated_bytes_ += slab_bytes;
    }
    row = reinterpret_cast<Row*>(slab_at_);
    slab_at_ += bytes;
  }
  row->words = static_cast<uint16_t>(std::min(class_words, kLargestWords));
  return row;
}

void RowTable::Release(Row* row) {
  size_t size_class = ClassOf(row->words);
  row->same_hash = free_[size_class];
  free_[size_class] = row;
}

RowRef RowTable::Find(uint64_t hash, std::string_view key) {
  auto it = index_.find(hash);
  for (Row* row = it == index_.end() ? nullptr : it->second; row != nullptr; row = row->same_hash) {
    RowRef ref(this, row);
    if (ref.key() == key) return ref;
  }
  return RowRef(this, nullptr);
}

RowRef RowTable::FindOrCreate(uint64_t hash, std::string_view key) {
  RowRef found = Find(hash, key);
  if (found.valid()) return found;
  size_t words = header_words_ + layout_.cells + KeyWords(key.size());
  Row* row = Allocate(words);
  uint16_t allocated = row->words;
  std::memset(static_cast<void*>(row), 0, words * 8);
  Row*& first = index_[hash];
  row->key_hash = hash;
  row->same_hash = first;
  row->time = kBeforeTime;
  row->next_timer = kAfterTime;
  row->queued_timer = kAfterTime;
  row->index = static_cast<uint32_t>(rows_.size());
  row->words = allocated;
  row->key_bytes = static_cast<uint16_t>(key.size());
  first = row;
  rows_.push_back(row);
  RowRef ref(this, row);
  std::memcpy(const_cast<char*>(ref.key().data()), key.data(), key.size());
  return ref;
}

RowRef RowTable::HoldCopy(RowRef row) {
  Row* copy = Allocate(row->words);
  const uint16_t allocated = copy->words;
  std::memcpy(static_cast<void*>(copy), &*row, row->words * size_t{8});
  copy->words = allocated;
  copy->same_hash = nullptr;
  copy->index = 0;
  copy->changed = false;
  if (rows_.empty()) {
    rows_.push_back(copy);
  } else {
    Release(std::exchange(rows_[0], copy));
  }
  index_.clear();
  index_[copy->key_hash] = copy;
  return RowRef(this, copy);
}

Row* RowTable::Grow(Row* old, int section) {
  const size_t section_count = layout_.sections.size();
  const auto* from = reinterpret_cast<const SectionRef*>(old + 1);
  const RowLayout::Section& growing = layout_.sections[section];
  EBB_CHECK(from[section].count < growing.max_entries, "section {} is full", section);
  const int capacity = std::min<int>(growing.max_entries, from[section].capacity + from[section].capacity / 2 + 2);

  const size_t fixed_words = header_words_ + layout_.cells + KeyWords(old->key_bytes);
  size_t words = fixed_words;
  for (size_t i = 0; i < section_count; ++i) {
    words += (static_cast<int>(i) == section ? capacity : from[i].capacity) * size_t{layout_.sections[i].words};
  }
  Row* row = Allocate(words);
  const uint16_t allocated = row->words;
  std::memcpy(static_cast<void*>(row), old, fixed_words * 8);
  row->words = allocated;

  auto* to = reinterpret_cast<SectionRef*>(row + 1);
  size_t offset = fixed_words;
  RowRef source(this, old);
  for (size_t i = 0; i < section_count; ++i) {
    const size_t entry_words = layout_.sections[i].words;
    to[i].offset = static_cast<uint16_t>(offset);
    to[i].head = 0;
    to[i].capacity = static_cast<int>(i) == section ? static_cast<uint16_t>(capacity) : from[i].capacity;
    int64_t* target = reinterpret_cast<int64_t*>(row) + offset;
    offset += to[i].capacity * entry_words;
    if (from[i].count == 0) continue;
    const RowRef::Pieces pieces = source.pieces(static_cast<int>(i));
    std::memcpy(target, pieces.older, pieces.older_count * entry_words * 8);
    if (pieces.newer_count > 0) {
      std::memcpy(target + pieces.older_count * entry_words, pieces.newer, pieces.newer_count * entry_words * 8);
    }
  }
  rows_[row->index] = row;
  if (row->changed) changed_bytes_ += (row->words - old->words) * size_t{8};
  Row** link = &index_[row->key_hash];
  while (*link != old) link = &(*link)->same_hash;
  *link = row;
  Release(old);
  return row;
}

void RowTable::ClearChanged() {
  for (uint32_t index : changed_) rows_[index]->changed = false;
  changed_.clear();
  changed_bytes_ = 0;
}

}  // namespace ebb
