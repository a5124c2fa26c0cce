// Every instruction with numbers, nulls and overflow; three-valued logic in full.
#include "operators/feature/program.h"

#include <gtest/gtest.h>

#include "engine/stream/record.h"

namespace ebb {
namespace {

constexpr double kHuge = std::numeric_limits<double>::max();
constexpr double kTiny = std::numeric_limits<double>::denorm_min();

double Value(Op op, double a, double b = kNull, double c = kNull) {
  ProgramBuilder builder;
  const int inputs[] = {builder.NewRegister(), builder.NewRegister(), builder.NewRegister()};
  const int target = builder.Emit(op, inputs[0], inputs[1], inputs[2]);
  const Program program = builder.Build();
  std::vector<double> registers = program.initial;
  registers[inputs[0]] = a;
  registers[inputs[1]] = b;
  registers[inputs[2]] = c;
  program.Run(0, 1, registers.data());
  return registers[target];
}

struct Case {
  Op op;
  double a, b, value;
};

void Check(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    const double got = Value(c.op, c.a, c.b);
    if (IsNull(c.value)) {
      EXPECT_TRUE(IsNull(got)) << "op " << static_cast<int>(c.op) << " of " << c.a << ", " << c.b << ": " << got;
      EXPECT_EQ(std::isnan(got), true);
    } else {
      EXPECT_EQ(got, c.value) << "op " << static_cast<int>(c.op) << " of " << c.a << ", " << c.b;
    }
  }
}

TEST(ProgramTest, Arithmetic) {
  Check({{Op::kAdd, 2, 3, 5},
         {Op::kAdd, kHuge, kHuge, kNull},
         {Op::kAdd, -kHuge, -kHuge, kNull},
         {Op::kSubtract, 2, 3, -1},
         {Op::kSubtract, -kHuge, kHuge, kNull},
         {Op::kMultiply, 2, 3, 6},
         {Op::kMultiply, kHuge, 2, kNull},
         {Op::kMultiply, kHuge, -2, kNull},
         {Op::kDivide, 3, 2, 1.5},
         {Op::kDivide, 3, 0, kNull},
         {Op::kDivide, 0, 0, kNull},
         {Op::kDivide, 3, -0.0, kNull},
         {Op::kDivide, kHuge, 0.5, kNull},
         {Op::kDivide, 1, kTiny, kNull},
         {Op::kDivide, kTiny, kHuge, 0},
         {Op::kNegate, 3, 0, -3},
         {Op::kAbs, -3, 0, 3},
         {Op::kAbs, 3, 0, 3},
         {Op::kSqrt, 9, 0, 3},
         {Op::kSqrt, 0, 0, 0},
         {Op::kSqrt, -1e-300, 0, kNull},
         {Op::kLog1p, 0, 0, 0},
         {Op::kLog1p, -1, 0, kNull},
         {Op::kLog1p, -2, 0, kNull},
         {Op::kMin, 1, 2, 1},
         {Op::kMin, 2, 1, 1},
         {Op::kMax, 1, 2, 2},
         {Op::kMax, 2, 1, 2}});
  EXPECT_NEAR(Value(Op::kLog1p, kHuge), 709.782712893384, 1e-9);
  EXPECT_NEAR(Value(Op::kLog1p, 1e-12), 1e-12, 1e-23);
}

TEST(ProgramTest, ArithmeticOfNullIsNull) {
  for (Op op : {Op::kAdd, Op::kSubtract, Op::kMultiply, Op::kDivide, Op::kMin, Op::kMax, Op::kLess, Op::kLessEqual,
                Op::kEqual, Op::kNotEqual}) {
    EXPECT_TRUE(IsNull(Value(op, kNull, 1))) << static_cast<int>(op);
    EXPECT_TRUE(IsNull(Value(op, 1, kNull))) << static_cast<int>(op);
    EXPECT_TRUE(IsNull(Value(op, kNull, kNull))) << static_cast<int>(op);
  }
  for (Op op : {Op::kNegate, Op::kAbs, Op::kSqrt, Op::kLog1p, Op::kNot}) {
    EXPECT_EQ(std::bit_cast<uint64_t>(Value(op, kNull)), std::bit_cast<uint64_t>(kNull)) << "there is one null";
  }
}

TEST(ProgramTest, Comparisons) {
  for (const auto& [a, b] : std::initializer_list<std::pair<double, double>>{{1, 2}, {2, 1}, {2, 2}, {-0.0, 0.0}}) {
    EXPECT_EQ(Value(Op::kLess, a, b), a < b);
    EXPECT_EQ(Value(Op::kLessEqual, a, b), a <= b);
    EXPECT_EQ(Value(Op::kEqual, a, b), a == b);
    EXPECT_EQ(Value(Op::kNotEqual, a, b), a != b);
  }
}

TEST(ProgramTest, ThreeValuedLogic) {
  const double t = 1, f = 0, n = kNull;
  Check({{Op::kAnd, t, t, t}, {Op::kAnd, t, f, f}, {Op::kAnd, t, n, n}, {Op::kAnd, f, t, f}, {Op::kAnd, f, f, f},
         {Op::kAnd, f, n, f}, {Op::kAnd, n, t, n}, {Op::kAnd, n, f, f}, {Op::kAnd, n, n, n}, {Op::kOr, t, t, t},
         {Op::kOr, t, f, t},  {Op::kOr, t, n, t},  {Op::kOr, f, t, t},  {Op::kOr, f, f, f},  {Op::kOr, f, n, n},
         {Op::kOr, n, t, t},  {Op::kOr, n, f, n},  {Op::kOr, n, n, n},  {Op::kNot, t, 0, f}, {Op::kNot, f, 0, t},
         {Op::kNot, n, 0, n}});
}

TEST(ProgramTest, WhatEndsNull) {
  Check({{Op::kIsNull, kNull, 0, 1},
         {Op::kIsNull, 0, 0, 0},
         {Op::kCoalesce, 3, 4, 3},
         {Op::kCoalesce, kNull, 4, 4},
         {Op::kCoalesce, 0, 4, 0},
         {Op::kCoalesce, kNull, kNull, kNull},
         {Op::kSafeDivide, 6, 4, 1.5},
         {Op::kSafeDivide, 6, 0, 0},
         {Op::kSafeDivide, 6, kNull, 0},
         {Op::kSafeDivide, kNull, 2, 0},
         {Op::kSafeDivide, kHuge, kTiny, 0}});
  EXPECT_EQ(Value(Op::kIf, 1, 5, 6), 5);
  EXPECT_EQ(Value(Op::kIf, 0, 5, 6), 6);
  EXPECT_EQ(Value(Op::kIf, kNull, 5, 6), 6);
  EXPECT_EQ(Value(Op::kIf, 0, kNull, 6), 6);
  EXPECT_TRUE(IsNull(Value(Op::kIf, 1, kNull, 6)));
}

// Hashes are bit patterns; many of them read as NaN, as one number or as two zeros.
TEST(ProgramTest, TextsAreComparedByBits) {
  const auto text = [](int64_t hash) { return std::bit_cast<double>(hash); };
  const int64_t nan1 = 0x7FF8000000000001, nan2 = 0x7FF8000000000002;
  EXPECT_EQ(Value(Op::kTextEqual, text(nan1), text(nan1)), 1);
  EXPECT_EQ(Value(Op::kTextEqual, text(nan1), text(nan2)), 0);
  EXPECT_EQ(Value(Op::kTextNotEqual, text(nan1), text(nan2)), 1);
  EXPECT_EQ(Value(Op::kTextEqual, 0.0, -0.0), 0);
  EXPECT_EQ(Value(Op::kTextNotEqual, text(HashText("basic")), text(HashText("basic"))), 0);
}

TEST(ProgramTest, ConstantsShareRegistersByBits) {
  ProgramBuilder builder;
  const int one = builder.Constant(1);
  EXPECT_EQ(builder.Constant(1), one);
  EXPECT_NE(builder.Constant(2), one);
  EXPECT_NE(builder.Constant(0.0), builder.Constant(-0.0));
  EXPECT_EQ(builder.TextConstant(7), builder.TextConstant(7));
  EXPECT_EQ(builder.Build().initial[one], 1);
}

TEST(ProgramTest, SegmentsRunAlone) {
  ProgramBuilder builder;
  const int x = builder.NewRegister();
  const int twice = builder.Emit(Op::kMultiply, x, builder.Constant(2));
  const size_t middle = builder.position();
  const int more = builder.Emit(Op::kAdd, twice, builder.Constant(1));
  const Program program = builder.Build();
  std::vector<double> registers = program.initial;
  registers[x] = 5;
  program.Run(middle, builder.position(), registers.data());
  EXPECT_TRUE(IsNull(registers[more])) << "the first segment has not run";
  program.Run(0, middle, registers.data());
  program.Run(middle, builder.position(), registers.data());
  EXPECT_EQ(registers[more], 11);
}

}  // namespace
}  // namespace ebb
