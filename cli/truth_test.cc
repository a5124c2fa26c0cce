// Truth files, right and wrong ones.
#include "cli/truth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb {
namespace {

TEST(Truth, ReadsItsColumnsInAnyOrder) {
  const auto truth = ParseTruth(
      "t.csv",
      "leaves_at,segment,customer_id,cause\r\n2026-03-04T10:21:07Z,a,ann,price\n,b,bob,\n2026-05-01,\"c,d\",eve,\n");
  ASSERT_TRUE(truth.ok()) << truth.status();
  ASSERT_EQ(truth->size(), 3u);
  EXPECT_EQ(TruthLine((*truth)[0]), "ann,2026-03-04T10:21:07.000Z,price");
  EXPECT_EQ(TruthLine((*truth)[1]), "bob,,");
  EXPECT_EQ(TruthLine((*truth)[2]), "eve,2026-05-01T00:00:00.000Z,");
}

TEST(Truth, TheCauseMayBeMissingAndABomIsNothing) {
  const auto truth = ParseTruth("t.csv",
                                "\xEF\xBB\xBF"
                                "customer_id,leaves_at\nann,2026-05-01");
  ASSERT_TRUE(truth.ok()) << truth.status();
  EXPECT_EQ(TruthLine(truth->at(0)), "ann,2026-05-01T00:00:00.000Z,");
}

TEST(Truth, WhatIsWrongIsNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "the truth t.csv is empty"},
      {"id,leaves_at\n", "the truth t.csv has no column customer_id; its first line is 'id,leaves_at'"},
      {"customer_id,left\n", "the truth t.csv has no column leaves_at; its first line is 'customer_id,left'"},
      {"customer_id,leaves_at\nann\n", "record 2 of the truth t.csv has 1 cells, and the header 2"},
      {"customer_id,leaves_at\nann,soon\n",
       "record 2 of the truth t.csv leaves at 'soon', which is no RFC 3339 time and no date"},
      {"customer_id,leaves_at\n,2026-05-01\n", "record 2 of the truth t.csv names no customer"},
      {"customer_id,leaves_at\nann,\nann,2026-05-01\n",
       "record 3 of the truth t.csv names the customer 'ann' a second time"},
      {"customer_id,leaves_at\n\"ann\"x,\n", "record 2 of the truth t.csv isn't CSV"},
  };
  for (const auto& [text, message] : cases) EXPECT_EQ(ParseTruth("t.csv", text).status().message(), message);
}

TEST(Truth, AFileThatIsNotThere) {
  EXPECT_EQ(ReadTruth("/nowhere/t.csv").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReadTruth("/tmp").status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace ebb
