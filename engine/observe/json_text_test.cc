// JSON text: escapes, UTF-8, numbers that read back to the same bits.
#include "engine/observe/json_text.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "engine/base/random.h"

namespace ebb {
namespace {

std::string Quoted(std::string_view text) {
  std::string out;
  AppendJsonString(text, &out);
  return out;
}

std::string Number(double value) {
  std::string out;
  AppendJsonNumber(value, &out);
  return out;
}

TEST(JsonTextTest, Strings) {
  EXPECT_EQ(Quoted("plain"), "\"plain\"");
  EXPECT_EQ(Quoted("a\"b\\c\n\x01\x7f"), "\"a\\\"b\\\\c\\n\\u0001\\u007f\"");
  EXPECT_EQ(Quoted("gr\xC3\xBC\xC3\x9F \xE5\xAE\xA2\xE6\x88\xB7 \xF0\x9F\x98\x80"),
            "\"gr\xC3\xBC\xC3\x9F \xE5\xAE\xA2\xE6\x88\xB7 \xF0\x9F\x98\x80\"");
  EXPECT_EQ(Quoted("a\xFF"
                   "b"),
            "\"a\xEF\xBF\xBD"
            "b\"");
}

TEST(JsonTextTest, Utf8) {
  for (const char* good : {"", "abc", "\xC2\x80", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsValidUtf8(good));
  }
  for (const char* bad :
       {"\x80", "\xC0\x80", "\xC2", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80"}) {
    EXPECT_FALSE(IsValidUtf8(bad));
  }
}

TEST(JsonTextTest, NumbersReadBack) {
  EXPECT_EQ(Number(0.1), "0.1");
  EXPECT_EQ(Number(-0.0), "0");
  EXPECT_EQ(Number(3), "3");
  EXPECT_EQ(Number(8300065.814), "8300065.814");
  EXPECT_EQ(Number(std::nan("")), "null");
  EXPECT_EQ(Number(std::numeric_limits<double>::infinity()), "null");
  Random random(7);
  for (int i = 0; i < 10000; ++i) {
    double value = (random.Unit() - 0.5) * std::ldexp(1.0, static_cast<int>(random.Between(-60, 60)));
    EXPECT_EQ(std::stod(Number(value)), value);
  }
}

}  // namespace
}  // namespace ebb
