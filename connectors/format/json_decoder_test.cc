// JSON records: every reason, every type, paths, and any order of members.
#include "connectors/format/json_decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "connectors/format/decode_testing.h"

namespace ebb {
namespace {

using ::testing::ElementsAre;

constexpr TimeMs kTime = 1735689896965;

// Key /k, time /t (ms), slots: int /i, decimal(2) /d, bool /b, string /s; all four optional.
SourceSchema TypesSchema() {
  SourceSchema schema;
  schema.name = "types";
  schema.key_path = "/k";
  schema.time.path = "/t";
  schema.fields = {MakeField("/i", FieldType::kInt), MakeField("/d", FieldType::kDecimal, 2),
                   MakeField("/b", FieldType::kBool), MakeField("/s", FieldType::kString)};
  for (Field& field : schema.fields) field.required = false;
  return schema;
}

Decoded DecodeOnce(const SourceSchema& schema, std::string_view text, std::string_view padding = "}") {
  return DecodeText(*NewJsonDecoder(schema), text, schema.fields.size(), padding);
}

// A record of TypesSchema with more members.
std::string With(std::string_view members) { return fmt::format(R"({{"k":"c1","t":1735689896965,{}}})", members); }

TEST(JsonDecoderTest, DecodesEveryType) {
  const Decoded record =
      DecodeOnce(TypesSchema(),
                 R"( { "s" : "text" , "k":"c1","x":[1,{"y":null}],"i":-7,"d":12.345,"b":true,"t":1735689896965 } )");
  EXPECT_EQ(record.reason, Reason::kNone);
  EXPECT_EQ(record.key, "c1");
  EXPECT_EQ(record.time, kTime);
  EXPECT_EQ(record.nulls, 0u);
  EXPECT_THAT(record.slots, ElementsAre(-7, 1234, 1, HashText("text")));
}

void ExpectReasons(const std::vector<std::pair<std::string, Reason>>& cases) {
  const SourceSchema schema = TypesSchema();
  for (const auto& [text, reason] : cases) {
    for (const char* padding : {"}", "\n", "\"", "]}", "1", ",\"a\":1}"}) {
      EXPECT_EQ(ReasonName(DecodeOnce(schema, text, padding).reason), ReasonName(reason)) << text.substr(0, 200);
    }
  }
}

TEST(JsonDecoderTest, WhatIsNoJson) {
  ExpectReasons({
      {"", Reason::kNullValue},
      {"  \t", Reason::kNullValue},
      {"null", Reason::kJsonSyntax},
      {"[]", Reason::kJsonSyntax},
      {"7", Reason::kJsonSyntax},
      {"\"text\"", Reason::kJsonSyntax},
      {"{", Reason::kJsonSyntax},
      {"}", Reason::kJsonSyntax},
      {"{}", Reason::kMissingTime},
      {"{}x", Reason::kJsonSyntax},
      {"{}{}", Reason::kJsonSyntax},
      {"{},", Reason::kJsonSyntax},
      {With("\"x\":1") + "}", Reason::kJsonSyntax},
      {With("\"x\":1,"), Reason::kJsonSyntax},
      {With("\"x\""), Reason::kJsonSyntax},
      {With("\"x\":"), Reason::kJsonSyntax},
      {With("\"x\" 1"), Reason::kJsonSyntax},
      {With("x:1"), Reason::kJsonSyntax},
      {With("1:1"), Reason::kJsonSyntax},
      {With("\"x\":1 2"), Reason::kJsonSyntax},
      {With("\"x\":NaN"), Reason::kJsonSyntax},
      {With("\"x\":Infinity"), Reason::kJsonSyntax},
      {With("\"i\":-Infinity"), Reason::kJsonSyntax},
      {With("\"x\":nul"), Reason::kJsonSyntax},
      {With("\"x\":truex"), Reason::kJsonSyntax},
      {With("\"x\":tru e"), Reason::kJsonSyntax},
      {With("\"b\":falsey"), Reason::kJsonSyntax},
      {With("\"x\":01"), Reason::kJsonSyntax},
      {With("\"i\":-01"), Reason::kJsonSyntax},
      {With("\"i\":+1"), Reason::kJsonSyntax},
      {With("\"d\":.5"), Reason::kJsonSyntax},
      {With("\"d\":5."), Reason::kJsonSyntax},
      {With("\"d\":1e"), Reason::kJsonSyntax},
      {With("\"x\":-"), Reason::kJsonSyntax},
      {With("\"x\":0x1"), Reason::kJsonSyntax},
      {With("\"x\":1\"2\""), Reason::kJsonSyntax},
      {With("\"x\":\"a\"b"), Reason::kJsonSyntax},
      {With("\"x\":'a'"), Reason::kJsonSyntax},
      {With("\"x\":[1,]"), Reason::kJsonSyntax},
      {With("\"x\":[,1]"), Reason::kJsonSyntax},
      {With("\"x\":[1 2]"), Reason::kJsonSyntax},
      {With("\"x\":[1}"), Reason::kJsonSyntax},
      {With("\"x\":{\"y\":1]"), Reason::kJsonSyntax},
      {With("\"x\":{\"y\"}"), Reason::kJsonSyntax},
      {With("\"x\":{1:2}"), Reason::kJsonSyntax},
      {With("\"x\":{\"y\":1,}"), Reason::kJsonSyntax},
      {With("\"x\":{\"y\":01}"), Reason::kJsonSyntax},
      {With("\"x\":[[{\"y\":[NaN]}]]"), Reason::kJsonSyntax},
      {With("\"x\":\"\\q\""), Reason::kJsonSyntax},
      {With("\"x\":[\"\\ud800\"]"), Reason::kJsonSyntax},
      {With("\"x\":{\"\\u12\":1}"), Reason::kJsonSyntax},
      {With("\"s\":\"\\udc00\""), Reason::kJsonSyntax},
      {With("\"\\q\":1"), Reason::kJsonSyntax},
      {With("\"x\":\"a\tb\""), Reason::kJsonSyntax},
      {With("\"x\":\"abc"), Reason::kJsonSyntax},
      {With("\"x\":1 /* no */"), Reason::kJsonSyntax},
      {With("\"x\":1\f"), Reason::kJsonSyntax},
  });
}

TEST(JsonDecoderTest, EncodingAndLimits) {
  ExpectReasons({
      {"\xEF\xBB\xBF{}", Reason::kJsonSyntax},
      {With("\"x\":\"\xFF\""), Reason::kEncoding},
      {With("\"x\":\"\xC3\""), Reason::kEncoding},
      {With("\"x\":\"\xED\xA0\x80\""), Reason::kEncoding},  // a surrogate in UTF-8
      {With("\"x\":\"\xC0\x80\""), Reason::kEncoding},
      {With(std::string("\"x\":\"a\0b\"", 9)), Reason::kEncoding},
      {With(std::string("\"x\":1\0", 6)), Reason::kEncoding},
      {With("\"x\":" + std::string(31, '[') + std::string(31, ']')), Reason::kNone},
      {With("\"x\":" + std::string(32, '[') + std::string(32, ']')), Reason::kTooDeep},
      {With("\"x\":" + std::string(100000, '[')), Reason::kTooDeep},
      {With("\"i\":" + std::string(40, '[') + std::string(40, ']')), Reason::kTooDeep},
      {With("\"x\":\"" + std::string(kMaxRecordBytes, 'a') + "\""), Reason::kTooLarge},
      {With("\"x\":\"" + std::string(kMaxRecordBytes - 100, 'a') + "\""), Reason::kNone},
  });
}

TEST(JsonDecoderTest, ReasonsOfValues) {
  const SourceSchema schema = TypesSchema();
  const std::pair<std::string, Reason> cases[] = {
      {R"({"t":1735689896965})", Reason::kMissingKey},
      {R"({"t":1735689896965,"k":null})", Reason::kMissingKey},
      {R"({"t":1735689896965,"k":""})", Reason::kMissingKey},
      {R"({"t":1735689896965,"k":true})", Reason::kBadKey},
      {R"({"t":1735689896965,"k":{"a":1}})", Reason::kBadKey},
      {R"({"t":1735689896965,"k":["a"]})", Reason::kBadKey},
      {R"({"t":1735689896965,"k":1.0})", Reason::kBadKey},
      {R"({"t":1735689896965,"k":1e3})", Reason::kBadKey},
      {R"({"t":1735689896965,"k":"a\nb"})", Reason::kBadKey},
      {R"({"t":1735689896965,"k":"a\u0000b"})", Reason::kBadKey},
      {R"({"t":1735689896965,"k":")" + std::string(257, 'a') + "\"}", Reason::kBadKey},
      {R"({"k":"c1"})", Reason::kMissingTime},
      {R"({"k":"c1","t":null})", Reason::kMissingTime},
      {R"({"k":"c1","t":true})", Reason::kBadTime},
      {R"({"k":"c1","t":[1735689896965]})", Reason::kBadTime},
      {R"({"k":"c1","t":1735689896965.0})", Reason::kBadTime},
      {R"({"k":"c1","t":1.7e12})", Reason::kBadTime},
      {R"({"k":"c1","t":"soon"})", Reason::kBadTime},
      {R"({"k":"c1","t":1735689896})", Reason::kTimeOutOfRange},
      {R"({"k":"c1","t":1735689896965000})", Reason::kTimeOutOfRange},
      {With(R"("t":1735689896965)"), Reason::kDuplicateField},
      {With(R"("k":"c1")"), Reason::kDuplicateField},
      {With(R"("i":1,"i":1)"), Reason::kDuplicateField},
      {With(R"("i":1,"\u0069":1)"), Reason::kDuplicateField},
      {With(R"("i":null,"i":1)"), Reason::kDuplicateField},
      {With(R"("x":1,"x":2)"), Reason::kNone},
      {With(R"("i":1.0)"), Reason::kBadType},
      {With(R"("i":1e3)"), Reason::kBadType},
      {With(R"("i":"12")"), Reason::kBadType},
      {With(R"("i":true)"), Reason::kBadType},
      {With(R"("i":{})"), Reason::kBadType},
      {With(R"("i":[1])"), Reason::kBadType},
      {With(R"("i":9223372036854775808)"), Reason::kOutOfRange},
      {With(R"("d":true)"), Reason::kBadType},
      {With(R"("d":"12,5")"), Reason::kBadType},
      {With(R"("d":1e400)"), Reason::kOutOfRange},
      {With(R"("b":1)"), Reason::kBadType},
      {With(R"("b":"true")"), Reason::kBadType},
      {With(R"("s":true)"), Reason::kBadType},
      {With(R"("s":1.5)"), Reason::kBadType},
      // What is wrong with the whole goes before what is wrong with a part, wherever they stand.
      {R"({"i":true,"k":"c1","t":1735689896965)", Reason::kJsonSyntax},
      {R"({"i":true,"k":{},"t":"soon"})", Reason::kBadTime},
      {R"({"i":true,"k":{},"t":1735689896965})", Reason::kBadKey},
      {R"({"i":true,"t":1735689896965})", Reason::kMissingKey},
      {R"({"i":true,"d":true,"i":1})", Reason::kDuplicateField},
  };
  for (const auto& [text, reason] : cases) {
    EXPECT_EQ(ReasonName(DecodeOnce(schema, text).reason), ReasonName(reason)) << text;
  }
}

TEST(JsonDecoderTest, Values) {
  const SourceSchema schema = TypesSchema();
  struct Case {
    std::string members;
    size_t slot;
    int64_t value;
  };
  const Case cases[] = {
      {R"("i":0)", 0, 0},
      {R"("i":-0)", 0, 0},
      {R"("i":9223372036854775807)", 0, INT64_MAX},
      {R"("i":-9223372036854775808)", 0, INT64_MIN},
      {R"("d":0.125)", 1, 12},
      {R"("d":-0.135)", 1, -14},
      {R"("d":3)", 1, 300},
      {R"("d":1.5E1)", 1, 1500},
      {R"("d":"2.50")", 1, 250},
      {R"("d":92233720368547758.07)", 1, INT64_MAX},
      {R"("b":true )", 2, 1},
      {R"("b":false)", 2, 0},
      {R"("s":"")", 3, HashText("")},
      {R"("s":"\u0041\/")", 3, HashText("A/")},
      {R"("s":12)", 3, HashText("12")},
      {R"("s":-12 )", 3, HashText("-12")},
  };
  for (const Case& c : cases) {
    const Decoded record = DecodeOnce(schema, With(c.members));
    ASSERT_EQ(record.reason, Reason::kNone) << c.members;
    EXPECT_EQ(record.slots[c.slot], c.value) << c.members;
    EXPECT_EQ(record.nulls, 0xFu & ~(1u << c.slot)) << c.members;
  }
}

TEST(JsonDecoderTest, KeysAndTimes) {
  SourceSchema schema = TypesSchema();
  EXPECT_EQ(DecodeOnce(schema, R"({"k":42,"t":"1735689896965"})").key, "42");
  EXPECT_EQ(DecodeOnce(schema, R"({"k":-123456789012345678901234567890,"t":1735689896965})").key,
            "-123456789012345678901234567890");
  EXPECT_EQ(DecodeOnce(schema, R"({"k":"\u00e9\"","t":1735689896965})").key, "\xC3\xA9\"");
  EXPECT_EQ(DecodeOnce(schema, R"({"k":42,"t":"1735689896965"})").time, kTime);
  schema.time.unit = TimeUnit::kSeconds;
  EXPECT_EQ(DecodeOnce(schema, R"({"k":1,"t":1735689896})").time, 1735689896000);
  EXPECT_EQ(DecodeOnce(schema, R"({"k":1,"t":1735689896.9659})").time, kTime);
  EXPECT_EQ(DecodeOnce(schema, R"({"k":1,"t":"1735689896.965"})").time, kTime);
  schema.time.unit = TimeUnit::kMicros;
  EXPECT_EQ(DecodeOnce(schema, R"({"k":1,"t":1735689896965999})").time, kTime);
  schema.time.unit = TimeUnit::kRfc3339;
  EXPECT_EQ(DecodeOnce(schema, R"({"k":1,"t":"2025-01-01T01:04:56.965+01:00"})").time, kTime);
  EXPECT_EQ(DecodeOnce(schema, R"({"k":1,"t":1735689896965})").reason, Reason::kBadTime);
}

