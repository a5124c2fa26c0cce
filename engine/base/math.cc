// Exp and log by argument reduction and polynomials, after fdlibm's e_exp.c and e_log.c (Sun, 1993): published
// coefficients, evaluated in one fixed order of additions and multiplications.
#include "engine/base/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

namespace ebb {
namespace {

constexpr double kLn2Hi = 6.93147180369123816490e-01;
constexpr double kLn2Lo = 1.90821492927058770002e-10;
constexpr double kInvLn2 = 1.44269504088896338700e+00;

// x * 2^k for a finite x of ordinary size; two steps, so that the result may be subnormal.
double Scale(double x, int k) {
  auto power = [](int n) { return std::bit_cast<double>(static_cast<uint64_t>(n + 1023) << 52); };
  if (k > 1023) return x * power(1023) * power(k - 1023);
  if (k < -1022) return x * power(-1022 + 54) * power(k + 1022 - 54);
  return x * power(k);
}

// e^(hi - lo) for |hi - lo| <= 0.35, times 2^k.
double ExpReduced(double hi, double lo, int k) {
  constexpr double kP1 = 1.66666666666666019037e-01, kP2 = -2.77777777770155933842e-03,
                   kP3 = 6.61375632143793436117e-05, kP4 = -1.65339022054652515390e-06,
                   kP5 = 4.13813679705723846039e-08;
  double x = hi - lo;
  double t = x * x;
  double c = x - t * (kP1 + t * (kP2 + t * (kP3 + t * (kP4 + t * kP5))));
  double y = 1.0 - ((lo - (x * c) / (2.0 - c)) - hi);
  return Scale(y, k);
}

int RoundToInt(double x) { return static_cast<int>(x + (x < 0 ? -0.5 : 0.5)); }

}  // namespace

double PortableExp(double x) {
  if (x != x) return x;
  if (x > 709.782712893383973096) return std::numeric_limits<double>::infinity();
  if (x < -745.13321910194110842) return 0.0;
  int k = RoundToInt(kInvLn2 * x);
  return ExpReduced(x - k * kLn2Hi, k * kLn2Lo, k);
}

double PortableExp2(double x) {
  if (x != x) return x;
  if (x >= 1024.0) return std::numeric_limits<double>::infinity();
  if (x < -1075.0) return 0.0;
  int k = RoundToInt(x);
  double fraction = x - k;
  return ExpReduced(fraction * kLn2Hi, -(fraction * kLn2Lo), k);
}

double PortableLog(double x) {
  if (x != x || x < 0) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0) return -std::numeric_limits<double>::infinity();
  if (x > std::numeric_limits<double>::max()) return x;
  constexpr double kL1 = 6.666666666666735130e-01, kL2 = 3.999999999940941908e-01, kL3 = 2.857142874366239149e-01,
                   kL4 = 2.222219843214978396e-01, kL5 = 1.818357216161805012e-01, kL6 = 1.531383769920937332e-01,
                   kL7 = 1.479819860511658591e-01;
  int k = 0;
  if (x < std::numeric_limits<double>::min()) {
    x *= 0x1.0p54;
    k = -54;
  }
  uint64_t bits = std::bit_cast<uint64_t>(x);
  k += static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0x000FFFFFFFFFFFFFull) | 0x3FF0000000000000ull);
  if (m > 1.4142135623730951) {  // sqrt(2): keeps f in [-0.293, 0.415]
    m *= 0.5;
    ++k;
  }
  double f = m - 1.0;
  double s = f / (2.0 + f);
  double z = s * s;
  double w = z * z;
  double r = z * (kL1 + w * (kL3 + w * (kL5 + w * kL7))) + w * (kL2 + w * (kL4 + w * kL6));
  double half_square = 0.5 * f * f;
  return k * kLn2Hi - ((half_square - (s * (half_square + r) + k * kLn2Lo)) - f);
}

double PortableLog1p(double x) {
  if (x != x) return x;
  double u = 1.0 + x;
  if (u == 1.0) return x;
  if (u <= 0 || u > std::numeric_limits<double>::max()) return PortableLog(u);
  return PortableLog(u) + (x - (u - 1.0)) / u;  // the second term is what the rounding of 1 + x took away
}

double Logistic(double x) {
  if (x >= 0) return 1.0 / (1.0 + PortableExp(-x));
  double e = PortableExp(x);
  double u = 1.0 + e;
  double quotient = e / u;
  return quotient - quotient * ((e - (u - 1.0)) / u);  // makes good the rounding of 1 + e
}

}  // namespace ebb
