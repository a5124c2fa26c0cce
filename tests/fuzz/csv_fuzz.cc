// A CSV file without its header: how it comes in pieces never changes its records, and what stands behind a record
// never matters.
#include <cstdint>
#include <string>
#include <vector>

#include "connectors/format/csv_decoder.h"
#include "connectors/format/decode_testing.h"
#include "connectors/format/framing.h"
#include "engine/base/check.h"

namespace ebb {
namespace {

struct Found {
  std::string bytes;
  Reason reason;

  bool operator==(const Found&) const = default;
};

SourceSchema Schema() {
  SourceSchema schema;
  schema.format = Format::kCsv;
  schema.key_path = "k";
  schema.time = {.path = "t", .unit = TimeUnit::kRfc3339};
  schema.fields = {MakeField("n", FieldType::kInt), MakeField("a", FieldType::kDecimal, 2),
                   MakeField("b", FieldType::kBool), MakeField("s", FieldType::kString)};
  for (Field& field : schema.fields) field.required = false;
  return schema;
}

// The records of the text when each step brings `step` bytes more.
std::vector<Found> Frames(std::string_view text, size_t step) {
  std::vector<Found> found;
  Framer framer(Format::kCsv);
  std::string at_hand;
  for (size_t at = 0;;) {
    const size_t more = std::min(step, text.size() - at);
    at_hand.append(text.substr(at, more));
    at += more;
    const bool last = at == text.size();
    std::string_view rest = at_hand;
    Frame frame;
    while (framer.Next(&rest, last, &frame)) found.push_back({std::string(frame.bytes), frame.reason});
    EBB_CHECK(rest.size() <= Framer::kMaxRest);
    if (last) {
      EBB_CHECK(rest.empty(), "{} bytes are left", rest.size());
      return found;
    }
    at_hand = std::string(rest);
  }
}

void Check(std::string_view text) {
  static const SourceSchema schema = Schema();
  static const std::unique_ptr<FormatDecoder> decoder = *NewCsvDecoder(schema, "k,t,n,a,b,s");
  const std::vector<Found> frames = Frames(text, text.size() + 1);
  for (size_t step : {1, 7}) EBB_CHECK(Frames(text, step) == frames, "other records in steps of {}", step);
  for (const Found& frame : frames) {
    if (frame.reason != Reason::kNone) continue;
    const Decoded decoded = DecodeText(*decoder, frame.bytes, schema.fields.size());
    for (const char* padding : {"\"", ",", "0", "\n"}) {
      EBB_CHECK(DecodeText(*decoder, frame.bytes, schema.fields.size(), padding) == decoded, "depends on what follows");
    }
    if (decoded.reason != Reason::kNone) continue;
    EBB_CHECK(!decoded.key.empty() && decoded.key.size() <= static_cast<size_t>(kMaxKeyBytes));
    EBB_CHECK(decoded.time >= kEarliestTime && decoded.time < kLatestTime, "time {}", decoded.time);
  }
}

}  // namespace
}  // namespace ebb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ebb::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