TEST(JsonDecoderTest, MissingFieldsAndKeys) {
  SourceSchema schema = TypesSchema();
  schema.fields[0].required = true;
  schema.fields[1].required = true;
  schema.fields[1].missing = 99;
  schema.fields[2].missing = 1;
  EXPECT_EQ(DecodeOnce(schema, With(R"("x":1)")).reason, Reason::kMissingField);
  EXPECT_EQ(DecodeOnce(schema, With(R"("i":null)")).reason, Reason::kMissingField);
  const Decoded record = DecodeOnce(schema, With(R"("i":5,"d":null)"));
  EXPECT_EQ(record.reason, Reason::kNone);
  EXPECT_THAT(record.slots, ElementsAre(5, 99, 1, 0));
  EXPECT_EQ(record.nulls, 8u);

  const std::string no_key = R"({"t":1735689896965,"i":5})";
  EXPECT_EQ(DecodeOnce(schema, no_key).reason, Reason::kMissingKey);
  schema.missing_key = MissingKey::kFilter;
  EXPECT_EQ(DecodeOnce(schema, no_key).reason, Reason::kNone);
  EXPECT_TRUE(DecodeOnce(schema, no_key).filtered);
  EXPECT_TRUE(DecodeOnce(schema, R"({"t":1735689896965,"k":"","i":true})").filtered);
  EXPECT_EQ(DecodeOnce(schema, R"({"i":5})").reason, Reason::kMissingTime);
  EXPECT_FALSE(DecodeOnce(schema, With(R"("i":5)")).filtered);
  schema.missing_key = MissingKey::kUse;
  schema.missing_key_value = "(nobody)";
  EXPECT_EQ(DecodeOnce(schema, no_key).key, "(nobody)");
  EXPECT_EQ(DecodeOnce(schema, With(R"("i":5)")).key, "c1");
  EXPECT_EQ(DecodeOnce(schema, R"({"t":1735689896965,"k":null})").reason, Reason::kMissingField);
}

