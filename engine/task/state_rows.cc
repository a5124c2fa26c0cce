// Collecting, encoding, writing.
#include "engine/task/state_rows.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <fmt/format.h>

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

absl::Status UnreadableRow(std::string_view key, size_t bytes) {
  return absl::DataLossError(fmt::format("the stored row of customer '{}' can't be read ({} bytes)", key, bytes));
}

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

EncodedRows EncodeChangedRows(RowTable* table) {
  std::vector<RowRef> changed;
  for (uint32_t index : table->changed()) changed.push_back(table->at(index));
  EncodedRows encoded;
  encoded.rows.reserve(changed.size());
  std::vector<std::string>& blocks = encoded.blocks;  // a block never grows, so the bytes in it don't move
  for (const RowRef& row : InKeyOrder(std::move(changed))) {
    const size_t most = MostEncodedBytes(row);
    if (blocks.empty() || blocks.back().capacity() - blocks.back().size() < most) {
      blocks.emplace_back().reserve(std::max(kEncodeBlockBytes, most));
    }
    std::string& block = blocks.back();
    const size_t start = block.size();
    EncodeRow(row, &block);
    encoded.rows.emplace_back(row.key(), std::string_view(block).substr(start));
  }
  return encoded;
}

absl::Status WriteState(const std::vector<const EncodedRows*>& tables, const Progress& progress, StateStore* store) {
  StateBatch batch;
  for (const EncodedRows* table : tables) {
    const auto middle = static_cast<ptrdiff_t>(batch.rows.size());
    batch.rows.insert(batch.rows.end(), table->rows.begin(), table->rows.end());
    const auto by_key = [](const auto& a, const auto& b) { return a.first < b.first; };
    std::inplace_merge(batch.rows.begin(), batch.rows.begin() + middle, batch.rows.end(), by_key);
  }
  batch.progress = EncodeProgress(progress);
  return store->Commit(batch);
}

absl::Status ThawRows(const std::vector<uint32_t>& indexes, StateStore* store, RowTable* table) {
  std::vector<std::string_view> keys;
  for (uint32_t index : indexes) keys.push_back(table->at(index).key());
  EBB_ASSIGN_OR_RETURN(const std::vector<std::string> stored, store->ReadRows(keys));
  for (size_t i = 0; i < indexes.size(); ++i) {
    if (!table->at(indexes[i]).cold()) continue;
    if (!table->Thaw(table->at(indexes[i]), stored[i])) {
      return UnreadableRow(table->at(indexes[i]).key(), stored[i].size());
    }
  }
  return absl::OkStatus();
}

namespace {

// Of the rows from `begin` on, some at once: what the store has of the cold ones.
absl::StatusOr<std::vector<std::string>> ReadCold(const std::vector<RowRef>& rows, size_t begin, size_t end,
                                                  StateStore* store) {
  std::vector<std::string_view> keys;
  for (size_t i = begin; i < end; ++i) {
    if (rows[i].cold()) keys.push_back(rows[i].key());
  }
  if (keys.empty()) return std::vector<std::string>();
  return store->ReadRows(keys);
}

// For each row either itself, or the bytes of a cold one.
absl::Status Walk(const std::vector<RowRef>& rows, StateStore* store,
                  const std::function<absl::Status(RowRef row, const std::string* stored)>& visit) {
  constexpr size_t kAtOnce = 256;
  for (size_t begin = 0; begin < rows.size(); begin += kAtOnce) {
    const size_t end = std::min(rows.size(), begin + kAtOnce);
    EBB_ASSIGN_OR_RETURN(const std::vector<std::string> stored, ReadCold(rows, begin, end, store));
    size_t next = 0;
    for (size_t i = begin; i < end; ++i) {
      EBB_RETURN_IF_ERROR(visit(rows[i], rows[i].cold() ? &stored[next++] : nullptr));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status VisitRows(const std::vector<RowRef>& rows, StateStore* store, const std::function<void(RowRef)>& visit) {
  std::optional<RowTable> copy;
  return Walk(rows, store, [&](RowRef row, const std::string* stored) {
    if (stored == nullptr) {
      visit(row);
      return absl::OkStatus();
    }
    if (!copy) copy.emplace(row.layout());
    copy->Clear();
    if (!DecodeRow(*stored, row->key_hash, row.key(), &*copy)) return UnreadableRow(row.key(), stored->size());
    visit(copy->at(0));
    return absl::OkStatus();
  });
}

absl::StatusOr<uint64_t> DigestRows(const std::vector<RowRef>& rows, StateStore* store) {
  uint64_t digest = 0;
  std::string bytes;
  EBB_RETURN_IF_ERROR(Walk(rows, store, [&](RowRef row, const std::string* stored) {
    bytes.clear();
    if (stored == nullptr) EncodeRow(row, &bytes);
    digest = StateDigestStep(digest, row.key(), stored == nullptr ? bytes : *stored);
    return absl::OkStatus();
  }));
  return digest;
}

}  // namespace ebb
