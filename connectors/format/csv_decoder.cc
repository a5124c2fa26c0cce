// CSV: cells are found by their commas and quotes, those of used columns are converted, and the record counts only if
// it has as many cells as the header.
#include "connectors/format/csv_decoder.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "connectors/format/scalar.h"

namespace ebb {
namespace {

// Takes a record apart, cell by cell. Confined to its task's thread.
class CellReader {
 public:
  explicit CellReader(std::string_view record) : next_(record.data()), end_(record.data() + record.size()) {}

  // Reads the next cell; `*text` is valid until the next call. False when there is none, or, unless ended(), it is
  // malformed; nothing may be read after that.
  bool Next(std::string_view* text) {
    if (ended_) return false;
    if (next_ != end_ && *next_ == '"') {
      if (!Quoted(text)) return false;
    } else {
      const char* comma = FindComma(next_);
      *text = std::string_view(next_, static_cast<size_t>(comma - next_));
      next_ = comma;
    }
    ended_ = next_ == end_;
    if (!ended_) ++next_;
    return true;
  }
  bool ended() const { return ended_; }

 private:
  const char* FindComma(const char* p) const {
    for (; end_ - p >= 8; p += 8) {
      uint64_t chunk;
      std::memcpy(&chunk, p, 8);
      chunk ^= 0x2C2C2C2C2C2C2C2Cu;  // commas become zero bytes; the lowest set mark is exact
      const uint64_t zero = (chunk - 0x0101010101010101u) & ~chunk & 0x8080808080808080u;
      if (zero != 0) return p + (__builtin_ctzll(zero) >> 3);
    }
    while (p != end_ && *p != ',') ++p;
    return p;
  }

  bool Quoted(std::string_view* text) {
    const char* begin = ++next_;
    bool doubled = false;
    while (true) {
      next_ = static_cast<const char*>(std::memchr(next_, '"', static_cast<size_t>(end_ - next_)));
      if (next_ == nullptr) {
        next_ = end_;
        return false;
      }
      if (next_ + 1 == end_ || next_[1] != '"') break;
      doubled = true;
      next_ += 2;
    }
    *text = std::string_view(begin, static_cast<size_t>(next_ - begin));
    ++next_;
    if (next_ != end_ && *next_ != ',') return false;
    if (doubled) Undouble(text);
    return true;
  }

  void Undouble(std::string_view* text) {
    scratch_.clear();
    for (size_t i = 0; i < text->size(); ++i) {
      scratch_.push_back((*text)[i]);
      if ((*text)[i] == '"') ++i;
    }
    *text = scratch_;
  }

  const char* next_;
  const char* end_;
  bool ended_ = false;
  std::string scratch_;
};

// Confined to its task's thread.
class CsvDecoder final : public FormatDecoder {
 public:
  CsvDecoder(const SourceSchema& schema, std::vector<std::vector<Target>> columns)
      : rules_(schema), key_is_int_(schema.key_is_int), columns_(std::move(columns)) {}

  Reason Decode(std::string_view bytes, RecordBuilder* out) override;
  Reason DecodeTombstone(std::string_view key, RecordBuilder* out) override { return rules_.Tombstone(key, out); }
  std::string_view time_text() const override { return time_text_; }

 private:
  void Store(const Target& target, std::string_view cell, RecordBuilder* out);

