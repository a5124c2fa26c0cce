// Rows as bytes: the words of the row, zigzag-coded so that small negative numbers are short too, each as its
// significant bytes behind a table of lengths (half a byte a word). Typical rows shrink to a third.
#include <bit>
#include <vector>

#include "engine/state/row.h"

namespace ebb {
namespace {

constexpr int kMaxWords = 200000;

uint64_t ZigZag(int64_t value) { return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63); }
int64_t UnZigZag(uint64_t value) { return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1); }

// Reads the words back; every step is checked against the end.
class WordReader {
 public:
  explicit WordReader(std::string_view bytes) {
    if (bytes.size() < 4) return;
    std::memcpy(&count_, bytes.data(), 4);
    size_t table_bytes = (size_t{count_} + 1) / 2;
    if (count_ > kMaxWords || bytes.size() < 4 + table_bytes) {
      count_ = 0;
      return;
    }
    table_ = bytes.substr(4, table_bytes);
    payload_ = bytes.substr(4 + table_bytes);
    ok_ = true;
  }

  int64_t Next() {
    if (!ok_ || at_ == count_) {
      ok_ = false;
      return 0;
    }
    auto pair = static_cast<uint8_t>(table_[at_ / 2]);
    size_t length = at_ % 2 == 0 ? pair & 15 : pair >> 4;
    ++at_;
    if (length > 8 || length > payload_.size()) {
      ok_ = false;
      return 0;
    }
    uint64_t value = 0;
    std::memcpy(&value, payload_.data(), length);
    payload_.remove_prefix(length);
    return UnZigZag(value);
  }
  bool ok() const { return ok_; }
  bool finished() const { return ok_ && at_ == count_ && payload_.empty(); }

 private:
  uint32_t count_ = 0;
  uint32_t at_ = 0;
  bool ok_ = false;
  std::string_view table_;
  std::string_view payload_;
};

// Appends words to a buffer with room for all of them.
class WordWriter {
 public:
  WordWriter(char* table, char* payload) : table_(table), payload_(payload), start_(payload) {}

  void Put(int64_t word) {
    uint64_t value = ZigZag(word);
    int length = (std::bit_width(value) + 7) / 8;
    if (at_ % 2 == 0) {
      table_[at_ / 2] = static_cast<char>(length);
    } else {
      table_[at_ / 2] = static_cast<char>(table_[at_ / 2] | length << 4);
    }
    ++at_;
    std::memcpy(payload_, &value, 8);
    payload_ += length;
  }
  void Put(const int64_t* words, int count) {
    for (int i = 0; i < count; ++i) Put(words[i]);
  }
  uint32_t count() const { return at_; }
  size_t payload_bytes() const { return payload_ - start_; }

 private:
  char* table_;
  char* payload_;
  char* start_;
  uint32_t at_ = 0;
};

size_t EncodedWords(RowRef row) {
  const RowLayout& layout = row.layout();
  size_t words = 3 + layout.cells;
  for (size_t i = 0; i < layout.sections.size(); ++i) {
    words += 1 + static_cast<size_t>(row.count(static_cast<int>(i))) * layout.sections[i].words;
  }
  return words;
}

}  // namespace

// A count, the table of lengths, the words, and eight bytes that a Put may write beyond the last.
size_t MostEncodedBytes(RowRef row) {
  const size_t words = EncodedWords(row);
  return 4 + (words + 1) / 2 + words * 8 + 8;
}

void EncodeRow(RowRef row, std::string* out) {
  static_assert(std::endian::native == std::endian::little, "the state's format is little-endian");
  const RowLayout& layout = row.layout();
  const size_t table_bytes = (EncodedWords(row) + 1) / 2;
  const size_t start = out->size();
  out->resize(start + MostEncodedBytes(row));
  char* base = out->data() + start;
  WordWriter writer(base + 4, base + 4 + table_bytes);
  writer.Put(static_cast<int64_t>(layout.id));
  writer.Put(row->time);
  writer.Put(row->next_timer == kAfterTime ? 0 : row->next_timer);
  writer.Put(row.cells(), layout.cells);
  for (size_t i = 0; i < layout.sections.size(); ++i) {
    const int section = static_cast<int>(i);
    writer.Put(row.count(section));
    for (int n = 0; n < row.count(section); ++n) writer.Put(row.entry(section, n), layout.sections[i].words);
  }
  uint32_t count = writer.count();
  std::memcpy(base, &count, 4);
  out->resize(start + 4 + table_bytes + writer.payload_bytes());
}

bool DecodeRow(std::string_view bytes, uint64_t key_hash, std::string_view key, RowTable* table) {
  const RowLayout& layout = table->layout();
  WordReader reader(bytes);
  if (static_cast<uint64_t>(reader.Next()) != layout.id || !reader.ok()) return false;
  RowRef row = table->FindOrCreate(key_hash, key);
  row->time = reader.Next();
  TimeMs timer = reader.Next();
  row->next_timer = timer == 0 ? kAfterTime : timer;
  for (int i = 0; i < layout.cells; ++i) row.cells()[i] = reader.Next();
  for (size_t i = 0; i < layout.sections.size(); ++i) {
    int64_t count = reader.Next();
    if (!reader.ok() || count < 0 || count > layout.sections[i].max_entries) return false;
    for (int64_t n = 0; n < count; ++n) {
      int64_t* entry = row.PushBack(static_cast<int>(i));
      for (int w = 0; w < layout.sections[i].words; ++w) entry[w] = reader.Next();
    }
  }
  return reader.finished();
}

}  // namespace ebb
