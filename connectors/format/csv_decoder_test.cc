// CSV records: quoting, types, missing values, and headers that don't fit.
#include "connectors/format/csv_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "connectors/format/decode_testing.h"
#include "engine/base/random.h"

namespace ebb {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr TimeMs kTime = 1735689896965;

// Key k, time t (ms), slots: int i, decimal(2) d, bool b, string s; all four optional.
SourceSchema TypesSchema() {
  SourceSchema schema;
  schema.name = "types";
  schema.format = Format::kCsv;
  schema.key_path = "k";
  schema.time.path = "t";
  schema.fields = {MakeField("i", FieldType::kInt), MakeField("d", FieldType::kDecimal, 2),
                   MakeField("b", FieldType::kBool), MakeField("s", FieldType::kString)};
  for (Field& field : schema.fields) field.required = false;
  return schema;
}

constexpr std::string_view kHeader = "k,unread,t,i,d,b,s";

Decoded DecodeOnce(const SourceSchema& schema, std::string_view text, std::string_view padding = "\"") {
  auto decoder = NewCsvDecoder(schema, kHeader);
  EXPECT_TRUE(decoder.ok()) << decoder.status();
  return DecodeText(**decoder, text, schema.fields.size(), padding);
}

TEST(CsvDecoderTest, DecodesEveryType) {
  const Decoded record = DecodeOnce(TypesSchema(), "c1,,1735689896965, 17850.0 ,+12.345,Yes, text ");
  EXPECT_EQ(record.reason, Reason::kNone);
  EXPECT_EQ(record.key, "c1");
  EXPECT_EQ(record.time, kTime);
  EXPECT_EQ(record.nulls, 0u);
  EXPECT_THAT(record.slots, ElementsAre(17850, 1234, 1, HashText(" text ")));
}

TEST(CsvDecoderTest, Quotes) {
  const SourceSchema schema = TypesSchema();
  const std::pair<std::string, std::string> texts[] = {
      {R"("plain")", "plain"},
      {R"("a,b")", "a,b"},
      {R"("say ""hi""")", "say \"hi\""},
      {"\"two\nlines\"", "two\nlines"},
      {"\"two\r\nlines\"", "two\r\nlines"},
      {R"("""")", "\""},
      {R"(5" nail)", "5\" nail"},
      {R"( "a")", " \"a\""},
  };
  for (const auto& [cell, text] : texts) {
    const Decoded record = DecodeOnce(schema, R"("c1","x","1735689896965","1","2","no",)" + cell);
    EXPECT_EQ(record.reason, Reason::kNone) << cell;
    ASSERT_EQ(record.slots.size(), 4u);
    EXPECT_EQ(record.slots[3], HashText(text)) << cell;
    EXPECT_EQ(record.slots[0], 1);
  }
}

TEST(CsvDecoderTest, Reasons) {
  const SourceSchema schema = TypesSchema();
  const std::pair<std::string, Reason> cases[] = {
      {"c1,,1735689896965,1,2,true,s", Reason::kNone},
      {"c1,,1735689896965,,,,", Reason::kNone},
      {"c1,,1735689896965, ,\t,\"\",\"\"", Reason::kNone},
      {"", Reason::kNullValue},
      {" \t", Reason::kNullValue},
      {"c1,,1735689896965,1,2,true", Reason::kCsvSyntax},
      {"c1,,1735689896965,1,2,true,s,", Reason::kCsvSyntax},
      {"c1", Reason::kCsvSyntax},
      {"c1,,1735689896965,1,2,true,\"s", Reason::kCsvSyntax},
      {"c1,,1735689896965,1,2,true,\"s\"x", Reason::kCsvSyntax},
      {"\"c1,,1735689896965,1,2,true,s", Reason::kCsvSyntax},
      {"c1,,1735689896965,1,2,true,\"", Reason::kCsvSyntax},
      {"c1,,soon,1,2,true", Reason::kCsvSyntax},
      {",,1735689896965,1,2,true,s", Reason::kMissingKey},
      {"  ,,1735689896965,1,2,true,s", Reason::kMissingKey},
      {"a\tb,,1735689896965,1,2,true,s", Reason::kBadKey},
      {std::string(257, 'k') + ",,1735689896965,1,2,true,s", Reason::kBadKey},
      {"c1,,,1,2,true,s", Reason::kMissingTime},
      {"c1,,2025-01-01,1,2,true,s", Reason::kBadTime},
      {"c1,,1735689896,1,2,true,s", Reason::kTimeOutOfRange},
      {"c1,,1735689896965,1.5,2,true,s", Reason::kBadType},
      {"c1,,1735689896965,1,2 EUR,true,s", Reason::kBadType},
      {"c1,,1735689896965,1,2,maybe,s", Reason::kBadType},
      {"c1,,1735689896965,9223372036854775808,2,true,s", Reason::kOutOfRange},
      {"c1,,1735689896965,1,2,true,\xFF", Reason::kEncoding},
      {"c1,\xC3,1735689896965,1,2,true,s", Reason::kEncoding},
      {std::string("c1,\0,1735689896965,1,2,true,s", 28), Reason::kEncoding},
      {"c1,,1735689896965,1,2,true," + std::string(kMaxRecordBytes, 's'), Reason::kTooLarge},
  };
  for (const auto& [text, reason] : cases) {
    for (const char* padding : {"\"", ",", "\n", "x"}) {
      EXPECT_EQ(ReasonName(DecodeOnce(schema, text, padding).reason), ReasonName(reason)) << text.substr(0, 100);
    }
  }
}

