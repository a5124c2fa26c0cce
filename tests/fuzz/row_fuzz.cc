// The bytes of a stored row: refused, or a row whose own bytes give the same row again. Tried as they are, and with the
// right layout id in front, which no fuzzer would guess.
#include <cstdint>
#include <cstring>
#include <string>

#include "engine/base/check.h"
#include "engine/state/row.h"

namespace ebb {
namespace {

constexpr char kKey[] = "c_1";

RowLayout Layout() {
  RowLayoutBuilder builder;
  builder.AddCells("cells", 4);
  builder.AddSection("pairs", 2, 8);
  builder.AddSection("singles", 1, 200);
  return builder.Build();
}

void Check(const std::string& bytes) {
  RowTable table(Layout());
  if (!DecodeRow(bytes, 7, kKey, &table)) return;
  std::string once;
  EncodeRow(table.Find(7, kKey), &once);
  RowTable again(Layout());
  EBB_CHECK(DecodeRow(once, 7, kKey, &again), "its own bytes are refused");
  std::string twice;
  EncodeRow(again.Find(7, kKey), &twice);
  EBB_CHECK(once == twice, "another row comes back");
}

// The fuzzer's bytes are the number of words (one byte), their lengths, and their bytes.
void CheckWithId(std::string_view bytes) {
  if (bytes.empty()) return;
  const uint32_t count = static_cast<unsigned char>(bytes[0]);
  bytes.remove_prefix(1);
  const size_t table_bytes = (count + 1) / 2;
  if (count == 0 || bytes.size() < table_bytes) return;
  std::string text(4, '\0');
  std::memcpy(text.data(), &count, 4);
  text += bytes.substr(0, table_bytes);
  text[4] = static_cast<char>((text[4] & 0xF0) | 8);
  const auto id = static_cast<int64_t>(Layout().id);
  const uint64_t coded = (static_cast<uint64_t>(id) << 1) ^ static_cast<uint64_t>(id >> 63);
  text.append(reinterpret_cast<const char*>(&coded), 8);
  text += bytes.substr(table_bytes);
  Check(text);
}

}  // namespace
}  // namespace ebb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  ebb::Check(bytes);
  ebb::CheckWithId(bytes);
  return 0;
}
