// The headers of each stream's messages.
#include "connectors/kafka/alert_headers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace ebb {
namespace {

using testing::ElementsAre;
using testing::Pair;

constexpr std::string_view kAlert =
    R"({"alert_id":"8f2c41d0c0a18f2c","revision":2,"status":"resolved","rule":"at_risk","customer_id":"x","status2":1,)"
    R"("event_time":"2026-03-04T10:21:07.000Z","as_of":"2026-03-04T10:22:00.000Z","seq":7})";

TEST(AlertHeadersTest, Alert) {
  EXPECT_THAT(MessageHeaders(Stream::kAlerts, "shop", kAlert, "3/9/0"),
              ElementsAre(Pair("ce_specversion", "1.0"), Pair("ce_id", "8f2c41d0c0a18f2c.2"),
                          Pair("ce_type", "ebb.alert.resolved"), Pair("ce_source", "ebb/shop"),
                          Pair("ce_time", "2026-03-04T10:21:07.000Z"), Pair("content-type", "application/json")));
  EXPECT_THAT(MessageHeaders(Stream::kShadow, "shop", kAlert, "3/9/0"),
              testing::Contains(Pair("ce_type", "ebb.shadow.resolved")));
}

TEST(AlertHeadersTest, OthersAreNamedByTheirPlace) {
  EXPECT_THAT(
      MessageHeaders(Stream::kScores, "shop", R"({"score":"churn","customer_id":"a","as_of":"T"})", "3/9/4"),
      ElementsAre(Pair("ce_specversion", "1.0"), Pair("ce_id", "3/9/4"), Pair("ce_type", "ebb.score"),
                  Pair("ce_source", "ebb/shop"), Pair("ce_time", "T"), Pair("content-type", "application/json")));
  EXPECT_THAT(MessageHeaders(Stream::kQuarantine, "shop", "{}", "3/9/5"),
              ElementsAre(Pair("ce_specversion", "1.0"), Pair("ce_id", "3/9/5"), Pair("ce_type", "ebb.quarantine"),
                          Pair("ce_source", "ebb/shop"), Pair("content-type", "application/json")));
}

}  // namespace
}  // namespace ebb