TEST(JsonDecoderTest, Paths) {
  SourceSchema schema;
  schema.key_path = "/subscriber/id";
  schema.time.path = "plain/time";  // no pointer: one name
  schema.fields = {MakeField("/items/1/price", FieldType::kInt),    MakeField("/a~1b/c~0d", FieldType::kInt),
                   MakeField("/items/0", FieldType::kInt),          MakeField("/subscriber", FieldType::kString),
                   MakeField("/subscriber/id", FieldType::kString), MakeField("/x/7", FieldType::kInt)};
  for (Field& field : schema.fields) field.required = false;
  const std::string head = R"({"plain/time":1735689896965,)";
  const Decoded record =
      DecodeOnce(schema, head + R"("a/b":{"c~d":3},"items":[4,{"price":5,"price2":6},{"price":7}],"x":{"7":8}})");
  EXPECT_EQ(record.reason, Reason::kMissingKey);
  const Decoded full =
      DecodeOnce(schema, head + R"("a/b":{"c~d":3},"items":[4,{"price":5}],"x":{"7":8},"subscriber":"s"})");
  EXPECT_EQ(full.reason, Reason::kMissingKey);  // the key's parent is a string
  const Decoded wrong = DecodeOnce(schema, head + R"("subscriber":{"id":"c9"}})");
  EXPECT_EQ(wrong.reason, Reason::kBadType);  // read as a string, but an object

  schema.fields.erase(schema.fields.begin() + 3);
  const Decoded good = DecodeOnce(
      schema, head + R"("a/b":{"c~d":3},"items":[4,{"price":5,"p":[6]},{"price":7}],"x":[0,1,2,3,4,5,6,7,8],)" +
                  R"("subscriber":{"name":"n","id":"c9"}})");
  EXPECT_EQ(good.reason, Reason::kNone);
  EXPECT_EQ(good.key, "c9");
  EXPECT_THAT(good.slots, ElementsAre(5, 3, 4, HashText("c9"), 7));
  EXPECT_EQ(DecodeOnce(schema, head + R"("subscriber":{"id":"c9"},"subscriber":{"id":"c8"}})").reason,
            Reason::kDuplicateField);
  EXPECT_EQ(DecodeOnce(schema, head + R"("subscriber":{"id":"c9","id":"c8"}})").reason, Reason::kDuplicateField);
  EXPECT_EQ(DecodeOnce(schema, head + R"("subscriber":{"id":"c9"},"items":[4,{"price":5},[}]})").reason,
            Reason::kJsonSyntax);
  EXPECT_EQ(DecodeOnce(schema, head + R"("subscriber":{"id":"c9"},"items":[],"x":{}})").nulls, 0b10111u);
}