  // Constant.
  const RecordRules rules_;
  const bool key_is_int_;
  const std::vector<std::vector<Target>> columns_;
  // Of the record at hand.
  Faults faults_;
  std::string_view time_text_;
};

Reason CsvDecoder::Decode(std::string_view bytes, RecordBuilder* out) {
  out->Reset(rules_.slot_count());
  time_text_ = {};
  faults_ = Faults();
  if (bytes.size() > static_cast<size_t>(kMaxRecordBytes)) return Reason::kTooLarge;
  if (bytes.find_first_not_of(" \t\r\n") == std::string_view::npos) return Reason::kNullValue;
  if (std::memchr(bytes.data(), '\0', bytes.size()) != nullptr ||
      !simdjson::validate_utf8(bytes.data(), bytes.size())) {
    return Reason::kEncoding;
  }
  CellReader cells(bytes);
  std::string_view cell;
  for (const std::vector<Target>& targets : columns_) {
    if (!cells.Next(&cell)) return Reason::kCsvSyntax;
    for (const Target& target : targets) Store(target, cell, out);
  }
  if (!cells.ended()) return Reason::kCsvSyntax;
  return rules_.Finish(faults_, out);
}

void CsvDecoder::Store(const Target& target, std::string_view cell, RecordBuilder* out) {
  const bool text = target.kind != Target::Kind::kKey && target.type == FieldType::kString;
  if (!text) cell = Trim(cell);
  if (cell.empty()) {
    if (target.kind == Target::Kind::kSlot) out->SetNull(target.slot);
    return;
  }
  if (target.kind == Target::Kind::kTime) {
    time_text_ = cell;
    faults_.Add(target.kind, TimeFromText(cell, target.unit, &out->time));
    return;
  }
  if (target.kind == Target::Kind::kKey) {
    faults_.Add(target.kind, TakeKey(cell, key_is_int_, out));
    return;
  }
  int64_t value = 0;
  Reason reason = Reason::kNone;
  switch (target.type) {
    case FieldType::kInt:
      reason = IntFromText(cell, &value);
      break;
    case FieldType::kDecimal:
      reason = DecimalFromText(cell, target.decimals, &value);
      break;
    case FieldType::kBool:
      reason = BoolFromText(cell, &value);
      break;
    case FieldType::kString:
      value = HashText(cell);
      break;
    case FieldType::kTime:
      reason = FieldTimeFromText(cell, target.unit, &value);
      break;
  }
  if (reason == Reason::kNone) out->SetSlot(target.slot, value);
  faults_.Add(target.kind, reason);
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j < row.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

// "field 'amount'", "the key", "the time": whose column a target's is.
std::string UserOf(const SourceSchema& schema, const Target& target) {
  if (target.kind == Target::Kind::kKey) return "the key";
  if (target.kind == Target::Kind::kTime) return "the time";
  return fmt::format("field '{}'", schema.fields[static_cast<size_t>(target.slot)].name);
}

absl::Status UnknownColumn(const SourceSchema& schema, const Use& use, const std::vector<std::string>& names) {
  constexpr size_t kMaxComparedBytes = 64;
  constexpr size_t kMaxNamesShown = 40;
  size_t best = std::max<size_t>(2, use.path.size() / 3) + 1;
  std::string nearest;
  for (const std::string& name : names) {
    if (name.size() > kMaxComparedBytes || use.path.size() > kMaxComparedBytes) continue;
    const size_t distance = EditDistance(use.path, name);
    if (distance >= best || distance >= use.path.size()) continue;
    best = distance;
    nearest = fmt::format("; did you mean '{}'?", name);
  }
  std::string known;
  for (size_t i = 0; i < names.size() && i < kMaxNamesShown; ++i) {
    known += fmt::format("{}{}", i == 0 ? "" : ", ", names[i]);
  }
  if (names.size() > kMaxNamesShown) known += fmt::format(" and {} more", names.size() - kMaxNamesShown);
  return absl::InvalidArgumentError(
      fmt::format("source '{}': {} is read from column '{}', which is not there{} Columns: {}", schema.name,
                  UserOf(schema, use.target), use.path, nearest.empty() ? "." : nearest, known));
}

absl::StatusOr<std::vector<std::string>> ReadHeader(std::string_view header_line) {
  if (Trim(header_line).empty())
    return absl::InvalidArgumentError("the first line should name the columns, but it is blank");
  const size_t bad_byte = header_line.find('\0');
  if (bad_byte != std::string_view::npos || !simdjson::validate_utf8(header_line.data(), header_line.size())) {
    return absl::InvalidArgumentError("the header line is not UTF-8 text");
  }
  std::vector<std::string> names;
  CellReader cells(header_line);
  std::string_view cell;
  while (cells.Next(&cell)) {
    if (names.size() == static_cast<size_t>(kMaxRecordFields)) {
      return absl::InvalidArgumentError(fmt::format("the header has more than {} columns", kMaxRecordFields));
    }
    names.emplace_back(Trim(cell));
  }
  if (!cells.ended()) return absl::InvalidArgumentError("the header line has an unbalanced quote");
  return names;
}

}  // namespace

absl::StatusOr<std::unique_ptr<FormatDecoder>> NewCsvDecoder(const SourceSchema& schema, std::string_view header_line) {
  absl::StatusOr<std::vector<std::string>> names = ReadHeader(header_line);
  if (!names.ok()) return names.status();
  std::vector<std::vector<Target>> columns(names->size());
  for (const Use& use : SchemaUses(schema)) {
    const auto found = std::find(names->begin(), names->end(), use.path);
    if (found == names->end()) return UnknownColumn(schema, use, *names);
    if (std::find(found + 1, names->end(), use.path) != names->end()) {
      return absl::InvalidArgumentError(
          fmt::format("source '{}': {} is read from column '{}', which the header has twice", schema.name,
                      UserOf(schema, use.target), use.path));
    }
    columns[static_cast<size_t>(found - names->begin())].push_back(use.target);
  }
  return std::make_unique<CsvDecoder>(schema, std::move(columns));
}

std::string CsvHeaderOf(const SourceSchema& schema) {
  std::vector<std::string> names;
  for (const Use& use : SchemaUses(schema)) {
    std::string name(Trim(use.path));
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(std::move(name));
  }
  std::string header;
  for (const std::string& name : names) {
    header += header.empty() ? "\"" : ",\"";
    for (const char c : name) header.append(c == '"' ? 2 : 1, c);
    header += '"';
  }
  return header;
}

std::optional<std::vector<std::string>> CsvCells(std::string_view record) {
  std::vector<std::string> cells;
  CellReader reader(record);
  std::string_view cell;
  while (reader.Next(&cell)) cells.emplace_back(cell);
  if (!reader.ended()) return std::nullopt;
  return cells;
}

}  // namespace ebb
