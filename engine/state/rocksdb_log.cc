// Pieces and their checksums. The CRC takes eight bytes a step ("slicing by 8", Kounavis and Berry 2005): a log of
// hundreds of megabytes is read at every start.
#include "engine/state/rocksdb_log.h"

#include <algorithm>
#include <array>

namespace ebb {
namespace {

// Types of pieces: a whole record, the first of several, the last. Between them stand those of type 3.
constexpr int kFull = 1;
constexpr int kFirst = 2;
constexpr int kLast = 4;

using CrcTables = std::array<std::array<uint32_t, 256>, 8>;

constexpr CrcTables MakeCrcTables() {
  CrcTables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82F63B78u : 0u);
    tables[0][byte] = crc;
  }
  for (size_t n = 1; n < tables.size(); ++n) {
    for (size_t byte = 0; byte < 256; ++byte) {
      const uint32_t before = tables[n - 1][byte];
      tables[n][byte] = (before >> 8) ^ tables[0][before & 0xFF];
    }
  }
  return tables;
}
constexpr CrcTables kCrc = MakeCrcTables();

}  // namespace

uint64_t LogNumber(std::string_view text, size_t bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < bytes; ++i) number |= uint64_t{static_cast<unsigned char>(text[i])} << (8 * i);
  return number;
}

uint32_t LogCrcStep(uint32_t crc, std::string_view bytes) {
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
    const uint64_t eight = LogNumber(bytes, 8) ^ crc;
    crc = 0;
    for (size_t i = 0; i < 8; ++i) crc ^= kCrc[7 - i][(eight >> (8 * i)) & 0xFF];
  }
  for (const char byte : bytes) crc = (crc >> 8) ^ kCrc[0][(crc ^ static_cast<unsigned char>(byte)) & 0xFF];
  return crc;
}

uint32_t MaskedLogCrc(uint32_t crc) {
  const uint32_t sum = ~crc;
  return ((sum >> 15) | (sum << 17)) + 0xA282EAD8u;
}

LogReader::LogReader(std::istream* file, size_t kept_bytes)
    : file_(file), kept_bytes_(kept_bytes), block_(kLogBlockBytes, '\0') {}

bool LogReader::FillBlock() {
  file_->read(block_.data(), static_cast<std::streamsize>(block_.size()));
  rest_ = std::string_view(block_).substr(0, static_cast<size_t>(file_->gcount()));
  return !rest_.empty();
}

LogReader::Found LogReader::NextPiece(Piece* piece) {
  while (true) {
    if (rest_.size() < kLogHeaderBytes) {
      const bool last = file_->eof();
      if (last && !rest_.empty()) return Found::kDamage;
      if (last || !FillBlock()) return Found::kEnd;
      continue;
    }
    const size_t length = LogNumber(rest_.substr(4), 2);
    piece->type = static_cast<unsigned char>(rest_[6]);
    if (piece->type == 0 && length == 0) {
      // Empty space, as a file has that was written through mapped memory: RocksDB goes on with the next block.
      rest_ = {};
      skipped_ = true;
      continue;
    }
    if (kLogHeaderBytes + length > rest_.size()) return Found::kDamage;
    piece->payload = rest_.substr(kLogHeaderBytes, length);
    const uint32_t crc = LogCrcStep(~0u, rest_.substr(kLogHeaderBytes - 1, length + 1));
    if (MaskedLogCrc(crc) != LogNumber(rest_, 4)) return Found::kDamage;
    rest_.remove_prefix(kLogHeaderBytes + length);
    return Found::kRecord;
  }
}

LogReader::Found LogReader::Next(std::string* record) {
  record->clear();
  bool inside = false;
  while (true) {
    Piece piece;
    skipped_ = false;
    const Found found = NextPiece(&piece);
    if (inside && (skipped_ || found == Found::kEnd)) return Found::kDamage;
    if (found != Found::kRecord) return found;
    const bool begins = piece.type == kFull || piece.type == kFirst;
    if (piece.type > kLast || begins == inside) return Found::kDamage;
    inside = true;
    record->append(piece.payload.substr(0, kept_bytes_ - std::min(kept_bytes_, record->size())));
    if (piece.type == kFull || piece.type == kLast) return Found::kRecord;
  }
}

}  // namespace ebb
