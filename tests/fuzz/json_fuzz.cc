// One JSON record: what stands behind it never matters, and what is taken is taken by simdjson's complete parser, too.
#include <simdjson.h>

#include <cstdint>
#include <string>

#include "connectors/format/decode_testing.h"
#include "connectors/format/json_decoder.h"
#include "engine/base/check.h"

namespace ebb {
namespace {

SourceSchema Schema() {
  return OptionalSchema("/subscriber/id", "/ts",
                        {MakeField("/n", FieldType::kInt), MakeField("/b", FieldType::kBool),
                         MakeField("/amount", FieldType::kDecimal, 4), MakeField("/tags/1", FieldType::kString)});
}

// The complete parser refuses numbers that a double can't hold; here they are refused only where they are read.
void CheckComplete(const std::string& text) {
  static simdjson::dom::parser parser;
  simdjson::dom::element element;
  const auto error = parser.parse(text).get(element);
  if (error == simdjson::NUMBER_ERROR || text.find("\\u") != std::string::npos) return;
  EBB_CHECK(error == simdjson::SUCCESS && element.is_object(), "taken, and not JSON: {}", text);
}

void Check(const std::string& text) {
  static const SourceSchema schema = Schema();
  static const std::unique_ptr<FormatDecoder> decoder = NewJsonDecoder(schema);
  const Decoded decoded = DecodeText(*decoder, text, schema.fields.size());
  for (const char* padding : {"\"", "]", "0", "\\"}) {
    EBB_CHECK(DecodeText(*decoder, text, schema.fields.size(), padding) == decoded, "depends on what follows");
  }
  if (decoded.reason != Reason::kNone) return;
  EBB_CHECK(!decoded.key.empty() && decoded.key.size() <= static_cast<size_t>(kMaxKeyBytes));
  EBB_CHECK(decoded.time >= kEarliestTime && decoded.time < kLatestTime, "time {}", decoded.time);
  CheckComplete(text);
}

}  // namespace
}  // namespace ebb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ebb::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