TEST(JsonDecoderTest, DeepPathsAreBounded) {
  SourceSchema schema = TypesSchema();
  std::string path, open, close;
  for (int i = 0; i < kMaxDepth + 3; ++i) {
    path += "/n";
    open += "{\"n\":";
    close += "}";
  }
  schema.fields[0].path = path;
  EXPECT_EQ(DecodeOnce(schema, open + "1" + close).reason, Reason::kTooDeep);
}

TEST(JsonDecoderTest, TooManyFields) {
  const SourceSchema schema = TypesSchema();
  const auto members = [](int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += fmt::format("{}\"m{}\":{}", i == 0 ? "" : ",", i, i);
    return text;
  };
  EXPECT_EQ(DecodeOnce(schema, With(members(254))).reason, Reason::kNone);
  EXPECT_EQ(DecodeOnce(schema, With(members(255))).reason, Reason::kTooManyFields);
  EXPECT_EQ(DecodeOnce(schema, With("\"x\":{" + members(256) + "}")).reason, Reason::kNone);
  EXPECT_EQ(DecodeOnce(schema, With("\"x\":[{" + members(257) + "}]")).reason, Reason::kTooManyFields);
}

TEST(JsonDecoderTest, AnyOrderOfMembersOnOneDecoder) {
  const SourceSchema schema = TypesSchema();
  const auto decoder = NewJsonDecoder(schema);
  std::vector<std::string> members = {
      R"("k":"c1")", R"("t":1735689896965)", R"("i":1)",
      R"("d":2.5)",  R"("unread":{"a":[]})", R"("a_name_that_is_much_longer_than_the_memory_keeps":1)"};
  std::sort(members.begin(), members.end());
  do {
    std::string text;
    for (const std::string& member : members) text += (text.empty() ? "{" : ",") + member;
    const Decoded record = DecodeText(*decoder, text + "}", 4);
    ASSERT_EQ(record.reason, Reason::kNone) << text;
    ASSERT_EQ(record.key, "c1");
    ASSERT_EQ(record.time, kTime);
    ASSERT_THAT(record.slots, ElementsAre(1, 250, 0, 0));
  } while (std::next_permutation(members.begin(), members.end()));
}

