// Bars, and texts that are cut.
#include "cli/sparkline.h"

#include <gtest/gtest.h>

#include "cli/terminal.h"
#include "operators/feature/program.h"

namespace ebb {
namespace {

TEST(SparklineTest, Table) {
  struct Case {
    std::vector<double> values;
    const char *bars, *ascii;
  };
  const Case kCases[] = {
      {{}, "", ""},
      {{0, 1, 2, 3, 4, 5, 6, 7}, "▁▂▃▄▅▆▇█", "_.:-=+*#"},
      {{7, 0}, "█▁", "#_"},
      {{-1e300, 0, 1e300}, "▁▅█", "_=#"},
      {{3, 3, 3}, "▅▅▅", "==="},
      {{0, 0}, "▁▁", "__"},
      {{kNull, 1, kNull, 2}, " ▁ █", " _ #"},
      {{kNull, kNull}, "  ", "  "},
      {{0, 0.001, 0.126, 1}, "▁▁▂█", "__.#"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Sparkline(c.values, true), c.bars);
    EXPECT_EQ(Sparkline(c.values, false), c.ascii);
  }
}

TEST(SparklineTest, TextsAreCutByColumns) {
  EXPECT_EQ(Cut("customer", 8, true), "customer");
  EXPECT_EQ(Cut("customer", 7, true), "custom…");
  EXPECT_EQ(Cut("customer", 7, false), "custom~");
  EXPECT_EQ(Cut("Müller-Lüdenscheid", 7, true), "Müller…");
  EXPECT_EQ(Cut("通话中断", 8, true), "通话中断");
  EXPECT_EQ(Cut("通话中断", 7, true), "通话中…");
  EXPECT_EQ(Cut("通话中断", 6, true), "通话…");
  EXPECT_EQ(Cut("a", 0, true), "");
  EXPECT_EQ(ColumnsOf("▁▂"), 2u);
  EXPECT_EQ(ColumnsOf("ü通🙂"), 5u);
}

}  // namespace
}  // namespace ebb
