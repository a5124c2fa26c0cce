// Hostile JSON: mutations of good records and random bytes, judged by simdjson's complete parser: a record is called
// broken exactly if it is, with every instruction set, whatever stands behind it. Run with sanitizers, it also shows
// that nothing else is read.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>
#include <vector>

#include "connectors/format/decode_testing.h"
#include "connectors/format/json_decoder.h"
#include "engine/base/random.h"

namespace ebb {
namespace {

SourceSchema CallSchema() {
  return OptionalSchema("/subscriber/id", "/start_ts",
                        {MakeField("/duration_s", FieldType::kInt), MakeField("/dropped", FieldType::kBool),
                         MakeField("/charge", FieldType::kDecimal, 4), MakeField("/tags/1", FieldType::kString)});
}

const std::vector<std::string>& GoodRecords() {
  static const std::vector<std::string> records = {
      R"({"subscriber":{"id":"27601289720"},"start_ts":1735689896965,"duration_s":8,"dropped":false,"charge":0.0440})",
      R"({"type":"ca\"ll","subscriber":{"name":"\u00e9\ud83d\ude00","id":276},"start_ts":1735689896965,"x":[-2.5e3]})",
      R"( { "tags" : [ "a", "b\\", null, true ] , "start_ts":"1735689896965", "subscriber":{"id":"k"}, "charge":1e2 })",
      R"({"a":[[],[{}],{"b":[1,2,{"c":null}]}],"subscriber":{"id":"q"},"start_ts":1735689896965,"dropped":true})",
      "{}",
  };
  return records;
}

// Whether a number may be too large or too small for the complete parser; to us such a number is whole.
bool MayHaveHugeNumber(const std::string& text) {
  int digits = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    digits = text[i] >= '0' && text[i] <= '9' ? digits + 1 : 0;
    const bool exponent = (text[i] == 'e' || text[i] == 'E') && i > 0 && text[i - 1] >= '0' && text[i - 1] <= '9';
    if (digits > 17 || exponent) return true;
  }
  return false;
}

// Broken by the complete parser's judgement. Records with what it judges otherwise than we do (huge numbers, lone low
// surrogates) aren't judged.
enum class Judgement { kWhole, kBroken, kUnjudged };
Judgement Judge(const std::string& text) {
  if (text.find("\\u") != std::string::npos) return Judgement::kUnjudged;
  static simdjson::dom::parser parser;
  simdjson::dom::element element;
  const auto error = parser.parse(text).get(element);
  if (error == simdjson::NUMBER_ERROR && MayHaveHugeNumber(text)) return Judgement::kUnjudged;
  return error == simdjson::SUCCESS && element.is_object() ? Judgement::kWhole : Judgement::kBroken;
}

bool IsBroken(Reason reason) {
  return reason == Reason::kJsonSyntax || reason == Reason::kEncoding || reason == Reason::kNullValue;
}

std::string Mutate(std::string text, Random* random) {
  constexpr std::string_view kBytes = "{}[]:,\"\\ \t\n\r0123456789.-+eEtfnul/ab\f\x1A\x7F\x80\xC3\xFF";
  const int edits = static_cast<int>(random->Between(1, 4));
  for (int i = 0; i < edits && !text.empty(); ++i) {
    const size_t at = random->Below(text.size());
    const char byte = random->Chance(0.02) ? '\0' : kBytes[random->Below(kBytes.size())];
    switch (random->Below(5)) {
      case 0:
        text[at] = byte;
        break;
      case 1:
        text.insert(at, 1, byte);
        break;
      case 2:
        text.erase(at, 1);
        break;
      case 3:
        text.erase(at, random->Below(12));
        break;
      default:
        text.insert(at, text.substr(random->Below(text.size()), random->Below(20)));
        break;
    }
  }
  return text;
}

class JsonHostileTest : public ::testing::TestWithParam<const simdjson::implementation*> {
 protected:
  void SetUp() override {
    usual_ = simdjson::get_active_implementation();
    simdjson::get_active_implementation() = GetParam();
  }
  void TearDown() override { simdjson::get_active_implementation() = usual_; }

  void Check(Decoder& decoder, const std::string& text) {
    const Decoded decoded = DecodeText(decoder, text, 4, "}");
    for (const char* padding : {"\"", ",", "]", "\n{\"a\":1}", "9"}) {
      ASSERT_EQ(DecodeText(decoder, text, 4, padding), decoded) << text;
    }
    const Judgement judgement = Judge(text);
    if (judgement == Judgement::kUnjudged) return;
    ++judged_;
    broken_ += judgement == Judgement::kBroken ? 1 : 0;
    ASSERT_EQ(IsBroken(decoded.reason), judgement == Judgement::kBroken) << ReasonName(decoded.reason) << ": " << text;
  }

  int judged_ = 0;
  int broken_ = 0;

 private:
  const simdjson::implementation* usual_ = nullptr;
};

TEST_P(JsonHostileTest, EveryTruncation) {
  const SourceSchema schema = CallSchema();
  const auto decoder = NewJsonDecoder(schema);
  for (const std::string& record : GoodRecords()) {
    for (size_t size = 0; size <= record.size(); ++size) Check(*decoder, record.substr(0, size));
  }
}

TEST_P(JsonHostileTest, Mutations) {
  const SourceSchema schema = CallSchema();
  const auto decoder = NewJsonDecoder(schema);
  for (uint64_t seed = 0; seed < 30000; ++seed) {
    Random random(seed);
    Check(*decoder, Mutate(GoodRecords()[random.Below(GoodRecords().size())], &random));
    if (HasFatalFailure()) FAIL() << "seed " << seed;
  }
  // The mutations are of both kinds, so that the test says something.
  EXPECT_GT(broken_, 5000);
  EXPECT_GT(judged_ - broken_, 1000);
}

TEST_P(JsonHostileTest, RandomBytes) {
  const SourceSchema schema = CallSchema();
  const auto decoder = NewJsonDecoder(schema);
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    Random random(seed);
    std::string text(random.Below(300), ' ');
    for (char& byte : text) byte = static_cast<char>(random.Below(256));
    if (random.Chance(0.5)) text = "{\"subscriber\":" + text + "}";
    Check(*decoder, text);
    if (HasFatalFailure()) FAIL() << "seed " << seed;
  }
}

std::vector<const simdjson::implementation*> Supported() {
  std::vector<const simdjson::implementation*> supported;
  for (const simdjson::implementation* implementation : simdjson::get_available_implementations()) {
    if (implementation->supported_by_runtime_system()) supported.push_back(implementation);
  }
  return supported;
}

INSTANTIATE_TEST_SUITE_P(InstructionSets, JsonHostileTest, ::testing::ValuesIn(Supported()),
                         [](const auto& set) { return std::string(set.param->name()); });

}  // namespace
}  // namespace ebb
