// Looks on while a pipeline runs, for those who judge it afterwards: how long customers were silent, and what the
// scores were at fixed instants. Changes no result.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/told_history.h"
#include "engine/task/job.h"
#include "engine/task/operator.h"
#include "operators/pipeline_operator.h"

namespace ebb {

// Between the two the customer had no record of a source that scores are evaluated at. (A balance that is written down
// every night is no sign of life.)
struct Silence {
  std::string customer;
  TimeMs from = 0, to = 0;
};

// A customer as of an instant: records up to it, without those at it, have been seen.
struct Sample {
  std::string customer;
  TimeMs at = 0;
  DurationMs silence = 0;      // likewise
  std::vector<double> scores;  // in the order of the pipeline file
};

// The operators that it makes belong to their tasks' threads; all else is for the thread that runs the job.
// Confined to its task's thread.
class Observer {
 public:
  // Silences from this length on are kept.
  static constexpr DurationMs kShortestSilence = kDay;
  // Scores are looked at this far apart, at midnights (UTC).
  static constexpr DurationMs kGrid = 7 * kDay;

  // `pipeline` outlives the observer, the observer its operators.
  explicit Observer(const Pipeline* pipeline);
  ~Observer();

  // The pipeline's operator, with somebody who looks on.
  std::unique_ptr<Operator> NewOperator();
  // After the end of the job, and after everything else that is asked of it: rows are read up to the end of time.
  absl::Status Finish(Job* job);

  // After Finish, ordered by time and customer.
  const std::vector<Silence>& silences() const { return silences_; }
  const std::vector<Sample>& samples() const { return samples_; }
  const std::vector<std::string>& customers() const { return customers_; }  // in order
  TimeMs end() const { return end_; }                                       // the last instant that was done

 private:
  // What is known of a row beside the row.
  struct Known {
    std::string customer;
    TimeMs touched = kAfterTime;  // how far it has been moved
    TimeMs last = kAfterTime;     // the last record that breaks the silence
  };
  struct Notes;  // of one task
  class LookingOn;

  // The instants of the grid behind known.touched, up to `until`.
  void SampleBetween(RowRef* row, const Known& known, const ToldHistory& told, TimeMs until,
                     std::vector<Sample>* out) const;

  const Pipeline& pipeline_;
  std::vector<std::unique_ptr<Notes>> notes_;
  std::vector<Silence> silences_;
  std::vector<Sample> samples_;
  std::vector<std::string> customers_;
  TimeMs end_ = 0;
};

}  // namespace ebb
