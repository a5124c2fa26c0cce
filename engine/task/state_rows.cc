// Collecting, encoding, writing.
#include "engine/task/state_rows.h"

#include <algorithm>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "engine/base/status_macros.h"
#include "engine/stream/record.h"

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

std::vector<RowRef> RowsInKeyOrder(const std::vector<RowTable*>& tables) {
  std::vector<RowRef> rows;
  for (RowTable* table : tables) {
    for (uint32_t index = 0; index < table->slots(); ++index) {
      if (const RowRef row = table->at(index); row.valid()) rows.push_back(row);
    }
  }
  return InKeyOrder(std::move(rows));
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

namespace {

// Shows each row: itself, or the key and the bytes of one that is only in the store.
absl::Status Walk(const std::vector<RowTable*>& tables, size_t away, StateStore* store,
                  const std::function<void(RowRef)>& here,
                  const std::function<absl::Status(std::string_view key, std::string_view stored)>& there) {
  const std::vector<RowRef> rows = RowsInKeyOrder(tables);
  auto next = rows.begin();
  if (away > 0) {
    EBB_RETURN_IF_ERROR(store->ScanRows([&](std::string_view key, std::string_view stored) -> absl::Status {
      while (next != rows.end() && next->key() < key) here(*next++);
      if (next != rows.end() && next->key() == key) {
        here(*next++);
        return absl::OkStatus();
      }
      if (away-- == 0) return absl::DataLossError("the state holds more customers than it should");
      return there(key, stored);
    }));
    if (away > 0) return absl::DataLossError(fmt::format("the state has lost {} customers", away));
  }
  while (next != rows.end()) here(*next++);
  return absl::OkStatus();
}

}  // namespace

absl::Status VisitRows(const std::vector<RowTable*>& tables, size_t away, StateStore* store,
                       const std::function<void(RowRef)>& visit) {
  std::optional<RowTable> copy;
  return Walk(tables, away, store, visit, [&](std::string_view key, std::string_view stored) {
    if (!copy) copy.emplace(tables.front()->layout());
    copy->Clear();
    if (!DecodeRow(stored, HashKey(key), key, &*copy)) return UnreadableRow(key, stored.size());
    visit(copy->at(0));
    return absl::OkStatus();
  });
}

absl::StatusOr<uint64_t> DigestRows(const std::vector<RowTable*>& tables, size_t away, StateStore* store) {
  uint64_t digest = 0;
  std::string bytes;
  const auto here = [&](RowRef row) {
    bytes.clear();
    EncodeRow(row, &bytes);
    digest = StateDigestStep(digest, row.key(), bytes);
  };
  EBB_RETURN_IF_ERROR(Walk(tables, away, store, here, [&](std::string_view key, std::string_view stored) {
    digest = StateDigestStep(digest, key, stored);
    return absl::OkStatus();
  }));
  return digest;
}

}  // namespace ebb
