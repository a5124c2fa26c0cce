// Which alerts are kept, and how the table gives way on narrow terminals.
#include "cli/top_alerts.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/terminal.h"

namespace ebb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Plan TwoRules() {
  Plan plan;
  plan.alerts.resize(2);
  plan.alerts[0].name = "leaving";
  plan.alerts[0].severities = {{"high", 0}, {"urgent", 0}};
  plan.alerts[1].name = "quiet";
  return plan;
}

std::string Line(const std::string& customer, const std::string& severity, double score, const std::string& more = "",
                 const std::string& status = "opened", const std::string& rule = "leaving", int day = 1) {
  return fmt::format(
      R"({{"rule":"{}","customer_id":"{}","status":"{}","severity":"{}","event_time":"2026-01-{:02}T10:30:00.000Z",)"
      R"("score":{{"name":"churn","probability":{}}},"reasons":[{{"code":"SILENT"}},{{"code":"COMPLAINT"}}]{}}})"
      "\n",
      rule, customer, status, severity, day, score, more);
}

std::vector<std::string> Kept(const TopAlerts& alerts) {
  std::vector<std::string> customers;
  for (const TopAlerts::Entry& entry : alerts.kept()) customers.push_back(entry.alert.customer);
  return customers;
}

TEST(TopAlertsTest, SeverityThenValueThenScoreThenTime) {
  const Plan plan = TwoRules();
  TopAlerts alerts(nullptr, &plan);
  ASSERT_TRUE(
      alerts.Append(Line("mild", "medium", 0.99) + Line("worth", "high", 0.6, R"(,"action":{"expected_value":25})"))
          .ok());
  ASSERT_TRUE(alerts.Append(Line("urgent", "urgent", 0.5) + Line("high", "high", 0.7)).ok());
  ASSERT_TRUE(
      alerts
          .Append(Line("closed", "urgent", 1, "", "resolved") + Line("later", "high", 0.7, "", "opened", "leaving", 2))
          .ok());
  ASSERT_TRUE(alerts.Append(Line("other", "high", 1, "", "opened", "quiet")).ok());
  EXPECT_THAT(Kept(alerts), ElementsAre("urgent", "worth", "later", "high", "other", "mild"));
  EXPECT_EQ(alerts.opened(), 6);
}

TEST(TopAlertsTest, OnlySoManyAreKept) {
  const Plan plan = TwoRules();
  TopAlerts alerts(nullptr, &plan);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(alerts.Append(Line(fmt::format("c{}", i), "high", i / 100.0)).ok());
  EXPECT_EQ(alerts.kept().size(), TopAlerts::kKept);
  EXPECT_EQ(alerts.kept().front().alert.customer, "c99");
  EXPECT_EQ(alerts.opened(), 100);
  EXPECT_THAT(TopAlertsTable(alerts, 120, false, true), testing::StartsWith("The weightiest warnings, 10 of 100\n"));
}

TEST(TopAlertsTest, TheTable) {
  const Plan plan = TwoRules();
  TopAlerts alerts(nullptr, &plan);
  EXPECT_EQ(TopAlertsTable(alerts, 120, false, true), "");
  ASSERT_TRUE(
      alerts.Append(Line("ann", "high", 0.7, R"(,"action":{"expected_value":25.5})") + Line("客户一", "medium", 0.625))
          .ok());
  EXPECT_EQ(TopAlertsTable(alerts, 120, false, true), R"(The weightiest warnings, 2 of 2
  customer  when              alert    severity  score  value  why
  ann       2026-01-01 10:30  leaving  high      0.700  25.50  SILENT, COMPLAINT
  客户一    2026-01-01 10:30  leaving  medium    0.625         SILENT, COMPLAINT
)");
  for (const int width : {40, 64, 70}) {
    const std::string table = TopAlertsTable(alerts, width, false, true);
    for (size_t begin = 0; begin < table.size(); begin = table.find('\n', begin) + 1) {
      EXPECT_LE(ColumnsOf(table.substr(begin, table.find('\n', begin) - begin)), static_cast<size_t>(width)) << table;
    }
  }
  EXPECT_THAT(TopAlertsTable(alerts, 70, false, true), HasSubstr("SILENT…"));
  EXPECT_THAT(TopAlertsTable(alerts, 120, true, true), HasSubstr("\x1b[1m"));
}

TEST(TopAlertsTest, ABrokenLineIsAnError) {
  const Plan plan = TwoRules();
  TopAlerts alerts(nullptr, &plan);
  EXPECT_FALSE(alerts.Append("{\"status\":\"opened\"\n").ok());
}

}  // namespace
}  // namespace ebb
