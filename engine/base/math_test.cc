// The portable functions against the 80-bit ones of libm, which are right to far below half an ulp of double.
#include "engine/base/math.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/random.h"

namespace ebb {
namespace {

static_assert(std::numeric_limits<long double>::digits >= 64, "the reference must be finer than double");

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kSmallest = std::numeric_limits<double>::denorm_min();
constexpr double kLargest = std::numeric_limits<double>::max();

// |actual - exact| in units of the last place of a double of the size of `exact` (subnormals have one fixed ulp).
long double UlpsOff(double actual, long double exact) {
  if (actual != actual || std::isinf(actual)) return actual == static_cast<double>(exact) ? 0.0L : 1e30L;
  int exponent = exact == 0 ? -1022 : std::max(std::ilogb(exact), -1022);
  return std::fabs(actual - exact) / std::ldexp(1.0L, exponent - 52);
}

struct Range {
  const char* name;
  double (*portable)(double);
  long double (*exact)(long double);
  double low;
  double high;
};

long double ExactExp(long double x) { return std::exp(x); }
long double ExactExp2(long double x) { return std::exp2(x); }
long double ExactLog(long double x) { return std::log(x); }
long double ExactLog1p(long double x) { return std::log1p(x); }
long double ExactLogistic(long double x) { return 1.0L / (1.0L + std::exp(-x)); }

const std::vector<Range>& Ranges() {
  static const std::vector<Range> ranges = {
      {"exp near zero", PortableExp, ExactExp, -1e-8, 1e-8},
      {"exp of ordinary size", PortableExp, ExactExp, -30, 30},
      {"exp of all finite sizes", PortableExp, ExactExp, -708, 709.78},
      {"exp of subnormal size", PortableExp, ExactExp, -745, -708},
      {"exp2 near zero", PortableExp2, ExactExp2, -1e-8, 1e-8},
      {"exp2 of ordinary size", PortableExp2, ExactExp2, -40, 40},
      {"exp2 of all finite sizes", PortableExp2, ExactExp2, -1022, 1023.999},
      {"exp2 of subnormal size", PortableExp2, ExactExp2, -1074, -1022},
      {"log near one", PortableLog, ExactLog, 0.9, 1.1},
      {"log very near one", PortableLog, ExactLog, 1 - 1e-7, 1 + 1e-7},
      {"log around the fold at sqrt 2", PortableLog, ExactLog, 1.40, 1.43},
      {"log of ordinary size", PortableLog, ExactLog, 1e-3, 1e6},
      {"log1p near zero", PortableLog1p, ExactLog1p, -1e-7, 1e-7},
      {"log1p of small size", PortableLog1p, ExactLog1p, -0.3, 0.45},
      {"log1p near minus one", PortableLog1p, ExactLog1p, -1 + 1e-9, -0.9},
      {"log1p of ordinary size", PortableLog1p, ExactLog1p, 0, 1e6},
      {"logistic of ordinary size", Logistic, ExactLogistic, -40, 40},
      {"logistic of all sizes", Logistic, ExactLogistic, -709, 709},
      {"logistic of subnormal size", Logistic, ExactLogistic, -745, -708},
  };
  return ranges;
}

TEST(MathTest, WithinTwoUlpOverRanges) {
  constexpr int kPoints = 100000;
  Random random(42);
  for (const Range& range : Ranges()) {
    long double worst = 0;
    double at = 0;
    for (int i = 0; i < kPoints; ++i) {
      double x = range.low + random.Unit() * (range.high - range.low);
      long double off = UlpsOff(range.portable(x), range.exact(x));
      if (off > worst) {
        worst = off;
        at = x;
      }
    }
    EXPECT_LE(worst, 2.0L) << range.name << " at " << std::hexfloat << at;
  }
}

// Positive doubles of every exponent alike, subnormal ones too.
TEST(MathTest, LogWithinTwoUlpOverAllBitPatterns) {
  Random random(43);
  for (int i = 0; i < 100000; ++i) {
    double x = std::bit_cast<double>(1 + random.Below(0x7FEFFFFFFFFFFFFFull));
    EXPECT_LE(UlpsOff(PortableLog(x), std::log(static_cast<long double>(x))), 2.0L) << std::hexfloat << x;
    EXPECT_LE(UlpsOff(PortableLog1p(x), std::log1p(static_cast<long double>(x))), 2.0L) << std::hexfloat << x;
  }
  for (int i = 0; i < 100000; ++i) {
    double x = std::bit_cast<double>(1 + random.Below(0x000FFFFFFFFFFFFFull));
    EXPECT_LE(UlpsOff(PortableLog(x), std::log(static_cast<long double>(x))), 2.0L) << std::hexfloat << x;
  }
}

TEST(MathTest, SpecialValues) {
  struct Case {
    const char* name;
    double (*portable)(double);
    double x;
    double expected;
  };
  for (const Case& c : std::vector<Case>{
           {"exp", PortableExp, 0.0, 1.0},
           {"exp", PortableExp, -0.0, 1.0},
           {"exp", PortableExp, kInfinity, kInfinity},
           {"exp", PortableExp, -kInfinity, 0.0},
           {"exp", PortableExp, 710, kInfinity},
           {"exp", PortableExp, -746, 0.0},
           {"exp", PortableExp, kLargest, kInfinity},
           {"exp", PortableExp, -kLargest, 0.0},
           {"exp", PortableExp, kSmallest, 1.0},
           {"exp", PortableExp, kNan, kNan},
           {"exp2", PortableExp2, 0.0, 1.0},
           {"exp2", PortableExp2, 1.0, 2.0},
           {"exp2", PortableExp2, -1.0, 0.5},
           {"exp2", PortableExp2, 1023.0, 0x1p1023},
           {"exp2", PortableExp2, -1022.0, 0x1p-1022},
           {"exp2", PortableExp2, -1074.0, kSmallest},
           {"exp2", PortableExp2, -1076.0, 0.0},
           {"exp2", PortableExp2, 1024.0, kInfinity},
           {"exp2", PortableExp2, kInfinity, kInfinity},
           {"exp2", PortableExp2, -kInfinity, 0.0},
           {"exp2", PortableExp2, kNan, kNan},
           {"log", PortableLog, 1.0, 0.0},
           {"log", PortableLog, 0.0, -kInfinity},
           {"log", PortableLog, -0.0, -kInfinity},
           {"log", PortableLog, -1.0, kNan},
           {"log", PortableLog, -kInfinity, kNan},
           {"log", PortableLog, kInfinity, kInfinity},
           {"log", PortableLog, kNan, kNan},
           {"log1p", PortableLog1p, 0.0, 0.0},
           {"log1p", PortableLog1p, -0.0, -0.0},
           {"log1p", PortableLog1p, kSmallest, kSmallest},
           {"log1p", PortableLog1p, -kSmallest, -kSmallest},
           {"log1p", PortableLog1p, -1.0, -kInfinity},
           {"log1p", PortableLog1p, -1.5, kNan},
           {"log1p", PortableLog1p, -kInfinity, kNan},
           {"log1p", PortableLog1p, kInfinity, kInfinity},
           {"log1p", PortableLog1p, kNan, kNan},
           {"logistic", Logistic, 0.0, 0.5},
           {"logistic", Logistic, 800.0, 1.0},
           {"logistic", Logistic, -800.0, 0.0},
           {"logistic", Logistic, kInfinity, 1.0},
           {"logistic", Logistic, -kInfinity, 0.0},
           {"logistic", Logistic, kNan, kNan},
       }) {
    double actual = c.portable(c.x);
    EXPECT_THAT(actual, testing::NanSensitiveDoubleEq(c.expected)) << c.name << "(" << c.x << ")";
    EXPECT_EQ(std::signbit(actual), std::signbit(c.expected)) << c.name << "(" << c.x << ")";
  }
}

// The ends of the finite range, where a wrong bound gives infinity or zero too early.
TEST(MathTest, EdgesOfTheRange) {
  struct Case {
    double (*portable)(double);
    long double (*exact)(long double);
    double edge;
  };
  for (const Case& c : std::vector<Case>{{PortableExp, ExactExp, 709.782712893383973096},
                                         {PortableExp, ExactExp, -745.13321910194110842},
                                         {PortableExp, ExactExp, -708.39641853226408},
                                         {PortableExp2, ExactExp2, 1024.0},
                                         {PortableExp2, ExactExp2, -1074.0},
                                         {PortableExp2, ExactExp2, -1075.0},
                                         {PortableExp2, ExactExp2, -1022.0},
                                         {PortableLog, ExactLog, 0x1p-1022},
                                         {PortableLog, ExactLog, 1.4142135623730951}}) {
    double x = c.edge;
    for (int i = 0; i < 50; ++i) x = std::nextafter(x, -kInfinity);
    for (int i = 0; i < 100; ++i, x = std::nextafter(x, kInfinity)) {
      EXPECT_LE(UlpsOff(c.portable(x), c.exact(x)), 2.0L) << std::hexfloat << x;
    }
  }
}

// Whole powers of two are exact, so that a half-life that has passed k times leaves exactly 2^-k.
TEST(MathTest, Exp2OfIntegersIsExact) {
  for (int k = -1074; k < 1024; ++k) EXPECT_EQ(PortableExp2(k), std::ldexp(1.0, k)) << k;
}

TEST(MathTest, LogisticIsSymmetricAndRises) {
  double former = 0;
  for (double x = -700; x <= 700; x += 0.37) {
    double value = Logistic(x);
    EXPECT_GE(value, former) << x;
    EXPECT_NEAR(value + Logistic(-x), 1.0, 3e-16) << x;
    former = value;
  }
}

// The same bytes from every compiler and machine: a digest over many results, changed only on purpose.
TEST(MathTest, SameBytesEverywhere) {
  Random random(44);
  uint64_t digest = 0;
  for (int i = 0; i < 20000; ++i) {
    double x = (random.Unit() - 0.5) * 200;
    for (double value :
         {PortableExp(x), PortableExp2(x), PortableLog(x + 100.5), PortableLog1p(x + 100), Logistic(x)}) {
      digest = (digest ^ std::bit_cast<uint64_t>(value)) * 0x9E3779B97F4A7C15ull;
      digest ^= digest >> 29;
    }
  }
  EXPECT_EQ(digest, 12544329191054570439u);
}

}  // namespace
}  // namespace ebb
