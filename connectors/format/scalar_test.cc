// Numbers, times, keys and units as texts: tables of what each is read as.
#include "connectors/format/scalar.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "connectors/format/json_text.h"
#include "connectors/format/number.h"

namespace ebb {
namespace {

using ::testing::HasSubstr;

struct ValueCase {
  std::string text;
  Reason reason;
  int64_t value = 0;
};

TEST(ScalarTest, IntFromText) {
  const ValueCase cases[] = {
      {"0", Reason::kNone, 0},
      {"-0", Reason::kNone, 0},
      {"+12", Reason::kNone, 12},
      {"-12", Reason::kNone, -12},
      {"007", Reason::kNone, 7},
      {"17850.0", Reason::kNone, 17850},
      {"17850.000", Reason::kNone, 17850},
      {"12.", Reason::kNone, 12},
      {"12345678", Reason::kNone, 12345678},
      {"123456789", Reason::kNone, 123456789},
      {"999999999999999999", Reason::kNone, 999999999999999999},
      {"9223372036854775807", Reason::kNone, INT64_MAX},
      {"-9223372036854775808", Reason::kNone, INT64_MIN},
      {"0000000000000000000000000000012", Reason::kNone, 12},
      {"9223372036854775808", Reason::kOutOfRange},
      {"-9223372036854775809", Reason::kOutOfRange},
      {"18446744073709551617", Reason::kOutOfRange},
      {"99999999999999999999999", Reason::kOutOfRange},
      {"17850.01", Reason::kBadType},
      {"1e3", Reason::kBadType},
      {"", Reason::kBadType},
      {"-", Reason::kBadType},
      {".", Reason::kBadType},
      {"1 2", Reason::kBadType},
      {"12a", Reason::kBadType},
      {"0x1F", Reason::kBadType},
      {"1,000", Reason::kBadType},
      {"--1", Reason::kBadType},
      {"nan", Reason::kBadType},
      {"1234567:", Reason::kBadType},
      {"1234567/9", Reason::kBadType},
  };
  for (const ValueCase& c : cases) {
    int64_t value = 0;
    EXPECT_EQ(IntFromText(c.text, &value), c.reason) << c.text;
    if (c.reason == Reason::kNone) {
      EXPECT_EQ(value, c.value) << c.text;
    }
  }
}

TEST(ScalarTest, DecimalFromText) {
  struct Case {
    std::string text;
    int decimals;
    Reason reason;
    int64_t value = 0;
  };
  const Case cases[] = {
      {"0.0440", 4, Reason::kNone, 440},
      {"0.044", 2, Reason::kNone, 4},
      {"20", 2, Reason::kNone, 2000},
      {"-2.5", 0, Reason::kNone, -2},  // half to even
      {"-3.5", 0, Reason::kNone, -4},
      {"0.5", 0, Reason::kNone, 0},
      {"1.5", 0, Reason::kNone, 2},
      {"0.125", 2, Reason::kNone, 12},
      {"0.135", 2, Reason::kNone, 14},
      {"0.1250000000000000000000000001", 2, Reason::kNone, 13},
      {"0.1249999999999999999999999999", 2, Reason::kNone, 12},
      {"0.12500000000000000000000000000", 2, Reason::kNone, 12},
      {".5", 1, Reason::kNone, 5},
      {"5.", 1, Reason::kNone, 50},
      {"1.5e3", 2, Reason::kNone, 150000},
      {"1500E-3", 1, Reason::kNone, 15},
      {"1e-400", 9, Reason::kNone, 0},
      {"5e-1", 0, Reason::kNone, 0},
      {"51e-2", 0, Reason::kNone, 1},
      {"0e999999999999999999999", 9, Reason::kNone, 0},
      {"92233720368547758.07", 2, Reason::kNone, INT64_MAX},
      {"-92233720368547758.08", 2, Reason::kNone, INT64_MIN},
      {"92233720368547758.074", 2, Reason::kNone, INT64_MAX},
      {"9223372036.854775807", 9, Reason::kNone, INT64_MAX},
      {"92233720368547758.08", 2, Reason::kOutOfRange},
      {"92233720368547758.075", 2, Reason::kOutOfRange},
      {"10000000000", 9, Reason::kOutOfRange},
      {"1e400", 0, Reason::kOutOfRange},
      {"1e99999999999999999999", 0, Reason::kOutOfRange},
      {"1e", 2, Reason::kBadType},
      {"1e+", 2, Reason::kBadType},
      {"inf", 2, Reason::kBadType},
      {"1.2.3", 2, Reason::kBadType},
      {"12,50", 2, Reason::kBadType},
  };
  for (const Case& c : cases) {
    int64_t value = 0;
    EXPECT_EQ(DecimalFromText(c.text, c.decimals, &value), c.reason) << c.text;
    if (c.reason == Reason::kNone) {
      EXPECT_EQ(value, c.value) << c.text << " with " << c.decimals;
    }
  }
}

TEST(ScalarTest, DigitsOfEveryLength) {
  // Each length is read by another mix of words and single bytes.
  for (int length = 1; length <= 18; ++length) {
    const std::string digits = std::string("987654321098765432").substr(0, static_cast<size_t>(length));
    for (const char* behind : {"", "x", ",\"abcdefghijkl", "/:;<=>?@", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"}) {
      const std::string text = digits + behind;
      uint64_t value = 0;
      const char* end = ReadDigits(text.data(), text.data() + text.size(), &value);
      EXPECT_EQ(end - text.data(), length) << text;
      EXPECT_EQ(value, std::stoull(digits)) << text;
    }
  }
}

TEST(ScalarTest, BoolFromText) {
  for (const char* text : {"true", "TRUE", "True", "1", "yes", "Yes"}) {
    int64_t value = 7;
    EXPECT_EQ(BoolFromText(text, &value), Reason::kNone) << text;
    EXPECT_EQ(value, 1) << text;
  }
  for (const char* text : {"false", "FALSE", "0", "no", "NO"}) {
    int64_t value = 7;
    EXPECT_EQ(BoolFromText(text, &value), Reason::kNone) << text;
    EXPECT_EQ(value, 0) << text;
  }
  for (const char* text : {"", "2", "t", "on", "truee", "null"}) {
    int64_t value = 7;
    EXPECT_EQ(BoolFromText(text, &value), Reason::kBadType) << text;
  }
}

TEST(ScalarTest, TimeFromText) {
  struct Case {
    std::string text;
    TimeUnit unit;
    Reason reason;
    TimeMs time = 0;
  };
  const Case cases[] = {
      {"1735689896", TimeUnit::kSeconds, Reason::kNone, 1735689896000},
      {"1735689896.965", TimeUnit::kSeconds, Reason::kNone, 1735689896965},
      {"1735689896.9", TimeUnit::kSeconds, Reason::kNone, 1735689896900},
      {"1735689896.9659999999999999999", TimeUnit::kSeconds, Reason::kNone, 1735689896965},
      {"+1735689896", TimeUnit::kSeconds, Reason::kNone, 1735689896000},
      {"1735689896965", TimeUnit::kMillis, Reason::kNone, 1735689896965},
      {"1735689896965.0", TimeUnit::kMillis, Reason::kNone, 1735689896965},
      {"1735689896965999", TimeUnit::kMicros, Reason::kNone, 1735689896965},
      {"2025-01-01T00:04:56.965Z", TimeUnit::kRfc3339, Reason::kNone, 1735689896965},
      {"2025-01-01 00:04:56", TimeUnit::kRfc3339, Reason::kNone, 1735689896000},
      {"315532800", TimeUnit::kSeconds, Reason::kNone, kEarliestTime},
      {"7258118399.999", TimeUnit::kSeconds, Reason::kNone, kLatestTime - 1},
      {"315532799", TimeUnit::kSeconds, Reason::kTimeOutOfRange},
      {"7258118400", TimeUnit::kSeconds, Reason::kTimeOutOfRange},
      {"1735689896965", TimeUnit::kSeconds, Reason::kTimeOutOfRange},
      {"1735689896", TimeUnit::kMillis, Reason::kTimeOutOfRange},
      {"-1", TimeUnit::kSeconds, Reason::kTimeOutOfRange},
      {"-1735689896965", TimeUnit::kMillis, Reason::kTimeOutOfRange},
      {"99999999999999999999999999", TimeUnit::kMillis, Reason::kTimeOutOfRange},
      {"99999999999999999999999999", TimeUnit::kSeconds, Reason::kTimeOutOfRange},
      {"1979-12-31", TimeUnit::kRfc3339, Reason::kTimeOutOfRange},
      {"1735689896965.5", TimeUnit::kMillis, Reason::kBadTime},
      {"1.735689896e9", TimeUnit::kSeconds, Reason::kBadTime},
      {"2025-01-01", TimeUnit::kMillis, Reason::kBadTime},
      {"1735689896", TimeUnit::kRfc3339, Reason::kBadTime},
      {"2025-02-30", TimeUnit::kRfc3339, Reason::kBadTime},
      {"soon", TimeUnit::kSeconds, Reason::kBadTime},
      {"", TimeUnit::kSeconds, Reason::kBadTime},
  };
  for (const Case& c : cases) {
    TimeMs time = 0;
    EXPECT_EQ(TimeFromText(c.text, c.unit, &time), c.reason) << c.text;
    EXPECT_EQ(time, c.time) << c.text;
  }
}

TEST(ScalarTest, IntegerKeysHaveOneForm) {
  struct Case {
    const char* text;
    Reason reason;
    const char* key;
  };
  for (const Case& c : std::initializer_list<Case>{{"17850", Reason::kNone, "17850"},
                                                   {"17850.0", Reason::kNone, "17850"},
                                                   {"17850.", Reason::kNone, "17850"},
                                                   {"007", Reason::kNone, "7"},
                                                   {"0", Reason::kNone, "0"},
                                                   {"-5", Reason::kNone, "-5"},
                                                   {"17850.5", Reason::kBadKey, ""},
                                                   {"-", Reason::kBadKey, ""},
                                                   {".0", Reason::kBadKey, ""},
                                                   {"1785O", Reason::kBadKey, ""},
                                                   {"1e3", Reason::kBadKey, ""},
                                                   {"", Reason::kMissingKey, ""}}) {
    RecordBuilder record;
    record.Reset(0);
    EXPECT_EQ(TakeKey(c.text, true, &record), c.reason) << c.text;
    EXPECT_EQ(record.key(), c.key) << c.text;
  }
  RecordBuilder record;
  record.Reset(0);
  EXPECT_EQ(TakeKey("17850.0", false, &record), Reason::kNone);
  EXPECT_EQ(record.key(), "17850.0");
}

TEST(ScalarTest, Keys) {
  EXPECT_EQ(CheckKey("27601289720"), Reason::kNone);
  EXPECT_EQ(CheckKey("a"), Reason::kNone);
  EXPECT_EQ(CheckKey("Zo\xC3\xAB, No. 7"), Reason::kNone);
  EXPECT_EQ(CheckKey("\xC2\xA0"), Reason::kNone);  // the first after C1
  EXPECT_EQ(CheckKey(std::string(256, 'k')), Reason::kNone);
  EXPECT_EQ(CheckKey(std::string(257, 'k')), Reason::kBadKey);
  EXPECT_EQ(CheckKey(""), Reason::kMissingKey);
  for (const std::string& bad :
       {std::string("\n"), std::string("\x7F"), std::string("\x1F"), std::string("\xC2\x85"), std::string("\0", 1)}) {
    for (size_t before = 0; before < 20; ++before) {
      EXPECT_EQ(CheckKey(std::string(before, 'k') + bad + "tail"), Reason::kBadKey) << before;
      EXPECT_EQ(CheckKey(std::string(before, 'k') + bad), Reason::kBadKey) << before;
    }
  }
}

TEST(ScalarTest, FieldTimes) {
  struct Case {
    std::string_view text;
    TimeUnit unit;
    std::optional<TimeMs> time;
    Reason reason = Reason::kNone;
  };
  const Case kCases[] = {
      {"1970-01-02", TimeUnit::kRfc3339, kDay},
      {"1969-12-31T23:00:00Z", TimeUnit::kMillis, -kHour},
      {"9999-12-31", TimeUnit::kSeconds, 253402214400000},
      {"86400", TimeUnit::kSeconds, kDay},
      {"1.5", TimeUnit::kSeconds, 1500},
      {"-5", TimeUnit::kMillis, -5},
      {"-1", TimeUnit::kMicros, -1},
      {"86400", TimeUnit::kRfc3339, std::nullopt, Reason::kBadType},
      {"soon", TimeUnit::kMillis, std::nullopt, Reason::kBadType},
      {"1.5", TimeUnit::kMillis, std::nullopt, Reason::kBadType},
      {"253402300800000", TimeUnit::kMillis, std::nullopt, Reason::kOutOfRange},
      {"253402300799999", TimeUnit::kMillis, 253402300799999},
  };
  for (const Case& c : kCases) {
    TimeMs time = 0;
    EXPECT_EQ(FieldTimeFromText(c.text, c.unit, &time), c.reason) << c.text;
    EXPECT_EQ(time, c.time.value_or(0)) << c.text;
  }
}

TEST(ScalarTest, SuspiciousUnit) {
  struct Case {
    TimeUnit declared;
    std::string text;
    std::string says;  // empty: nothing
  };
  const Case cases[] = {
      {TimeUnit::kMillis, "1735689896",
       "1735689896 looks like seconds (2025-01-01T00:04:56.000Z), but the declared unit is ms"},
      {TimeUnit::kMillis, "\"1735689896\"", "looks like seconds"},
      {TimeUnit::kMillis, "1735689896.965", "looks like seconds"},
      {TimeUnit::kSeconds, "1735689896965",
       "looks like milliseconds (2025-01-01T00:04:56.965Z), but the declared unit is s"},
      {TimeUnit::kMillis, "1735689896965123", "looks like microseconds"},
      {TimeUnit::kMillis, "1735689896965123456", "looks like nanoseconds"},
      {TimeUnit::kRfc3339, "1735689896965", "looks like milliseconds"},
      {TimeUnit::kMicros, "2025-01-01T00:04:56Z", "looks like a date"},
      {TimeUnit::kMillis, "1735689896965", ""},
      {TimeUnit::kRfc3339, "\"2025-01-01T00:04:56Z\"", ""},
      {TimeUnit::kMillis, "12", ""},
      {TimeUnit::kMillis, "-1735689896", ""},
      {TimeUnit::kMillis, "soon", ""},
      {TimeUnit::kMillis, "", ""},
  };
  for (const Case& c : cases) {
    const std::optional<std::string> suspicion = SuspiciousUnit(c.declared, c.text);
    EXPECT_EQ(suspicion.has_value(), !c.says.empty()) << c.text;
    EXPECT_THAT(suspicion.value_or(""), HasSubstr(c.says));
  }
}

TEST(JsonTextTest, Escapes) {
  const std::pair<std::string, std::string> good[] = {
      {"plain", "plain"},
      {R"(a\"b\\c\/d\b\f\n\r\t)", "a\"b\\c/d\b\f\n\r\t"},
      {R"(\u0041\u00e9\u20AC)", "A\xC3\xA9\xE2\x82\xAC"},
      {R"(\ud83d\ude00!)", "\xF0\x9F\x98\x80!"},
      {R"(\u0000)", std::string("\0", 1)},
  };
  for (const auto& [raw, text] : good) {
    std::string out = "old";
    EXPECT_TRUE(UnescapeJson(raw, &out)) << raw;
    EXPECT_EQ(out, text);
  }
  for (const std::string raw : {R"(\x)", R"(\u12)", R"(\u12G4)", R"(\ud83d)", R"(\ude00)", R"(\ud83dx)", R"(\ud83d\n)",
                                R"(\ud83d\u0041)", R"(\ud83d\ud83d)", R"(\)", R"(\U0041)"}) {
    std::string out;
    EXPECT_FALSE(UnescapeJson(raw, &out)) << raw;
  }
}

}  // namespace
}  // namespace ebb
