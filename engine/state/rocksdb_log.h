// The form that RocksDB's MANIFEST and write-ahead logs share: blocks of 32 KiB that hold pieces of records. A piece:
// masked CRC-32C of type and payload (4 bytes), payload length (2), type (1), payload; no piece crosses a block, and a
// block's last bytes stay empty where no header fits. Reads as RocksDB 7.8 does, so that what it would make of a file
// can be judged before it makes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <istream>
#include <string>
#include <string_view>

namespace ebb {

inline constexpr size_t kLogBlockBytes = 32768;
inline constexpr size_t kLogHeaderBytes = 7;

// One step of the CRC-32C of a text: begins with ~0, and its complement is the checksum.
uint32_t LogCrcStep(uint32_t crc, std::string_view bytes);
// The checksum as a header holds it.
uint32_t MaskedLogCrc(uint32_t crc);
// The number in `bytes` little-endian bytes at the beginning of `text`, which has as many; bytes <= 8.
uint64_t LogNumber(std::string_view text, size_t bytes);

// Confined to its task's thread.
class LogReader {
 public:
  enum class Found {
    kRecord,
    kEnd,     // the file ends where a record ends
    kDamage,  // what follows is cut off or damaged, and RocksDB knows
  };

  // Keeps the first `kept_bytes` of each record. `file` must live as long.
  LogReader(std::istream* file, size_t kept_bytes);
  Found Next(std::string* record);

 private:
  struct Piece {
    int type;
    std::string_view payload;
  };
  // False at the end of the file.
  bool FillBlock();
  Found NextPiece(Piece* piece);

  std::istream* const file_;
  const size_t kept_bytes_;
  std::string block_;
  std::string_view rest_;  // of the block
  bool skipped_ = false;   // empty space was passed over since the last piece
};

}  // namespace ebb
