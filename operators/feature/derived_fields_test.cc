// Tests of computed fields, their rounding and nulls, and of a source's filter.
#include "operators/feature/derived_fields.h"

#include <bit>
#include <limits>

#include <gtest/gtest.h>

namespace ebb {
namespace {

// Hands out one record that the test has set.
class FixedDecoder : public Decoder {
 public:
  Reason Decode(std::string_view, RecordBuilder* out) override {
    out->Reset(3);
    out->filtered = filtered;
    for (int i = 0; i < 3; ++i) {
      if (slots[i]) out->SetSlot(i, *slots[i]);
    }
    return reason;
  }
  std::optional<int64_t> slots[3];  // int, decimal(2), string
  Reason reason = Reason::kNone;
  bool filtered = false;
};

class DerivedFieldsTest : public testing::Test {
 protected:
  DerivedFieldsTest() {
    whole_ = builder_.NewRegister();
    money_ = builder_.NewRegister();
    text_ = builder_.NewRegister();
    plan_.loads = {
        {0, FieldType::kInt, 0, whole_}, {1, FieldType::kDecimal, 2, money_}, {2, FieldType::kString, 0, text_}};
  }
  // A computed field that holds the register's value.
  void Compute(int reg, FieldType type, int decimals, int stored = -1) {
    DerivedFieldsPlan::Computed computed;
    computed.segment = {begin_, builder_.position()};
    begin_ = builder_.position();
    computed.reg = reg;
    computed.slot = 3 + static_cast<int>(plan_.computed.size());
    computed.type = type;
    computed.decimals = decimals;
    computed.stored = stored;
    plan_.computed.push_back(computed);
  }
  Reason Decode() {
    plan_.program = builder_.Build();
    auto inner = std::make_unique<FixedDecoder>(inner_);
    DerivingDecoder decoder(std::move(inner), &plan_);
    record_.Reset(0);
    return decoder.Decode("", &record_);
  }
  std::optional<int64_t> Slot(int slot) const {
    if ((record_.nulls >> slot & 1) != 0) return std::nullopt;
    return record_.slots[slot];
  }

  ProgramBuilder builder_;
  DerivedFieldsPlan plan_;
  FixedDecoder inner_;
  RecordBuilder record_;
  size_t begin_ = 0;
  int whole_ = 0, money_ = 0, text_ = 0;
};

TEST_F(DerivedFieldsTest, ComputesFromLoadedFields) {
  Compute(builder_.Emit(Op::kMultiply, whole_, money_), FieldType::kDecimal, 3);
  inner_.slots[0] = 3;
  inner_.slots[1] = 125;  // 1.25
  EXPECT_EQ(Decode(), Reason::kNone);
  EXPECT_EQ(Slot(3), 3750);
  EXPECT_EQ(Slot(0), 3) << "decoded slots stay";
  EXPECT_FALSE(Slot(2));
}

TEST_F(DerivedFieldsTest, RoundsHalfToEven) {
  int input = builder_.Emit(Op::kDivide, whole_, builder_.Constant(8));
  Compute(input, FieldType::kInt, 0);
  const std::pair<int64_t, int64_t> kCases[] = {{4, 0},  {12, 2},   {20, 2},   {28, 4},  {3, 0},    {5, 1},
                                                {-4, 0}, {-12, -2}, {-20, -2}, {-5, -1}, {-13, -2}, {8, 1}};
  for (auto [eighths, rounded] : kCases) {
    inner_.slots[0] = eighths;
    EXPECT_EQ(Decode(), Reason::kNone);
    EXPECT_EQ(Slot(3), rounded) << eighths << "/8";
  }
}

TEST_F(DerivedFieldsTest, NullStaysNullButABoolBecomesFalse) {
  Compute(builder_.Emit(Op::kAdd, whole_, whole_), FieldType::kInt, 0);
  Compute(builder_.Emit(Op::kLess, whole_, money_), FieldType::kBool, 0);
  Compute(text_, FieldType::kString, 0);
  EXPECT_EQ(Decode(), Reason::kNone);
  EXPECT_FALSE(Slot(3));
  EXPECT_EQ(Slot(4), 0);
  EXPECT_FALSE(Slot(5));
  inner_.slots[0] = 1;
  inner_.slots[1] = 200;
  inner_.slots[2] = std::bit_cast<int64_t>(-std::numeric_limits<double>::quiet_NaN());  // a hash may look like this
  EXPECT_EQ(Decode(), Reason::kNone);
  EXPECT_EQ(Slot(3), 2);
  EXPECT_EQ(Slot(4), 1);
  EXPECT_EQ(Slot(5), inner_.slots[2]);
}

TEST_F(DerivedFieldsTest, OutOfRange) {
  int64_t largest = (int64_t{1} << 53) - 1;
  Compute(whole_, FieldType::kInt, 0);
  for (auto [value, reason] : {std::pair(largest, Reason::kNone), std::pair(largest + 1, Reason::kOutOfRange),
                               std::pair(-largest, Reason::kNone), std::pair(-largest - 1, Reason::kOutOfRange)}) {
    inner_.slots[0] = value;
    EXPECT_EQ(Decode(), reason) << value;
  }
}

TEST_F(DerivedFieldsTest, LaterFieldsSeeTheStoredValue) {
  int stored = builder_.NewRegister();
  Compute(builder_.Emit(Op::kDivide, whole_, builder_.Constant(4)), FieldType::kInt, 0, stored);
  Compute(builder_.Emit(Op::kMultiply, stored, builder_.Constant(10)), FieldType::kInt, 0);
  inner_.slots[0] = 7;  // 1.75 is stored as 2
  EXPECT_EQ(Decode(), Reason::kNone);
  EXPECT_EQ(Slot(4), 20);
}

TEST_F(DerivedFieldsTest, FilterDecidesBeforeRange) {
  Compute(whole_, FieldType::kInt, 0);
  plan_.filter.begin = builder_.position();
  plan_.filter_reg = builder_.Emit(Op::kLess, money_, builder_.Constant(1));
  plan_.filter.end = builder_.position();
  inner_.slots[0] = int64_t{1} << 60;
  inner_.slots[1] = 50;
  EXPECT_EQ(Decode(), Reason::kOutOfRange);
  EXPECT_FALSE(record_.filtered);
  inner_.slots[1] = 500;
  EXPECT_EQ(Decode(), Reason::kNone) << "a record that is left out is never quarantined";
  EXPECT_TRUE(record_.filtered);
  inner_.slots[0] = 1;
  inner_.slots[1].reset();  // the condition is null, so not true
  EXPECT_EQ(Decode(), Reason::kNone);
  EXPECT_TRUE(record_.filtered);
}

TEST_F(DerivedFieldsTest, TheInnerDecoderHasTheFirstWord) {
  Compute(whole_, FieldType::kInt, 0);
  inner_.reason = Reason::kBadType;
  EXPECT_EQ(Decode(), Reason::kBadType);
  inner_.reason = Reason::kNone;
  inner_.filtered = true;
  EXPECT_EQ(Decode(), Reason::kNone);
  EXPECT_TRUE(record_.filtered);
  EXPECT_FALSE(Slot(3));
}

}  // namespace
}  // namespace ebb
