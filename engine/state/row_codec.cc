// Rows as bytes: the words of the row, zigzag-coded so that small negative numbers are short too, each as its
// significant bytes behind a table of half bytes that says how. Words as large as times are written as distances: most
// times of a row lie near one another, and tiles begin at whole minutes. Typical rows shrink to a fifth.
//
// Code of a word:  0..8    that many bytes, the word
//                  9..11   0 to 2 bytes, its distance from the base in minutes
//                  12..15  1 to 4 bytes, its distance from the base
// The base is the last word before it that is as large as a time: in the same entry, or, for the first word of an
// entry, the first word of the entry before; at the beginning the row's time.
#include <bit>
#include <vector>

#include "engine/state/row.h"

namespace ebb {
namespace {

constexpr int kMaxWords = 200000;

constexpr int kMinuteCode = 9, kDistanceCode = 11;
constexpr int64_t kUnit = 60'000;

uint64_t ZigZag(int64_t value) { return (static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63); }
int64_t UnZigZag(uint64_t value) { return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1); }

int BytesOf(uint64_t value) { return (std::bit_width(value) + 7) / 8; }
int64_t Difference(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}

// What words are written as distances from.
class Base {
 public:
  int64_t word() const { return word_; }
  void Begin(int64_t word) { word_ = word; }
  // Takes the word if it is as large as a time: 5 or 6 bytes. Hashes and doubles are larger.
  void Pass(int64_t word) {
    const int bytes = BytesOf(ZigZag(word));
    if (bytes == 5 || bytes == 6) word_ = word;
  }

 private:
  int64_t word_ = 0;
};

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
    const int code = at_ % 2 == 0 ? pair & 15 : pair >> 4;
    ++at_;
    const size_t length = code > kDistanceCode ? code - kDistanceCode : code >= kMinuteCode ? code - kMinuteCode : code;
    if (length > payload_.size()) {
      ok_ = false;
      return 0;
    }
    uint64_t value = 0;
    std::memcpy(&value, payload_.data(), length);
    payload_.remove_prefix(length);
    const int64_t number = UnZigZag(value);
    if (code < kMinuteCode) {
      base.Pass(number);
      return number;
    }
    const uint64_t distance = static_cast<uint64_t>(number) * (code > kDistanceCode ? 1 : kUnit);
    const auto word = static_cast<int64_t>(static_cast<uint64_t>(base.word()) + distance);
    base.Pass(word);
    return word;
  }
  bool ok() const { return ok_; }
  bool finished() const { return ok_ && at_ == count_ && payload_.empty(); }

  Base base;

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
    const uint64_t value = ZigZag(word);
    const int length = BytesOf(value);
    if (length <= 4) {
      Write(length, value, length);
    } else {
      PutLarge(word, value, length);
    }
  }
  void Put(const int64_t* words, int count) {
    for (int i = 0; i < count; ++i) Put(words[i]);
  }
  uint32_t count() const { return at_; }
  size_t payload_bytes() const { return payload_ - start_; }

  Base base;

 private:
  void PutLarge(int64_t word, uint64_t value, int length) {
    const int64_t distance = Difference(word, base.word());
    const uint64_t exact = ZigZag(distance), minutes = ZigZag(distance / kUnit);
    base.Pass(word);
    if (distance % kUnit == 0 && BytesOf(minutes) <= 2) {
      Write(kMinuteCode + BytesOf(minutes), minutes, BytesOf(minutes));
    } else if (BytesOf(exact) <= 4) {
      Write(kDistanceCode + BytesOf(exact), exact, BytesOf(exact));
    } else {
      Write(length, value, length);
    }
  }

  void Write(int code, uint64_t value, int length) {
    if (at_ % 2 == 0) {
      table_[at_ / 2] = static_cast<char>(code);
    } else {
      table_[at_ / 2] = static_cast<char>(table_[at_ / 2] | code << 4);
    }
    ++at_;
    std::memcpy(payload_, &value, 8);
    payload_ += length;
  }

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
    writer.base.Begin(row->time);
    for (int n = 0; n < row.count(section); ++n) {
      const int64_t* entry = row.entry(section, n);
      writer.Put(entry, layout.sections[i].words);
      writer.base.Begin(entry[0]);
    }
  }
  uint32_t count = writer.count();
  std::memcpy(base, &count, 4);
  out->resize(start + 4 + table_bytes + writer.payload_bytes());
}

namespace {

// What every row begins with. False when it isn't that of a row in this layout.
bool ReadHead(const RowLayout& layout, WordReader* reader, TimeMs* time, TimeMs* next_timer) {
  if (static_cast<uint64_t>(reader->Next()) != layout.id || !reader->ok()) return false;
  *time = reader->Next();
  const TimeMs timer = reader->Next();
  *next_timer = timer == 0 ? kAfterTime : timer;
  return reader->ok();
}

}  // namespace

std::optional<TimeMs> StoredTimer(std::string_view bytes, const RowLayout& layout) {
  WordReader reader(bytes);
  TimeMs time = 0, next_timer = 0;
  if (!ReadHead(layout, &reader, &time, &next_timer)) return std::nullopt;
  return next_timer;
}

bool FillRow(std::string_view bytes, RowRef row) {
  const RowLayout& layout = row.layout();
  WordReader reader(bytes);
  if (!ReadHead(layout, &reader, &row->time, &row->next_timer)) return false;
  for (int i = 0; i < layout.cells; ++i) row.cells()[i] = reader.Next();
  for (size_t i = 0; i < layout.sections.size(); ++i) {
    int64_t count = reader.Next();
    if (!reader.ok() || count < 0 || count > layout.sections[i].max_entries) return false;
    reader.base.Begin(row->time);
    for (int64_t n = 0; n < count; ++n) {
      int64_t* entry = row.PushBack(static_cast<int>(i));
      for (int w = 0; w < layout.sections[i].words; ++w) entry[w] = reader.Next();
      reader.base.Begin(entry[0]);
    }
  }
  return reader.finished();
}

bool DecodeRow(std::string_view bytes, uint64_t key_hash, std::string_view key, RowTable* table) {
  return FillRow(bytes, table->FindOrCreate(key_hash, key));
}

}  // namespace ebb