TEST(CsvDecoderTest, KeysStayAsWritten) {
  EXPECT_EQ(DecodeOnce(TypesSchema(), " 17850.0 ,,1735689896965,1,2,true,s").key, "17850.0");
  EXPECT_EQ(DecodeOnce(TypesSchema(), "\" 00042\",,1735689896965,1,2,true,s").key, "00042");
}

TEST(CsvDecoderTest, MissingFieldsAndKeys) {
  SourceSchema schema = TypesSchema();
  schema.fields[0].required = true;
  schema.fields[1].missing = 99;
  EXPECT_EQ(DecodeOnce(schema, "c1,,1735689896965,,2,true,s").reason, Reason::kMissingField);
  EXPECT_EQ(DecodeOnce(schema, "c1,,1735689896965,1,,true,s").slots[1], 99);
  schema.missing_key = MissingKey::kFilter;
  EXPECT_TRUE(DecodeOnce(schema, ",,1735689896965,,2,true,s").filtered);
  EXPECT_EQ(DecodeOnce(schema, ",,1735689896965,,2,true,s").reason, Reason::kNone);
  schema.missing_key = MissingKey::kUse;
  schema.missing_key_value = "(nobody)";
  EXPECT_EQ(DecodeOnce(schema, ",,1735689896965,1,2,true,s").key, "(nobody)");
}

TEST(CsvDecoderTest, Headers) {
  const SourceSchema schema = TypesSchema();
  EXPECT_TRUE(NewCsvDecoder(schema, "s,b,d,i,t,k").ok());
  EXPECT_TRUE(NewCsvDecoder(schema, R"("s", b ,"d",i,t,"k",x,x)").ok());
  EXPECT_TRUE(NewCsvDecoder(schema, CsvHeaderOf(schema)).ok());
  const std::pair<std::string, std::vector<std::string>> cases[] = {
      {"k,t,i,d,b,sx", {"source 'types'", "field 's'", "column 's'", "which is not there. Columns: k, t, i, d, b, sx"}},
      {"key,t,i,d,b,s", {"the key is read from column 'k'"}},
      {"k,t,i,d,b,s,i", {"field 'i'", "column 'i'", "twice"}},
      {"", {"blank"}},
      {"k,\"t", {"unbalanced quote"}},
      {"k,\xFF", {"not UTF-8"}},
      {"k" + std::string(300, ','), {"more than 256 columns"}},
  };
  for (const auto& [header, words] : cases) {
    const auto decoder = NewCsvDecoder(schema, header);
    ASSERT_EQ(decoder.status().code(), absl::StatusCode::kInvalidArgument) << header;
    for (const std::string& word : words) EXPECT_THAT(std::string(decoder.status().message()), HasSubstr(word));
  }
}

TEST(CsvDecoderTest, SuggestsTheNearestColumn) {
  SourceSchema schema = TypesSchema();
  schema.fields = {MakeField("amuont", FieldType::kInt)};
  const auto decoder = NewCsvDecoder(schema, "k,t,account,amount,total");
  EXPECT_THAT(std::string(decoder.status().message()),
              HasSubstr("did you mean 'amount'? Columns: k, t, account, amount, total"));
  schema.fields = {MakeField("something_else", FieldType::kInt)};
  EXPECT_THAT(std::string(NewCsvDecoder(schema, "k,t,a").status().message()),
              HasSubstr("which is not there. Columns: k, t, a"));
}

TEST(CsvDecoderTest, HostileBytes) {
  const SourceSchema schema = TypesSchema();
  auto decoder = NewCsvDecoder(schema, kHeader);
  ASSERT_TRUE(decoder.ok());
  constexpr std::string_view kBytes = ",,,\"\"\n\r 0123456789.-+eabc\xC3\xA9\xFF";
  int used = 0;
  for (uint64_t seed = 0; seed < 30000; ++seed) {
    Random random(seed);
    std::string text = R"(c1,"x,""y",1735689896965,5,2.5,true,"s")";
    for (int64_t edits = random.Between(0, 5); edits > 0; --edits) {
      const size_t at = random.Below(text.size() + 1);
      if (random.Chance(0.5)) {
        text.insert(at, 1, kBytes[random.Below(kBytes.size())]);
      } else {
        text.erase(at, random.Below(4));
      }
    }
    const Decoded first = DecodeText(**decoder, text, 4, "\"");
    ASSERT_EQ(DecodeText(**decoder, text, 4, ","), first) << "seed " << seed;
    used += first.reason == Reason::kNone ? 1 : 0;
  }
  EXPECT_GT(used, 3000);
  EXPECT_LT(used, 29000);
}

}  // namespace
}  // namespace ebb
