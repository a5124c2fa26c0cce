// What a reference source's records leave in the row: latest values, values that are kept, values that are forgotten.
#include "operators/feature/reference_row.h"

#include <bit>

#include <gtest/gtest.h>

#include "tests/support/made_record.h"

namespace ebb {
namespace {

// Fields price (decimal(2), slot 1), plan (a text, slot 0) and end (a time, slot 2), in registers 0 to 2.
class ReferenceRowTest : public ::testing::Test {
 protected:
  ReferenceRowTest()
      : plan_{0,
              {{"price", 1, FieldType::kDecimal, 2, 0},
               {"plan", 0, FieldType::kString, 0, 1},
               {"end", 2, FieldType::kTime, 0, 2}}},
        reference_(plan_, "contract", &layout_),
        table_(layout_.Build()) {}

  // Slots without a value are absent, or null for the bits of `said`.
  void Add(const std::vector<std::optional<int64_t>>& slots, int said = 0) {
    MadeRecord record("ann", 1000, slots);
    for (int slot = 0; slot < 3; ++slot) {
      if ((said >> slot & 1) != 0) record->slots()[slot] = 1;
    }
    RowRef row = Row();
    reference_.Update(*record, &row);
  }
  double Read(int reg) {
    double registers[3] = {};
    reference_.Read(Row(), registers);
    return registers[reg];
  }
  RowRef Row() { return table_.FindOrCreate(HashKey("ann"), "ann"); }

  RowLayoutBuilder layout_;
  ReferencePlan plan_;
  ReferenceRow reference_;
  RowTable table_;
};

constexpr auto kNone = std::nullopt;

TEST_F(ReferenceRowTest, NothingIsKnownAtFirst) {
  for (int reg = 0; reg < 3; ++reg) {
    EXPECT_EQ(std::bit_cast<uint64_t>(Read(reg)), std::bit_cast<uint64_t>(kNull)) << reg;
  }
}

TEST_F(ReferenceRowTest, TheLatestValueOfEachFieldIsKept) {
  Add({HashText("gold"), 1999, kNone});
  Add({kNone, 2500, 4'000'000'000'123});
  Add({kNone, kNone, kNone});
  EXPECT_EQ(Read(0), 25);
  EXPECT_EQ(std::bit_cast<int64_t>(Read(1)), HashText("gold"));
  EXPECT_EQ(Read(2), 4e12 + 123);
}

TEST_F(ReferenceRowTest, NullForgets) {
  Add({HashText("gold"), 0, 77});
  EXPECT_EQ(Read(0), 0) << "zero is a value";
  Add({kNone, kNone, kNone}, 0b011);
  EXPECT_TRUE(IsNull(Read(0)));
  EXPECT_EQ(std::bit_cast<uint64_t>(Read(1)), std::bit_cast<uint64_t>(kNull));
  EXPECT_EQ(Read(2), 77);
}

TEST_F(ReferenceRowTest, ARowThatWasStoredSaysTheSame) {
  Add({HashText("gold"), -5, kNone});
  std::string bytes;
  EncodeRow(Row(), &bytes);
  RowTable again(layout_.Build());
  ASSERT_TRUE(DecodeRow(bytes, HashKey("ann"), "ann", &again));
  double registers[3] = {};
  reference_.Read(again.Find(HashKey("ann"), "ann"), registers);
  EXPECT_EQ(registers[0], -0.05);
  EXPECT_EQ(std::bit_cast<int64_t>(registers[1]), HashText("gold"));
  EXPECT_TRUE(IsNull(registers[2]));
}

}  // namespace
}  // namespace ebb
