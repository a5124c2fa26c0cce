// A row that grows moves to the next block that fits.
#include "engine/state/row.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/stream/record.h"

namespace ebb {
namespace {

constexpr int kMostPrefetchedBytes = 2048;

size_t KeyWords(size_t key_bytes) { return (key_bytes + 7) / 8; }

}  // namespace

int RowLayoutBuilder::AddCells(std::string_view name, int count) {
  layout_.id = layout_.id * 0x9E3779B97F4A7C15ull + static_cast<uint64_t>(HashText(name)) + count;
  layout_.cells += count;
  return layout_.cells - count;
}

int RowLayoutBuilder::AddSection(std::string_view name, int words, int max_entries) {
  EBB_CHECK(words > 0 && words < 1000 && max_entries > 0 && max_entries <= kMaxEntries);
  layout_.id = layout_.id * 0x9E3779B97F4A7C15ull + static_cast<uint64_t>(HashText(name)) * 31 + words;
  layout_.sections.push_back({static_cast<uint16_t>(words), static_cast<uint16_t>(max_entries)});
  return static_cast<int>(layout_.sections.size()) - 1;
}

int64_t* RowRef::Insert(int section, int i) {
  PushBack(section);
  for (int at = count(section) - 1; at > i; --at) Move(section, at - 1, at);
  int64_t* fresh = entry(section, i);
  std::fill_n(fresh, words(section), 0);
  return fresh;
}

void RowRef::Move(int section, int from, int to) {
  std::memcpy(entry(section, to), entry(section, from), table_->layout_.sections[section].words * sizeof(int64_t));
}

// The gap is closed from the side where fewer entries lie.
void RowRef::Erase(int section, int i, int number) {
  SectionRef& ref = directory()[section];
  const int behind = ref.count - i - number;
  if (behind <= i) {
    for (int at = i; at < i + behind; ++at) Move(section, at + number, at);
  } else {
    for (int at = i; at-- > 0;) Move(section, at, at + number);
    ref.head = static_cast<uint16_t>((ref.head + number) % ref.capacity);
  }
  ref.count = static_cast<uint16_t>(ref.count - number);
  if (ref.count == 0) ref.head = 0;
}

RowTable::RowTable(const RowLayout& layout)
    : layout_(layout),
      header_words_(static_cast<int>((sizeof(Row) + layout.sections.size() * sizeof(SectionRef)) / 8)),
      fixed_bytes_(std::min((header_words_ + layout.cells + 2) * 8, kMostPrefetchedBytes)) {}

RowTable::~RowTable() = default;

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
  Row* row = slabs_.Allocate(words);
  uint16_t allocated = row->words;
  std::memset(static_cast<void*>(row), 0, words * 8);
  Row*& first = index_[hash];
  row->key_hash = hash;
  row->same_hash = first;
  row->time = kBeforeTime;
  row->next_timer = kAfterTime;
  row->queued_timer = kAfterTime;
  row->index = static_cast<uint32_t>(unused_.empty() ? rows_.size() : unused_.back());
  row->words = allocated;
  row->key_bytes = static_cast<uint16_t>(key.size());
  first = row;
  if (unused_.empty()) {
    rows_.push_back(row);
  } else {
    rows_[row->index] = row;
    unused_.pop_back();
  }
  RowRef ref(this, row);
  std::memcpy(const_cast<char*>(ref.key().data()), key.data(), key.size());
  return ref;
}

void RowTable::Clear() {
  for (Row* row : rows_) {
    if (row != nullptr) slabs_.Release(row);
  }
  rows_.clear();
  unused_.clear();
  index_.clear();
  changed_.clear();
  changed_bytes_ = 0;
}

RowRef RowTable::HoldCopy(RowRef row) {
  Clear();
  Row* copy = slabs_.Allocate(row->words);
  const uint16_t allocated = copy->words;
  std::memcpy(static_cast<void*>(copy), &*row, row->words * size_t{8});
  copy->words = allocated;
  copy->same_hash = nullptr;
  copy->index = 0;
  copy->changed = false;
  rows_.push_back(copy);
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
  Row* row = slabs_.Allocate(words);
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
  if (row->changed) changed_bytes_ += (row->words - old->words) * size_t{8};
  Relink(old, row);
  slabs_.Release(old);
  return row;
}

void RowTable::Relink(const Row* old, Row* row) {
  rows_[row->index] = row;
  Row** link = &index_[row->key_hash];
  while (*link != old) link = &(*link)->same_hash;
  *link = row;
}

void RowTable::ClearChanged() {
  for (uint32_t index : changed_) rows_[index]->changed = false;
  changed_.clear();
  changed_bytes_ = 0;
}

void RowTable::Forget(const Row* row) {
  EBB_CHECK(!row->changed, "the row of '{}' is changed", RowRef(this, const_cast<Row*>(row)).key());
  const auto first = index_.find(row->key_hash);
  Row** link = &first->second;
  while (*link != row) link = &(*link)->same_hash;
  *link = row->same_hash;
  if (first->second == nullptr) index_.erase(first);
  rows_[row->index] = nullptr;
  unused_.push_back(row->index);
}

void RowTable::MoveToNewerSlab(Row* row) {
  Row* const copy = slabs_.Allocate(row->words);
  const uint16_t allocated = copy->words;
  std::memcpy(static_cast<void*>(copy), row, row->words * size_t{8});
  copy->words = allocated;
  copy->recent = false;
  Relink(row, copy);
}

// The oldest slabs are emptied. Of their rows those that were touched since the last time are carried over into newer
// slabs, as far as a quarter of what is to be freed, or of what stays, so that what is used often stays.
void RowTable::Shrink(size_t most, const std::function<void(RowRef)>& leaves) {
  EBB_CHECK(changed_.empty(), "rows are changed");
  if (slabs_.bytes() <= most) return;
  const size_t excess = slabs_.bytes() - most;
  size_t to_carry = std::min(excess, most) / 4, chosen_bytes = 0;
  const auto chosen = slabs_.BeginToEmpty([&](RowSlabs::Slab) {
    const bool enough = chosen_bytes >= excess + to_carry;
    chosen_bytes += RowSlabs::kSlabBytes;
    return enough;
  });
  for (Row* row : rows_) {
    if (row == nullptr || !chosen.contains(RowSlabs::SlabOf(row))) continue;
    const size_t bytes = row->words * size_t{8};
    if (row->recent && bytes <= to_carry) {
      to_carry -= bytes;
      MoveToNewerSlab(row);
    } else {
      leaves(RowRef(this, row));
      Forget(row);
    }
  }
  slabs_.Reuse(chosen);
}

}  // namespace ebb