TEST(JsonDecoderTest, ManyMemberNamesOnOneDecoder) {
  SourceSchema schema = TypesSchema();
  const auto decoder = NewJsonDecoder(schema);
  for (int round = 0; round < 40; ++round) {
    std::string others;
    for (int i = 0; i < 30; ++i) others += fmt::format("\"n{}\":{},", round * 17 + i, i);
    const Decoded record = DecodeText(*decoder, With(others + "\"i\":3"), 4);
    ASSERT_EQ(record.reason, Reason::kNone);
    ASSERT_EQ(record.slots[0], 3);
  }
}

TEST(JsonDecoderTest, NamesThatDifferInOneByte) {
  // Names of every length, so that each way of comparing them is used, against all that differ in one byte.
  for (size_t length = 1; length <= 40; ++length) {
    const std::string name(length, 'n');
    SourceSchema schema = TypesSchema();
    schema.fields[0].path = "/" + name;
    const auto decoder = NewJsonDecoder(schema);
    for (int round = 0; round < 2; ++round) {
      ASSERT_EQ(DecodeText(*decoder, With("\"" + name + "\":1"), 4).slots[0], 1);
      for (size_t at = 0; at < length; ++at) {
        std::string other = name;
        other[at] = 'm';
        ASSERT_EQ(DecodeText(*decoder, With("\"" + other + "\":1"), 4).nulls, 0xFu) << other;
      }
    }
  }
}

