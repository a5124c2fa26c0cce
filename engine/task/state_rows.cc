// Collecting, encoding, writing.
#include "engine/task/state_rows.h"

#include <algorithm>
#include <cstring>

#include "engine/base/status_macros.h"

namespace ebb {
namespace {

constexpr size_t kEncodeBlockBytes = size_t{1} << 20;

// The first eight bytes as a number that compares as they do; a shorter key is filled up with zero bytes.
uint64_t KeyPrefix(std::string_view key) {
  uint64_t prefix = 0;
  std::memcpy(&prefix, key.data(), std::min(key.size(), sizeof(prefix)));
  return __builtin_bswap64(prefix);
}

std::vector<RowRef> InKeyOrder(std::vector<RowRef> rows) {
  struct Place {
    uint64_t prefix;  // the key's first eight bytes: most comparisons end there, without touching a row
    RowRef row;
  };
  std::vector<Place> places;
  places.reserve(rows.size());
  for (const RowRef& row : rows) places.push_back({KeyPrefix(row.key()), row});
  std::sort(places.begin(), places.end(), [](const Place& a, const Place& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : a.row.key() < b.row.key();
  });
  rows.clear();
  for (const Place& place : places) rows.push_back(place.row);
  return rows;
}

}  // namespace

absl::StatusOr<std::optional<Progress>> ReadProgress(StateStore* store) {
  EBB_ASSIGN_OR_RETURN(std::string text, store->ReadProgress());
  if (text.empty()) return std::optional<Progress>();
  EBB_ASSIGN_OR_RETURN(Progress progress, DecodeProgress(text));
  return std::optional<Progress>(std::move(progress));
}

std::vector<RowRef> RowsInKeyOrder(const std::vector<RowTable*>& tables) {
  std::vector<RowRef> rows;
  for (RowTable* table : tables) {
    for (uint32_t index = 0; index < table->size(); ++index) rows.push_back(table->at(index));
  }
  return InKeyOrder(std::move(rows));
}

std::vector<RowRef> ChangedRowsInKeyOrder(const std::vector<RowTable*>& tables) {
  std::vector<RowRef> rows;
  for (RowTable* table : tables) {
    for (uint32_t index : table->changed()) rows.push_back(table->at(index));
  }
  return InKeyOrder(std::move(rows));
}

absl::Status WriteState(const std::vector<RowRef>& rows, const Progress& progress, StateStore* store) {
  StateBatch batch;
  std::vector<std::string> blocks;  // encoded rows lie in blocks that don't move
  for (const RowRef& row : rows) {
    const size_t most = MostEncodedBytes(row);
    if (blocks.empty() || blocks.back().capacity() - blocks.back().size() < most) {
      blocks.emplace_back().reserve(std::max(kEncodeBlockBytes, most));
    }
    std::string& block = blocks.back();
    const size_t start = block.size();
    EncodeRow(row, &block);
    batch.rows.emplace_back(row.key(), std::string_view(block).substr(start));
  }
  batch.progress = EncodeProgress(progress);
  return store->Commit(batch);
}

uint64_t DigestRows(const std::vector<RowRef>& rows) {
  uint64_t digest = 0;
  std::string bytes;
  for (const RowRef& row : rows) {
    bytes.clear();
    EncodeRow(row, &bytes);
    digest = StateDigestStep(digest, row.key(), bytes);
  }
  return digest;
}

}  // namespace ebb
