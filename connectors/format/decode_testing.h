// For tests of decoders: schemas in one line, and records decoded from memory that ends right behind their padding,
// which is filled with bytes that would mislead a reader of it.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/stream/log.h"
#include "engine/stream/record.h"
#include "engine/stream/schema.h"

namespace ebb {

inline Field MakeField(std::string path, FieldType type, int decimals = 0) {
  Field field;
  field.name = path;
  field.path = std::move(path);
  field.type = type;
  field.decimals = decimals;
  return field;
}

// A schema of which nothing but key and time must be there.
inline SourceSchema OptionalSchema(std::string key, std::string time, std::vector<Field> fields) {
  SourceSchema schema;
  schema.key_path = std::move(key);
  schema.time.path = std::move(time);
  schema.fields = std::move(fields);
  for (Field& field : schema.fields) field.required = false;
  return schema;
}

// What became of one record. Immutable after construction.
struct Decoded {
  Reason reason = Reason::kNone;
  std::string key;
  TimeMs time = kBeforeTime;
  bool filtered = false;
  uint64_t nulls = 0;
  std::vector<int64_t> slots;

  bool operator==(const Decoded&) const = default;
};

inline Decoded DecodeText(Decoder& decoder, std::string_view text, size_t slot_count, std::string_view padding = "}") {
  auto buffer = std::make_unique<char[]>(text.size() + kReadPadding);
  std::copy(text.begin(), text.end(), buffer.get());
  for (size_t i = 0; i < kReadPadding; ++i) buffer[text.size() + i] = padding[i % padding.size()];
  RecordBuilder record;
  Decoded decoded;
  decoded.reason = decoder.Decode({buffer.get(), text.size()}, &record);
  if (decoded.reason != Reason::kNone) return decoded;
  decoded.key = record.key();
  decoded.time = record.time;
  decoded.filtered = record.filtered;
  decoded.nulls = record.nulls;
  for (size_t i = 0; i < slot_count; ++i) {
    decoded.slots.push_back((record.nulls >> i & 1) != 0 ? 0 : record.slots[i]);
  }
  return decoded;
}

}  // namespace ebb