TEST(JsonDecoderTest, ShowsTheTime) {
  SourceSchema schema = TypesSchema();
  const auto decoder = NewJsonDecoder(schema);
  RecordBuilder record;
  std::string text = R"({"k":"a","t":1735689896})";
  const size_t size = text.size();
  text.append(kReadPadding, ' ');
  EXPECT_EQ(decoder->Decode(std::string_view(text).substr(0, size), &record), Reason::kTimeOutOfRange);
  EXPECT_EQ(decoder->time_text(), "1735689896");
  EXPECT_EQ(decoder->Decode("", &record), Reason::kNullValue);
  EXPECT_EQ(decoder->time_text(), "");
}

// A message without a value deletes what a reference source has said of its key, and means nothing anywhere else.
TEST(JsonDecoderTest, Tombstones) {
  SourceSchema schema = TypesSchema();
  auto out = std::make_unique<RecordBuilder>();
  EXPECT_EQ(NewJsonDecoder(schema)->DecodeTombstone("c1", out.get()), Reason::kNullValue);
  schema.reference = true;
  const auto decoder = NewJsonDecoder(schema);
  EXPECT_EQ(decoder->DecodeTombstone("c1", out.get()), Reason::kNone);
  EXPECT_EQ(out->key(), "c1");
  EXPECT_EQ(out->nulls, 15U);
  EXPECT_EQ(out->said_null, 15U);
  EXPECT_EQ(decoder->DecodeTombstone("", out.get()), Reason::kMissingKey);
  EXPECT_EQ(decoder->DecodeTombstone("a\tb", out.get()), Reason::kBadKey);
  EXPECT_EQ(decoder->DecodeTombstone("\xFF", out.get()), Reason::kBadKey);
  schema.key_is_int = true;
  EXPECT_EQ(NewJsonDecoder(schema)->DecodeTombstone("17850.0", out.get()), Reason::kNone);
  EXPECT_EQ(out->key(), "17850");
}

}  // namespace
}  // namespace ebb
