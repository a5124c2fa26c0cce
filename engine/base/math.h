// Exponential and logarithm from basic IEEE operations only: libm's differ between versions and machines, and state and
// alerts must have the same bytes everywhere. Results are within 2 ulp; NaN in gives NaN out. And powers of ten.
#pragma once

namespace ebb {

// e^x. Overflows to infinity above 709.78, underflows to 0 below -745.13 (gradually from -708).
double PortableExp(double x);
// 2^x.
double PortableExp2(double x);
// Natural logarithm; x < 0 gives NaN, 0 gives -infinity.
double PortableLog(double x);
// ln(1 + x), accurate for small x.
double PortableLog1p(double x);
// 1 / (1 + e^-x) in (0, 1), without overflow.
double Logistic(double x);

// 10^exponent, exact; 0 <= exponent <= 22.
inline double PowerOfTen(int exponent) {
  double power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

}  // namespace ebb
