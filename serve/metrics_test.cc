// Lines of the text format against a board that is filled by hand.
#include "serve/metrics.h"

#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/stream/reason.h"
#include "engine/task/operator.h"

namespace ebb {
namespace {

using testing::HasSubstr;
using testing::Not;

PipelineFile Shop() {
  PipelineFile file;
  file.plan.pipeline = "shop";
  file.plan.fingerprint = "0123456789abcdef";
  file.sources.resize(1);
  file.sources[0].schema.name = "orders";
  return file;
}

ServiceStatus Busy() {
  ServiceStatus status;
  status.joined = true;
  TaskStatus& task = status.tasks[3];
  task.phase = TaskPhase::kLive;
  task.epoch = 12;
  task.watermark = 1767348000123;
  task.holder = "orders";
  task.commits = 2;
  task.commit_us = 1'500'000;
  task.sources.push_back({.records = 10, .bytes = 1000, .lag = 4, .watermark = 1767348000123});
  task.ledger.emplace_back();
  task.ledger[0].used = 9;
  task.ledger[0].quarantined[static_cast<int>(Reason::kBadKey)] = 1;
  task.lines.assign(kStreamCount, 5);
  return status;
}

TEST(MetricsTest, SaysWhatTheBoardSays) {
  const std::string text = MetricsText(Shop(), Busy(), "0.1.0");
  for (const char* line :
       {"ebb_ready{pipeline=\"shop\"} 1\n", "ebb_task_epoch{pipeline=\"shop\",task=\"3\"} 12\n",
        "ebb_task_phase{pipeline=\"shop\",task=\"3\",phase=\"live\"} 1\n",
        "ebb_task_phase{pipeline=\"shop\",task=\"3\",phase=\"refused\"} 0\n",
        "ebb_source_lag_records{pipeline=\"shop\",task=\"3\",source=\"orders\"} 4\n",
        "ebb_watermark_timestamp_seconds{pipeline=\"shop\",task=\"3\",holder=\"orders\"} 1767348000.123\n",
        "ebb_records_total{pipeline=\"shop\",task=\"3\",source=\"orders\",fate=\"used\",reason=\"\"} 9\n",
        "ebb_records_total{pipeline=\"shop\",task=\"3\",source=\"orders\",fate=\"quarantined\",reason=\"bad_key\"} 1\n",
        "ebb_commit_seconds_count{pipeline=\"shop\",task=\"3\"} 2\n",
        "ebb_commit_seconds_sum{pipeline=\"shop\",task=\"3\"} 1.5\n",
        "ebb_output_lines_total{pipeline=\"shop\",task=\"3\",stream=\"alerts\"} 5\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST(MetricsTest, WhatIsNotKnownIsNotThere) {
  ServiceStatus status = Busy();
  status.tasks[3].sources[0].lag = -1;
  status.tasks[3].watermark = kBeforeTime;
  const std::string text = MetricsText(Shop(), status, "0.1.0");
  EXPECT_THAT(text, Not(HasSubstr("ebb_source_lag_records")));
  EXPECT_THAT(text, Not(HasSubstr("ebb_watermark_timestamp_seconds")));
}

TEST(MetricsTest, EachFamilyStandsOnce) {
  ServiceStatus status = Busy();
  status.tasks[4] = status.tasks[3];
  std::istringstream lines(MetricsText(Shop(), status, "0.1.0"));
  std::set<std::string> families;
  std::string line;
  while (std::getline(lines, line)) {
    if (line.starts_with("# TYPE ")) {
      EXPECT_TRUE(families.insert(line).second) << line;
    }
  }
  EXPECT_GE(families.size(), 18u);
}

}  // namespace
}  // namespace ebb
