// Which records are read quickly, and that those are read as the careful reader does it.
#include "connectors/format/json_quick.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "connectors/format/decode_testing.h"
#include "connectors/format/json_decoder.h"
#include "engine/base/random.h"

namespace ebb {
namespace {

SourceSchema OrderSchema() {
  return OptionalSchema("/customer/id", "/time",
                        {MakeField("/amount", FieldType::kDecimal, 2), MakeField("/paid", FieldType::kBool),
                         MakeField("/items", FieldType::kInt), MakeField("/shop", FieldType::kString)});
}

// Knows the order type, customer (id, name), time, amount, paid, items, shop, note.
class QuickTest : public ::testing::Test {
 protected:
  QuickTest() : schema_(OrderSchema()), paths_(schema_), values_(schema_) {
    Learn(paths_.root(), {"type", "customer", "time", "amount", "paid", "items", "shop", "note"});
    Learn(paths_.root()->Child("customer"), {"id", "name"});
  }

  static void Learn(JsonNode* node, const std::vector<std::string>& names) {
    for (const std::string& name : names) node->memory.Learn(name, node->Child(name), node->memory.end());
  }

  bool Quick(std::string_view text, char padding = '}') {
    buffer_ = std::make_unique<char[]>(text.size() + kReadPadding);  // of its size, for AddressSanitizer
    std::fill_n(std::copy(text.begin(), text.end(), buffer_.get()), kReadPadding, padding);
    record_.Reset(4);
    values_.Begin(&record_);
    return ReadQuickly(*paths_.root(), {buffer_.get(), text.size()}, &values_);
  }

  const SourceSchema schema_;
  JsonPaths paths_;
  JsonValues values_;
  RecordBuilder record_;
  std::unique_ptr<char[]> buffer_;
};

constexpr std::string_view kOrder =
    R"({"type":"order","customer":{"id":"k1","name":"Ada"},"time":1735689896965,"amount":-12.5,"paid":true,"items":3,)"
    R"("shop":"a longer name of a shop","note":null})";

TEST_F(QuickTest, TakesWhatItKnows) {
  ASSERT_TRUE(Quick(kOrder));
  EXPECT_EQ(record_.key(), "k1");
  EXPECT_EQ(record_.time, 1735689896965);
  EXPECT_EQ(record_.nulls, 0u);
  EXPECT_EQ(record_.slots[0], -1250);
  EXPECT_EQ(record_.slots[1], 1);
  EXPECT_EQ(record_.slots[2], 3);
  EXPECT_EQ(record_.slots[3], HashText("a longer name of a shop"));
  EXPECT_FALSE(values_.faults().any);
  EXPECT_EQ(values_.time_text(), "1735689896965");
  EXPECT_TRUE(Quick(R"({"customer":{"id":"k2"},"items":4})"));  // the rest is left out
  EXPECT_EQ(record_.nulls, 0b1011u);
  EXPECT_TRUE(Quick(R"({"type": "order", "customer": {"id": "k3"}, "time": 5})"));
  EXPECT_EQ(record_.key(), "k3");
  EXPECT_TRUE(Quick(R"({"type":1e5,"items":null,"note":false})"));
}

TEST_F(QuickTest, GivesUp) {
  for (const char* text : {R"({})",
                           R"([])",
                           R"({"time":1,"type":"x"})",
                           R"({"type":"a","type":"b"})",
                           R"({"new":1})",
                           R"({"type":[]})",
                           R"({"type":{}})",
                           R"({"amount":{}})",
                           R"({"customer":{"id":"k",}})",
                           R"({"type":"a\"b"})",
                           R"({"type":"ä"})",
                           "{\"type\":\"a\tb\"}",
                           R"({"type" :"a"})",
                           R"({"type":  "a"})",
                           R"({ "type":"a"})",
                           R"({"type":"a" })",
                           R"({"type":"a"} )",
                           R"({"type":"a"}})",
                           R"({"time":01})",
                           R"({"time":1.})",
                           R"({"time":+1})",
                           R"({"time":-})",
                           R"({"time":1e})",
                           R"({"time":tru})",
                           R"({"time":nul})",
                           R"({"time":})",
                           R"({"time":1,})",
                           R"({"time":1;)"}) {
    EXPECT_FALSE(Quick(text)) << text;
  }
}

TEST_F(QuickTest, NoPartOfARecordIsARecord) {
  for (const char padding : {'}', '"', '0', ',', ' '}) {
    for (size_t size = 1; size < kOrder.size(); ++size) {
      EXPECT_FALSE(Quick(kOrder.substr(0, size), padding)) << size << " bytes, then " << padding;
    }
    EXPECT_TRUE(Quick(kOrder, padding));
  }
}

TEST_F(QuickTest, AgreesWithTheCarefulReader) {
  const auto knowing = NewJsonDecoder(schema_);
  const Decoded whole = DecodeText(*knowing, kOrder, 4);
  ASSERT_EQ(whole.reason, Reason::kNone);
  constexpr std::string_view kBytes = "{}[]:,\"\\ 0123456789.-+eEtfnul/ab\x1F\x7F\x80";
  int changed = 0, good = 0;
  for (uint64_t seed = 0; seed < 20000; ++seed) {
    Random random(seed);
    std::string text(kOrder);
    for (int edits = static_cast<int>(random.Between(1, 2)); edits > 0; --edits) {
      const size_t at = random.Below(text.size());
      if (random.Chance(0.6)) {
        text[at] = kBytes[random.Below(kBytes.size())];
      } else if (random.Chance(0.5)) {
        text.erase(at, 1 + random.Below(3));
      } else {
        text.insert(at, 1, kBytes[random.Below(kBytes.size())]);
      }
    }
    ASSERT_EQ(DecodeText(*knowing, kOrder, 4), whole);  // so that it goes on trying
    const auto fresh = NewJsonDecoder(schema_);         // knows no names, so it reads carefully
    const Decoded expected = DecodeText(*fresh, text, 4);
    ASSERT_EQ(DecodeText(*knowing, text, 4), expected) << "seed " << seed << ": " << text;
    good += expected.reason == Reason::kNone;
    changed += expected != whole;
  }
  EXPECT_GT(good, 2000);
  EXPECT_GT(changed, 10000);
}

TEST_F(QuickTest, RecordsThatAlwaysLookDifferent) {
  const auto decoder = NewJsonDecoder(schema_);
  for (int i = 0; i < 200; ++i) {
    const Decoded strange = DecodeText(*decoder, R"({"shop":"\u0041","time":1735689896965,"customer":{"id":"k"}})", 4);
    ASSERT_EQ(strange.slots[3], HashText("A"));
    ASSERT_EQ(strange.key, "k");
  }
  EXPECT_EQ(DecodeText(*decoder, kOrder, 4), DecodeText(*NewJsonDecoder(schema_), kOrder, 4));
}

}  // namespace
}  // namespace ebb
